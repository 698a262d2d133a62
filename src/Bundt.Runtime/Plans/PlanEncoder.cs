using System.Buffers.Binary;
using System.Text;
using Bundt.Linux;

namespace Bundt.Runtime.Plans;

/// <summary>Writes a plan in the binary form of native/plan.h.</summary>
internal static class PlanEncoder
{
    internal static byte[] Encode(LaunchPlan plan)
    {
        var operations = plan.Operations;
        if (operations.Count > PlanFormat.MaxOperations)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"the configuration needs {operations.Count} launch operations, at most {PlanFormat.MaxOperations} are possible");
        }

        var dataStart = PlanFormat.HeaderSize + operations.Count * PlanFormat.OperationSize;
        var bytes = new byte[dataStart + DataBound(operations)];
        var data = new DataWriter(bytes, dataStart);
        for (var i = 0; i < operations.Count; i++)
        {
            Write(operations[i], bytes.AsSpan(PlanFormat.HeaderSize + i * PlanFormat.OperationSize, PlanFormat.OperationSize), ref data);
        }

        var dataSize = data.Position - dataStart;
        Array.Resize(ref bytes, data.Position);
        if (bytes.Length > PlanFormat.MaxSize)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"arguments, environment and mounts together need {bytes.Length} bytes, at most {PlanFormat.MaxSize} are possible");
        }

        var header = bytes.AsSpan(0, PlanFormat.HeaderSize);
        BinaryPrimitives.WriteUInt64LittleEndian(header, PlanFormat.Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(header[8..], PlanFormat.Version);
        BinaryPrimitives.WriteInt32LittleEndian(header[12..], bytes.Length);
        BinaryPrimitives.WriteInt32LittleEndian(header[16..], operations.Count);
        BinaryPrimitives.WriteInt32LittleEndian(header[20..], dataSize);
        BinaryPrimitives.WriteInt32LittleEndian(header[24..], plan.Preserve);
        BinaryPrimitives.WriteInt32LittleEndian(header[28..], (PlanFormat.FirstFarSlot + 31) / 32);
        SetOpen(header, PlanFormat.SlotPlan);
        SetOpen(header, PlanFormat.SlotStatus);
        foreach (var input in plan.Inputs)
        {
            SetOpen(header, input.Slot);
        }

        return bytes;
    }

    private static void SetOpen(Span<byte> header, int slot)
    {
        var word = header[(32 + slot / 32 * 4)..];
        BinaryPrimitives.WriteUInt32LittleEndian(word, BinaryPrimitives.ReadUInt32LittleEndian(word) | 1u << (slot % 32));
    }

    private static void Write(PlanOperation operation, Span<byte> target, ref DataWriter data)
    {
        uint s = 0, t = 0, n = operation.Count;
        var x = operation.X;
        var y = operation.Y;
        if (operation.Code is PlanCode.Exec or PlanCode.Hook)
        {
            s = data.Strings(operation.Strings!, out _);
            t = data.Strings(operation.Environment!, out _);
            x = (ulong)operation.Strings!.Count;
            y = (ulong)operation.Environment!.Count;
        }
        else
        {
            s = operation.S is null ? 0 : data.String(operation.S);
            if (operation.T is not null)
            {
                t = data.String(operation.T);
            }
            else if (operation.Strings is not null)
            {
                t = data.Strings(operation.Strings, out var length);
                n = n == 0 ? length : n;
            }
            else if (!operation.Block.IsEmpty)
            {
                t = data.Block(operation.Block.Span);
                n = n == 0 ? (uint)operation.Block.Length : n;
            }
        }

        BinaryPrimitives.WriteUInt16LittleEndian(target, (ushort)operation.Code);
        target[2] = (byte)operation.Section;
        target[3] = operation.Flags;
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], (uint)operation.Tolerate);
        BinaryPrimitives.WriteInt32LittleEndian(target[8..], operation.A);
        BinaryPrimitives.WriteInt32LittleEndian(target[12..], operation.B);
        BinaryPrimitives.WriteUInt32LittleEndian(target[16..], s);
        BinaryPrimitives.WriteUInt32LittleEndian(target[20..], t);
        BinaryPrimitives.WriteUInt32LittleEndian(target[24..], n);
        BinaryPrimitives.WriteUInt32LittleEndian(target[28..], operation.Reserved);
        BinaryPrimitives.WriteUInt64LittleEndian(target[32..], x);
        BinaryPrimitives.WriteUInt64LittleEndian(target[40..], y);
        BinaryPrimitives.WriteUInt64LittleEndian(target[48..], operation.Z);
    }

    private static int DataBound(IReadOnlyList<PlanOperation> operations)
    {
        var bound = 1;
        foreach (var operation in operations)
        {
            bound += Bound(operation.S) + Bound(operation.T) + operation.Block.Length + 8 + Bound(operation.Strings) + Bound(operation.Environment);
        }

        return bound;
    }

    private static int Bound(string? text) => text is null ? 0 : Encoding.UTF8.GetMaxByteCount(text.Length) + 1;

    private static int Bound(IReadOnlyList<string>? texts)
    {
        var bound = 0;
        for (var i = 0; texts is not null && i < texts.Count; i++)
        {
            bound += Bound(texts[i]);
        }

        return bound;
    }

    // Offset 0 of the data is a NUL byte: offset 0 means "none".
    private ref struct DataWriter(byte[] bytes, int start)
    {
        private int _position = start + 1;

        public readonly int Position => _position;

        public uint String(string text)
        {
            var offset = _position - start;
            Append(text);
            return (uint)offset;
        }

        public uint Strings(IReadOnlyList<string> texts, out uint length)
        {
            var offset = _position - start;
            for (var i = 0; i < texts.Count; i++)
            {
                Append(texts[i]);
            }

            length = (uint)(_position - start - offset);
            return (uint)offset;
        }

        public uint Block(ReadOnlySpan<byte> block)
        {
            // Structures are read in place: they stand at a multiple of eight from the start of the plan.
            _position = (_position + 7) & ~7;
            var offset = _position - start;
            block.CopyTo(bytes.AsSpan(_position));
            _position += block.Length;
            return (uint)offset;
        }

        private void Append(string text)
        {
            if (text.Contains('\0', StringComparison.Ordinal))
            {
                throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"\"{text.Replace('\0', '?')}\" contains a NUL character");
            }

            _position += Encoding.UTF8.GetBytes(text, bytes.AsSpan(_position));
            bytes[_position++] = 0;
        }
    }
}
