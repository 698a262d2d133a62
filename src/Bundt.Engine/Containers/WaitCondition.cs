namespace Bundt.Engine;

/// <summary>What wait waits for.</summary>
public enum WaitCondition
{
    /// <summary>Answers at once when it does not run.</summary>
    NotRunning,
    /// <summary>The end of the current or next run.</summary>
    NextExit,
    /// <summary>Its removal.</summary>
    Removed,
}
