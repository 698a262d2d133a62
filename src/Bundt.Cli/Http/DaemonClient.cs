using System.Text.Json;
using Bundt.Cli.Daemon;
using Bundt.Cli.Output;
using Bundt.Linux;
using Bundt.Linux.Sockets;

namespace Bundt.Cli.Http;

/// <summary>Exchanges with the daemon at one address. Starts it when none listens there.</summary>
internal sealed class DaemonClient(DaemonAddress address)
{
    /// <summary>The version of the Docker Engine API that paths ask for.</summary>
    public const string Prefix = "/v1.47";

    private const int OtherStarterAttempts = 40;
    private const int OtherStarterPause = 25;
    private const int ReturnPause = 50;

    /// <summary>How long a daemon that was there may stay away: a supervisor that restarts it takes seconds, an update a few more.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private bool _met;

    /// <summary>The address.</summary>
    public DaemonAddress Address => address;

    /// <summary>Percent-encodes a query value or a path segment.</summary>
    public static string Escape(string text)
    {
        foreach (char c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.' or '~'))
            {
                return Uri.EscapeDataString(text);
            }
        }

        return text;
    }

    /// <summary>Percent-encodes a name in a path; image names keep their slashes and colons.</summary>
    public static string EscapePath(string name) => string.Join('/', name.Split('/').Select(Escape)).Replace("%3A", ":", StringComparison.Ordinal).Replace("%40", "@", StringComparison.Ordinal);

    /// <summary>A new connection; the daemon is started first if it must be.</summary>
    /// <exception cref="BundtException">Unavailable: nobody listens and it cannot be started; Forbidden: this user may not.</exception>
    public HttpConnection Connect()
    {
        UnixSocket? socket = UnixSocket.TryConnect(address.Socket, out Errno errno);
        if (socket is null && errno is Errno.ENOENT or Errno.ECONNREFUSED)
        {
            socket = _met && !address.CanStart ? AwaitReturn() : StartAndConnect();
            errno = Errno.ECONNREFUSED;
        }

        if (socket is not null)
        {
            _met = true;
            return new HttpConnection(socket);
        }

        throw errno switch
        {
            Errno.EACCES or Errno.EPERM => new BundtException(FailureKind.Forbidden, Phase.Request, $"this user may not use the daemon's socket {address.Socket}: {errno.Describe()}", "Be root, or a member of the socket's group"),
            _ => new BundtException(Phase.Request, "connect to the daemon's socket", address.Socket, errno, kind: FailureKind.Unavailable),
        };
    }

    // A daemon that this command has already spoken with was killed or is being replaced, by somebody else: its containers go on, so this waits.
    private UnixSocket? AwaitReturn()
    {
        StandardStreams.Error($"bundt: the daemon at {address.Socket} is gone; waiting for it to come back\n");
        long deadline = Environment.TickCount64 + (long)s_patience.TotalMilliseconds;
        while (Environment.TickCount64 < deadline)
        {
            if (UnixSocket.TryConnect(address.Socket, out _) is UnixSocket socket)
            {
                return socket;
            }

            Thread.Sleep(ReturnPause);
        }

        return null;
    }

    // Two clients may start a daemon at once: the second daemon finds the root directory locked and ends, and its client uses the first's.
    private UnixSocket? StartAndConnect()
    {
        try
        {
            DaemonStarter.Start(address);
            return UnixSocket.TryConnect(address.Socket, out _);
        }
        catch (BundtException) when (address.CanStart)
        {
            for (int attempt = 0; attempt < OtherStarterAttempts; attempt++)
            {
                if (UnixSocket.TryConnect(address.Socket, out _) is UnixSocket socket)
                {
                    return socket;
                }

                Thread.Sleep(OtherStarterPause);
            }

            throw;
        }
    }

    /// <summary>Sends a request and reads the head of its answer; an error status becomes an exception.</summary>
    /// <exception cref="ApiException">The daemon said no.</exception>
    public HttpConnection Open(string method, string target, ReadOnlySpan<byte> body = default, string headers = "")
    {
        HttpConnection connection = Connect();
        try
        {
            connection.Send(method, target, body, headers);
            _ = connection.Receive();
            ThrowIfError(connection);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Throws what an error answer says.</summary>
    public static void ThrowIfError(HttpConnection connection)
    {
        if (connection.Status >= 400)
        {
            throw ApiException.Parse(connection.Status, connection.ReadAll());
        }
    }

    /// <summary>An exchange whose whole body matters.</summary>
    public byte[] Fetch(string method, string target, ReadOnlySpan<byte> body = default, string headers = "")
    {
        using HttpConnection connection = Open(method, Prefix + target, body, headers);
        return connection.ReadAll();
    }

    /// <summary>An exchange whose body is JSON.</summary>
    public JsonElement FetchJson(string method, string target, ReadOnlySpan<byte> body = default)
    {
        using JsonDocument document = JsonDocument.Parse(Fetch(method, target, body));
        return document.RootElement.Clone();
    }
}
