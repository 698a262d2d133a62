namespace Bundt.Runtime.Plans;

/// <summary>What a hook reads from its stdin (runtime.md, "State"), except for the pid, which only the process itself knows.</summary>
/// <param name="Json">The state.</param>
/// <param name="PidAt">Where in it ten bytes are replaced by the pid.</param>
public sealed record HookState(ReadOnlyMemory<byte> Json, int PidAt);
