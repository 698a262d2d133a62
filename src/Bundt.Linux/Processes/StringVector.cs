using System.Runtime.InteropServices;
using System.Text;

namespace Bundt.Linux.Processes;

/// <summary>An argv or envp in native memory: of any length, which a stack is not.</summary>
internal sealed unsafe class StringVector : IDisposable
{
    private readonly byte** _pointers;

    /// <summary>Copies the strings.</summary>
    public StringVector(ReadOnlySpan<string> texts)
    {
        nuint size = 0;
        foreach (var text in texts)
        {
            size += (nuint)Encoding.UTF8.GetByteCount(text) + 1;
        }

        var pointers = (nuint)(texts.Length + 1) * (nuint)sizeof(byte*);
        _pointers = (byte**)NativeMemory.Alloc(pointers + size);
        var data = (byte*)_pointers + pointers;
        for (var i = 0; i < texts.Length; i++)
        {
            _pointers[i] = data;
            var length = Encoding.UTF8.GetByteCount(texts[i]);
            Encoding.UTF8.GetBytes(texts[i], new Span<byte>(data, length));
            data[length] = 0;
            data += length + 1;
        }

        _pointers[texts.Length] = null;
    }

    /// <summary>The strings, and null behind the last. Valid while this object lives.</summary>
    public byte** Pointers => _pointers;

    /// <inheritdoc/>
    public void Dispose() => NativeMemory.Free(_pointers);
}
