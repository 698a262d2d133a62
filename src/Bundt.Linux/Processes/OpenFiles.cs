using System.Globalization;

namespace Bundt.Linux.Processes;

/// <summary>How many files this process and those that it starts may hold open (RLIMIT_NOFILE).</summary>
public static unsafe class OpenFiles
{
    private const int NoFile = 7;

    /// <summary>The limits that this process was started with, if they have been raised since; null: they are still the same.</summary>
    public static (ulong Soft, ulong Hard)? Inherited { get; private set; }

    /// <summary>Raises the limits as far as they are lower than what is needed, and may be raised. For the start of a program, before there are threads.</summary>
    /// <param name="least">Without so many descriptors nothing can be done.</param>
    /// <param name="wanted">So many are ever needed.</param>
    /// <exception cref="BundtException">The hard limit is below the least, and this process may not raise it.</exception>
    public static void Ensure(ulong least, ulong wanted)
    {
        var limits = stackalloc ulong[2];
        if (ProcessCalls.getrlimit(NoFile, limits) != 0 || limits[0] >= wanted)
        {
            return;
        }

        var (soft, hard) = (limits[0], limits[1]);
        if (!TrySet(wanted, Math.Max(hard, wanted)) && (hard < least || !TrySet(hard, hard)))
        {
            throw new BundtException(
                FailureKind.InvalidArgument, Phase.Request,
                string.Create(CultureInfo.InvariantCulture, $"at most {hard} files may be open (RLIMIT_NOFILE), and {least} are needed"), $"Raise the hard limit: ulimit -Hn {wanted}.");
        }

        Inherited ??= (soft, hard);
    }

    private static bool TrySet(ulong soft, ulong hard)
    {
        var limits = stackalloc ulong[2] { soft, hard };
        return ProcessCalls.setrlimit(NoFile, limits) == 0;
    }
}
