using Bundt.Cli.CommandLine;

namespace Bundt.Cli.Http;

/// <summary>Which daemon to talk to, and how to start it when none runs.</summary>
/// <param name="Socket">File name of its socket.</param>
/// <param name="Root">Its <c>--root</c>, or null for the default.</param>
/// <param name="Run">Its <c>--run</c>, or null for the default.</param>
/// <param name="IsDefault">Nobody asked for another one: the system's daemon, which systemd may own.</param>
internal sealed record DaemonAddress(string Socket, string? Root, string? Run, bool IsDefault)
{
    private const string DefaultRun = "/run/bundt";

    /// <summary>
    /// Whether this client may start a daemon there. A socket somewhere else alone does not say where that daemon keeps its state, and a second daemon
    /// on the default directories would only be refused.
    /// </summary>
    public bool CanStart => IsDefault || Root is not null;

    /// <summary>From the global options and the environment (<c>BUNDT_HOST</c>, <c>BUNDT_ROOT</c>, <c>BUNDT_RUN</c>).</summary>
    /// <exception cref="UsageException">The host is no unix socket.</exception>
    public static DaemonAddress Choose(string? host, string? root, string? run)
    {
        host ??= NonEmpty("BUNDT_HOST");
        root ??= NonEmpty("BUNDT_ROOT");
        run ??= NonEmpty("BUNDT_RUN");
        if (host is null)
        {
            return new DaemonAddress(Path.Combine(run ?? DefaultRun, "bundt.sock"), root, run, root is null && run is null);
        }

        string socket = host.StartsWith("unix://", StringComparison.Ordinal) ? host["unix://".Length..] : host;
        if (!socket.StartsWith('/'))
        {
            throw new UsageException($"invalid host \"{host}\": it must be unix:///path/to/socket");
        }

        return new DaemonAddress(socket, root, run, socket == DefaultRun + "/bundt.sock" && root is null && run is null);
    }

    private static string? NonEmpty(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? value : null;
}
