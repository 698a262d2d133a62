using Bundt.Daemon.Json;
using Bundt.Daemon.Server;
using Bundt.Daemon.Streams;
using Bundt.Engine;
using Bundt.Linux;
using Microsoft.AspNetCore.Http;

namespace Bundt.Daemon.Routes;

/// <summary>
/// /bundt/v1: the fast way of our own client, one request where Docker's API needs four. This is the hot path: between the request and the
/// engine stands nothing but the parsing of its body.
/// </summary>
internal sealed class BundtRoutes(ContainerEngine engine)
{
    /// <summary>The handler of a method and path, or null.</summary>
    public Func<ApiRequest, Task>? Find(string method, ApiPath path) => (method, path.Count, path[1], path[2], path[4]) switch
    {
        ("POST", 3, "v1", "run", _) => RunAsync,
        ("POST", 5, "v1", "containers", "exec") => ExecAsync,
        ("POST", 5, "v1", "containers", "resume") => ResumeAsync,
        _ => null,
    };

    /// <summary>Reads "stdin,stdout,stderr"; null for "".</summary>
    /// <exception cref="BundtException">InvalidArgument.</exception>
    public static AttachOptions? ParseAttach(string text)
    {
        if (text.Length == 0)
        {
            return null;
        }

        bool stdin = false, stdout = false, stderr = false;
        foreach (Range range in text.AsSpan().Split(','))
        {
            switch (text.AsSpan()[range])
            {
                case "stdin":
                    stdin = true;
                    break;
                case "stdout":
                    stdout = true;
                    break;
                case "stderr":
                    stderr = true;
                    break;
                default:
                    throw ApiRequest.Malformed($"invalid value for attach: \"{text}\" is not a list of stdin, stdout and stderr");
            }
        }

        return new AttachOptions(stdin, stdout, stderr);
    }

    private async Task RunAsync(ApiRequest request)
    {
        CreateBody body = (await request.ReadJsonAsync(ApiJson.Wire.CreateBody))!;
        List<string> warnings = [];
        ContainerSettings settings = CreateMapping.ToSettings(body, request.Query("platform"), engine, warnings);
        AttachOptions? attach = ParseAttach(request.Query("attach"));
        string name = request.Query("name");
        (Container container, IReadOnlyList<string> more) = await engine.CreateAsync(name.Length == 0 ? null : name, settings, request.Aborted);
        warnings.AddRange(more);

        // Who waits is registered before anything runs: nothing of a short life is missed.
        using var failed = new CancellationTokenSource();
        Task<ContainerState>? exit = attach is null ? null : container.WaitAsync(WaitCondition.NextExit, failed.Token);
        Task<Attachment>? attaching = attach is null ? null : container.AttachAsync(attach, failed.Token);
        try
        {
            await container.StartAsync(CancellationToken.None);
        }
        catch (BundtException)
        {
            await failed.CancelAsync();
            if (settings.AutoRemove)
            {
                await RemoveFailedAsync(container);
            }

            throw;
        }

        if (attaching is null)
        {
            await request.AnswerJsonAsync(new CreateAnswer(container.Id, warnings), ApiJson.Wire.CreateAnswer, StatusCodes.Status201Created);
            return;
        }

        await using Attachment attachment = await attaching;
        await using HijackedStream client = request.Hijack();
        SwitchAnswer.WriteFrames(client.Output, container.Id, warnings);
        if (!await client.FlushAsync())
        {
            return;
        }

        await SessionOf(client, container, attachment).RunAsync(async ended => (await exit!.WaitAsync(ended)).ExitCode);
    }

    private static FrameSession SessionOf(HijackedStream client, Container container, Attachment attachment) => new(client, ProcessStreams.Of(attachment))
    {
        OnResize = container.ResizeAsync,
        OnSignal = container.KillAsync,
    };

    private static async Task RemoveFailedAsync(Container container)
    {
        try
        {
            await container.RemoveAsync(force: true, volumes: true, CancellationToken.None);
        }
        catch (BundtException)
        {
            // the engine may have begun it by itself; what cannot be removed is listed as dead
        }
    }

    private async Task ExecAsync(ApiRequest request)
    {
        Container container = engine.Find(request.Path[3]);
        ExecBody body = (await request.ReadJsonAsync(ApiJson.Wire.ExecBody))!;
        Exec exec = container.CreateExec(ExecRoutes.ToSettings(body));
        ExecSettings settings = exec.Settings;
        if (body.Detach)
        {
            await exec.StartAsync(null, settings.ConsoleSize, CancellationToken.None);
            await request.AnswerJsonAsync(new IdAnswer(exec.Id), ApiJson.Wire.IdAnswer);
            return;
        }

        Attachment? started = await exec.StartAsync(
            new AttachOptions(settings.AttachStdin, settings.AttachStdout, settings.AttachStderr), settings.ConsoleSize, CancellationToken.None);
        await using Attachment attachment = started!;
        await using HijackedStream client = request.Hijack();
        SwitchAnswer.WriteFrames(client.Output, exec.Id, []);
        if (!await client.FlushAsync())
        {
            return;
        }

        var session = new FrameSession(client, ProcessStreams.Of(attachment))
        {
            OnResize = exec.ResizeAsync,
            OnSignal = static (_, _) => Task.CompletedTask, // docker's exec passes no signals on
        };
        await session.RunAsync(exec.WaitAsync);
    }

    private async Task ResumeAsync(ApiRequest request)
    {
        Container container = engine.Find(request.Path[3]);
        long stdout = Offset(request, "stdout");
        long stderr = Offset(request, "stderr");
        await request.SkipBodyAsync();
        ContainerStatus status = container.State.Status;
        Task<ContainerState> exit = container.WaitAsync(WaitCondition.NotRunning, CancellationToken.None);
        bool runs = status is ContainerStatus.Running or ContainerStatus.Paused;

        // The terminal or stdin of a container that still runs is the client's again; its output comes out of the log, from where it was.
        // Without a log what it wrote meanwhile is lost, and the output goes on from here.
        bool logged = container.Settings.LogDriver != "none";
        Attachment? attachment = runs
            ? await container.AttachAsync(new AttachOptions(container.Settings.OpenStdin, !logged, !logged), request.Aborted)
            : null;
        try
        {
            await using HijackedStream client = request.Hijack();
            SwitchAnswer.WriteFrames(client.Output, container.Id, []);
            await client.FlushAsync();
            ProcessStreams streams = attachment is null
                ? new ProcessStreams(static _ => default, static (_, _) => default, static _ => default)
                : ProcessStreams.Of(attachment);
            await using var rest = new LogRest(
                logged ? container.ReadLogsAsync(new LogOptions(true, true, Follow: true), client.Ended) : AsyncEnumerable.Empty<OutputFrame>(), stdout, stderr);
            var session = new FrameSession(client, logged ? streams with { Read = rest.ReadAsync } : streams)
            {
                OnResize = container.ResizeAsync,
                OnSignal = container.KillAsync,
            };
            await session.RunAsync(async ended => (await exit.WaitAsync(ended)).ExitCode);
        }
        finally
        {
            if (attachment is not null)
            {
                await attachment.DisposeAsync();
            }
        }
    }

    private static long Offset(ApiRequest request, string name)
    {
        string text = request.Query(name);
        return text.Length == 0 ? 0
            : long.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out long offset) ? offset
            : throw ApiRequest.Malformed($"invalid value for {name}: \"{text}\" is not a number of bytes");
    }
}
