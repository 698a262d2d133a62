using Bundt.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Linux.Processes;

/// <summary>A file in memory (memfd_create(2)).</summary>
public sealed class MemoryFile : IDisposable
{
    private const uint CloseOnExec = 1, AllowSealing = 2, NoExecSeal = 8, Executable = 0x10;
    private const int AddSeals = 1033;
    private const int SealSeal = 1, SealShrink = 2, SealGrow = 4, SealWrite = 8;

    private MemoryFile(int fd) => Handle = new SafeFileHandle(fd, true);

    /// <summary>The descriptor.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>An empty file for data.</summary>
    public static unsafe MemoryFile Create(ReadOnlySpan<byte> name)
    {
        fixed (byte* text = name)
        {
            var fd = ProcessCalls.memfd_create(text, CloseOnExec | NoExecSeal);
            if (fd < 0)
            {
                // Before Linux 6.3 nobody asks.
                fd = ProcessCalls.memfd_create(text, CloseOnExec);
            }

            return fd >= 0 ? new MemoryFile(fd) : throw BundtException.Last(Phase.Launch, "memfd_create");
        }
    }

    /// <summary>That of another process, by its /proc/PID/fd/N; null when there is none.</summary>
    public static unsafe MemoryFile? TryOpen(string path)
    {
        fixed (byte* text = System.Text.Encoding.UTF8.GetBytes(path + "\0"))
        {
            // It may hold anything there by now: a FIFO that nobody writes to, a terminal.
            var fd = ProcessCalls.open(text, (int)(FileCalls.O_CLOEXEC | FileCalls.O_NOCTTY | FileCalls.O_NONBLOCK), 0);
            return fd >= 0 ? new MemoryFile(fd) : null;
        }
    }

    /// <summary>A copy of a program that nobody can change any more: what executes it cannot be overwritten through /proc/PID/exe (CVE-2019-5736).</summary>
    /// <param name="path">The program on the host.</param>
    public static unsafe MemoryFile SealProgram(string path)
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(path + "\0");
        int source;
        fixed (byte* text = bytes)
        {
            source = ProcessCalls.open(text, 0x80000, 0);
        }

        if (source < 0)
        {
            throw BundtException.Last(Phase.Launch, "open", path, "Bundt's launcher stands beside the program in ../libexec, or where BUNDT_LAUNCHER says.");
        }

        try
        {
            fixed (byte* name = "bundt-launcher\0"u8)
            {
                var fd = ProcessCalls.memfd_create(name, CloseOnExec | AllowSealing | Executable);
                if (fd < 0)
                {
                    fd = ProcessCalls.memfd_create(name, CloseOnExec | AllowSealing);
                }

                if (fd < 0)
                {
                    throw BundtException.Last(
                        Phase.Launch, "memfd_create", "bundt-launcher", "The launcher runs from memory; sysctl vm.memfd_noexec=2 or a policy forbids that here.");
                }

                var file = new MemoryFile(fd);
                nint copied;
                while ((copied = ProcessCalls.sendfile(fd, source, null, 1 << 30)) > 0)
                {
                }

                if (copied < 0 || ProcessCalls.fcntl(fd, AddSeals, SealSeal | SealShrink | SealGrow | SealWrite) != 0)
                {
                    var failure = BundtException.Last(Phase.Launch, "copy", path);
                    file.Dispose();
                    throw failure;
                }

                return file;
            }
        }
        finally
        {
            ProcessCalls.close(source);
        }
    }

    /// <summary>Writes at an offset.</summary>
    public unsafe void Write(ReadOnlySpan<byte> bytes, long offset)
    {
        fixed (byte* data = bytes)
        {
            if (ProcessCalls.pwrite((int)Handle.DangerousGetHandle(), data, bytes.Length, (nint)offset) != bytes.Length)
            {
                throw BundtException.Last(Phase.Launch, "write", "memfd");
            }
        }
    }

    /// <summary>Reads at an offset; answers how many bytes there were.</summary>
    public unsafe int Read(Span<byte> bytes, long offset)
    {
        fixed (byte* data = bytes)
        {
            return (int)ProcessCalls.pread((int)Handle.DangerousGetHandle(), data, bytes.Length, (nint)offset);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Handle.Dispose();
}
