using Microsoft.Win32.SafeHandles;

namespace Bundt.Linux.Processes;

/// <summary>A descriptor that a child gets.</summary>
/// <param name="Source">Ours.</param>
/// <param name="Target">Its number in the child.</param>
public readonly record struct ChildDescriptor(SafeFileHandle Source, int Target);
