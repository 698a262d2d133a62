namespace Bundt.Runtime.Launch;

/// <summary>How far init came (enum report_phase).</summary>
internal enum PlanReportPhase
{
    /// <summary>It has not begun.</summary>
    None = 0,
    /// <summary>It sets up.</summary>
    Setup = 1,
    /// <summary>It waits for start.</summary>
    Waiting = 2,
    /// <summary>It has called execve.</summary>
    Executed = 3,
}
