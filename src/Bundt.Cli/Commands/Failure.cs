using Bundt.Cli.CommandLine;
using Bundt.Cli.Http;
using Bundt.Cli.Output;
using Bundt.Linux;

namespace Bundt.Cli.Commands;

/// <summary>Failures and warnings as the user sees them: one clear sentence on stderr, and a line with a way out where there is one.</summary>
internal static class Failure
{
    /// <summary>Exit code of every failure of ours.</summary>
    public const int Code = 125;

    /// <summary>Prints it.</summary>
    public static void Report(Exception exception)
    {
        switch (exception)
        {
            case ApiException api:
                Print(WithoutHint(api.Message, api.Hint), api.Hint);
                break;
            case BundtException own:
                Print(WithoutHint(own.Message, own.Hint), own.Hint);
                break;
            default:
                Print(BundtException.Reason(exception), null);
                break;
        }
    }

    /// <summary>Prints a usage error and whose help explains it.</summary>
    public static void Report(UsageException exception, string? command)
    {
        string name = exception.Command ?? command ?? "";
        Print(exception.Message, $"Run 'bundt {name}{(name.Length > 0 ? " " : "")}--help' for more information");
    }

    /// <summary>Prints a warning.</summary>
    public static void Warn(string warning) => StandardStreams.Error("WARNING: " + warning + "\n");

    private static void Print(string sentence, string? hint) =>
        StandardStreams.Error("bundt: " + sentence.TrimEnd() + "\n" + (string.IsNullOrEmpty(hint) ? "" : hint.TrimEnd() + "\n"));

    // BundtException's message ends with its hint, for those who see the message alone.
    private static string WithoutHint(string message, string? hint) =>
        hint is not null && message.EndsWith(hint, StringComparison.Ordinal) ? message[..^hint.Length].TrimEnd().TrimEnd('.') : message;
}
