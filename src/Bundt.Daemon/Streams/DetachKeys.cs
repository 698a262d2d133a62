using System.Buffers;
using Bundt.Daemon.Server;

namespace Bundt.Daemon.Streams;

/// <summary>
/// Watches what a client types for the keys that detach it. Bytes that may begin the sequence are held back until it is clear that they do
/// not (moby pkg/term EscapeProxy does the same).
/// </summary>
internal sealed class DetachKeys
{
    private static readonly byte[] s_default = [16, 17]; // ctrl-p, ctrl-q

    private readonly byte[] _keys;
    private int _matched;

    private DetachKeys(byte[] keys) => _keys = keys;

    /// <summary>Reads "ctrl-p,ctrl-q" or "a,ctrl-[,DEL"; "" is docker's default.</summary>
    /// <exception cref="Linux.BundtException">InvalidArgument.</exception>
    public static DetachKeys Parse(string text)
    {
        if (text.Length == 0)
        {
            return new DetachKeys(s_default);
        }

        string[] names = text.Split(',');
        var keys = new byte[names.Length];
        for (int i = 0; i < names.Length; i++)
        {
            string name = names[i];
            keys[i] = name switch
            {
                ['c', 't', 'r', 'l', '-', >= 'a' and <= 'z' and char letter] => (byte)(letter - 'a' + 1),
                "ctrl-@" => 0,
                "ctrl-[" => 27,
                "ctrl-\\" => 28,
                "ctrl-]" => 29,
                "ctrl-^" => 30,
                "ctrl-_" => 31,
                "DEL" => 127,
                [< (char)128 and char single] => (byte)single,
                _ => throw ApiRequest.Malformed($"Invalid detach keys ({text}) provided: unknown key \"{name}\""),
            };
        }

        return new DetachKeys(keys);
    }

    /// <summary>Passes bytes on; true when the sequence is complete: what follows it is dropped.</summary>
    public bool Pass(ReadOnlySpan<byte> typed, IBufferWriter<byte> to)
    {
        foreach (byte key in typed)
        {
            if (key == _keys[_matched])
            {
                if (++_matched == _keys.Length)
                {
                    _matched = 0;
                    return true;
                }

                continue;
            }

            if (_matched > 0)
            {
                to.Write(_keys.AsSpan(0, _matched));
                _matched = key == _keys[0] ? 1 : 0;
                if (_matched == 1)
                {
                    continue;
                }
            }

            Span<byte> one = to.GetSpan(1);
            one[0] = key;
            to.Advance(1);
        }

        return false;
    }
}
