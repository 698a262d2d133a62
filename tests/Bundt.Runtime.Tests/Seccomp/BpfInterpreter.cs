using System.Buffers.Binary;

namespace Bundt.Runtime.Tests.Seccomp;

/// <summary>Runs classic BPF over struct seccomp_data.</summary>
internal static class BpfInterpreter
{
    public static uint Run(ReadOnlySpan<byte> program, uint architecture, uint number, ReadOnlySpan<ulong> arguments)
    {
        Span<byte> data = stackalloc byte[64];
        BinaryPrimitives.WriteUInt32LittleEndian(data, number);
        BinaryPrimitives.WriteUInt32LittleEndian(data[4..], architecture);
        for (var i = 0; i < 6; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(data[(16 + i * 8)..], arguments[i]);
        }

        uint a = 0, x = 0;
        var memory = new uint[16];
        for (var pc = 0; ; pc++)
        {
            var at = program[(pc * 8)..];
            var code = BinaryPrimitives.ReadUInt16LittleEndian(at);
            var k = BinaryPrimitives.ReadUInt32LittleEndian(at[4..]);
            switch (code)
            {
                case 0x20:
                    a = BinaryPrimitives.ReadUInt32LittleEndian(data[(int)k..]);
                    break;
                case 0x54:
                    a &= k;
                    break;
                case 0x05:
                    pc += (int)k;
                    break;
                case 0x15:
                    pc += a == k ? at[2] : at[3];
                    break;
                case 0x25:
                    pc += a > k ? at[2] : at[3];
                    break;
                case 0x35:
                    pc += a >= k ? at[2] : at[3];
                    break;
                case 0x45:
                    pc += (a & k) != 0 ? at[2] : at[3];
                    break;
                case 0x02:
                    memory[k] = a;
                    break;
                case 0x60:
                    a = memory[k];
                    break;
                case 0x06:
                    return k;
                default:
                    throw new InvalidOperationException($"instruction {code:x} (a {a}, x {x})");
            }
        }
    }
}
