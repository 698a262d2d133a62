using System.Runtime.InteropServices;

namespace Bundt.Linux;

/// <summary>A POSIX extended regular expression (regcomp(3)), as the options of other runtimes' commands have it.</summary>
public sealed unsafe partial class PosixRegex : IDisposable
{
    private const int REG_EXTENDED = 1;
    private const int REG_NOSUB = 8; // glibc's and musl's

    private readonly void* _compiled;

    /// <param name="pattern">The expression; it may match anywhere in a text unless ^ and $ say where.</param>
    /// <exception cref="BundtException">InvalidArgument: it is none.</exception>
    public PosixRegex(string pattern)
    {
        // regex_t is opaque: 64 bytes in glibc and musl, with room to spare.
        _compiled = NativeMemory.AllocZeroed(256);
        if (regcomp(_compiled, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        {
            NativeMemory.Free(_compiled);
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"\"{pattern}\" is no POSIX extended regular expression");
        }
    }

    /// <summary>Whether it matches a text, or a part of it.</summary>
    public bool Matches(string text) => regexec(_compiled, text, 0, null, 0) == 0;

    /// <inheritdoc/>
    public void Dispose()
    {
        regfree(_compiled);
        NativeMemory.Free(_compiled);
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int regcomp(void* compiled, string pattern, int flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int regexec(void* compiled, string text, nuint matches, void* match, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial void regfree(void* compiled);
}
