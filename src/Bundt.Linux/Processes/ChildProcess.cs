using Microsoft.Win32.SafeHandles;

namespace Bundt.Linux.Processes;

/// <summary>Starts programs through the native spawn function (native/spawn.h): no managed code runs between clone and execve.</summary>
public static class ChildProcess
{
    private const uint NewSession = 1;

    /// <summary>
    /// Executes a program. Only stdio and the given descriptors reach it; its environment is exactly the given one.
    /// </summary>
    /// <param name="program">The program, open.</param>
    /// <param name="cgroup">A cgroup directory it is born in, or null: ours.</param>
    /// <param name="arguments">argv, the name included.</param>
    /// <param name="environment">envp.</param>
    /// <param name="descriptors">What it gets beside stdio, or in its place.</param>
    /// <param name="newSession">It leads a session of its own.</param>
    /// <returns>The child, a child of this process.</returns>
    public static unsafe PidFd Start(
        SafeFileHandle program,
        SafeFileHandle? cgroup,
        ReadOnlySpan<string> arguments,
        ReadOnlySpan<string> environment,
        ReadOnlySpan<ChildDescriptor> descriptors,
        bool newSession = false)
    {
        using var argv = new StringVector(arguments);
        using var envp = new StringVector(environment);
        var fds = stackalloc ProcessCalls.SpawnFd[Math.Max(1, descriptors.Length)];
        for (var i = 0; i < descriptors.Length; i++)
        {
            fds[i] = new ProcessCalls.SpawnFd { Source = (int)descriptors[i].Source.DangerousGetHandle(), Target = descriptors[i].Target };
        }

        var spec = new ProcessCalls.SpawnSpec
        {
            ExeFd = (int)program.DangerousGetHandle(),
            CgroupFd = cgroup is null ? -1 : (int)cgroup.DangerousGetHandle(),
            Flags = newSession ? NewSession : 0,
            FdCount = (uint)descriptors.Length,
            Fds = fds,
            Argv = argv.Pointers,
            Envp = envp.Pointers,
        };
        int pidFd;
        var pid = ProcessCalls.bundt_spawn(&spec, &pidFd);
        GC.KeepAlive(program);
        GC.KeepAlive(cgroup);
        return pid > 0
            ? new PidFd(pid, new SafeFileHandle(pidFd, true))
            : throw new BundtException(Phase.Launch, "start", arguments[0], (Errno)(-pid));
    }
}
