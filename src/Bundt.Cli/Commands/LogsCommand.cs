using Bundt.Cli.Http;
using Bundt.Cli.Options;
using Bundt.Cli.Streams;
using Bundt.Cli.Values;
using Bundt.Linux.Sockets;

namespace Bundt.Cli.Commands;

/// <summary><c>logs</c>; goes on where it was when the daemon is killed.</summary>
internal static class LogsCommand
{
    private const int PipeBytes = 1 << 20;

    /// <summary>Prints the log.</summary>
    public static int Execute(LogsOptions options, DaemonClient client)
    {
        DateTimeOffset now = DateTimeOffset.UtcNow;
        string? since = options.Since is null ? null : Durations.ToTimestamp("since", options.Since, now);
        string? until = options.Until is null ? null : Durations.ToTimestamp("until", options.Until, now);
        string target = $"/bundt/v1/containers/{DaemonClient.Escape(options.Container)}/logs?"
            + (options.Follow ? "follow=1&" : "") + (options.Timestamps ? "times=1&" : "")
            + (since is null ? "" : $"since={since}&") + (until is null ? "" : $"until={until}&");
        string tail = options.Tail is null or "all" ? "" : "tail=" + DaemonClient.Escape(options.Tail);
        Descriptors.WidenPipe(1, PipeBytes);
        var printer = new LogPrinter(options.Timestamps);
        while (true)
        {
            try
            {
                using HttpConnection connection = client.Open("GET", (target + (printer.Position?.ToString() ?? tail)).TrimEnd('&', '?'));
                FrameReader.Copy(connection, printer.Take);
                return 0;
            }
            catch (ConnectionLostException)
            {
                // the daemon was killed: the next one goes on where it was
            }
        }
    }
}
