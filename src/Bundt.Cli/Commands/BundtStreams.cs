using System.Diagnostics;
using Bundt.Cli.Http;
using Bundt.Cli.Streams;
using Bundt.Linux;

namespace Bundt.Cli.Commands;

/// <summary>The end of run, exec, attach and start -a: streams over our own protocol, picked up again where a killed daemon let them fall.</summary>
internal static class BundtStreams
{
    /// <summary>Asks the daemon to switch protocols.</summary>
    public const string UpgradeHeaders = "Connection: Upgrade\r\nUpgrade: bundt\r\n";

    /// <summary>Connections that bring nothing are tried anew for this long. (That a daemon listens at all is waited for in <see cref="DaemonClient"/>.)</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    /// <summary>Prints the daemon's warnings.</summary>
    public static void ShowWarnings(HttpConnection connection)
    {
        foreach ((string name, string value) in connection.Headers)
        {
            if (name.Equals("Bundt-Warning", StringComparison.OrdinalIgnoreCase))
            {
                Failure.Warn(value);
            }
        }
    }

    /// <summary>Sends a container a signal.</summary>
    public static void Kill(DaemonClient client, string id, string signal)
    {
        try
        {
            _ = client.Fetch("POST", $"/containers/{id}/kill?signal={signal}");
        }
        catch (Exception e) when (e is ApiException or ConnectionLostException)
        {
            // The container ends at this moment: its exit says all.
        }
    }

    /// <summary>Copies the streams to their end.</summary>
    /// <param name="session">The streams.</param>
    /// <param name="client">Finds the next daemon.</param>
    /// <param name="connection">Switched to our protocol.</param>
    /// <param name="kind">"containers" or "exec".</param>
    /// <param name="id">Of the container or exec.</param>
    /// <param name="attach">The streams' names, for the request that goes on.</param>
    /// <returns>The exit code.</returns>
    public static int Finish(StreamSession session, DaemonClient client, HttpConnection connection, string kind, string id, string attach)
    {
        StreamEnd end = session.Run(connection.Socket, connection.TakeBuffered().Span);
        long lost = Stopwatch.GetTimestamp();
        while (end == StreamEnd.Lost)
        {
            OutputPosition before = session.Position;
            end = Resume(session, client, kind, id, attach);
            if (session.Position != before)
            {
                lost = Stopwatch.GetTimestamp();
            }
            else if (end == StreamEnd.Lost && Stopwatch.GetElapsedTime(lost) > s_patience)
            {
                throw NobodyCameBack(kind, id);
            }
        }

        return end switch
        {
            StreamEnd.Exited => session.ExitCode ?? 0,
            StreamEnd.Interrupted => 128 + session.Signal,
            _ => 0,
        };
    }

    private static BundtException NobodyCameBack(string kind, string id) => new(
        FailureKind.Unavailable,
        Phase.Run,
        "the connection to the daemon was lost, and no daemon has come back",
        kind == "exec" ? "The command goes on in its container" : $"The container goes on; see: bundt logs {Short(id)}");

    private static StreamEnd Resume(StreamSession session, DaemonClient client, string kind, string id, string attach)
    {
        try
        {
            using HttpConnection connection = client.Open("POST", $"/bundt/v1/{kind}/{id}/resume?attach={attach}&{session.Position}", default, UpgradeHeaders);
            return session.Run(connection.Socket, connection.TakeBuffered().Span);
        }
        catch (ConnectionLostException)
        {
            return StreamEnd.Lost;
        }
        catch (BundtException e) when (e.Kind == FailureKind.Unavailable)
        {
            throw NobodyCameBack(kind, id);
        }
        catch (ApiException e) when (e.Status == 404)
        {
            throw new BundtException(
                FailureKind.NotFound,
                Phase.Run,
                $"the connection to the daemon was lost, and the new daemon does not know {Short(id)} any more; its exit code is not known",
                kind == "exec" ? "Its container has ended" : "It has ended, and was removed because of --rm or by somebody else");
        }
    }

    private static string Short(string id) => id.Length > 12 ? id[..12] : id;
}
