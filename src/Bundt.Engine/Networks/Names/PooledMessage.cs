using System.Buffers;
using System.Buffers.Binary;

namespace Bundt.Engine.Networks.Names;

/// <summary>A message in a buffer of the pool, with room before it for the length that TCP wants (RFC 1035 section 4.2.2).</summary>
internal sealed class PooledMessage : IDisposable
{
    private const int PrefixLength = sizeof(ushort);

    private byte[] _buffer;

    /// <summary>Room for a message.</summary>
    /// <param name="length">Its bytes, whose values are anything.</param>
    public PooledMessage(int length)
    {
        _buffer = ArrayPool<byte>.Shared.Rent(PrefixLength + length);
        Length = length;
    }

    /// <summary>A copy.</summary>
    public PooledMessage(ReadOnlySpan<byte> message)
        : this(message.Length) => message.CopyTo(Span);

    /// <summary>Bytes of the message; may be made less.</summary>
    public int Length { get; set; }

    public Memory<byte> Memory => _buffer.AsMemory(PrefixLength, Length);

    public Span<byte> Span => _buffer.AsSpan(PrefixLength, Length);

    /// <summary>The message as it goes over TCP.</summary>
    public Memory<byte> Framed
    {
        get
        {
            BinaryPrimitives.WriteUInt16BigEndian(_buffer, (ushort)Length);
            return _buffer.AsMemory(0, PrefixLength + Length);
        }
    }

    /// <summary>Gives the buffer back.</summary>
    public void Dispose()
    {
        var buffer = _buffer;
        _buffer = [];
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
