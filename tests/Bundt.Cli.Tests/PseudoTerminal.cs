using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Cli.Tests;

/// <summary>A pty whose master the test holds.</summary>
internal sealed partial class PseudoTerminal : IDisposable
{
    private readonly int _fd;
    private readonly FileStream _stream;
    private readonly FileStream _slave;

    public unsafe PseudoTerminal(int rows, int columns)
    {
        _fd = posix_openpt(2 | 0x100);
        Assert.That(_fd, Is.GreaterThanOrEqualTo(0));
        _ = grantpt(_fd);
        _ = unlockpt(_fd);
        byte* name = stackalloc byte[64];
        _ = ptsname_r(_fd, name, 64);
        Name = Marshal.PtrToStringUTF8((nint)name)!;
        _stream = new FileStream(new SafeFileHandle(_fd, ownsHandle: true), FileAccess.ReadWrite, 0);

        // Held open, so that the terminal outlives the process under test and can be looked at.
        _slave = new FileStream(Name, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 0);
        Resize(rows, columns);
    }

    public string Name { get; }

    /// <summary>c_lflag and c_iflag.</summary>
    public unsafe (uint Local, uint Input) Modes
    {
        get
        {
            uint* termios = stackalloc uint[16];
            _ = ioctl(_fd, 0x5401, termios);
            return (termios[3], termios[0]);
        }
    }

    public unsafe void Resize(int rows, int columns)
    {
        ushort* size = stackalloc ushort[4];
        size[0] = (ushort)rows;
        size[1] = (ushort)columns;
        _ = ioctl(_fd, 0x5414, size);
    }

    public Task TypeAsync(string text) => _stream.WriteAsync(Encoding.UTF8.GetBytes(text)).AsTask();

    public async Task<string> ReadUntilAsync(string text)
    {
        var seen = new StringBuilder();
        byte[] buffer = new byte[1024];
        while (!seen.ToString().Contains(text, StringComparison.Ordinal))
        {
            int n = await _stream.ReadAsync(buffer);
            seen.Append(Encoding.UTF8.GetString(buffer, 0, n));
        }

        return seen.ToString();
    }

    public void Dispose()
    {
        _slave.Dispose();
        _stream.Dispose();
    }

    [LibraryImport("libc")]
    private static partial int posix_openpt(int flags);

    [LibraryImport("libc")]
    private static partial int grantpt(int fd);

    [LibraryImport("libc")]
    private static partial int unlockpt(int fd);

    [LibraryImport("libc")]
    private static unsafe partial int ptsname_r(int fd, byte* name, nuint length);

    [LibraryImport("libc")]
    private static unsafe partial int ioctl(int fd, nuint request, void* argument);
}
