using System.Buffers.Binary;
using System.Text;

namespace Bundt.Linux.Systemd;

/// <summary>Lays out a D-Bus message, little endian (D-Bus specification, "Marshaling").</summary>
internal sealed class DBusWriter
{
    private const byte LittleEndian = (byte)'l', MethodCall = 1, Version = 1;
    private const byte Path = 1, Interface = 2, Member = 3, Destination = 6, SignatureField = 8;

    private byte[] _bytes = new byte[1024];
    private int _length;

    /// <summary>A method call, whole.</summary>
    /// <param name="serial">The message's number; never 0.</param>
    /// <param name="destination">The bus name called; null on a connection without a bus.</param>
    /// <param name="path">The object.</param>
    /// <param name="callee">The interface.</param>
    /// <param name="method">Its method.</param>
    /// <param name="signature">The arguments' types.</param>
    /// <param name="body">The arguments, laid out.</param>
    public static byte[] Call(uint serial, string? destination, string path, string callee, string method, string signature, ReadOnlySpan<byte> body)
    {
        var writer = new DBusWriter();
        writer.Byte(LittleEndian);
        writer.Byte(MethodCall);
        writer.Byte(0);
        writer.Byte(Version);
        writer.UInt32((uint)body.Length);
        writer.UInt32(serial);
        var fields = writer.BeginArray(8);
        writer.Field(Path, "o", path);
        writer.Field(Interface, "s", callee);
        writer.Field(Member, "s", method);
        if (destination is not null)
        {
            writer.Field(Destination, "s", destination);
        }

        if (signature.Length > 0)
        {
            writer.Field(SignatureField, "g", signature);
        }

        writer.EndArray(fields);
        writer.Align(8);
        return [.. writer._bytes.AsSpan(0, writer._length), .. body];
    }

    /// <summary>What has been laid out.</summary>
    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _length);

    public void Text(string value)
    {
        var bytes = Encoding.UTF8.GetBytes(value);
        UInt32((uint)bytes.Length);
        Raw(bytes);
        Byte(0);
    }

    public void Truth(bool value) => UInt32(value ? 1u : 0);

    /// <summary>A value of any type, without its signature.</summary>
    public void Value(string signature, object value)
    {
        switch (signature[0])
        {
            case 'b':
                Truth((bool)value);
                break;
            case 'y':
                Byte((byte)value);
                break;
            case 'n':
                Align(2);
                BinaryPrimitives.WriteInt16LittleEndian(Take(2), (short)value);
                break;
            case 'q':
                Align(2);
                BinaryPrimitives.WriteUInt16LittleEndian(Take(2), (ushort)value);
                break;
            case 'i':
                UInt32((uint)(int)value);
                break;
            case 'u':
                UInt32((uint)value);
                break;
            case 'x':
                Align(8);
                BinaryPrimitives.WriteInt64LittleEndian(Take(8), (long)value);
                break;
            case 't':
                Align(8);
                BinaryPrimitives.WriteUInt64LittleEndian(Take(8), (ulong)value);
                break;
            case 'd':
                Align(8);
                BinaryPrimitives.WriteDoubleLittleEndian(Take(8), (double)value);
                break;
            case 'g':
                ShortText((string)value);
                break;
            case 'a':
                var array = BeginArray(Alignment(signature[1]));
                foreach (var item in (IEnumerable<object>)value)
                {
                    Value(signature[1..], item);
                }

                EndArray(array);
                break;
            default:
                Text((string)value);
                break;
        }
    }

    /// <summary>a(sv).</summary>
    public void Properties(IReadOnlyList<KeyValuePair<string, DBusValue>> properties)
    {
        var array = BeginArray(8);
        foreach (var (name, value) in properties)
        {
            Align(8);
            Text(name);
            ShortText(value.Signature);
            Value(value.Signature, value.Value);
        }

        EndArray(array);
    }

    /// <summary>An empty array of structs.</summary>
    public void NoStructs() => EndArray(BeginArray(8));

    private static int Alignment(char type) => type switch
    {
        'y' or 'g' => 1,
        'n' or 'q' => 2,
        'x' or 't' or 'd' => 8,
        _ => 4,
    };

    private void Field(byte code, string signature, string value)
    {
        Align(8);
        Byte(code);
        ShortText(signature);
        Value(signature, value);
    }

    private void ShortText(string value)
    {
        var bytes = Encoding.UTF8.GetBytes(value);
        Byte((byte)bytes.Length);
        Raw(bytes);
        Byte(0);
    }

    // The length counts from the first element, whose padding stands before it.
    private (int Length, int Start) BeginArray(int alignment)
    {
        UInt32(0);
        var length = _length - 4;
        Align(alignment);
        return (length, _length);
    }

    private void EndArray((int Length, int Start) array) =>
        BinaryPrimitives.WriteUInt32LittleEndian(_bytes.AsSpan(array.Length), (uint)(_length - array.Start));

    private void UInt32(uint value)
    {
        Align(4);
        BinaryPrimitives.WriteUInt32LittleEndian(Take(4), value);
    }

    private void Byte(byte value) => Take(1)[0] = value;

    private void Raw(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Take(bytes.Length));

    private void Align(int alignment) => Take((alignment - _length % alignment) % alignment).Clear();

    private Span<byte> Take(int count)
    {
        if (_length + count > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _length + count));
        }

        _length += count;
        return _bytes.AsSpan(_length - count, count);
    }
}
