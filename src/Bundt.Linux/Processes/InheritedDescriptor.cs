namespace Bundt.Linux.Processes;

/// <summary>Descriptors that this process was started with.</summary>
public static class InheritedDescriptor
{
    private const int GetDescriptorFlags = 1; // F_GETFD
    private const int CloseOnExec = 1; // FD_CLOEXEC

    /// <summary>
    /// Whether a number is a descriptor that our caller passed. Everything that we open ourselves is close-on-exec, which an inherited descriptor
    /// cannot be: so a number that the caller left free, and that we use meanwhile, is told apart.
    /// </summary>
    /// <param name="number">The descriptor's number.</param>
    public static bool IsOpen(int number) => ProcessCalls.fcntl(number, GetDescriptorFlags, 0) is >= 0 and var flags && (flags & CloseOnExec) == 0;
}
