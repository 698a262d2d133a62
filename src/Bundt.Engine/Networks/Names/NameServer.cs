using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Bundt.Engine.Networks.Names;

/// <summary>
/// The name server of one network, over UDP and TCP (RFC 1035 section 4.2, RFC 7766): names of the network from its zone, everything else from
/// the asking container's own servers or the host's. Begins when it is made; nothing that a client sends ends it.
/// </summary>
internal sealed class NameServer : IAsyncDisposable
{
    /// <summary>Where name servers listen.</summary>
    public const int Port = 53;

    /// <summary>Bytes of the longest query and of the longest answer of ours over UDP.</summary>
    private const int DatagramLength = 4096;

    private const int Backlog = 64;

    /// <summary>How long a client may take to send a query, or to take an answer, over TCP (RFC 7766 section 6.2.3).</summary>
    private static readonly TimeSpan s_idle = TimeSpan.FromSeconds(10);

    /// <summary>After a failure of the kernel's, such as no memory or no descriptors, before the next attempt.</summary>
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    private readonly NameZone _zone;
    private readonly NameResolver _resolver;
    private readonly HostResolvers _hostResolvers;
    private readonly ILogger _logger;
    private readonly Socket[] _sockets;
    private readonly IPEndPoint[] _own;
    private readonly AddressKey[] _ownAddresses;
    private readonly Quota _queries = new(1024);
    private readonly Quota _connections = new(128);
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _running = 1;

    /// <summary>Answers from now on.</summary>
    /// <param name="zone">The network; it should be filled, since those who are not in it are refused.</param>
    /// <param name="datagrams">Bound UDP sockets, one per address of the network's bridge. The server's from now on, as the next ones are.</param>
    /// <param name="listeners">Bound TCP sockets on the same addresses.</param>
    /// <param name="hostResolvers">Whom to ask for those who have no servers of their own.</param>
    /// <param name="logger">Hears what goes wrong here; clients' mistakes are not told.</param>
    public NameServer(
        NameZone zone, IReadOnlyList<Socket> datagrams, IReadOnlyList<Socket> listeners, HostResolvers hostResolvers, ILogger logger)
    {
        _zone = zone;
        _resolver = new NameResolver(zone);
        _hostResolvers = hostResolvers;
        _logger = logger;
        _sockets = [.. datagrams, .. listeners];
        _own = [.. datagrams.Select(s => (IPEndPoint)s.LocalEndPoint!)];
        _ownAddresses = [.. _own.Select(e => AddressKey.Of(e.Address))];
        foreach (var socket in listeners)
        {
            socket.Listen(Backlog);
        }

        foreach (var socket in listeners)
        {
            _ = RunAsync(() => AcceptAsync(socket));
        }

        foreach (var socket in datagrams)
        {
            _ = RunAsync(() => AnswerDatagramsAsync(socket));
        }
    }

    /// <summary>Ends at once what is under way, and closes the sockets.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
        {
            return;
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        Left();
        await _ended.Task.ConfigureAwait(false);
        foreach (var socket in _sockets)
        {
            socket.Dispose();
        }

        _stop.Dispose();
    }

    /// <summary>
    /// Does something on a thread of its own that <see cref="DisposeAsync"/> waits for. An end by the client, or by us, is none of our
    /// failures.
    /// </summary>
    private async Task RunAsync(Func<Task> work)
    {
        Interlocked.Increment(ref _running);
        try
        {
            // Where bytes are always there already, no await ever gives the thread back: the caller must not wait for that.
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            await work().ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // The connection broke, the answer's way is gone, a client was too slow, or we are being disposed.
        }
        catch (Exception e)
        {
            _logger.NameServerTrouble(_zone.Network, e);
        }
        finally
        {
            Left();
        }
    }

    private void Left()
    {
        if (Interlocked.Decrement(ref _running) == 0)
        {
            _ended.SetResult();
        }
    }

    private async Task AnswerDatagramsAsync(Socket socket)
    {
        var query = new byte[DatagramLength];
        var response = new byte[DatagramLength];
        var client = new SocketAddress(socket.AddressFamily);
        while (true)
        {
            try
            {
                var length = await socket.ReceiveFromAsync(query, SocketFlags.None, client, _stop.Token).ConfigureAwait(false);
                var from = AddressKey.Of(client);
                var caller = _resolver.Caller(from);
                switch (_resolver.Answer(query.AsSpan(0, length), caller, IsHost(from), datagram: true, response, out var answer))
                {
                    case NameResolver.Outcome.Answered:
                        await SendAsync(socket, response.AsMemory(0, answer), client).ConfigureAwait(false);
                        break;
                    case NameResolver.Outcome.Forward:
                        var copy = new PooledMessage(query.AsSpan(0, length));
                        var to = new SocketAddress(client.Family, client.Size);
                        client.Buffer[..client.Size].CopyTo(to.Buffer);
                        _ = RunAsync(() => ForwardDatagramAsync(socket, copy, to, caller!));
                        break;
                }
            }
            catch (SocketException e)
            {
                _logger.NameServerTrouble(_zone.Network, e);
                await Task.Delay(s_pause, _stop.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                _logger.NameServerTrouble(_zone.Network, e);
            }
        }
    }

    private async Task ForwardDatagramAsync(Socket socket, PooledMessage query, SocketAddress client, NamedEndpoint caller)
    {
        using (query)
        {
            using var response = await ForwardAsync(query, caller, stream: false).ConfigureAwait(false);
            await SendAsync(socket, response.Memory, client).ConfigureAwait(false);
        }
    }

    /// <summary>Sends, if that is possible: a client that lies about its port or address (port 0: EINVAL) gets nothing, and disturbs nobody.</summary>
    private async ValueTask SendAsync(Socket socket, ReadOnlyMemory<byte> response, SocketAddress client)
    {
        try
        {
            await socket.SendToAsync(response, SocketFlags.None, client, _stop.Token).ConfigureAwait(false);
        }
        catch (SocketException)
        {
            // As if the datagram had been lost on its way.
        }
    }

    private async Task AcceptAsync(Socket listener)
    {
        while (true)
        {
            try
            {
                var connection = await listener.AcceptAsync(_stop.Token).ConfigureAwait(false);
                _ = RunAsync(() => ServeAsync(connection));
            }
            catch (SocketException e)
            {
                _logger.NameServerTrouble(_zone.Network, e);
                await Task.Delay(s_pause, _stop.Token).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Takes the client, unless it is a stranger or too many are there.</summary>
    private async Task ServeAsync(Socket connection)
    {
        using (connection)
        {
            var from = AddressKey.Of(((IPEndPoint)connection.RemoteEndPoint!).Address);
            var own = _resolver.Caller(from)?.Connections;
            if (own is null ? !IsHost(from) : !own.TryTake())
            {
                return;
            }

            try
            {
                if (_connections.TryTake())
                {
                    try
                    {
                        await AnswerStreamAsync(connection, from).ConfigureAwait(false);
                    }
                    finally
                    {
                        _connections.Give();
                    }
                }
            }
            finally
            {
                own?.Give();
            }
        }
    }

    /// <summary>Answers one query after the other until the client ends (RFC 7766 section 6.2.1).</summary>
    private async Task AnswerStreamAsync(Socket connection, AddressKey from)
    {
        connection.NoDelay = true;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        while (true)
        {
            patience.CancelAfter(s_idle);
            using var query = await DnsStream.ReadAsync(connection, patience.Token).ConfigureAwait(false);
            if (query is null)
            {
                return;
            }

            var caller = _resolver.Caller(from);
            var response = new PooledMessage(DnsMessage.MaxLength);
            try
            {
                var outcome = _resolver.Answer(query.Span, caller, IsHost(from), datagram: false, response.Span, out var length);
                response.Length = length;
                if (outcome == NameResolver.Outcome.Forward)
                {
                    response.Dispose();
                    patience.CancelAfter(Timeout.InfiniteTimeSpan);
                    response = await ForwardAsync(query, caller!, stream: true).ConfigureAwait(false);
                }
                else if (outcome == NameResolver.Outcome.Silence)
                {
                    return;
                }

                patience.CancelAfter(s_idle);
                await DnsStream.WriteAsync(connection, response, patience.Token).ConfigureAwait(false);
            }
            finally
            {
                response.Dispose();
            }
        }
    }

    /// <summary>
    /// Lets other servers answer. There is always something to say: SERVFAIL where nobody answered, REFUSED where too many queries are under
    /// way, both as Docker's resolver.
    /// </summary>
    private async Task<PooledMessage> ForwardAsync(PooledMessage query, NamedEndpoint caller, bool stream)
    {
        if (!caller.Queries.TryTake())
        {
            return Empty(query, DnsCode.Refused);
        }

        try
        {
            if (!_queries.TryTake())
            {
                return Empty(query, DnsCode.Refused);
            }

            try
            {
                // Never ourselves: such a query would come back for ever.
                var servers = (caller.Servers ?? _hostResolvers.Servers).Except(_own).ToList();
                return await Forwarder.AskAsync(query, servers, stream, _stop.Token).ConfigureAwait(false) ?? Empty(query, DnsCode.ServerFailure);
            }
            finally
            {
                _queries.Give();
            }
        }
        finally
        {
            caller.Queries.Give();
        }
    }

    private static PooledMessage Empty(PooledMessage query, DnsCode code)
    {
        DnsQuestion.Read(query.Span, out var question);
        var response = new PooledMessage(DnsMessage.PlainDatagram);
        response.Length = DnsAnswer.Empty(query.Span, question, response.Span, code);
        return response;
    }

    private bool IsHost(AddressKey from) => _ownAddresses.Contains(from);
}
