using System.Buffers.Binary;

namespace Bundt.Engine.Networks.Names;

/// <summary>Writes a response: the query's header and question, records about the question's name, an OPT record if the query has one.</summary>
internal ref struct DnsAnswer
{
    /// <summary>Seconds for which a client may remember an answer: Docker's.</summary>
    private const uint TimeToLive = 600;

    /// <summary>What we take over UDP from a client, told in the OPT record: a datagram that no path fragments (RFC 9715 appendix A).</summary>
    private const ushort OwnDatagramLimit = 1232;

    /// <summary>Bytes of an OPT record without options (RFC 6891 section 6.1.2).</summary>
    private const int OptionsLength = 11;

    private readonly Span<byte> _message;
    private readonly DnsQuestion _question;
    private int _length;
    private ushort _flags;
    private ushort _records;

    /// <summary>Begins the response to a query.</summary>
    /// <param name="query">For which <see cref="DnsMessage.Asks"/> holds.</param>
    /// <param name="question">As it was read; with <see cref="DnsQuestion.End"/> 0 the response is a header alone.</param>
    /// <param name="message">Where it goes; its length is the most that the client takes, 512 or more.</param>
    public DnsAnswer(scoped ReadOnlySpan<byte> query, in DnsQuestion question, Span<byte> message)
    {
        _message = message;
        _question = question;
        _length = Math.Max(DnsMessage.HeaderLength, question.End);
        query[.._length].CopyTo(message);
        const ushort Kept = DnsMessage.OperationMask | DnsMessage.RecursionDesired | DnsMessage.CheckingDisabled;
        _flags = (ushort)((DnsMessage.Flags(query) & Kept) | DnsMessage.Response | DnsMessage.RecursionAvailable);
    }

    /// <summary>Adds a record about the question's name. What does not fit any more is left out and the response marked as truncated.</summary>
    public void Add(ushort type, scoped ReadOnlySpan<byte> data)
    {
        var end = _length + 12 + data.Length;
        if (end + (_question.Extended ? OptionsLength : 0) > _message.Length)
        {
            _flags |= DnsMessage.Truncated;
            return;
        }

        var record = _message[_length..end];
        BinaryPrimitives.WriteUInt16BigEndian(record, 0xC000 | DnsMessage.HeaderLength);
        BinaryPrimitives.WriteUInt16BigEndian(record[2..], type);
        BinaryPrimitives.WriteUInt16BigEndian(record[4..], DnsMessage.Internet);
        BinaryPrimitives.WriteUInt32BigEndian(record[6..], TimeToLive);
        BinaryPrimitives.WriteUInt16BigEndian(record[10..], (ushort)data.Length);
        data.CopyTo(record[12..]);
        _length = end;
        _records++;
    }

    /// <summary>Ends it.</summary>
    /// <returns>The response's length.</returns>
    public int Finish(DnsCode code)
    {
        BinaryPrimitives.WriteUInt16BigEndian(_message[2..], (ushort)(_flags | ((ushort)code & 0xF)));
        BinaryPrimitives.WriteUInt16BigEndian(_message[4..], _question.End > 0 ? (ushort)1 : (ushort)0);
        BinaryPrimitives.WriteUInt16BigEndian(_message[6..], _records);
        _message.Slice(8, 4).Clear();
        if (_question.Extended)
        {
            var options = _message.Slice(_length, OptionsLength);
            options.Clear();
            BinaryPrimitives.WriteUInt16BigEndian(options[1..], DnsType.Options);
            BinaryPrimitives.WriteUInt16BigEndian(options[3..], OwnDatagramLimit);
            options[5] = (byte)((ushort)code >> 4);
            options[7] = _question.SecurityOk ? (byte)0x80 : (byte)0;
            _message[11] = 1;
            _length += OptionsLength;
        }

        return _length;
    }

    /// <summary>A response without records.</summary>
    /// <param name="query">For which <see cref="DnsMessage.Asks"/> holds.</param>
    /// <param name="question">As it was read.</param>
    /// <param name="message">Where it goes, 512 bytes or more.</param>
    /// <param name="code">What it says.</param>
    /// <returns>The response's length.</returns>
    public static int Empty(ReadOnlySpan<byte> query, in DnsQuestion question, Span<byte> message, DnsCode code) =>
        new DnsAnswer(query, question, message).Finish(code);
}
