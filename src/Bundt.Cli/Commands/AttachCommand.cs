using System.Text.Json;
using Bundt.Cli.CommandLine;
using Bundt.Cli.Http;
using Bundt.Cli.Options;
using Bundt.Cli.Output;
using Bundt.Cli.Streams;
using Bundt.Linux;
using Bundt.Linux.Terminals;

namespace Bundt.Cli.Commands;

/// <summary><c>attach</c> and <c>start</c>.</summary>
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
            return ForEach.Name(options.Containers, client, static name => ("POST", $"/containers/{DaemonClient.Escape(name)}/start"), inTurn: true);
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

        string attach = stdin ? "stdin,stdout,stderr" : "stdout,stderr";
        using var session = new StreamSession(new StreamRequest
        {
            Kill = signal => BundtStreams.Kill(client, id, signal),
            Stdin = stdin,
            Tty = tty,
            SignalProxy = signalProxy,
            DetachKeys = tty && stdin ? DetachKeys.Parse(detachKeys) : null,
        });
        using HttpConnection connection = client.Connect();
        connection.Send("POST", $"/bundt/v1/containers/{id}/attach?attach={attach}{(start ? "&start=1" : "")}", default, BundtStreams.UpgradeHeaders);
        session.CatchSignals();
        _ = connection.Receive();
        DaemonClient.ThrowIfError(connection);
        return BundtStreams.Finish(session, client, connection, "containers", id, attach);
    }
}
