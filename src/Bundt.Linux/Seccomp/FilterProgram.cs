using System.Buffers.Binary;

namespace Bundt.Linux.Seccomp;

/// <summary>Answers what a compiled filter does with a call: classic BPF over struct seccomp_data (seccomp(2)), as the kernel runs it.</summary>
public static class FilterProgram
{
    private const ushort Load = 0x20, And = 0x54, Jump = 0x05, JumpEqual = 0x15, JumpGreater = 0x25, JumpGreaterOrEqual = 0x35, Return = 0x06;
    private const int DataSize = 64, ArgumentsOffset = 16;

    /// <summary>The action for a call of the native architecture.</summary>
    /// <param name="program">What <see cref="FilterCompiler"/> has made.</param>
    /// <param name="call">The call's name.</param>
    /// <param name="arguments">The first arguments; the others are 0.</param>
    public static SeccompAction Run(ReadOnlySpan<byte> program, string call, ReadOnlySpan<ulong> arguments)
    {
        var native = SeccompArchitecture.Native;
        Span<byte> data = stackalloc byte[DataSize];
        data.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(data, native.Number(call) ?? throw new ArgumentOutOfRangeException(nameof(call), call, "no system call"));
        BinaryPrimitives.WriteUInt32LittleEndian(data[4..], native.Audit);
        for (var i = 0; i < arguments.Length; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(data[(ArgumentsOffset + i * 8)..], arguments[i]);
        }

        uint word = 0;
        for (var at = 0; ; at++)
        {
            var instruction = program[(at * 8)..];
            var (whenTrue, whenFalse, k) = (instruction[2], instruction[3], BinaryPrimitives.ReadUInt32LittleEndian(instruction[4..]));
            switch (BinaryPrimitives.ReadUInt16LittleEndian(instruction))
            {
                case Load:
                    word = BinaryPrimitives.ReadUInt32LittleEndian(data[(int)k..]);
                    break;
                case And:
                    word &= k;
                    break;
                case Jump:
                    at += (int)k;
                    break;
                case JumpEqual:
                    at += word == k ? whenTrue : whenFalse;
                    break;
                case JumpGreater:
                    at += word > k ? whenTrue : whenFalse;
                    break;
                case JumpGreaterOrEqual:
                    at += word >= k ? whenTrue : whenFalse;
                    break;
                case Return:
                    return new SeccompAction(k);
                case var code:
                    throw new ArgumentException($"instruction {code:x} is not one of the compiler's", nameof(program));
            }
        }
    }
}
