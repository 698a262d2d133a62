using System.Buffers.Binary;

namespace Bundt.Engine.Networks.Names;

/// <summary>
/// What a query asks: its one question (RFC 1035 section 4.1.2) and what its OPT record says of the client (RFC 6891 section 6.1.2).
/// Reading never throws, follows no pointer and looks at each byte once, whatever the bytes are.
/// </summary>
internal readonly struct DnsQuestion
{
    /// <summary>Where the question ends in the message; it begins after the header.</summary>
    public int End { get; private init; }

    /// <summary>QTYPE.</summary>
    public ushort Type { get; private init; }

    /// <summary>The query has an OPT record: the answer must have one too (RFC 6891 section 6.1.1).</summary>
    public bool Extended { get; private init; }

    /// <summary>The client understands DNSSEC; the bit is copied into the answer (RFC 3225 section 3).</summary>
    public bool SecurityOk { get; private init; }

    /// <summary>Bytes that the client takes over UDP, at least 512.</summary>
    public int DatagramLimit { get; private init; }

    /// <summary>Reads a query.</summary>
    /// <param name="message">For which <see cref="DnsMessage.Asks"/> holds.</param>
    /// <param name="question">What is asked; its <see cref="End"/> is 0 where no question could be read.</param>
    /// <returns>
    /// NoError, or what the client must be told instead of an answer: NotImplemented for opcodes other than QUERY, classes other than IN
    /// and zone transfers, BadVersion for an EDNS of the future, FormatError for everything that is no message with one question (RFC 9619).
    /// </returns>
    public static DnsCode Read(ReadOnlySpan<byte> message, out DnsQuestion question)
    {
        question = default;
        if ((DnsMessage.Flags(message) & DnsMessage.OperationMask) != 0)
        {
            return DnsCode.NotImplemented;
        }

        var at = DnsMessage.HeaderLength;
        if (DnsMessage.Count(message, 0) != 1 || !SkipName(message, ref at) || message.Length < at + 4)
        {
            return DnsCode.FormatError;
        }

        var type = BinaryPrimitives.ReadUInt16BigEndian(message[at..]);
        var @class = BinaryPrimitives.ReadUInt16BigEndian(message[(at + 2)..]);
        var end = at += 4;
        var options = 0;
        var records = DnsMessage.Count(message, 1) + DnsMessage.Count(message, 2) + DnsMessage.Count(message, 3);
        var others = records - DnsMessage.Count(message, 3);
        for (var i = 0; i < records; i++)
        {
            var start = at;
            if (!SkipRecord(message, ref at, out var body))
            {
                return DnsCode.FormatError;
            }

            if (BinaryPrimitives.ReadUInt16BigEndian(message[body..]) != DnsType.Options)
            {
                continue;
            }

            // One at most, among the additional records, named by the root (RFC 6891 section 6.1.1).
            if (options != 0 || i < others || body != start + 1)
            {
                return DnsCode.FormatError;
            }

            options = body;
        }

        question = new DnsQuestion
        {
            End = end,
            Type = type,
            Extended = options != 0,
            SecurityOk = options != 0 && (message[options + 6] & 0x80) != 0,
            DatagramLimit = Math.Max(DnsMessage.PlainDatagram, options == 0 ? 0 : BinaryPrimitives.ReadUInt16BigEndian(message[(options + 2)..])),
        };
        return options != 0 && message[options + 5] != 0 ? DnsCode.BadVersion
            : @class != DnsMessage.Internet || type is DnsType.Transfer or DnsType.IncrementalTransfer ? DnsCode.NotImplemented
            : DnsCode.NoError;
    }

    /// <summary>
    /// Goes behind a name that is written out. A pointer is refused: behind the header there is nothing yet that a question could point to
    /// (RFC 1035 section 4.1.4).
    /// </summary>
    public static bool SkipName(ReadOnlySpan<byte> message, ref int at)
    {
        var start = at;
        while (at < message.Length && at - start < DnsMessage.MaxName)
        {
            var label = message[at];
            if (label > 63)
            {
                return false;
            }

            at += 1 + label;
            if (label == 0)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The question's name as text, without the dot of the root.</summary>
    /// <param name="message">The query.</param>
    /// <param name="text">Room for <see cref="DnsMessage.MaxName"/> characters.</param>
    /// <returns>Its length; 0 for the root and for a name that none of ours can be: with bytes that are not printable ASCII, or a dot in a label.</returns>
    public static int Text(ReadOnlySpan<byte> message, Span<char> text)
    {
        var length = 0;
        for (var at = DnsMessage.HeaderLength; message[at] != 0;)
        {
            if (length > 0)
            {
                text[length++] = '.';
            }

            foreach (var octet in message.Slice(at + 1, message[at]))
            {
                if (octet is <= (byte)' ' or > (byte)'~' or (byte)'.')
                {
                    return 0;
                }

                text[length++] = (char)octet;
            }

            at += 1 + message[at];
        }

        return length;
    }

    /// <summary>Goes behind a record (RFC 1035 section 4.1.3), whose name may end in a pointer.</summary>
    /// <param name="message">The query.</param>
    /// <param name="at">Where it begins, and then where the next one does.</param>
    /// <param name="body">Where its type stands.</param>
    private static bool SkipRecord(ReadOnlySpan<byte> message, ref int at, out int body)
    {
        body = 0;
        while (true)
        {
            if (at >= message.Length || message[at] is > 63 and < 0xC0)
            {
                return false;
            }

            var label = message[at++];
            if (label >= 0xC0)
            {
                at++;
                break;
            }

            if (label == 0)
            {
                break;
            }

            at += label;
        }

        body = at;
        if (message.Length < at + 10)
        {
            return false;
        }

        at += 10 + BinaryPrimitives.ReadUInt16BigEndian(message[(at + 8)..]);
        return at <= message.Length;
    }
}
