using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Bundt.Daemon.Server;

/// <summary>HTTP/1.1 on a unix socket: Kestrel alone, without a host, services or a router.</summary>
internal sealed class ApiServer : IHttpApplication<HttpContext>, IAsyncDisposable
{
    /// <summary>Lines and headers of a request: an X-Registry-Auth or a filter can be long, nothing else is.</summary>
    private const int MaxHeaderBytes = 128 * 1024;

    /// <summary>Output that may wait for a slow client before its source is held up.</summary>
    private const int MaxWriteBytes = 256 * 1024;

    private readonly Func<ApiRequest, Task> _handler;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly IdleMemory _memory = new();
    private readonly KestrelServer _kestrel;
    private readonly Socket _listener;

    /// <summary>A server that is not started yet. It owns the listening socket.</summary>
    public ApiServer(Socket listener, Func<ApiRequest, Task> handler, ILoggerFactory loggers)
    {
        _handler = handler;
        _listener = listener;
        _logger = loggers.CreateLogger("api");
        var options = new KestrelServerOptions { AddServerHeader = false, AllowSynchronousIO = false, AllowResponseHeaderCompression = false };
        options.Limits.MaxRequestBodySize = null; // archives of any size; JSON bodies have a limit of their own
        options.Limits.MinRequestBodyDataRate = null;
        options.Limits.MinResponseDataRate = null;
        options.Limits.MaxRequestHeadersTotalSize = MaxHeaderBytes;
        options.Limits.MaxRequestLineSize = MaxHeaderBytes;
        options.Limits.MaxRequestBufferSize = MaxHeaderBytes * 2;
        options.Limits.KeepAliveTimeout = TimeSpan.FromMinutes(10);
        options.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(30);
        options.ListenHandle((ulong)listener.Handle, static listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            listen.Use(static next => async connection =>
            {
                await using var wrapped = new ApiConnection(connection);
                await next(wrapped);
            });
        });

        // A request's continuations run where the socket's readiness is handled: two thread hops less per request.
        var transport = new SocketTransportFactory(
            Options.Create(new SocketTransportOptions { UnsafePreferInlineScheduling = true, Backlog = 1024, MaxWriteBufferSize = MaxWriteBytes }), loggers);
        _kestrel = new KestrelServer(Options.Create(options), transport, loggers);
    }

    /// <summary>Accepts connections.</summary>
    public Task StartAsync(CancellationToken cancellation) => _kestrel.StartAsync(this, cancellation);

    /// <summary>Ends what waits, lets short requests finish within the time, then cuts every connection.</summary>
    public async Task StopAsync(TimeSpan patience)
    {
        await _stopping.CancelAsync();
        using var deadline = new CancellationTokenSource(patience);
        await _kestrel.StopAsync(deadline.Token);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _kestrel.Dispose();
        await _stopping.CancelAsync();
        _listener.Dispose();
        _memory.Dispose();
    }

    HttpContext IHttpApplication<HttpContext>.CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

    void IHttpApplication<HttpContext>.DisposeContext(HttpContext context, Exception? exception)
    {
    }

    async Task IHttpApplication<HttpContext>.ProcessRequestAsync(HttpContext context)
    {
        using var request = new ApiRequest(context, _stopping.Token);
        try
        {
            await _handler(request);
        }
        catch (OperationCanceledException) when (request.IsClientGone || _stopping.IsCancellationRequested)
        {
            context.Abort();
        }
        catch (Exception exception) when (exception is ConnectionResetException or ConnectionAbortedException)
        {
            context.Abort();
        }
#pragma warning disable CA1031 // whatever a handler throws must become an answer, never the end of the daemon
        catch (Exception exception)
#pragma warning restore CA1031
        {
            await ErrorAnswer.WriteAsync(request, exception, _logger);
        }
        finally
        {
            _memory.Touch();
        }
    }
}
