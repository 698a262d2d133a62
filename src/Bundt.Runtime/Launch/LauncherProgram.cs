using Bundt.Linux.Processes;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Runtime.Launch;

/// <summary>The launcher, copied once per process into a sealed memory file.</summary>
internal static class LauncherProgram
{
    // A failure (no descriptors left, say) is not remembered.
    private static readonly Lazy<MemoryFile> s_file = new(() => MemoryFile.SealProgram(Path), LazyThreadSafetyMode.PublicationOnly);

    /// <summary>The sealed program.</summary>
    public static SafeFileHandle Shared => s_file.Value.Handle;

    private static string Path
    {
        get
        {
            var beside = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(Environment.ProcessPath) ?? "/", "../libexec/bundt-launcher");
            return File.Exists(beside) ? beside : Environment.GetEnvironmentVariable("BUNDT_LAUNCHER") ?? beside;
        }
    }
}
