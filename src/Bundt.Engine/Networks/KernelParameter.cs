using Bundt.Linux;

namespace Bundt.Engine.Networks;

/// <summary>Kernel parameters of the network namespace that the calling thread is in (sysctl(8)).</summary>
internal static class KernelParameter
{
    /// <summary>Sets one, unless it has that value already.</summary>
    /// <param name="name">"net/ipv4/ip_forward".</param>
    /// <param name="value">The value.</param>
    /// <exception cref="BundtException">The kernel does not have it, or it cannot be written.</exception>
    public static void Set(string name, string value)
    {
        var path = "/proc/sys/" + name;
        try
        {
            if (File.ReadAllText(path).AsSpan().Trim() is var now && !now.SequenceEqual(value))
            {
                File.WriteAllText(path, value);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BundtException(FailureKind.Internal, Phase.Network, $"cannot set {path} to {value}: {BundtException.Reason(e)}", null, e);
        }
    }
}
