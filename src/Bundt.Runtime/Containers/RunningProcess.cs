using Bundt.Linux.Processes;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Runtime.Containers;

/// <summary>A process that was just started.</summary>
/// <param name="Process">The process: a child of the nearest subreaper, its own if it is one.</param>
/// <param name="Terminal">The master of its terminal, if it has one that the caller shall serve.</param>
public sealed record RunningProcess(PidFd Process, SafeFileHandle? Terminal);
