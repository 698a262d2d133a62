using System.Globalization;
using System.IO.Pipelines;
using Bundt.Daemon.Json;
using Bundt.Daemon.Server;
using Bundt.Daemon.Streams;
using Bundt.Engine;
using Bundt.Linux;

namespace Bundt.Daemon.Routes;

/// <summary>/containers: attach, logs and wait, which last.</summary>
internal sealed class ContainerStreamRoutes(ContainerEngine engine)
{
    /// <summary>From this version on answers say that a stream is multiplexed.</summary>
    private static readonly ApiVersion s_multiplexedSince = new(1, 42);

    private static readonly ApiVersion s_conditionSince = new(1, 30);

    /// <summary>The handler of a method and path, or null.</summary>
    public Func<ApiRequest, Task>? Find(string method, ApiPath path) => (method, path.Count, path[2]) switch
    {
        ("POST", 3, "attach") => AttachAsync,
        ("GET", 3, "logs") => LogsAsync,
        ("POST", 3, "wait") => WaitAsync,
        ("GET", 4, "attach") when path[3] == "ws" => ApiRoutes.Missing("attach by web socket"),
        _ => null,
    };

    /// <summary>Whether output is framed and said to be.</summary>
    public static bool SaysMultiplexed(ApiRequest request, bool tty) => !tty && request.Version >= s_multiplexedSince;

    /// <summary>What a request for logs asks for.</summary>
    /// <exception cref="BundtException">InvalidArgument.</exception>
    public static LogOptions ToLogOptions(ApiRequest request, bool stdout, bool stderr)
    {
        DateTimeOffset now = DateTimeOffset.UtcNow;
        return new LogOptions(
            stdout,
            stderr,
            request.QueryFlag("follow"),
            request.QueryFlag("timestamps"),
            GoTime.Parse(request.Query("since"), "since", now),
            GoTime.Parse(request.Query("until"), "until", now),
            Tail(request.Query("tail")));
    }

    private async Task AttachAsync(ApiRequest request)
    {
        Container container = engine.Find(request.Path[1]);
        ContainerSettings settings = container.Settings;
        ContainerStatus status = container.State.Status;
        if (status is ContainerStatus.Paused)
        {
            throw new BundtException(FailureKind.Conflict, Phase.Run, $"container {container.Id} is paused, unpause the container before attach");
        }

        if (status is ContainerStatus.Removing or ContainerStatus.Dead)
        {
            throw new BundtException(FailureKind.Conflict, Phase.Run, $"container {container.Id} is being removed");
        }

        bool stdin = request.QueryFlag("stdin") && settings.OpenStdin;
        var options = new AttachOptions(stdin, request.QueryFlag("stdout"), request.QueryFlag("stderr"));
        bool logs = request.QueryFlag("logs");
        bool stream = request.QueryFlag("stream");
        DetachKeys? keys = settings.Tty ? DetachKeys.Parse(request.Query("detachKeys")) : null;
        await request.SkipBodyAsync();

        // Attaching to what runs can fail, so it is done before the switch; what is not started yet attaches when it starts.
        Attachment? attachment = stream && status == ContainerStatus.Running ? await container.AttachAsync(options, request.Aborted) : null;
        bool detached = false;
        try
        {
            await using HijackedStream client = request.Hijack();
            Task<Attachment>? later = stream && attachment is null ? container.AttachAsync(options, client.Ended) : null;
            SwitchAnswer.WriteDocker(client.Output, request.WantsUpgrade, SaysMultiplexed(request, settings.Tty));
            await client.FlushAsync();
            if (logs)
            {
                var past = new LogOptions(options.Stdout, options.Stderr, Until: DateTimeOffset.UtcNow);
                await OutputPump.CopyAsync(container.ReadLogsAsync(past, client.Ended), client.Output, !settings.Tty, client.Ended);
            }

            if (later is not null)
            {
                attachment = await later;
            }

            if (attachment is not null)
            {
                var session = new RawSession(client, ProcessStreams.Of(attachment))
                {
                    Framed = !settings.Tty,
                    Stdin = stdin,
                    CloseStdin = settings.StdinOnce && !settings.Tty,
                    Keys = keys,
                };
                await session.RunAsync();
                detached = session.Detached;
            }
        }
        finally
        {
            if (attachment is not null)
            {
                await attachment.DisposeAsync();
            }
        }

        if (detached)
        {
            engine.Events.Publish(new EngineEvent(DateTimeOffset.UtcNow, "container", "detach", container.Id, Events.Attributes(container)));
        }
    }

    private async Task LogsAsync(ApiRequest request)
    {
        Container container = engine.Find(request.Path[1]);
        bool stdout = request.QueryFlag("stdout");
        bool stderr = request.QueryFlag("stderr");
        if (!stdout && !stderr)
        {
            throw ApiRequest.Malformed("Bad parameters: you must choose at least one stream");
        }

        LogOptions options = ToLogOptions(request, stdout, stderr);
        bool tty = container.Settings.Tty;
        string mediaType = SaysMultiplexed(request, tty) ? "application/vnd.docker.multiplexed-stream" : "application/vnd.docker.raw-stream";
        await using IAsyncEnumerator<OutputFrame> frames = container.ReadLogsAsync(options, request.Ended).GetAsyncEnumerator(request.Ended);

        // The first step tells whether there is a log at all; when it does not come at once, the client gets its headers meanwhile.
        Task<bool> first = frames.MoveNextAsync().AsTask();
        bool known = first.IsCompleted;
        bool any = known && await first;
        PipeWriter output = await request.BeginAsync(mediaType);
        if (!known)
        {
            any = await first;
        }

        bool atFirst = true;
        await OutputPump.CopyAsync(
            _ =>
            {
                if (atFirst)
                {
                    atFirst = false;
                    return ValueTask.FromResult<OutputFrame?>(any ? frames.Current : null);
                }

                return OutputPump.NextAsync(frames);
            },
            output,
            !tty,
            request.Ended);
    }

    private async Task WaitAsync(ApiRequest request)
    {
        Container container = engine.Find(request.Path[1]);
        WaitCondition condition = request.Version < s_conditionSince ? WaitCondition.NotRunning : request.Query("condition") switch
        {
            "" or "not-running" => WaitCondition.NotRunning,
            "next-exit" => WaitCondition.NextExit,
            "removed" => WaitCondition.Removed,
            string other => throw ApiRequest.Malformed($"invalid condition: \"{other}\""),
        };
        await request.SkipBodyAsync();
        Task<ContainerState> end = container.WaitAsync(condition, request.Ended);
        PipeWriter output = await request.BeginAsync("application/json"); // a client starts the container only when it has these headers
        ContainerState state = await end;
        ApiRequest.WriteJsonLine(output, new WaitAnswer(state.ExitCode), ApiJson.Wire.WaitAnswer);
        await output.FlushAsync(request.Aborted);
    }

    private static int? Tail(string text) => text switch
    {
        "" or "all" => null,
        _ when int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int lines) => lines < 0 ? null : lines,
        _ => null, // moby: what is no number is everything
    };
}
