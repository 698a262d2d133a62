using System.Buffers.Binary;
using System.Globalization;
using Bundt.Linux;
using Bundt.Linux.Files;
using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Seccomp;

/// <summary>
/// Compiled filters kept in a directory of root's: engines give the same profile to nearly every container, and compiling it is the most that a
/// start computes. A file holds the build that compiled it, the profile's whole text, and the program: another text never gets it.
/// </summary>
public sealed class FilterCache
{
    private const int Most = 64;
    private const int BuildSize = 16;
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
            Keep(path, [.. head, .. program.Span]);
        }

        return program;
    }

    private static ReadOnlyMemory<byte> Read(string path, ReadOnlySpan<byte> head)
    {
        try
        {
            var bytes = File.ReadAllBytes(path);
            return bytes.AsSpan().StartsWith(head) && (bytes.Length - head.Length) % Instruction == 0 ? bytes.AsMemory(head.Length) : default;
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
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(BuildSize), text.Length);
        text.CopyTo(head.AsSpan(BuildSize + sizeof(int)));
        return head;
    }

    // FNV-1a: it only spreads names; the text itself is compared.
    private static string Name(ReadOnlySpan<byte> head)
    {
        var hash = 0xcbf29ce484222325UL;
        foreach (var value in head)
        {
            hash = (hash ^ value) * 0x100000001b3;
        }

        return hash.ToString("x16", CultureInfo.InvariantCulture);
    }
}
