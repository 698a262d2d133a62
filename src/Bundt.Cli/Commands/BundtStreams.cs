using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Bundt.Cli.Http;
using Bundt.Cli.Output;
using Bundt.Cli.Streams;
using Bundt.Linux;

namespace Bundt.Cli.Commands;

/// <summary>The end of run, exec and start -a: streams over our own protocol, picked up again where a killed daemon let them fall.</summary>
internal static class BundtStreams
{
    /// <summary>Asks the daemon to switch protocols.</summary>
    public const string UpgradeHeaders = "Connection: Upgrade\r\nUpgrade: bundt\r\n";

    /// <summary>Connections that bring nothing are tried anew for this long. (That a daemon listens at all is waited for in <see cref="DaemonClient"/>.)</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private const int ExecPollMilliseconds = 100;

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

    /// <summary>Copies the streams to their end.</summary>
    /// <returns>The exit code.</returns>
    public static int Finish(StreamSession session, DaemonClient client, HttpConnection connection, string id)
    {
        StreamEnd end = session.Run(connection.Socket, connection.TakeBuffered().Span);
        long lost = Stopwatch.GetTimestamp();
        while (end == StreamEnd.Lost)
        {
            long before = session.StdoutBytes + session.StderrBytes;
            (StreamEnd resumed, int? code) = Resume(session, client, id);
            if (code is int exit)
            {
                return exit;
            }

            end = resumed;
            if (session.StdoutBytes + session.StderrBytes > before)
            {
                lost = Stopwatch.GetTimestamp();
            }
            else if (end == StreamEnd.Lost && Stopwatch.GetElapsedTime(lost) > s_patience)
            {
                throw NobodyCameBack(id);
            }
        }

        return end switch
        {
            StreamEnd.Exited => session.ExitCode ?? 0,
            StreamEnd.Interrupted => 128 + session.Signal,
            _ => 0,
        };
    }

    private static BundtException NobodyCameBack(string id) =>
        new(FailureKind.Unavailable, Phase.Run, "the connection to the daemon was lost, and no daemon has come back", $"The container goes on; see: bundt logs {Short(id)}");

    private static (StreamEnd End, int? Code) Resume(StreamSession session, DaemonClient client, string id)
    {
        string counts = string.Create(CultureInfo.InvariantCulture, $"stdout={session.StdoutBytes}&stderr={session.StderrBytes}");
        try
        {
            using HttpConnection connection = client.Open("POST", $"/bundt/v1/containers/{id}/resume?{counts}", default, UpgradeHeaders);
            return (session.Run(connection.Socket, connection.TakeBuffered().Span), null);
        }
        catch (ConnectionLostException)
        {
            return (StreamEnd.Lost, null);
        }
        catch (BundtException e) when (e.Kind == FailureKind.Unavailable)
        {
            throw NobodyCameBack(id);
        }
        catch (ApiException e) when (e.Status == 404)
        {
            return (StreamEnd.Exited, ExecExitCode(client, id) ?? throw new BundtException(FailureKind.NotFound, Phase.Run, $"the connection to the daemon was lost, and the new daemon does not know {Short(id)} any more; its exit code is not known", "An exec goes on in its container; a container with --rm has ended and was removed"));
        }
    }

    // An exec keeps no log to resume from: its exit code is all that can still be had.
    private static int? ExecExitCode(DaemonClient client, string id)
    {
        bool told = false;
        while (true)
        {
            JsonElement exec;
            try
            {
                exec = client.FetchJson("GET", $"/exec/{id}/json");
            }
            catch (ApiException e) when (e.Status == 404)
            {
                return null;
            }
            catch (ConnectionLostException)
            {
                continue;
            }

            if (!told)
            {
                told = true;
                StandardStreams.Error("bundt: the connection to the daemon was lost; what the command wrote since then is lost too\n");
            }

            if (!exec.GetProperty("Running").GetBoolean())
            {
                return exec.TryGetProperty("ExitCode", out JsonElement code) && code.ValueKind == JsonValueKind.Number ? code.GetInt32() : 255;
            }

            Thread.Sleep(ExecPollMilliseconds);
        }
    }

    private static string Short(string id) => id.Length > 12 ? id[..12] : id;
}
