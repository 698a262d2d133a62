using Bundt.Daemon.Json;
using Bundt.Linux;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Bundt.Daemon.Server;

/// <summary>From a failure to an HTTP status and <c>{"message":…,"bundt":{…}}</c>.</summary>
internal static partial class ErrorAnswer
{
    /// <summary>Answers a request that failed; cuts the connection where the answer has already begun.</summary>
    public static async Task WriteAsync(ApiRequest request, Exception exception, ILogger logger)
    {
        (int status, ErrorBody body) = Describe(exception);
        if (status >= StatusCodes.Status500InternalServerError && exception is not BundtException { Kind: FailureKind.NotImplemented or FailureKind.Unavailable })
        {
            LogFailure(logger, exception is BundtException ? null : exception, request.Method, string.Concat("/", request.Path.Join(0, 0)), body.Message);
        }

        if (request.HasStarted)
        {
            if (!request.IsHijacked)
            {
                request.Abort();
            }

            return;
        }

        if (status == StatusCodes.Status304NotModified)
        {
            await request.AnswerAsync(status);
            return;
        }

        await request.AnswerJsonAsync(body, ApiJson.Wire.ErrorBody, status);
    }

    /// <summary>Status and body for a failure.</summary>
    public static (int Status, ErrorBody Body) Describe(Exception exception) => exception switch
    {
        BundtException failure => (StatusOf(failure.Kind), new ErrorBody(MessageOf(failure))
        {
            Bundt = new ErrorDetail
            {
                Phase = failure.Phase.ToString(),
                Operation = failure.Operation,
                Path = failure.Path,
                Errno = failure.Errno == Errno.None ? null : failure.Errno.Name(),
                Hint = failure.Hint,
                Kind = failure.Kind.ToString(),
            },
        }),
        BadHttpRequestException bad => (bad.StatusCode, new ErrorBody(bad.Message)),
        FormatException format => (StatusCodes.Status400BadRequest, new ErrorBody(format.Message)),
        IOException or UnauthorizedAccessException => (StatusCodes.Status500InternalServerError, new ErrorBody(BundtException.Reason(exception))),
        _ => (StatusCodes.Status500InternalServerError, new ErrorBody($"{exception.GetType().Name}: {exception.Message}")),
    };

    private static int StatusOf(FailureKind kind) => kind switch
    {
        FailureKind.InvalidArgument or FailureKind.CommandNotFound or FailureKind.CommandNotExecutable => StatusCodes.Status400BadRequest,
        FailureKind.NotFound => StatusCodes.Status404NotFound,
        FailureKind.Conflict => StatusCodes.Status409Conflict,
        FailureKind.NotModified => StatusCodes.Status304NotModified,
        FailureKind.Forbidden => StatusCodes.Status403Forbidden,
        FailureKind.Unauthorized => StatusCodes.Status401Unauthorized,
        FailureKind.Unavailable => StatusCodes.Status503ServiceUnavailable,
        FailureKind.NotImplemented => StatusCodes.Status501NotImplemented,
        _ => StatusCodes.Status500InternalServerError,
    };

    /// <summary>The docker CLI derives its exit codes 126 and 127 from words in the text, so they must stand there whatever the kernel said.</summary>
    private static string MessageOf(BundtException failure) => failure.Kind switch
    {
        FailureKind.CommandNotFound when !Contains(failure, "executable file not found") && !Contains(failure, "no such file or directory")
            => failure.Message + ": executable file not found",
        FailureKind.CommandNotExecutable when !Contains(failure, "permission denied") && !Contains(failure, "is a directory")
            => failure.Message + ": permission denied",
        _ => failure.Message,
    };

    private static bool Contains(BundtException failure, string words) => failure.Message.Contains(words, StringComparison.Ordinal);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} {Path} failed: {Reason}")]
    private static partial void LogFailure(ILogger logger, Exception? exception, string method, string path, string reason);
}
