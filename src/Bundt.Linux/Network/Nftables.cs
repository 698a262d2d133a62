using System.Runtime.InteropServices;

namespace Bundt.Linux.Network;

/// <summary>
/// The packet filter of the caller's network namespace, by nft(8)'s own library. It belongs to the namespace that it was opened in. Calls come one
/// after the other.
/// </summary>
public sealed unsafe class Nftables : IDisposable
{
    private readonly Lock _lock = new();
    private nint _context;

    private Nftables(nint context) => _context = context;

    /// <summary>Opens it. Takes some 5 ms the first time.</summary>
    /// <exception cref="BundtException">Unavailable: the library is not installed.</exception>
    public static Nftables Open()
    {
        try
        {
            var context = NftablesCalls.nft_ctx_new(0);
            return context != 0 && NftablesCalls.nft_ctx_buffer_output(context) == 0 && NftablesCalls.nft_ctx_buffer_error(context) == 0
                ? new Nftables(context)
                : throw new BundtException(FailureKind.Internal, Phase.Network, "libnftables cannot be initialised");
        }
        catch (DllNotFoundException e)
        {
            throw new BundtException(
                FailureKind.Unavailable, Phase.Network, "bridge networks need libnftables.so.1", "Debian, Ubuntu: apt-get install libnftables1. Fedora: nftables-libs", e);
        }
    }

    /// <summary>Executes commands of nft(8), all of them or none.</summary>
    /// <returns>What they print.</returns>
    /// <exception cref="BundtException">The commands are refused, in nft's own words.</exception>
    public string Run(string commands)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_context == 0, this);
            var result = NftablesCalls.nft_run_cmd_from_buffer(_context, commands);
            var output = Marshal.PtrToStringUTF8((nint)NftablesCalls.nft_ctx_get_output_buffer(_context)) ?? "";
            var error = Marshal.PtrToStringUTF8((nint)NftablesCalls.nft_ctx_get_error_buffer(_context)) ?? "";
            return result == 0 ? output : throw new BundtException(FailureKind.Internal, Phase.Network, $"nft: {error.Trim()}");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_context != 0)
            {
                NftablesCalls.nft_ctx_free(_context);
                _context = 0;
            }
        }
    }
}
