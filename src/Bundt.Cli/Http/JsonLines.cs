namespace Bundt.Cli.Http;

/// <summary>A body of JSON objects, one on each line.</summary>
internal static class JsonLines
{
    /// <summary>Reads them as they come. Each is valid until the next.</summary>
    public static IEnumerable<ReadOnlyMemory<byte>> Read(HttpConnection connection)
    {
        byte[] buffer = new byte[8192];
        int start = 0;
        int end = 0;
        while (true)
        {
            int newline = buffer.AsSpan(start, end - start).IndexOf((byte)'\n');
            if (newline >= 0)
            {
                ReadOnlyMemory<byte> line = buffer.AsMemory(start, newline);
                start += newline + 1;
                if (line.Span.IndexOfAnyExcept((byte)' ', (byte)'\r', (byte)'\t') >= 0)
                {
                    yield return line;
                }

                continue;
            }

            buffer.AsSpan(start, end - start).CopyTo(buffer);
            end -= start;
            start = 0;
            if (end == buffer.Length)
            {
                Array.Resize(ref buffer, buffer.Length * 2);
            }

            int n = connection.ReadBody(buffer.AsSpan(end));
            if (n == 0)
            {
                if (buffer.AsSpan(0, end).IndexOfAnyExcept((byte)' ', (byte)'\r', (byte)'\t') >= 0)
                {
                    yield return buffer.AsMemory(0, end);
                }

                yield break;
            }

            end += n;
        }
    }
}
