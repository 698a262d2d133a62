namespace Bundt.Cli.Streams;

/// <summary>What a session between this client's stdio and a container's streams does.</summary>
internal sealed record StreamRequest
{
    /// <summary>Stdin is copied.</summary>
    public bool Stdin { get; init; }

    /// <summary>Stdout is wanted.</summary>
    public bool Stdout { get; init; } = true;

    /// <summary>Stderr is wanted.</summary>
    public bool Stderr { get; init; } = true;

    /// <summary>The streams are a terminal's.</summary>
    public bool Tty { get; init; }

    /// <summary>Signals go to the container instead of ending this client.</summary>
    public bool SignalProxy { get; init; } = true;

    /// <summary>Keys that detach, or null.</summary>
    public DetachKeys? DetachKeys { get; init; }

    /// <summary>Sends a signal by a request of its own, for when stdin may stand in the way; null: there is none.</summary>
    public Action<string>? Kill { get; init; }
}

/// <summary>How a session ended.</summary>
internal enum StreamEnd
{
    /// <summary>The container or exec ended.</summary>
    Exited,
    /// <summary>The keys were typed.</summary>
    Detached,
    /// <summary>The connection ended without an exit code.</summary>
    Lost,
    /// <summary>A signal for this client.</summary>
    Interrupted,
}
