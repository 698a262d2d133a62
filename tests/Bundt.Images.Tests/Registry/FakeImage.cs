using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using Bundt.Oci.Distribution;
using Bundt.Oci.Image;

namespace Bundt.Images.Tests.Registry;

/// <summary>A small image to put into a <see cref="FakeRegistry"/>: layers of one file each, gzip, with configuration and manifest.</summary>
internal sealed class FakeImage
{
    private readonly List<(byte[] Tar, byte[] Blob)> _layers = [];

    /// <summary>Layers with a file each, named by their number, of some random bytes.</summary>
    public FakeImage(int layers = 2, int fileBytes = 50_000, string architecture = "amd64", int seed = 7)
    {
        for (int i = 0; i < layers; i++)
        {
            byte[] tar = Tar($"file{i}", RegistryTesting.RandomBytes(fileBytes, seed + i));
            _layers.Add((tar, Gzip(tar)));
        }

        ConfigBytes = ConfigFor(architecture, _layers.Select(layer => ContentDigest.Sha256(layer.Tar)));
    }

    public byte[] ConfigBytes { get; set; }

    public IReadOnlyList<byte[]> Blobs => [.. _layers.Select(layer => layer.Blob)];

    public IReadOnlyList<string> DiffIds => [.. _layers.Select(layer => ContentDigest.Sha256(layer.Tar))];

    public string Id => ContentDigest.Sha256(ConfigBytes);

    public static byte[] ConfigFor(string architecture, IEnumerable<string> diffIds) => Encoding.UTF8.GetBytes(
        $$$"""{"architecture":"{{{architecture}}}","os":"linux","created":"2024-01-02T03:04:05Z","config":{"Cmd":["true"]},"rootfs":{"type":"layers","diff_ids":[{{{string.Join(',', diffIds.Select(d => $"\"{d}\""))}}}]}}""");

    /// <summary>Puts everything into a registry and answers the manifest's descriptor.</summary>
    public Descriptor Push(FakeRegistry registry, string repository, string? tag, string mediaType = MediaTypes.OciManifest)
    {
        bool oci = mediaType == MediaTypes.OciManifest;
        Descriptor config = registry.AddBlob(ConfigBytes, oci ? MediaTypes.OciConfig : MediaTypes.DockerConfig);
        Descriptor[] layers = [.. Blobs.Select(blob => registry.AddBlob(blob, oci ? MediaTypes.OciLayerGzip : MediaTypes.DockerLayerGzip))];
        return registry.AddManifest(repository, tag, new ImageManifest(mediaType, config, layers).ToBytes(), mediaType);
    }

    private static byte[] Tar(string name, byte[] content)
    {
        using MemoryStream bytes = new();
        using (TarWriter writer = new(bytes, TarEntryFormat.Pax, leaveOpen: true))
        {
            writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content), ModificationTime = DateTimeOffset.UnixEpoch });
        }

        return bytes.ToArray();
    }

    private static byte[] Gzip(byte[] content)
    {
        using MemoryStream bytes = new();
        using (GZipStream gzip = new(bytes, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(content);
        }

        return bytes.ToArray();
    }
}
