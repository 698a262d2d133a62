using System.Text.Json;
using Bundt.Cli.CommandLine;
using Bundt.Cli.Http;
using Bundt.Cli.Options;
using Bundt.Cli.Output;
using Bundt.Cli.Streams;
using Bundt.Linux;
using Bundt.Linux.Terminals;

namespace Bundt.Cli.Commands;

/// <summary><c>attach</c> and <c>start</c>: streams by the Docker Engine API, the exit code by wait.</summary>
internal static class AttachCommand
{
    /// <summary><c>attach</c>.</summary>
    public static int Execute(AttachOptions options, DaemonClient client)
    {
        JsonElement container = client.FetchJson("GET", $"/containers/{DaemonClient.Escape(options.Container)}/json");
        JsonElement state = container.GetProperty("State");
        if (!state.GetProperty("Running").GetBoolean())
        {
            throw new BundtException(FailureKind.Conflict, Phase.Request, "you cannot attach to a stopped container, start it first", $"bundt start -ai {options.Container}");
        }

        if (state.TryGetProperty("Paused", out JsonElement paused) && paused.GetBoolean())
        {
            throw new BundtException(FailureKind.Conflict, Phase.Request, "you cannot attach to a paused container, unpause it first", $"bundt unpause {options.Container}");
        }

        return Stream(client, container, !options.NoStdin, options.SigProxy ?? true, options.DetachKeys, start: false);
    }

    /// <summary><c>start</c>.</summary>
    public static int Start(StartOptions options, DaemonClient client)
    {
        if (!options.Attach && !options.Interactive)
        {
            return ForEach.Name(options.Containers, client, static name => ("POST", $"/containers/{DaemonClient.Escape(name)}/start"));
        }

        if (options.Containers.Skip(1).Any())
        {
            throw new UsageException("you cannot start and attach multiple containers at once");
        }

        JsonElement container = client.FetchJson("GET", $"/containers/{DaemonClient.Escape(options.Containers.First())}/json");
        try
        {
            return Stream(client, container, options.Interactive, signalProxy: true, options.DetachKeys, start: true);
        }
        catch (ApiException e) when (e.StartExitCode != Failure.Code)
        {
            Failure.Report(e);
            return e.StartExitCode;
        }
    }

    private static int Stream(DaemonClient client, JsonElement container, bool stdin, bool signalProxy, string? detachKeys, bool start)
    {
        string id = container.GetProperty("Id").GetString()!;
        JsonElement config = container.GetProperty("Config");
        bool tty = config.GetProperty("Tty").GetBoolean();
        stdin &= config.GetProperty("OpenStdin").GetBoolean();
        if (tty && stdin && !Terminal.IsTerminal(0))
        {
            throw new UsageException("the input device is not a TTY");
        }

        void Ask(string target)
        {
            try
            {
                _ = client.Fetch("POST", $"/containers/{id}/{target}");
            }
            catch (Exception e) when (e is ApiException or ConnectionLostException)
            {
                // The container ends at this moment: its exit says all.
            }
        }

        using var session = new StreamSession(new StreamRequest
        {
            Protocol = tty ? StreamProtocol.DockerRaw : StreamProtocol.DockerFrames,
            Stdin = stdin,
            Tty = tty,
            SignalProxy = signalProxy,
            DetachKeys = tty && stdin ? DetachKeys.Parse(detachKeys) : null,
            Resize = (rows, columns) => Ask($"resize?h={rows}&w={columns}"),
            Kill = signal => Ask("kill?signal=" + signal),
        });
        bool autoRemove = container.GetProperty("HostConfig").TryGetProperty("AutoRemove", out JsonElement remove) && remove.GetBoolean();
        string condition = autoRemove ? "removed" : start ? "next-exit" : "not-running";

        // The wait is registered before anything can end.
        using HttpConnection wait = client.Open("POST", $"{DaemonClient.Prefix}/containers/{id}/wait?condition={condition}");
        bool restartNeeded = start;
        while (true)
        {
            using HttpConnection attached = client.Open("POST", $"{DaemonClient.Prefix}/containers/{id}/attach?stream=1&stdout=1&stderr=1{(stdin ? "&stdin=1" : "")}", default, "Connection: Upgrade\r\nUpgrade: tcp\r\n");
            if (restartNeeded)
            {
                _ = client.Fetch("POST", $"/containers/{id}/start");
                restartNeeded = false;
            }

            switch (session.Run(attached.Socket, attached.TakeBuffered().Span))
            {
                case StreamEnd.Detached:
                    return 0;
                case StreamEnd.Interrupted:
                    return 128 + session.Signal;
            }

            try
            {
                return LifecycleCommands.ExitCode(wait.ReadAll());
            }
            catch (ConnectionLostException)
            {
                // The daemon was killed: is the container still there to go on with?
                JsonElement now = client.FetchJson("GET", $"/containers/{id}/json").GetProperty("State");
                if (!now.GetProperty("Running").GetBoolean())
                {
                    return now.GetProperty("ExitCode").GetInt32();
                }
            }
        }
    }
}
