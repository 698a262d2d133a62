namespace Bundt.Runtime.Launch;

/// <summary>How the launcher becomes a monitor (monitor.h).</summary>
public sealed record MonitorSettings
{
    /// <summary>Host path of the state directory; must exist (files monitor, exit, stdio.log).</summary>
    public required string StateDirectory { get; init; }

    /// <summary>Host path of the directory that gets the socket "monitor.sock".</summary>
    public required string SocketDirectory { get; init; }

    /// <summary>Bytes per log file, 0: no log.</summary>
    public long LogSize { get; init; } = 20 << 20;

    /// <summary>Log files kept.</summary>
    public int LogFiles { get; init; } = 5;

    /// <summary>Stdin stays open while nobody is attached.</summary>
    public bool OpenStdin { get; init; }

    /// <summary>The first attached client that ends its stdin closes the container's.</summary>
    public bool StdinOnce { get; init; }

    /// <summary>--rm: the exit record is not fsynced.</summary>
    public bool Remove { get; init; }

    /// <summary>First terminal size, 0: leave.</summary>
    public int Rows { get; init; }

    /// <summary>First terminal size, 0: leave.</summary>
    public int Columns { get; init; }

    /// <summary>A socket pair's other end is handed to the monitor as an attached client: 1 stdin, 2 stdout, 4 stderr; 0: none.</summary>
    public int AttachFlags { get; init; }
}
