using System.Text;
using Bundt.Linux;
using Bundt.Linux.Processes;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Launch;

namespace Bundt.Runtime.Containers;

/// <summary>Runs the hooks of the runtime's namespaces: prestart, createRuntime, poststart, poststop (config.md, "POSIX-platform Hooks").</summary>
internal static class Hooks
{
    private const int Said = 400;

    /// <summary>Runs them in order; each reads the state from its stdin.</summary>
    /// <param name="kind">"createRuntime".</param>
    /// <param name="hooks">The hooks; null: none.</param>
    /// <param name="record">The container.</param>
    /// <param name="status">Its status for the state.</param>
    /// <exception cref="BundtException">One failed: "error running createRuntime hook #0: …". Those behind it have not been run.</exception>
    internal static void Run(string kind, IReadOnlyList<RuntimeHook>? hooks, ContainerRecord record, string status)
    {
        if (hooks is not { Count: > 0 })
        {
            return;
        }

        var state = record.DescribeForHook(status);
        for (var i = 0; i < hooks.Count; i++)
        {
            if (Failure(hooks[i], state) is { } how)
            {
                throw LaunchFailure.Hook($"{kind} hook #{i}", how);
            }
        }
    }

    /// <summary>Runs the poststop hooks: one that fails is a warning, and the others are run.</summary>
    internal static void Stopped(IReadOnlyList<RuntimeHook>? hooks, ContainerRecord record, Action<string>? warn)
    {
        var state = record.DescribeForHook("stopped");
        for (var i = 0; i < hooks?.Count; i++)
        {
            if (Failure(hooks[i], state, "the poststop hook failed with exit code") is { } how)
            {
                warn?.Invoke(LaunchFailure.Hook($"poststop hook #{i}", how).Message);
            }
        }
    }

    // The words for an exit code are runc's; of poststop crun has its own, which its callers look for.
    private static string? Failure(RuntimeHook hook, ReadOnlySpan<byte> state, string exited = "exit status")
    {
        using var input = MemoryFile.Create("hook-state\0"u8);
        using var output = MemoryFile.Create("hook-output\0"u8);
        input.Write(state, 0);
        PidFd process;
        try
        {
            var pid = DetachedProgram.Spawn(
                hook.Path, hook.Args.Count > 0 ? hook.Args : [hook.Path], hook.Env ?? OwnEnvironment.Variables(),
                (int)output.Handle.DangerousGetHandle(), -1, session: false, (int)input.Handle.DangerousGetHandle());
            process = PidFd.TryOpen(pid)!; // our child: not gone before we reap it
        }
        catch (BundtException e)
        {
            return e.Message;
        }

        using (process)
        {
            var inTime = process.WaitForEnd(hook.Timeout is { } seconds ? (int)Math.Min(seconds * 1000, int.MaxValue) : -1);
            if (!inTime)
            {
                process.Signal(SignalNames.Kill);
            }

            var code = process.Reap();
            if (!inTime)
            {
                return $"it was killed at its timeout of {hook.Timeout} s";
            }

            return code == 0 ? null : (code > 128 ? $"it was killed by {SignalNames.Of(code.Value - 128)}" : $"{exited} {code}") + What(output);
        }
    }

    private static string What(MemoryFile output)
    {
        Span<byte> said = stackalloc byte[Said];
        var length = output.Read(said, 0);
        return length > 0 ? ": " + Encoding.UTF8.GetString(said[..length]).TrimEnd() : "";
    }
}
