using System.Buffers.Binary;
using System.Text;
using Bundt.Linux;
using Bundt.Linux.Processes;

namespace Bundt.Runtime.Plans;

/// <summary>A plan as it lies in the memory of a process that waits for start: enough of it to say what failed.</summary>
internal static class PlanMemory
{
    /// <summary>One operation, without what only its compiler knew.</summary>
    internal static PlanOperation ReadOperation(MemoryFile memory, int index)
    {
        Span<byte> operation = stackalloc byte[PlanFormat.OperationSize];
        var code = Read(memory, index, operation);
        return new PlanOperation
        {
            Code = code,
            Section = PlanSection.Init,
            Phase = code == PlanCode.Exec ? Phase.Exec : Phase.Identity,
            Subject = code switch
            {
                PlanCode.Hook => $"startContainer hook #{HooksBefore(memory, index)}",
                PlanCode.Exec => ReadText(memory, BinaryPrimitives.ReadUInt32LittleEndian(operation[16..])),
                _ => null,
            },
        };
    }

    // The hooks of one kind follow each other.
    private static int HooksBefore(MemoryFile memory, int index)
    {
        Span<byte> operation = stackalloc byte[PlanFormat.OperationSize];
        var count = 0;
        while (index - count > 0 && Read(memory, index - count - 1, operation) == PlanCode.Hook)
        {
            count++;
        }

        return count;
    }

    private static PlanCode Read(MemoryFile memory, int index, Span<byte> operation)
    {
        operation.Clear();
        memory.Read(operation, PlanFormat.Offset + PlanFormat.HeaderSize + (long)index * PlanFormat.OperationSize);
        return (PlanCode)BinaryPrimitives.ReadUInt16LittleEndian(operation);
    }

    private static string ReadText(MemoryFile memory, uint offset)
    {
        Span<byte> count = stackalloc byte[4];
        memory.Read(count, PlanFormat.Offset + 16);
        Span<byte> text = stackalloc byte[256];
        var length = memory.Read(text, PlanFormat.Offset + PlanFormat.HeaderSize + BinaryPrimitives.ReadUInt32LittleEndian(count) * (long)PlanFormat.OperationSize + offset);
        var end = text[..length].IndexOf((byte)0);
        return Encoding.UTF8.GetString(text[..(end < 0 ? length : end)]);
    }
}
