namespace Bundt.Cli.Streams;

/// <summary>How the bytes on a taken-over connection are packed.</summary>
internal enum StreamProtocol
{
    /// <summary>Frames both ways, with exit, resize and signals (BRIEF: the header of native/monitor.h).</summary>
    Bundt,
    /// <summary>Docker: frames from the daemon, plain bytes to it.</summary>
    DockerFrames,
    /// <summary>Docker with a terminal: plain bytes both ways.</summary>
    DockerRaw,
}

/// <summary>What a session between this client's stdio and a container's streams does.</summary>
internal sealed record StreamRequest
{
    /// <summary>Packing.</summary>
    public required StreamProtocol Protocol { get; init; }

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

    /// <summary>Docker protocols: sends a terminal's new size by a request of its own.</summary>
    public Action<int, int>? Resize { get; init; }

    /// <summary>Docker protocols: sends a signal by a request of its own.</summary>
    public Action<string>? Kill { get; init; }
}

/// <summary>How a session ended.</summary>
internal enum StreamEnd
{
    /// <summary>The container or exec ended; there is an exit code where the protocol tells one.</summary>
    Exited,
    /// <summary>The keys were typed.</summary>
    Detached,
    /// <summary>The connection ended without an exit code.</summary>
    Lost,
    /// <summary>A signal for this client.</summary>
    Interrupted,
}
