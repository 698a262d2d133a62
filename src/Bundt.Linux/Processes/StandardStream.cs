using System.Runtime.InteropServices;

namespace Bundt.Linux.Processes;

/// <summary>
/// Standard output and error by write(2): the Console class costs a millisecond, and FileStream writes to a redirected file at an offset of
/// its own, over what others wrote.
/// </summary>
public static class StandardStream
{
    /// <summary>Standard output.</summary>
    public const int Output = 1;

    /// <summary>Standard error.</summary>
    public const int Error = 2;

    /// <summary>Writes everything; false when nobody listens any more.</summary>
    public static unsafe bool Write(int descriptor, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            nint count;
            fixed (byte* data = bytes)
            {
                count = ProcessCalls.write(descriptor, data, bytes.Length);
            }

            if (count < 0 && (Errno)Marshal.GetLastPInvokeError() is not (Errno.EINTR or Errno.EAGAIN))
            {
                return false;
            }

            bytes = bytes[(int)Math.Max(0, count)..];
        }

        return true;
    }
}
