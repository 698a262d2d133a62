using Bundt.Cli.CommandLine;
using Bundt.Cli.Daemon;
using Bundt.Cli.Http;
using Bundt.Cli.Options;
using Bundt.Cli.Output;
using Bundt.Linux;
using Bundt.Linux.Processes;
using Bundt.Linux.Sockets;

namespace Bundt.Cli.Commands;

/// <summary><c>daemon start|stop|status</c>. Containers run on without a daemon.</summary>
internal static class DaemonCommand
{
    private const int StopMilliseconds = 30_000;

    /// <summary>Does it.</summary>
    public static int Execute(DaemonOptions options, DaemonClient client) => options.Action switch
    {
        "start" => Start(client.Address),
        "stop" => Stop(client.Address),
        "status" => Status(client.Address),
        _ => throw new UsageException($"unknown action \"{options.Action}\": it must be start, stop or status"),
    };

    private static int Start(DaemonAddress address)
    {
        if (RunningPid(address) is int pid)
        {
            StandardStreams.OutLine($"bundtd runs already (pid {pid}) on {address.Socket}");
            return 0;
        }

        DaemonStarter.Start(address.CanStart ? address : throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"a daemon on {address.Socket} needs directories of its own", "Give --root DIRECTORY and --run DIRECTORY"));
        StandardStreams.OutLine($"bundtd started{(RunningPid(address) is int started ? $" (pid {started})" : "")} on {address.Socket}");
        return 0;
    }

    private static int Stop(DaemonAddress address)
    {
        if (RunningPid(address) is not int pid)
        {
            StandardStreams.OutLine($"no daemon listens on {address.Socket}");
            return 0;
        }

        if (address.IsDefault && DaemonStarter.SystemdUnit() is not null)
        {
            int code = DetachedProgram.Wait(DetachedProgram.Spawn("/usr/bin/systemctl", ["systemctl", "stop", "bundt.socket", "bundt.service"], ["PATH=/usr/bin:/bin"], 2, -1, session: false));
            return code == 0 ? 0 : throw new BundtException(FailureKind.Internal, Phase.Request, $"systemctl stop failed with exit code {code}");
        }

        if (pid <= 1 || !DetachedProgram.TerminateAndWait(pid, StopMilliseconds))
        {
            throw new BundtException(FailureKind.Internal, Phase.Request, $"the daemon (pid {pid}) did not end within {StopMilliseconds / 1000} seconds");
        }

        StandardStreams.OutLine($"bundtd (pid {pid}) stopped; containers run on");
        return 0;
    }

    private static int Status(DaemonAddress address)
    {
        if (RunningPid(address) is int pid)
        {
            StandardStreams.OutLine($"bundtd runs (pid {pid}) on {address.Socket}");
            return 0;
        }

        StandardStreams.OutLine($"bundtd does not run on {address.Socket}");
        return 3;
    }

    private static int? RunningPid(DaemonAddress address)
    {
        using UnixSocket? socket = UnixSocket.TryConnect(address.Socket, out Errno errno);
        return socket is not null ? socket.PeerPid()
            : errno is Errno.EACCES ? throw new BundtException(Phase.Request, "connect to the daemon's socket", address.Socket, errno, kind: FailureKind.Forbidden) : null;
    }
}
