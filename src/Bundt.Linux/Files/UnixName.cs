using System.Buffers;
using System.Text;

namespace Bundt.Linux.Files;

/// <summary>
/// File names are bytes, C# strings are not. Bundt writes a name's valid UTF-8 as it is and every other byte as U+0000 followed by a
/// character of that byte's value (what Mono's UnixEncoding does): U+0000 cannot occur in a name, so the mapping loses nothing.
/// </summary>
public static class UnixName
{
    private const char Escape = '\0';

    /// <summary>The string that stands for these bytes.</summary>
    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        if (Ascii.IsValid(bytes) && bytes.IndexOf((byte)0) < 0)
        {
            return Encoding.ASCII.GetString(bytes);
        }

        var text = new StringBuilder(bytes.Length);
        while (!bytes.IsEmpty)
        {
            var status = Rune.DecodeFromUtf8(bytes, out var rune, out var length);
            if (status == OperationStatus.Done && rune.Value != 0)
            {
                text.Append(rune.ToString());
            }
            else
            {
                foreach (var value in bytes[..length])
                {
                    text.Append(Escape).Append((char)value);
                }
            }

            bytes = bytes[length..];
        }

        return text.ToString();
    }

    /// <summary>The bytes that a string stands for, without a terminating zero.</summary>
    /// <exception cref="BundtException">InvalidArgument: the string holds a zero byte or half a surrogate pair.</exception>
    public static byte[] Encode(string name)
    {
        var bytes = new byte[MaxBytes(name)];
        return bytes[..Encode(name, bytes)];
    }

    internal static int MaxBytes(string name) => (name.Length * 3) + 1;

    /// <summary>Writes the bytes and a terminating zero; answers the length without it.</summary>
    internal static int Encode(string name, Span<byte> target)
    {
        var written = 0;
        ReadOnlySpan<char> rest = name;
        while (!rest.IsEmpty)
        {
            var run = rest.IndexOf(Escape);
            var plain = run < 0 ? rest : rest[..run];
            if (System.Text.Unicode.Utf8.FromUtf16(plain, target[written..], out _, out var count, replaceInvalidSequences: false) != OperationStatus.Done)
            {
                throw Invalid(name);
            }

            written += count;
            if (run < 0)
            {
                break;
            }

            // Only bytes that could not stand for themselves may be escaped: "\0." must not smuggle a dot past a check on the string.
            if (run + 1 >= rest.Length || rest[run + 1] is < '\u0080' or > '\u00ff')
            {
                throw Invalid(name);
            }

            target[written++] = (byte)rest[run + 1];
            rest = rest[(run + 2)..];
        }

        target[written] = 0;
        return written;
    }

    private static BundtException Invalid(string name) =>
        new(FailureKind.InvalidArgument, Phase.Request, $"invalid file name \"{name.Replace("\0", "\\0", StringComparison.Ordinal)}\": zero byte or broken character");
}
