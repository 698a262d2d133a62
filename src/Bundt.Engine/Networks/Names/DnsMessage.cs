using System.Buffers.Binary;

namespace Bundt.Engine.Networks.Names;

/// <summary>The answer's outcome (RFC 1035 section 4.1.1; what is above 15 needs the OPT record, RFC 6891 section 6.1.3).</summary>
internal enum DnsCode : ushort
{
    NoError = 0,
    FormatError = 1,
    ServerFailure = 2,
    NameError = 3,
    NotImplemented = 4,
    Refused = 5,
    BadVersion = 16,
}

/// <summary>Types of records that we know by name (RFC 1035 section 3.2.2, RFC 3596, RFC 6891; IXFR is RFC 1995, AXFR RFC 5936).</summary>
internal static class DnsType
{
    public const ushort A = 1;
    public const ushort Pointer = 12;
    public const ushort Aaaa = 28;
    public const ushort Options = 41;
    public const ushort IncrementalTransfer = 251;
    public const ushort Transfer = 252;
    public const ushort Any = 255;
}

/// <summary>The header of a DNS message (RFC 1035 section 4.1.1), and what can be said of a message by it and its question alone.</summary>
internal static class DnsMessage
{
    /// <summary>Bytes of the header.</summary>
    public const int HeaderLength = 12;

    /// <summary>Bytes of the longest message, over TCP as over UDP.</summary>
    public const int MaxLength = ushort.MaxValue;

    /// <summary>What every client takes over UDP (RFC 1035 section 2.3.4).</summary>
    public const int PlainDatagram = 512;

    /// <summary>The longest name in its wire form (RFC 1035 section 2.3.4).</summary>
    public const int MaxName = 255;

    /// <summary>The class of the Internet (RFC 1035 section 3.2.4).</summary>
    public const ushort Internet = 1;

    /// <summary>Set in <see cref="Flags"/>: a response, not a query.</summary>
    public const ushort Response = 0x8000;

    /// <summary>Set in <see cref="Flags"/>: cut off, ask again over TCP.</summary>
    public const ushort Truncated = 0x0200;

    /// <summary>Set in <see cref="Flags"/>: the client wishes recursion.</summary>
    public const ushort RecursionDesired = 0x0100;

    /// <summary>Set in <see cref="Flags"/>: the server recurses.</summary>
    public const ushort RecursionAvailable = 0x0080;

    /// <summary>Set in <see cref="Flags"/>: the client checks signatures itself (RFC 4035 section 3.2.2).</summary>
    public const ushort CheckingDisabled = 0x0010;

    /// <summary>The bits of the opcode in <see cref="Flags"/>; 0 is QUERY.</summary>
    public const ushort OperationMask = 0x7800;

    public static ushort Id(ReadOnlySpan<byte> message) => BinaryPrimitives.ReadUInt16BigEndian(message);

    public static void SetId(Span<byte> message, ushort id) => BinaryPrimitives.WriteUInt16BigEndian(message, id);

    public static ushort Flags(ReadOnlySpan<byte> message) => BinaryPrimitives.ReadUInt16BigEndian(message[2..]);

    /// <summary>How many records a section has.</summary>
    /// <param name="message">With a whole header.</param>
    /// <param name="section">0 the questions, 1 answers, 2 authorities, 3 additional records.</param>
    public static ushort Count(ReadOnlySpan<byte> message, int section) => BinaryPrimitives.ReadUInt16BigEndian(message[(4 + (2 * section))..]);

    /// <summary>The outcome as the header tells it: the low four bits of the code.</summary>
    public static DnsCode Code(ReadOnlySpan<byte> message) => (DnsCode)(Flags(message) & 0xF);

    /// <summary>
    /// A header that asks something. All else gets no answer at all: two servers that answered each other's responses would do so forever.
    /// </summary>
    public static bool Asks(ReadOnlySpan<byte> message) => message.Length >= HeaderLength && (Flags(message) & Response) == 0;

    /// <summary>
    /// A message is the response to a query: the same id and the same question (RFC 5452 section 9.1), letters of either case. An error may
    /// leave the question out.
    /// </summary>
    /// <param name="answer">What a server sent, of any form.</param>
    /// <param name="query">A query whose question has been read.</param>
    public static bool Answers(ReadOnlySpan<byte> answer, ReadOnlySpan<byte> query)
    {
        if (answer.Length < HeaderLength || Id(answer) != Id(query) || (Flags(answer) & Response) == 0)
        {
            return false;
        }

        if (Count(answer, 0) == 0)
        {
            return Code(answer) is not (DnsCode.NoError or DnsCode.NameError);
        }

        var at = HeaderLength;
        if (Count(answer, 0) != 1 || !DnsQuestion.SkipName(query, ref at) || answer.Length < at + 4)
        {
            return false;
        }

        for (var i = HeaderLength; i < at; i++)
        {
            // Lengths of labels are below 64, so folding cannot touch them.
            if (Fold(answer[i]) != Fold(query[i]))
            {
                return false;
            }
        }

        return answer.Slice(at, 4).SequenceEqual(query.Slice(at, 4));
    }

    private static int Fold(byte octet) => octet is >= (byte)'A' and <= (byte)'Z' ? octet | 0x20 : octet;
}
