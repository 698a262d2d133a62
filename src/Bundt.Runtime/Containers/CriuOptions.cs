namespace Bundt.Runtime.Containers;

/// <summary>How CRIU takes a checkpoint, or restores one (criu(8)).</summary>
public sealed record CriuOptions
{
    /// <summary>Absolute path of CRIU; null: it is looked for in PATH.</summary>
    public string? Program { get; init; }

    /// <summary>Absolute path of the directory of the images.</summary>
    public required string Images { get; init; }

    /// <summary>Absolute path of the directory for logs and statistics; null: that of the images.</summary>
    public string? Work { get; init; }

    /// <summary>An earlier pre-dump that this one builds on, relative to the images; null: none.</summary>
    public string? Parent { get; init; }

    /// <summary>Only memory is dumped, and the container goes on.</summary>
    public bool PreDump { get; init; }

    /// <summary>The container goes on after its checkpoint.</summary>
    public bool LeaveRunning { get; init; }

    /// <summary>What CRIU does with cgroups: "soft", "full", "strict", "ignore"; null: ignore, since they are this program's.</summary>
    public string? ManageCgroups { get; init; }

    /// <summary>Options that CRIU is given as they are ("--tcp-established").</summary>
    public IReadOnlyList<string> Flags { get; init; } = [];
}
