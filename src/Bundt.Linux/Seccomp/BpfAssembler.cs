using System.Buffers.Binary;

namespace Bundt.Linux.Seccomp;

/// <summary>
/// Assembles classic BPF from its end to its beginning: every jump goes forward, so its target is known when it is written. A label is the
/// number of instructions from it to the end. Conditional jumps reach 255 instructions; a longer one goes over a jump or a copy of the return.
/// </summary>
internal sealed class BpfAssembler
{
    public const ushort LoadAbsolute = 0x20;
    public const ushort JumpEqual = 0x15;
    public const ushort JumpGreater = 0x25;
    public const ushort JumpGreaterOrEqual = 0x35;

    private const ushort Jump = 0x05;
    private const ushort AndConstant = 0x54;
    private const ushort Return = 0x06;
    private const int Reach = 255;

    private readonly List<(ushort Code, byte True, byte False, uint K)> _reversed = new(1024);
    private readonly Dictionary<uint, int> _returns = [];

    /// <summary>The label of the next instruction's successor: of what was written last.</summary>
    public int Here => _reversed.Count;

    /// <summary>A label that returns an action.</summary>
    public int ReturnLabel(SeccompAction action)
    {
        if (_returns.TryGetValue(action.Value, out var label) && Here - label < Reach - 2)
        {
            return label;
        }

        Add(Return, 0, 0, action.Value);
        _returns[action.Value] = Here;
        return Here;
    }

    /// <summary>Loads a word of struct seccomp_data, then goes on with what was written last.</summary>
    public void Load(uint offset) => Add(LoadAbsolute, 0, 0, offset);

    /// <summary>Masks the loaded word.</summary>
    public void And(uint mask) => Add(AndConstant, 0, 0, mask);

    /// <summary>Compares the loaded word and jumps to one of two labels.</summary>
    public void Branch(ushort code, uint value, int whenTrue, int whenFalse)
    {
        // Stubs stand directly behind the branch: the first one may be moved out of reach by one more instruction.
        if (Here - whenTrue > Reach - 1)
        {
            Add(Jump, 0, 0, (uint)(Here - whenTrue));
            whenTrue = Here;
        }

        if (Here - whenFalse > Reach)
        {
            Add(Jump, 0, 0, (uint)(Here - whenFalse));
            whenFalse = Here;
        }

        Add(code, (byte)(Here - whenTrue), (byte)(Here - whenFalse), value);
    }

    /// <summary>Goes to a label if that is not what was written last.</summary>
    public void Goto(int label)
    {
        if (label != Here)
        {
            Add(Jump, 0, 0, (uint)(Here - label));
        }
    }

    /// <summary>The program as struct sock_filter[].</summary>
    public byte[] ToArray()
    {
        if (_reversed.Count > 4096)
        {
            throw new BundtException(
                FailureKind.InvalidArgument, Phase.Identity, $"the seccomp profile compiles to {_reversed.Count} instructions, at most 4096 are possible");
        }

        var bytes = new byte[_reversed.Count * 8];
        for (var i = 0; i < _reversed.Count; i++)
        {
            var (code, whenTrue, whenFalse, k) = _reversed[_reversed.Count - 1 - i];
            var target = bytes.AsSpan(i * 8);
            BinaryPrimitives.WriteUInt16LittleEndian(target, code);
            target[2] = whenTrue;
            target[3] = whenFalse;
            BinaryPrimitives.WriteUInt32LittleEndian(target[4..], k);
        }

        return bytes;
    }

    private void Add(ushort code, byte whenTrue, byte whenFalse, uint k) => _reversed.Add((code, whenTrue, whenFalse, k));
}
