namespace Bundt.Runtime.Launch;

/// <summary>A failure without an errno (enum report_detail).</summary>
internal enum PlanReportDetail
{
    /// <summary>There is an errno.</summary>
    None = 0,
    /// <summary>The launcher does not accept the plan.</summary>
    BadPlan = 1,
    /// <summary>The container's /dev/null is something else.</summary>
    NotNullDevice = 2,
    /// <summary>The caller went away before go.</summary>
    Aborted = 3,
    /// <summary>Another party died.</summary>
    PeerDied = 4,
    /// <summary>A file is not on the file system it should be on.</summary>
    WrongFileSystem = 5,
    /// <summary>The command's interpreter does not exist.</summary>
    MissingInterpreter = 6,
    /// <summary>A directory meets a file.</summary>
    NotADirectory = 7,
    /// <summary>The working directory is outside the root.</summary>
    OutsideRoot = 8,
    /// <summary>A symbolic link led a mount into procfs.</summary>
    InsideProc = 9,
    /// <summary>A hook failed; how, and what it said, is the report's text.</summary>
    HookFailed = 10,
    /// <summary>The kernel has another security label than was written.</summary>
    LabelNotSet = 11,
}
