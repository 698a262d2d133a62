using Microsoft.Extensions.Primitives;

namespace Bundt.Daemon.Server;

/// <summary>The version of this daemon, and the Server header that docker's clients expect the shape of.</summary>
internal static class ServerHeader
{
    /// <summary>"0.1.0".</summary>
    public static string Version { get; } = typeof(ServerHeader).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";

    /// <summary>"Bundt/0.1.0 (linux)".</summary>
    public static string Text { get; } = $"Bundt/{Version} (linux)";

    /// <summary>The same as a header's value.</summary>
    public static StringValues Value { get; } = Text;
}
