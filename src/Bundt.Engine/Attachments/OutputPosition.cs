namespace Bundt.Engine;

/// <summary>
/// A place in a container's output: how many bytes each stream has brought before it, in all of the container's lives (native/monitor.h,
/// struct log_position). It stays the same when the log is rotated.
/// </summary>
/// <param name="Stdout">Bytes of stdout, and of a terminal.</param>
/// <param name="Stderr">Bytes of stderr.</param>
public readonly record struct OutputPosition(long Stdout, long Stderr)
{
    /// <summary>The bytes of a stream (1 or 2); 0 for what is no stream of the container's.</summary>
    public long Of(byte stream) => stream switch
    {
        1 => Stdout,
        2 => Stderr,
        _ => 0,
    };

    /// <summary>The place behind so many bytes of a stream.</summary>
    public OutputPosition Behind(byte stream, long bytes) => stream switch
    {
        1 => this with { Stdout = Stdout + bytes },
        2 => this with { Stderr = Stderr + bytes },
        _ => this,
    };

    /// <summary>Of each stream the later place.</summary>
    public OutputPosition Later(OutputPosition other) => new(Math.Max(Stdout, other.Stdout), Math.Max(Stderr, other.Stderr));
}
