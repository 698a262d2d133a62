using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Bundt.Engine.Networks.Names;

/// <summary>
/// Asks other servers, in the order in which they are configured: the next one as soon as one refuses or fails, or has not answered for a
/// while. Those asked before are listened to until the end: a slow answer is better than none. What is sent and what comes back is the
/// client's and the server's, byte for byte, but for the id.
/// </summary>
internal static class Forwarder
{
    /// <summary>As many servers as resolv.conf(5) has (MAXNS), and Docker asks.</summary>
    public const int MaxServers = 3;

    /// <summary>After this time the next server is asked too, and a datagram counts as lost. Three servers fit into the 5 s that clients wait.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    /// <summary>After this time nobody waits for the answer any more.</summary>
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(8);

    /// <summary>Asks.</summary>
    /// <param name="query">A query with one question; it is as it was when this method returns.</param>
    /// <param name="servers">Whom, at most <see cref="MaxServers"/> of them.</param>
    /// <param name="stream">Over TCP, as the client did: the answer did not fit into a datagram, or would not.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>
    /// The first answer that is not SERVFAIL or REFUSED, else the last one that is, else null; to be disposed. Its id is the query's.
    /// </returns>
    public static async Task<PooledMessage?> AskAsync(PooledMessage query, IReadOnlyList<IPEndPoint> servers, bool stream, CancellationToken cancellation)
    {
        // Every query gets an id of its own, and a port of its own for each server, which the kernel chooses at random: answers cannot be
        // guessed (RFC 5452 section 9.2).
        var id = DnsMessage.Id(query.Span);
        DnsMessage.SetId(query.Span, (ushort)RandomNumberGenerator.GetInt32(ushort.MaxValue + 1));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        stop.CancelAfter(s_deadline);
        var asked = new List<Task<PooledMessage?>>(MaxServers);
        PooledMessage? best = null;
        try
        {
            var rest = new Queue<IPEndPoint>(servers.Take(MaxServers));
            while (rest.Count > 0 || asked.Count > 0)
            {
                if (rest.TryDequeue(out var server))
                {
                    asked.Add(stream ? AskStreamAsync(query, server, stop.Token) : AskDatagramAsync(query, server, stop.Token));
                }

                var answered = await FirstAsync(asked, rest.Count > 0, stop.Token).ConfigureAwait(false);
                if (answered is null)
                {
                    continue;
                }

                asked.Remove(answered);
                if (await answered.ConfigureAwait(false) is { } answer)
                {
                    best?.Dispose();
                    best = answer;
                    if (DnsMessage.Code(answer.Span) is not (DnsCode.ServerFailure or DnsCode.Refused))
                    {
                        break;
                    }
                }
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            foreach (var late in asked)
            {
                (await late.ConfigureAwait(false))?.Dispose();
            }

            DnsMessage.SetId(query.Span, id);
        }

        if (best is not null)
        {
            DnsMessage.SetId(best.Span, id);
        }

        return best;
    }

    /// <summary>The first of those asked that is done; null when patience has ended before and somebody else can be asked.</summary>
    private static async Task<Task<PooledMessage?>?> FirstAsync(List<Task<PooledMessage?>> asked, bool others, CancellationToken stop)
    {
        if (!others)
        {
            return await Task.WhenAny(asked).ConfigureAwait(false);
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var first = await Task.WhenAny([.. asked, Task.Delay(s_patience, patience.Token)]).ConfigureAwait(false);
        await patience.CancelAsync().ConfigureAwait(false);
        return first as Task<PooledMessage?>;
    }

    /// <summary>Asks a server over UDP, again and again until it answers; null when it is not there or time has run out.</summary>
    private static async Task<PooledMessage?> AskDatagramAsync(PooledMessage query, IPEndPoint server, CancellationToken stop)
    {
        try
        {
            // Connected: the kernel lets only this server's datagrams through, and tells that nobody listens there.
            using var socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            await socket.ConnectAsync(server, stop).ConfigureAwait(false);
            while (true)
            {
                await socket.SendAsync(query.Memory, SocketFlags.None, stop).ConfigureAwait(false);
                if (await ReceiveAsync(socket, query, stop).ConfigureAwait(false) is { } answer)
                {
                    return answer;
                }
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            return null;
        }
    }

    /// <summary>Waits for the answer; null when it may have been lost on its way.</summary>
    private static async Task<PooledMessage?> ReceiveAsync(Socket socket, PooledMessage query, CancellationToken stop)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(s_patience);
        try
        {
            while (true)
            {
                // Waiting takes no memory: a buffer of the datagram's own size is taken when it is there.
                await socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, patience.Token).ConfigureAwait(false);
                var answer = new PooledMessage(Math.Max(socket.Available, DnsMessage.PlainDatagram));
                var matches = false;
                try
                {
                    answer.Length = await socket.ReceiveAsync(answer.Memory, SocketFlags.None, patience.Token).ConfigureAwait(false);
                    matches = DnsMessage.Answers(answer.Span, query.Span);
                    if (matches)
                    {
                        return answer;
                    }
                }
                finally
                {
                    if (!matches)
                    {
                        answer.Dispose();
                    }
                }
            }
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>Asks a server over TCP; null when it cannot be reached, says something else, or time has run out.</summary>
    private static async Task<PooledMessage?> AskStreamAsync(PooledMessage query, IPEndPoint server, CancellationToken stop)
    {
        try
        {
            using var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(server, stop).ConfigureAwait(false);
            await DnsStream.WriteAsync(socket, query, stop).ConfigureAwait(false);
            var answer = await DnsStream.ReadAsync(socket, stop).ConfigureAwait(false);
            if (answer is not null && !DnsMessage.Answers(answer.Span, query.Span))
            {
                answer.Dispose();
                return null;
            }

            return answer;
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            return null;
        }
    }
}
