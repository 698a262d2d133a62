using System.IO.Pipelines;
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
        ("POST", 5, "v1", "containers", "attach") => AttachAsync,
        ("POST", 5, "v1", "containers", "resume") => ResumeAsync,
        ("GET", 5, "v1", "containers", "logs") => LogsAsync,
        ("POST", 5, "v1", "exec", "resume") => ResumeExecAsync,
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
        (Container container, IReadOnlyList<string> more) = await engine.CreateForStartAsync(name.Length == 0 ? null : name, settings, request.Aborted);
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

        await SessionOf(client, container, ProcessStreams.Of(attachment)).RunAsync(async ended =>
        {
            int code = (await exit!.WaitAsync(ended)).ExitCode;
            await container.AutoRemoval.WaitAsync(ended); // who has seen a container with --rm end finds its name free
            return code;
        });
    }

    private static FrameSession SessionOf(HijackedStream client, Container container, ProcessStreams streams) => new(client, streams)
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
        Exec exec = container.CreateExec(ExecRoutes.ToSettings(body) with { Resumable = !body.Detach });
        ExecSettings settings = exec.Settings;
        if (body.Detach)
        {
            await exec.StartAsync(null, settings.ConsoleSize, CancellationToken.None);
            await request.AnswerJsonAsync(new IdAnswer(exec.Id), ApiJson.Wire.IdAnswer);
            return;
        }

        Attachment? started = await exec.StartAsync(
            new AttachOptions(settings.AttachStdin, settings.AttachStdout, settings.AttachStderr), settings.ConsoleSize, CancellationToken.None);
        try
        {
            await using Attachment attachment = started!;
            await using HijackedStream client = request.Hijack();
            SwitchAnswer.WriteFrames(client.Output, exec.Id, []);
            if (await client.FlushAsync())
            {
                await SessionOf(client, exec, ProcessStreams.Of(attachment)).RunAsync(exec.WaitAsync);
            }
        }
        finally
        {
            exec.ReleaseOutput();
        }
    }

    private static FrameSession SessionOf(HijackedStream client, Exec exec, ProcessStreams streams) => new(client, streams)
    {
        OnResize = exec.ResizeAsync,
        OnSignal = (signal, _) =>
        {
            exec.Signal(signal); // docker's exec passes none on: its client ends and the command is left behind
            return Task.CompletedTask;
        },
    };

    /// <summary>attach, and with "start" what start -a is: a start between the attach and the streams.</summary>
    private async Task AttachAsync(ApiRequest request)
    {
        Container container = engine.Find(request.Path[3]);
        AttachOptions options = Wanted(request) with { Located = true };
        bool start = request.QueryFlag("start");
        await request.SkipBodyAsync();
        if (!start && container.State.Status is not (ContainerStatus.Running or ContainerStatus.Paused))
        {
            throw new BundtException(FailureKind.Conflict, Phase.Run, "you cannot attach to a stopped container, start it first");
        }

        using var failed = new CancellationTokenSource();
        Task<ContainerState> exit = container.WaitAsync(start ? WaitCondition.NextExit : WaitCondition.NotRunning, failed.Token);
        await using Attachment attachment = await container.AttachAsync(options, request.Aborted);
        if (start)
        {
            try
            {
                await container.StartAsync(CancellationToken.None);
            }
            catch (BundtException failure) when (failure.Kind == FailureKind.NotModified)
            {
                // it runs already: this is an attach
            }
            catch (BundtException)
            {
                await failed.CancelAsync();
                throw;
            }
        }

        await using HijackedStream client = request.Hijack();
        SwitchAnswer.WriteFrames(client.Output, container.Id, []);
        await using var output = new LocatedOutput(attachment.ReadAsync, null);
        await SessionOf(client, container, ProcessStreams.Of(attachment) with { Read = output.ReadAsync }).RunAsync(async ended => (await exit.WaitAsync(ended)).ExitCode);
    }

    private async Task ResumeAsync(ApiRequest request)
    {
        Container container = engine.Find(request.Path[3]);
        AttachOptions wanted = Wanted(request);
        OutputPosition seen = Seen(request) ?? default;
        await request.SkipBodyAsync();
        Task<ContainerState> exit = container.WaitAsync(WaitCondition.NotRunning, CancellationToken.None);
        bool logged = container.Settings.LogDriver != "none";
        await using Attachment attachment = await container.AttachAsync(Rest(wanted, logged), request.Aborted);
        await using HijackedStream client = request.Hijack();
        SwitchAnswer.WriteFrames(client.Output, container.Id, []);
        await using LocatedOutput output = OutputSince(seen, wanted, attachment, logged ? container.ReadLogsAsync : null, client.Ended);
        await SessionOf(client, container, ProcessStreams.Of(attachment) with { Read = output.ReadAsync }).RunAsync(async ended => (await exit.WaitAsync(ended)).ExitCode);
    }

    private async Task ResumeExecAsync(ApiRequest request)
    {
        Exec exec = engine.FindExec(request.Path[3]);
        AttachOptions wanted = Wanted(request);
        OutputPosition seen = Seen(request) ?? default;
        await request.SkipBodyAsync();
        await using Attachment attachment = await exec.ResumeAsync(Rest(wanted, exec.Logged), request.Aborted);
        try
        {
            await using HijackedStream client = request.Hijack();
            SwitchAnswer.WriteFrames(client.Output, exec.Id, []);
            await using LocatedOutput output = OutputSince(seen, wanted, attachment, exec.Logged ? exec.ReadLogAsync : null, client.Ended);
            await SessionOf(client, exec, ProcessStreams.Of(attachment) with { Read = output.ReadAsync }).RunAsync(exec.WaitAsync);
        }
        finally
        {
            exec.ReleaseOutput();
        }
    }

    /// <summary>What a monitor is asked for by a client that comes back: stdin is the client's again, the output comes out of the log.</summary>
    private static AttachOptions Rest(AttachOptions wanted, bool logged) =>
        new(wanted.Stdin, wanted.Stdout && !logged, wanted.Stderr && !logged, Located: !logged, Again: true);

    /// <summary>What a client that comes back has not seen: from the log, or without one what is written from now on.</summary>
    private static LocatedOutput OutputSince(
        OutputPosition seen,
        AttachOptions wanted,
        Attachment attachment,
        Func<LogOptions, CancellationToken, IAsyncEnumerable<OutputFrame>>? readLog,
        CancellationToken ended) => readLog is null
        ? new LocatedOutput(attachment.ReadAsync, seen) { Unlogged = wanted }
        : LocatedOutput.Of(readLog(new LogOptions(wanted.Stdout, wanted.Stderr, Follow: true) { Located = true, From = seen }, ended), seen, ended);

    /// <summary>logs for a client that can go on where it was: frames with positions, and with "times" the time of each.</summary>
    private async Task LogsAsync(ApiRequest request)
    {
        Container container = engine.Find(request.Path[3]);
        bool timed = request.QueryFlag("times");
        OutputPosition? seen = Seen(request);
        LogOptions options = ContainerStreamRoutes.ToLogOptions(request, true, true) with { Located = true, From = seen, Timed = timed };
        await using LocatedOutput output = LocatedOutput.Of(container.ReadLogsAsync(options, request.Ended), seen, request.Ended, timed);
        request.WidenSocket();
        PipeWriter client = await request.BeginAsync("application/vnd.bundt.frames");
        await OutputPump.CopyAsync(output.ReadAsync, client, framed: true, request.Ended);
    }

    private static AttachOptions Wanted(ApiRequest request) => ParseAttach(request.Query("attach")) ?? throw ApiRequest.Malformed("attach is missing");

    /// <summary>The position that the client has reached; null: it has got nothing yet.</summary>
    private static OutputPosition? Seen(ApiRequest request) =>
        request.HasQuery("stdout") || request.HasQuery("stderr") ? new OutputPosition(Offset(request, "stdout"), Offset(request, "stderr")) : null;

    private static long Offset(ApiRequest request, string name)
    {
        string text = request.Query(name);
        return text.Length == 0 ? 0
            : long.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out long offset) ? offset
            : throw ApiRequest.Malformed($"invalid value for {name}: \"{text}\" is not a number of bytes");
    }
}
