using System.Runtime.InteropServices;

namespace Bundt.Linux.Network;

/// <summary>libnftables(3), under its own names. Loaded when first used.</summary>
internal static unsafe partial class NftablesCalls
{
    private const string Library = "libnftables.so.1";

    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint nft_ctx_new(uint flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial void nft_ctx_free(nint context);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int nft_ctx_buffer_output(nint context);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int nft_ctx_buffer_error(nint context);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial byte* nft_ctx_get_output_buffer(nint context);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial byte* nft_ctx_get_error_buffer(nint context);

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int nft_run_cmd_from_buffer(nint context, string commands);
}
