using System.Buffers.Binary;
using Bundt.Cli.Http;

namespace Bundt.Cli.Streams;

/// <summary>Takes the body of a logs answer apart: Docker's frames, or plain bytes of a terminal.</summary>
internal static class FrameReader
{
    private const int HeaderSize = 8;

    /// <summary>What to do with bytes of stream 1 or 2.</summary>
    public delegate void Sink(int stream, ReadOnlySpan<byte> bytes);

    /// <summary>Reads to the end of the body.</summary>
    public static void Copy(HttpConnection connection, bool framed, Sink sink)
    {
        byte[] buffer = new byte[256 * 1024];
        Span<byte> header = stackalloc byte[HeaderSize];
        int headerLength = 0;
        long left = 0;
        int n;
        while ((n = connection.ReadBody(buffer)) > 0)
        {
            ReadOnlySpan<byte> bytes = buffer.AsSpan(0, n);
            if (!framed)
            {
                sink(1, bytes);
                continue;
            }

            while (bytes.Length > 0)
            {
                if (left == 0)
                {
                    int part = Math.Min(HeaderSize - headerLength, bytes.Length);
                    bytes[..part].CopyTo(header[headerLength..]);
                    headerLength += part;
                    bytes = bytes[part..];
                    if (headerLength < HeaderSize)
                    {
                        break;
                    }

                    headerLength = 0;
                    left = BinaryPrimitives.ReadUInt32BigEndian(header[4..]);
                    continue;
                }

                int payload = (int)Math.Min(left, bytes.Length);
                sink(header[0] == 2 ? 2 : 1, bytes[..payload]);
                left -= payload;
                bytes = bytes[payload..];
            }
        }
    }
}
