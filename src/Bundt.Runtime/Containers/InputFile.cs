using Bundt.Linux;
using Bundt.Linux.Sockets;

namespace Bundt.Runtime.Containers;

/// <summary>JSON that a caller hands over in a file: read to its end, but no more than a limit of it, whatever the file is.</summary>
public static class InputFile
{
    /// <summary>The most bytes that are taken.</summary>
    public const int MostBytes = 16 << 20;

    /// <summary>Reads a file of the host. Of a pipe it waits for the end.</summary>
    /// <exception cref="BundtException">InvalidArgument: it cannot be read, or is too long.</exception>
    public static byte[] Read(string path)
    {
        try
        {
            // Without a lock: others may write other parts of a file system's tree with theirs.
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            return Read(path, file.CanSeek ? file.Length : 0, buffer => file.Read(buffer.Span));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The framework takes a directory for a file that may not be read.
            throw Invalid($"cannot read {path}: {(Directory.Exists(path) ? Errno.EISDIR.Describe() : BundtException.Reason(e))}", e);
        }
    }

    /// <summary>Reads stdin to its end.</summary>
    /// <exception cref="BundtException">InvalidArgument: it is too long.</exception>
    public static byte[] ReadStdin() => Read("stdin", 0, buffer => Descriptors.Read(0, buffer.Span));

    private static byte[] Read(string name, long expected, Func<Memory<byte>, int> next)
    {
        var bytes = new byte[Math.Clamp(expected, 16 << 10, MostBytes) + 1];
        var length = 0;
        while (expected <= MostBytes && next(bytes.AsMemory(length)) is > 0 and var count)
        {
            length += count;
            if (length == bytes.Length && length <= MostBytes)
            {
                Array.Resize(ref bytes, Math.Min(2 * length, MostBytes + 1));
            }
            else if (length == bytes.Length)
            {
                expected = length;
            }
        }

        return expected <= MostBytes ? bytes[..length] : throw Invalid($"{name} is longer than {MostBytes} bytes", null);
    }

    private static BundtException Invalid(string what, Exception? inner) => new(FailureKind.InvalidArgument, Phase.Request, what, null, inner);
}
