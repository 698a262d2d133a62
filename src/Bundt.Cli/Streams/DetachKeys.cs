using Bundt.Cli.CommandLine;

namespace Bundt.Cli.Streams;

/// <summary>Watches typed bytes for the sequence that detaches. What may still become the sequence is held back; what does not is passed on.</summary>
internal sealed class DetachKeys
{
    private readonly byte[] _sequence;
    private int _matched;

    private DetachKeys(byte[] sequence) => _sequence = sequence;

    /// <summary>Reads "ctrl-p,ctrl-q", "a,ctrl-@" …; null or empty text is the default.</summary>
    /// <exception cref="UsageException">A key is neither one character nor ctrl- and one of a-z @ [ \ ] ^ _.</exception>
    public static DetachKeys Parse(string? text)
    {
        string[] keys = (string.IsNullOrEmpty(text) ? "ctrl-p,ctrl-q" : text).Split(',');
        byte[] sequence = new byte[keys.Length];
        for (int i = 0; i < keys.Length; i++)
        {
            string key = keys[i];
            if (key.Length == 1 && key[0] < 128)
            {
                sequence[i] = (byte)key[0];
            }
            else if (key.Length == 6 && key.StartsWith("ctrl-", StringComparison.OrdinalIgnoreCase) && "abcdefghijklmnopqrstuvwxyz".Contains(char.ToLowerInvariant(key[5]), StringComparison.Ordinal))
            {
                sequence[i] = (byte)(char.ToLowerInvariant(key[5]) - 'a' + 1);
            }
            else if (key.Length == 6 && key.StartsWith("ctrl-", StringComparison.OrdinalIgnoreCase) && "@[\\]^_".Contains(key[5], StringComparison.Ordinal))
            {
                sequence[i] = key[5] == '@' ? (byte)0 : (byte)(27 + "[\\]^_".IndexOf(key[5], StringComparison.Ordinal));
            }
            else
            {
                throw new UsageException($"invalid detach keys ({text}): Unknown character: '{key}'");
            }
        }

        return new DetachKeys(sequence);
    }

    /// <summary>Takes what was typed.</summary>
    /// <param name="typed">Bytes from the terminal.</param>
    /// <param name="passed">Where bytes for the container go; at least as long as <paramref name="typed"/> and the sequence together.</param>
    /// <param name="length">How many there are.</param>
    /// <returns>Whether the sequence is complete.</returns>
    public bool Filter(ReadOnlySpan<byte> typed, Span<byte> passed, out int length)
    {
        length = 0;
        foreach (byte b in typed)
        {
            if (b == _sequence[_matched])
            {
                if (++_matched == _sequence.Length)
                {
                    return true;
                }

                continue;
            }

            _sequence.AsSpan(0, _matched).CopyTo(passed[length..]);
            length += _matched;
            _matched = 0;
            if (b == _sequence[0] && _sequence.Length > 1)
            {
                _matched = 1;
            }
            else
            {
                passed[length++] = b;
            }
        }

        return false;
    }
}
