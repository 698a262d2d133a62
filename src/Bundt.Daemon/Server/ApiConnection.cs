using System.IO.Pipelines;
using System.Net.Sockets;
using Bundt.Linux.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Bundt.Daemon.Server;

/// <summary>
/// A client's connection as Kestrel's HTTP layer sees it. Kestrel takes a client's FIN for an abort (dotnet/aspnetcore #13188), but
/// docker's clients end their sending side as soon as they have no stdin and go on reading. A hijacked connection therefore hides FIN and
/// abort from the HTTP layer and finds out by itself when the client has really gone.
/// </summary>
internal sealed class ApiConnection : ConnectionContext
{
    /// <summary>How often a client that has ended its sending side is looked at: the kernel offers no event for the rest of its end that .NET passes on.</summary>
    private static readonly TimeSpan s_hangUpInterval = TimeSpan.FromMilliseconds(250);

    private readonly ConnectionContext _inner;
    private readonly CancellationTokenSource _closed = new();
    private readonly CancellationTokenSource _lost = new();
    private readonly CancellationTokenRegistration _registration;
    private readonly Lock _gate = new();
    private bool _hijacked;
    private bool _finSeen;
    private bool _ended;
    private Timer? _watch;

    public ApiConnection(ConnectionContext inner)
    {
        _inner = inner;
        inner.Features.Set(this);
        _registration = inner.ConnectionClosed.UnsafeRegister(static state => ((ApiConnection)state!).OnFin(), this);
    }

    public override string ConnectionId
    {
        get => _inner.ConnectionId;
        set => _inner.ConnectionId = value;
    }

    public override IFeatureCollection Features => _inner.Features;

    public override IDictionary<object, object?> Items
    {
        get => _inner.Items;
        set => _inner.Items = value;
    }

    public override IDuplexPipe Transport
    {
        get => _inner.Transport;
        set => _inner.Transport = value;
    }

    public override CancellationToken ConnectionClosed
    {
        get => _closed.Token;
        set => throw new NotSupportedException();
    }

    /// <summary>Fires when the client of a hijacked connection has gone altogether.</summary>
    public CancellationToken Lost => _lost.Token;

    /// <summary>From now on the connection belongs to a handler that reads and writes <see cref="Transport"/>.</summary>
    public void Hijack()
    {
        bool finSeen;
        lock (_gate)
        {
            _hijacked = true;
            finSeen = _finSeen;
        }

        if (finSeen)
        {
            WatchForHangUp();
        }
    }

    /// <summary>
    /// Begins to look for the client's end. Needed after its FIN, and while nobody reads what it sends (a FIN behind unread bytes is not seen).
    /// </summary>
    public void WatchForHangUp()
    {
        lock (_gate)
        {
            if (_ended || _watch is not null)
            {
                return;
            }

            _watch = new Timer(static state => ((ApiConnection)state!).LookForHangUp(), this, TimeSpan.Zero, s_hangUpInterval);
        }
    }

    /// <summary>The HTTP layer's wish to cut the connection. A hijacked one ends with its handler, after its last byte was sent.</summary>
    public override void Abort(ConnectionAbortedException abortReason)
    {
        lock (_gate)
        {
            if (_hijacked)
            {
                return;
            }
        }

        _inner.Abort(abortReason);
    }

    public override async ValueTask DisposeAsync()
    {
        Timer? watch;
        lock (_gate)
        {
            _ended = true;
            watch = _watch;
        }

        await _registration.DisposeAsync();
        if (watch is not null)
        {
            await watch.DisposeAsync();
        }

        _closed.Dispose();
        _lost.Dispose();
        await base.DisposeAsync();
    }

    private void OnFin()
    {
        lock (_gate)
        {
            _finSeen = true;
            if (!_hijacked)
            {
                _closed.Cancel();
                return;
            }
        }

        WatchForHangUp();
    }

    private void LookForHangUp()
    {
        Socket? socket = Features.Get<IConnectionSocketFeature>()?.Socket;
        if (socket is not null && !HangUp.IsSeen(socket.SafeHandle))
        {
            return;
        }

        lock (_gate)
        {
            if (_ended)
            {
                return;
            }

            _watch?.Change(Timeout.Infinite, Timeout.Infinite);
        }

        _lost.Cancel();
    }
}
