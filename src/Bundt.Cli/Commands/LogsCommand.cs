using System.Text.Json;
using Bundt.Cli.Http;
using Bundt.Cli.Options;
using Bundt.Cli.Output;
using Bundt.Cli.Streams;
using Bundt.Cli.Values;

namespace Bundt.Cli.Commands;

/// <summary><c>logs</c>; <c>logs -f</c> goes on where it was when the daemon is killed.</summary>
internal static class LogsCommand
{
    /// <summary>Prints the log.</summary>
    public static int Execute(LogsOptions options, DaemonClient client)
    {
        DateTimeOffset now = DateTimeOffset.UtcNow;
        string? since = options.Since is null ? null : Durations.ToTimestamp("since", options.Since, now);
        string? until = options.Until is null ? null : Durations.ToTimestamp("until", options.Until, now);
        string path = $"/containers/{DaemonClient.Escape(options.Container)}";
        JsonElement container = client.FetchJson("GET", path + "/json");
        bool framed = !container.GetProperty("Config").GetProperty("Tty").GetBoolean();
        path = $"/containers/{container.GetProperty("Id").GetString()}";
        string target = path + "/logs?stdout=1&stderr=1" + (until is null ? "" : "&until=" + until);
        string tail = options.Tail is null or "all" ? "" : "&tail=" + DaemonClient.Escape(options.Tail);
        if (!options.Follow)
        {
            using HttpConnection connection = client.Open("GET", DaemonClient.Prefix + target + tail + (since is null ? "" : "&since=" + since) + (options.Timestamps ? "&timestamps=1" : ""));
            FrameReader.Copy(connection, framed, StandardStreams.Write);
            return 0;
        }

        using var follower = new LogFollower(options.Timestamps);
        Follow(client, target + "&follow=1&timestamps=1", tail, since, framed, follower);
        return 0;
    }

    private static void Follow(DaemonClient client, string target, string tail, string? since, bool framed, LogFollower follower)
    {
        while (true)
        {
            try
            {
                string? from = follower.ResumePoint ?? since;
                using HttpConnection connection = client.Open("GET", DaemonClient.Prefix + target + (follower.ResumePoint is null ? tail : "") + (from is null ? "" : "&since=" + from));
                FrameReader.Copy(connection, framed, follower.Take);
                follower.Finish();
                return;
            }
            catch (ConnectionLostException)
            {
                follower.Rewind();
            }
        }
    }
}
