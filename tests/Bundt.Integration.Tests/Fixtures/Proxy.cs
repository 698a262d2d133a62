using System.Net;
using System.Net.Sockets;

namespace Bundt.Integration.Tests.Fixtures;

/// <summary>
/// A TCP proxy on loopback before a registry: counts what the registry sends, and cuts or slows each connection. What a client downloads
/// twice shows here, whatever it says.
/// </summary>
public sealed class Proxy : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly int _target;
    private long _bytes;

    /// <summary>Starts it before a port of 127.0.0.1.</summary>
    public Proxy(int target)
    {
        _target = target;
        _listener.Start();
        _ = AcceptAsync();
    }

    /// <summary>"127.0.0.1:PORT".</summary>
    public string Host => $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>Bytes of the registry's answers so far, headers included.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Each connection is cut after so many bytes of answers.</summary>
    public long CutAfter { get; set; } = long.MaxValue;

    /// <summary>Bytes per second of each connection, about; 0 for no limit.</summary>
    public int Rate { get; set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_stop.Token).ConfigureAwait(false);
                _ = ServeAsync(client);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        try
        {
            using (client)
            using (var registry = new TcpClient())
            {
                // What waits in buffers is counted as sent, but a client that dies has not got it.
                client.SendBufferSize = 64 * 1024;
                await registry.ConnectAsync(IPAddress.Loopback, _target, _stop.Token).ConfigureAwait(false);
                var requests = client.GetStream().CopyToAsync(registry.GetStream(), _stop.Token);
                await AnswersAsync(registry.GetStream(), client.GetStream()).ConfigureAwait(false);
                client.Close();
                registry.Close();
                await requests.ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or IOException or ObjectDisposedException)
        {
            // One side left.
        }
    }

    private async Task AnswersAsync(NetworkStream from, NetworkStream to)
    {
        var buffer = new byte[64 * 1024];
        for (long sent = 0; sent < CutAfter;)
        {
            var read = await from.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, CutAfter - sent)), _stop.Token).ConfigureAwait(false);
            if (read == 0)
            {
                return;
            }

            await to.WriteAsync(buffer.AsMemory(0, read), _stop.Token).ConfigureAwait(false);
            sent += read;
            Interlocked.Add(ref _bytes, read);
            if (Rate > 0)
            {
                // Never faster, not even to catch up: a burst would fill the client's buffers.
                await Task.Delay(TimeSpan.FromSeconds((double)read / Rate), _stop.Token).ConfigureAwait(false);
            }
        }
    }
}
