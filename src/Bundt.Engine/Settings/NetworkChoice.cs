namespace Bundt.Engine.Settings;

/// <summary>What a network mode means.</summary>
internal enum NetworkKind
{
    /// <summary>The default bridge.</summary>
    Default,

    /// <summary>None, or not said when the container was made, which had no default then.</summary>
    None,
    Host,
    Container,
    /// <summary>A network's name or id.</summary>
    Named,
}

/// <summary>Reads a network mode.</summary>
internal static class NetworkChoice
{
    /// <summary>Whether the container has a network namespace of its own.</summary>
    public static bool IsOwn(string mode) => Of(mode) is NetworkKind.None or NetworkKind.Default or NetworkKind.Named;

    public static NetworkKind Of(string mode) => mode switch
    {
        "bridge" => NetworkKind.Default,
        "none" or "" => NetworkKind.None,
        "host" => NetworkKind.Host,
        _ when mode.StartsWith("container:", StringComparison.Ordinal) => NetworkKind.Container,
        _ => NetworkKind.Named,
    };
}
