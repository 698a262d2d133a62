using System.Buffers.Binary;
using System.Globalization;
using Bundt.Linux;
using Bundt.Linux.Files;
using Bundt.Linux.Seccomp;
using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Seccomp;

/// <summary>
/// Compiled filters kept in a directory of root's: engines give the same profile to nearly every container, and compiling it is the most that a
/// start computes. A file holds the build that compiled it, the profile's whole text, and the program: another text never gets it.
/// </summary>
public sealed class FilterCache
{
    private const int Most = 64;
    private const int BuildSize = 32; // two modules' version ids
    private const int TailSize = 12; // length and sum of the program
    private const int Instruction = 8; // struct sock_filter

    private readonly string _directory;

    /// <summary>The cache in a directory, which is made when something is kept.</summary>
    public FilterCache(string directory) => _directory = directory;

    /// <summary>The program of a filter, compiled if it is not at hand.</summary>
    /// <exception cref="BundtException">As <see cref="SeccompCompiler.Compile"/>.</exception>
    public ReadOnlyMemory<byte> Compile(LinuxSeccomp? seccomp)
    {
        if (seccomp is null || seccomp.Text.IsEmpty)
        {
            return SeccompCompiler.Compile(seccomp);
        }

        var head = Head(seccomp.Text.Span);
        var path = Path.Combine(_directory, Name(head));
        if (Read(path, head) is { Length: > 0 } kept)
        {
            return kept;
        }

        var program = SeccompCompiler.Compile(seccomp);
        if (!program.IsEmpty)
        {
            Keep(path, [.. head, .. program.Span, .. Tail(program.Span)]);
        }

        return program;
    }

    private static ReadOnlyMemory<byte> Read(string path, ReadOnlySpan<byte> head)
    {
        try
        {
            var bytes = File.ReadAllBytes(path);
            if (bytes.Length <= head.Length + TailSize || !bytes.AsSpan().StartsWith(head))
            {
                return default;
            }

            var program = bytes.AsMemory(head.Length, bytes.Length - head.Length - TailSize);
            return program.Length % Instruction == 0 && bytes.AsSpan(bytes.Length - TailSize).SequenceEqual(Tail(program.Span)) ? program : default;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return default;
        }
    }

    // A cache that cannot be written is none.
    private void Keep(string path, byte[] content)
    {
        try
        {
            using var parent = DirectoryFd.OpenHost(Path.GetDirectoryName(_directory)!);
            parent.TryCreateDirectory(Path.GetFileName(_directory), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            using var directory = DirectoryFd.OpenHost(_directory);
            var files = Directory.GetFiles(_directory);
            foreach (var file in files.Length >= Most ? files : [])
            {
                File.Delete(file);
            }

            AtomicFile.Replace(directory, Path.GetFileName(path), content, durable: false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or BundtException)
        {
            // The next start compiles again.
        }
    }

    private static byte[] Head(ReadOnlySpan<byte> text)
    {
        var head = new byte[BuildSize + sizeof(int) + text.Length];
        typeof(FilterCache).Module.ModuleVersionId.TryWriteBytes(head);
        typeof(FilterCompiler).Module.ModuleVersionId.TryWriteBytes(head.AsSpan(16));
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(BuildSize), text.Length);
        text.CopyTo(head.AsSpan(BuildSize + sizeof(int)));
        return head;
    }

    // What a crash of the host left half written is not loaded.
    private static byte[] Tail(ReadOnlySpan<byte> program)
    {
        var tail = new byte[TailSize];
        BinaryPrimitives.WriteInt32LittleEndian(tail, program.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(tail.AsSpan(sizeof(int)), Sum(program));
        return tail;
    }

    private static string Name(ReadOnlySpan<byte> head) => Sum(head).ToString("x16", CultureInfo.InvariantCulture);

    // FNV-1a: it spreads names and finds damage; that the text is the same is found by comparing it.
    private static ulong Sum(ReadOnlySpan<byte> bytes)
    {
        var sum = 0xcbf29ce484222325UL;
        foreach (var value in bytes)
        {
            sum = (sum ^ value) * 0x100000001b3;
        }

        return sum;
    }
}
