using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Bundt.Engine.Tests.Networks;

/// <summary>Another name server, on loopback, that does as the test says.</summary>
internal sealed class Upstream : IDisposable
{
    private readonly Socket _datagrams = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly Func<byte[], IEnumerable<byte[]>> _answer;

    /// <summary>Listens on UDP and TCP.</summary>
    /// <param name="answer">From a query to the messages sent back.</param>
    public Upstream(Func<byte[], IEnumerable<byte[]>> answer)
    {
        _answer = answer;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _datagrams.Bind(_listener.LocalEndPoint!);
        _listener.Listen();
        _ = ServeDatagramsAsync();
        _ = ServeStreamsAsync();
    }

    public IPEndPoint Address => (IPEndPoint)_listener.LocalEndPoint!;

    public ConcurrentQueue<(byte[] Query, int Port)> Queries { get; } = [];

    /// <summary>A response with the query's id and question, and the given code and bytes behind the question.</summary>
    public static byte[] Reply(byte[] query, int code = 0, byte[]? rest = null)
    {
        byte[] reply = [.. query, .. rest ?? []];
        reply[2] |= 0x80;
        reply[3] = (byte)(0x80 | code);
        return reply;
    }

    public void Dispose()
    {
        _datagrams.Dispose();
        _listener.Dispose();
    }

    private async Task ServeDatagramsAsync()
    {
        try
        {
            var buffer = new byte[65536];
            while (true)
            {
                var received = await _datagrams.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0));
                var query = buffer[..received.ReceivedBytes];
                Queries.Enqueue((query, ((IPEndPoint)received.RemoteEndPoint).Port));
                foreach (var message in _answer(query))
                {
                    await _datagrams.SendToAsync(message, received.RemoteEndPoint);
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private async Task ServeStreamsAsync()
    {
        try
        {
            while (true)
            {
                using var client = await _listener.AcceptAsync();
                var query = await DnsClient.ReadAsync(client);
                Queries.Enqueue((query, ((IPEndPoint)client.RemoteEndPoint!).Port));
                foreach (var message in _answer(query))
                {
                    await client.SendAsync(DnsClient.Framed(message));
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }
}
