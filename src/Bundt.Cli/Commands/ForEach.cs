using Bundt.Cli.Http;
using Bundt.Cli.Output;

namespace Bundt.Cli.Commands;

/// <summary>One request for each of several names, all under way at once; answers are told in the order of the names.</summary>
internal static class ForEach
{
    // As many connections at once; each of them may wait for a container's stop.
    private const int AtOnce = 50;

    /// <summary>Sends them, prints each name that succeeded.</summary>
    /// <param name="names">The names.</param>
    /// <param name="client">The daemon.</param>
    /// <param name="request">Method and target for a name.</param>
    /// <param name="show">Prints a success; null prints the name.</param>
    /// <param name="inTurn">Each only after the one before it has been answered: a container may need another that is named before it.</param>
    /// <returns>0, or 125 when one of them failed.</returns>
    public static int Name(IEnumerable<string> names, DaemonClient client, Func<string, (string Method, string Target)> request, Action<string, byte[]>? show = null, bool inTurn = false)
    {
        int code = 0;
        foreach (string[] batch in names.Chunk(inTurn ? 1 : AtOnce))
        {
            var connections = new HttpConnection[batch.Length];
            for (int i = 0; i < batch.Length; i++)
            {
                connections[i] = client.Connect();
                (string method, string target) = request(batch[i]);
                connections[i].Send(method, DaemonClient.Prefix + target, default);
            }

            for (int i = 0; i < batch.Length; i++)
            {
                using HttpConnection connection = connections[i];
                try
                {
                    _ = connection.Receive();
                    DaemonClient.ThrowIfError(connection);
                    byte[] body = connection.ReadAll();
                    if (show is null)
                    {
                        StandardStreams.OutLine(batch[i]);
                    }
                    else
                    {
                        show(batch[i], body);
                    }

                    StandardStreams.Flush();
                }
                catch (Exception e) when (e is ApiException or ConnectionLostException)
                {
                    Failure.Report(e);
                    code = Failure.Code;
                }
            }
        }

        return code;
    }
}
