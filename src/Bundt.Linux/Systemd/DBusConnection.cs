using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Bundt.Linux.Sockets;

namespace Bundt.Linux.Systemd;

/// <summary>
/// A connection to systemd over D-Bus: directly by its private socket, as systemctl does for root, else over the system bus. One thread, one call
/// at a time; signals that come between are kept.
/// </summary>
internal sealed partial class DBusConnection : IDisposable
{
    private const string PrivateSocket = "/run/systemd/private", SystemBus = "/run/dbus/system_bus_socket";
    private const string Bus = "org.freedesktop.DBus";
    private const string Closed = "systemd has closed the connection";
    private const int Attempts = 10;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly UnixSocket _socket;
    private readonly Queue<DBusMessage> _signals = [];
    private readonly bool _overBus;
    private uint _serial;

    private DBusConnection(UnixSocket socket, bool overBus)
    {
        _socket = socket;
        _overBus = overBus;
    }

    /// <summary>Connects.</summary>
    /// <exception cref="BundtException">Unavailable: neither socket answers.</exception>
    public static DBusConnection Open()
    {
        // systemd (252) sometimes closes a connection that is just being made while it has news of its units to tell, without a word. Nothing has been
        // asked yet, so that the next one is as good.
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return OpenOnce();
            }
            catch (BundtException e) when (e.Operation == Closed && attempt < Attempts)
            {
            }
        }
    }

    private static DBusConnection OpenOnce()
    {
        var direct = UnixSocket.TryConnect(PrivateSocket, out var errno);
        var socket = direct ?? UnixSocket.TryConnect(SystemBus, out errno)
            ?? throw new BundtException(
                Phase.Cgroup, "connect to systemd", SystemBus, errno, "systemd's cgroup driver needs systemd as process 1, and root.", FailureKind.Unavailable);
        var connection = new DBusConnection(socket, direct is null);
        try
        {
            connection.Authenticate();
            if (connection._overBus)
            {
                connection.Call(Bus, "/org/freedesktop/DBus", Bus, "Hello", "", []);
                var rule = new DBusWriter();
                rule.Text("type='signal',interface='org.freedesktop.systemd1.Manager',member='JobRemoved'");
                connection.Call(Bus, "/org/freedesktop/DBus", Bus, "AddMatch", "s", rule.Written);
            }

            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Calls a method and waits for its answer.</summary>
    /// <returns>The return, or the error.</returns>
    public DBusMessage Call(string destination, string path, string callee, string method, string signature, ReadOnlySpan<byte> body)
    {
        var serial = ++_serial;
        if (!_socket.Write(DBusWriter.Call(serial, _overBus ? destination : null, path, callee, method, signature, body)))
        {
            throw Lost();
        }

        var until = Deadline();
        while (true)
        {
            var message = Next(until);
            if (message.Kind is DBusMessage.Return or DBusMessage.Error && message.ReplyTo == serial)
            {
                return message;
            }

            Keep(message);
        }
    }

    /// <summary>Waits for the next signal.</summary>
    public DBusMessage NextSignal()
    {
        var until = Deadline();
        while (_signals.Count == 0)
        {
            Keep(Next(until));
        }

        return _signals.Dequeue();
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private static long Deadline() => Stopwatch.GetTimestamp() + (long)(s_patience.TotalSeconds * Stopwatch.Frequency);

    private static BundtException Lost() => new(FailureKind.Unavailable, Phase.Cgroup, Closed, "journalctl may say why.");

    private void Keep(DBusMessage message)
    {
        if (message.Kind == DBusMessage.Signal)
        {
            _signals.Enqueue(message);
        }
    }

    // "EXTERNAL": the kernel tells the peer who we are (D-Bus specification, "Authentication Protocol"). BEGIN goes along, as libsystemd sends it:
    // systemd does not look at a message that it has read together with the BEGIN before it, until another one comes.
    private void Authenticate()
    {
        var identity = Convert.ToHexStringLower(Encoding.ASCII.GetBytes(geteuid().ToString(CultureInfo.InvariantCulture)));
        if (!_socket.Write(Encoding.ASCII.GetBytes($"\0AUTH EXTERNAL {identity}\r\nBEGIN\r\n")))
        {
            throw Lost();
        }

        // Nothing follows the one line of the answer until we call.
        Span<byte> answer = stackalloc byte[512];
        var length = 0;
        var until = Deadline();
        do
        {
            Await(until);
            var count = _socket.Read(answer[length..]);
            length += count > 0 ? count : throw Lost();
        }
        while (answer[length - 1] != '\n');

        var line = Encoding.ASCII.GetString(answer[..length]).TrimEnd();
        if (!line.StartsWith("OK ", StringComparison.Ordinal))
        {
            throw new BundtException(FailureKind.Forbidden, Phase.Cgroup, $"systemd does not let us in: {line}");
        }
    }

    private DBusMessage Next(long until)
    {
        Span<byte> prelude = stackalloc byte[DBusMessage.Prelude];
        Read(prelude, until);
        var message = new byte[DBusMessage.LengthOf(prelude)];
        prelude.CopyTo(message);
        Read(message.AsSpan(prelude.Length), until);
        return new DBusMessage(message);
    }

    private void Read(Span<byte> buffer, long until)
    {
        while (buffer.Length > 0)
        {
            Await(until);
            var count = _socket.Read(buffer);
            buffer = count > 0 ? buffer[count..] : throw Lost();
        }
    }

    private void Await(long until)
    {
        var left = (until - Stopwatch.GetTimestamp()) * 1000 / Stopwatch.Frequency;
        if (left <= 0 || PollEntry.Wait([new PollEntry(_socket.Descriptor, PollEntry.In)], (int)left) == 0)
        {
            throw new BundtException(FailureKind.Unavailable, Phase.Cgroup, $"systemd has not answered for {s_patience.TotalSeconds} seconds");
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial uint geteuid();
}
