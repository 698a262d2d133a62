using System.Buffers.Binary;
using Bundt.Cli.Http;

namespace Bundt.Cli.Streams;

/// <summary>Takes the body of a logs answer apart, which is frames.</summary>
internal static class FrameReader
{
    private const int HeaderSize = 8;

    /// <summary>Bytes: payloads up to this length come in one piece.</summary>
    private const int Whole = 16;

    /// <summary>What to do with bytes of a frame.</summary>
    /// <param name="type">Of the frame.</param>
    /// <param name="bytes">The next bytes of its payload: all of it where that is not longer than 16.</param>
    public delegate void Sink(byte type, ReadOnlySpan<byte> bytes);

    /// <summary>Reads to the end of the body.</summary>
    public static void Copy(HttpConnection connection, Sink sink)
    {
        byte[] buffer = new byte[256 * 1024];
        int end = 0;
        byte type = 0;
        long left = 0;
        while (true)
        {
            int n = connection.ReadBody(buffer.AsSpan(end));
            if (n <= 0)
            {
                return;
            }

            end += n;
            int at = 0;
            while (true)
            {
                if (left == 0)
                {
                    if (end - at < HeaderSize)
                    {
                        break;
                    }

                    type = buffer[at];
                    left = BinaryPrimitives.ReadUInt32BigEndian(buffer.AsSpan(at + 4));
                    at += HeaderSize;
                    continue;
                }

                int part = (int)Math.Min(left, end - at);
                if (part == 0 || (part < left && part < Whole))
                {
                    break;
                }

                sink(type, buffer.AsSpan(at, part));
                at += part;
                left -= part;
            }

            buffer.AsSpan(at, end - at).CopyTo(buffer);
            end -= at;
        }
    }
}
