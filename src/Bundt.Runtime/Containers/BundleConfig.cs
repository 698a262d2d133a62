using Bundt.Linux;
using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Containers;

/// <summary>A bundle's config.json.</summary>
/// <param name="Json">As it was read.</param>
/// <param name="Config">What it says.</param>
internal sealed record BundleConfig(byte[] Json, RuntimeConfig Config)
{
    private const int Most = 16 << 20;

    /// <summary>Reads it.</summary>
    /// <exception cref="BundtException">InvalidArgument: it cannot be read, or one of its fields, which is named, is wrong.</exception>
    internal static BundleConfig Load(string path)
    {
        try
        {
            var json = File.ReadAllBytes(path);
            return json.Length <= Most ? new BundleConfig(json, RuntimeConfigReader.Read(json)) : throw Invalid($"{path} is longer than {Most} bytes", null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The framework takes a directory for a file that may not be read.
            throw Invalid($"cannot read {path}: {(Directory.Exists(path) ? Errno.EISDIR.Describe() : BundtException.Reason(e))}", e);
        }
        catch (FormatException e)
        {
            throw Invalid($"{path}: {e.Message}", e);
        }
    }

    private static BundtException Invalid(string what, Exception? inner) => new(FailureKind.InvalidArgument, Phase.Request, what, null, inner);
}
