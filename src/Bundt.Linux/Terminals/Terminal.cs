using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Bundt.Linux.Terminals;

/// <summary>A terminal behind a descriptor: whether there is one, how large it is (ioctl_tty(2)).</summary>
public static unsafe partial class Terminal
{
    internal const nuint TCGETS = 0x5401;
    internal const nuint TCSETSW = 0x5403;
    private const nuint TIOCGWINSZ = 0x5413;
    private const nuint TIOCSWINSZ = 0x5414;

    /// <summary>Whether the descriptor is a terminal.</summary>
    public static bool IsTerminal(int fd) => TryGet(fd, out _);

    /// <summary>Rows and columns; zero when it is no terminal or does not know.</summary>
    public static (int Rows, int Columns) Size(int fd)
    {
        ushort* size = stackalloc ushort[4];
        return ioctl(fd, TIOCGWINSZ, size) == 0 ? (size[0], size[1]) : (0, 0);
    }

    /// <summary>Gives one terminal the size of another, if that has one.</summary>
    public static void CopySize(int from, int to)
    {
        ushort* size = stackalloc ushort[4];
        if (ioctl(from, TIOCGWINSZ, size) == 0 && size[0] != 0)
        {
            _ = ioctl(to, TIOCSWINSZ, size);
        }
    }

    internal static bool TryGet(int fd, out KernelTermios termios)
    {
        fixed (KernelTermios* p = &termios)
        {
            Unsafe.SkipInit(out termios);
            return ioctl(fd, TCGETS, p) == 0;
        }
    }

    internal static bool TrySet(int fd, KernelTermios termios) => ioctl(fd, TCSETSW, &termios) == 0;

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(int fd, nuint request, void* argument);

    /// <summary>struct termios of the kernel (include/uapi/asm-generic/termbits.h), which has no speeds, unlike the C library's.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct KernelTermios
    {
        internal uint Input;
        internal uint Output;
        internal uint Control;
        internal uint Local;
        internal byte Line;
        internal fixed byte Characters[19];
    }
}
