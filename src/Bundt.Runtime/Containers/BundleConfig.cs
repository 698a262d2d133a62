using Bundt.Linux;
using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Containers;

/// <summary>A bundle's config.json.</summary>
/// <param name="Json">As it was read.</param>
/// <param name="Config">What it says.</param>
internal sealed record BundleConfig(byte[] Json, RuntimeConfig Config)
{
    /// <summary>Reads it.</summary>
    /// <exception cref="BundtException">InvalidArgument: it cannot be read, or one of its fields, which is named, is wrong.</exception>
    internal static BundleConfig Load(string path)
    {
        var json = InputFile.Read(path);
        try
        {
            return new BundleConfig(json, RuntimeConfigReader.Read(json));
        }
        catch (FormatException e)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"{path}: {e.Message}", null, e);
        }
    }
}
