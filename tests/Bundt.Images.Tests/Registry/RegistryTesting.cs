using Bundt.Images.Registry;
using Bundt.Oci.Distribution;

namespace Bundt.Images.Tests.Registry;

/// <summary>What the registry tests share: short deadlines, and reading a blob to its end.</summary>
internal static class RegistryTesting
{
    public static RegistryTimings Quick { get; } = new()
    {
        Connect = TimeSpan.FromSeconds(5),
        Headers = TimeSpan.FromSeconds(2),
        Document = TimeSpan.FromSeconds(2),
        Read = TimeSpan.FromMilliseconds(300),
        FirstPause = TimeSpan.FromMilliseconds(1),
        LongestPause = TimeSpan.FromMilliseconds(5),
    };

    public static byte[] RandomBytes(int count, int seed = 1)
    {
        byte[] bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public static async Task<byte[]> ReadAllAsync(IReadOnlyList<RegistryClient> clients, string repository, Descriptor descriptor, long offset = 0)
    {
        using ResumingBlobStream stream = new([.. clients.Select(client => (client, repository))], descriptor, offset, CancellationToken.None);
        using MemoryStream copy = new();
        await stream.CopyToAsync(copy);
        return copy.ToArray();
    }
}
