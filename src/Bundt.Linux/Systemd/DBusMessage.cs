using System.Buffers.Binary;
using System.Text;

namespace Bundt.Linux.Systemd;

/// <summary>A message that has come: little endian, as every peer on this machine sends it.</summary>
internal sealed class DBusMessage
{
    /// <summary>Bytes that tell a message's length.</summary>
    public const int Prelude = 16;

    public const byte Return = 2, Error = 3, Signal = 4;

    private const int MaximumLength = 1 << 27; // of the specification
    private const byte Member = 3, ErrorName = 4, ReplySerial = 5;

    private readonly byte[] _bytes;
    private int _position;

    /// <summary>Takes a message apart.</summary>
    /// <exception cref="BundtException">It is none.</exception>
    public DBusMessage(byte[] bytes)
    {
        _bytes = bytes;
        Kind = bytes[1];
        _position = Prelude;
        var end = Prelude + (int)BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(12));
        while (_position < end)
        {
            Align(8);
            var code = Byte();
            var signature = ShortText();
            switch (signature)
            {
                case "s" or "o":
                    var text = Text();
                    (Name, FailureName) = code switch
                    {
                        Member => (text, FailureName),
                        ErrorName => (Name, text),
                        _ => (Name, FailureName),
                    };
                    break;
                case "u":
                    var number = UInt32();
                    ReplyTo = code == ReplySerial ? number : ReplyTo;
                    break;
                case "g":
                    Signature = ShortText();
                    break;
                default:
                    throw Malformed();
            }
        }

        _position = end;
        Align(8);
    }

    /// <summary>Return, error or signal; anything else does not concern us.</summary>
    public byte Kind { get; }

    /// <summary>The signal's name.</summary>
    public string Name { get; } = "";

    /// <summary>The error's name ("org.freedesktop.systemd1.NoSuchUnit").</summary>
    public string FailureName { get; } = "";

    /// <summary>The types of what it carries.</summary>
    public string Signature { get; } = "";

    /// <summary>The call that it answers.</summary>
    public uint ReplyTo { get; }

    /// <summary>The whole length of the message that begins so.</summary>
    public static int LengthOf(ReadOnlySpan<byte> prelude)
    {
        var fields = BinaryPrimitives.ReadUInt32LittleEndian(prelude[12..]);
        var body = BinaryPrimitives.ReadUInt32LittleEndian(prelude[4..]);
        return prelude[0] == 'l' && fields <= MaximumLength && body <= MaximumLength ? Prelude + (int)((fields + 7) / 8 * 8) + (int)body : throw Malformed();
    }

    /// <summary>The next argument, a number.</summary>
    public uint UInt32()
    {
        Align(4);
        return BinaryPrimitives.ReadUInt32LittleEndian(Take(4));
    }

    /// <summary>The next argument, text or the path of an object.</summary>
    public string Text()
    {
        var text = Encoding.UTF8.GetString(Take((int)UInt32()));
        Byte();
        return text;
    }

    private string ShortText()
    {
        var text = Encoding.UTF8.GetString(Take(Byte()));
        Byte();
        return text;
    }

    private byte Byte() => Take(1)[0];

    private void Align(int alignment) => Take((alignment - _position % alignment) % alignment);

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count < 0 || count > _bytes.Length - _position)
        {
            throw Malformed();
        }

        _position += count;
        return _bytes.AsSpan(_position - count, count);
    }

    private static BundtException Malformed() => new(FailureKind.Internal, Phase.Cgroup, "systemd's answer is no D-Bus message");
}
