using System.Text;
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
        var text = new byte[Size(arguments) + Size(environment)];
        var argv = stackalloc byte*[arguments.Length + 1];
        var envp = stackalloc byte*[environment.Length + 1];
        var fds = stackalloc ProcessCalls.SpawnFd[Math.Max(1, descriptors.Length)];
        for (var i = 0; i < descriptors.Length; i++)
        {
            fds[i] = new ProcessCalls.SpawnFd { Source = (int)descriptors[i].Source.DangerousGetHandle(), Target = descriptors[i].Target };
        }

        fixed (byte* data = text)
        {
            var next = Fill(argv, arguments, data);
            Fill(envp, environment, next);
            var spec = new ProcessCalls.SpawnSpec
            {
                ExeFd = (int)program.DangerousGetHandle(),
                CgroupFd = cgroup is null ? -1 : (int)cgroup.DangerousGetHandle(),
                Flags = newSession ? NewSession : 0,
                FdCount = (uint)descriptors.Length,
                Fds = fds,
                Argv = argv,
                Envp = envp,
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

    private static int Size(ReadOnlySpan<string> texts)
    {
        var size = 1;
        foreach (var text in texts)
        {
            size += Encoding.UTF8.GetByteCount(text) + 1;
        }

        return size;
    }

    private static unsafe byte* Fill(byte** pointers, ReadOnlySpan<string> texts, byte* data)
    {
        for (var i = 0; i < texts.Length; i++)
        {
            pointers[i] = data;
            data += Encoding.UTF8.GetBytes(texts[i], new Span<byte>(data, Encoding.UTF8.GetByteCount(texts[i])));
            *data++ = 0;
        }

        pointers[texts.Length] = null;
        return data;
    }
}
