using System.Text;
using System.Text.Json;
using Bundt.Cli.CommandLine;
using Bundt.Cli.Http;
using Bundt.Cli.Options;
using Bundt.Cli.Output;
using Bundt.Cli.Requests;
using Bundt.Cli.Streams;
using Bundt.Linux.Sockets;
using Bundt.Linux.Terminals;

namespace Bundt.Cli.Commands;

/// <summary><c>bundt run</c>: one round trip to the daemon, then the streams.</summary>
internal static class RunCommand
{
    /// <summary>Runs it; the answer is the exit code.</summary>
    public static int Execute(RunOptions options, DaemonClient client)
    {
        AttachedStreams attach = AttachedStreams.Choose(options.Attach, options.Interactive, options.Detach);
        if (options.Tty && attach.Stdin && !Terminal.IsTerminal(0))
        {
            throw new UsageException("the input device is not a TTY");
        }

        ReadOnlyMemory<byte> body = CreateBody.Write(options, attach);
        string target = Target(options, attach);
        using ContainerIdFile? idFile = options.Cidfile is null ? null : ContainerIdFile.Claim(options.Cidfile);
        if (options.Pull == "always")
        {
            PullCommand.Pull(client, options.Image, options.Platform, 2, options.Quiet);
        }

        try
        {
            return Start(options, client, attach, body, target, idFile);
        }
        catch (ApiException e) when (e.ImageIsMissing && options.Pull is null or "missing")
        {
            StandardStreams.Error($"Unable to find image '{ImageName.WithTag(options.Image)}' locally\n");
            PullCommand.Pull(client, options.Image, options.Platform, 2, options.Quiet);
            return Start(options, client, attach, body, target, idFile);
        }
    }

    private static int Start(RunOptions options, DaemonClient client, AttachedStreams attach, ReadOnlyMemory<byte> body, string target, ContainerIdFile? idFile)
    {
        try
        {
            return attach.IsNone ? Detached(client, body, target, idFile) : Attached(options, client, attach, body, target, idFile);
        }
        catch (ApiException e) when (e.StartExitCode != 125)
        {
            Failure.Report(e);
            return e.StartExitCode;
        }
    }

    private static int Detached(DaemonClient client, ReadOnlyMemory<byte> body, string target, ContainerIdFile? idFile)
    {
        using HttpConnection connection = client.Open("POST", target, body.Span);
        CreateAnswer answer = CreateAnswer.Read(connection.ReadAll());
        idFile?.Write(answer.Id);
        foreach (string warning in answer.Warnings)
        {
            Failure.Warn(warning);
        }

        StandardStreams.OutLine(answer.Id);
        return 0;
    }

    private static int Attached(RunOptions options, DaemonClient client, AttachedStreams attach, ReadOnlyMemory<byte> body, string target, ContainerIdFile? idFile)
    {
        string id = "";
        using var session = new StreamSession(new StreamRequest
        {
            Kill = signal => BundtStreams.Kill(client, id, signal),
            Stdin = attach.Stdin,
            Stdout = attach.Stdout,
            Stderr = attach.Stderr,
            Tty = options.Tty,
            SignalProxy = options.SigProxy ?? true,
            DetachKeys = options.Tty && attach.Stdin ? DetachKeys.Parse(options.DetachKeys) : null,
        });
        using HttpConnection connection = client.Connect();
        connection.Send("POST", target, body.Span, BundtStreams.UpgradeHeaders);

        // While the daemon makes the container: the signals cost nothing now.
        session.CatchSignals();
        _ = connection.Receive();
        DaemonClient.ThrowIfError(connection);
        id = connection.Header("Bundt-Id") ?? "";
        idFile?.Write(id);
        BundtStreams.ShowWarnings(connection);
        return BundtStreams.Finish(session, client, connection, "containers", id, attach.ToString());
    }

    private static string Target(RunOptions options, AttachedStreams attach)
    {
        var target = new StringBuilder("/bundt/v1/run");
        char separator = '?';
        void Add(string key, string? value)
        {
            if (!string.IsNullOrEmpty(value))
            {
                _ = target.Append(separator).Append(key).Append('=').Append(DaemonClient.Escape(value));
                separator = '&';
            }
        }

        Add("name", options.Name);
        if (!attach.IsNone)
        {
            _ = target.Append(separator).Append("attach=").Append(attach.ToString());
            separator = '&';
        }

        Add("platform", options.Platform);
        return target.ToString();
    }
}
