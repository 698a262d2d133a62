using Bundt.Cli.CommandLine;
using Bundt.Cli.Http;
using Bundt.Cli.Options;
using Bundt.Cli.Requests;
using Bundt.Cli.Streams;
using Bundt.Linux.Terminals;

namespace Bundt.Cli.Commands;

/// <summary><c>bundt exec</c>: one round trip to the daemon, then the streams.</summary>
internal static class ExecCommand
{
    /// <summary>Runs it; the answer is the exit code.</summary>
    public static int Execute(ExecOptions options, DaemonClient client)
    {
        bool stdin = options.Interactive && !options.Detach;
        if (options.Tty && stdin && !Terminal.IsTerminal(0))
        {
            throw new UsageException("the input device is not a TTY");
        }

        ReadOnlyMemory<byte> body = ExecBody.Write(options);
        string target = $"/bundt/v1/containers/{DaemonClient.Escape(options.Container)}/exec";
        try
        {
            if (options.Detach)
            {
                using HttpConnection detached = client.Open("POST", target, body.Span);
                return 0;
            }

            using var session = new StreamSession(new StreamRequest
            {
                Stdin = stdin,
                Tty = options.Tty,
                SignalProxy = options.SigProxy ?? true,
                DetachKeys = options.Tty && stdin ? DetachKeys.Parse(options.DetachKeys) : null,
            });
            using HttpConnection connection = client.Connect();
            connection.Send("POST", target, body.Span, BundtStreams.UpgradeHeaders);
            session.CatchSignals();
            _ = connection.Receive();
            DaemonClient.ThrowIfError(connection);
            return BundtStreams.Finish(session, client, connection, "exec", connection.Header("Bundt-Id") ?? "", stdin ? "stdin,stdout,stderr" : "stdout,stderr");
        }
        catch (ApiException e) when (e.StartExitCode != 125)
        {
            Failure.Report(e);
            return e.StartExitCode;
        }
    }
}
