namespace Bundt.Engine;

/// <summary>What an exec is asked to be.</summary>
public sealed record ExecSettings
{
    /// <summary>Command and arguments.</summary>
    public required IReadOnlyList<string> Cmd { get; init; }

    /// <summary>Environment on top of the container's.</summary>
    public IReadOnlyList<string> Env { get; init; } = [];

    /// <summary>User; "": the container's.</summary>
    public string User { get; init; } = "";

    /// <summary>Working directory; "": the container's.</summary>
    public string WorkingDir { get; init; } = "";

    /// <summary>A terminal.</summary>
    public bool Tty { get; init; }

    /// <summary>Attach stdin.</summary>
    public bool AttachStdin { get; init; }

    /// <summary>Attach stdout.</summary>
    public bool AttachStdout { get; init; }

    /// <summary>Attach stderr.</summary>
    public bool AttachStderr { get; init; }

    /// <summary>All capabilities.</summary>
    public bool Privileged { get; init; }

    /// <summary>First terminal size.</summary>
    public (int Rows, int Columns) ConsoleSize { get; init; }

    /// <summary>Its output is kept until a session of its client's has ended in order: the client can go on through the next daemon.</summary>
    public bool Resumable { get; init; }

    /// <summary>"ctrl-p,ctrl-q"; kept for the API.</summary>
    public string DetachKeys { get; init; } = "";
}
