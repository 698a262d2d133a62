using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Bundt.Oci.Distribution;

namespace Bundt.Images.Tests;

/// <summary>Builds image archives out of layer tars.</summary>
internal static class TestArchive
{
    public static byte[] Gzip(byte[] content)
    {
        var target = new MemoryStream();
        using (var gzip = new GZipStream(target, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(content);
        }

        return target.ToArray();
    }

    public static byte[] Config(params byte[][] layers) => Encoding.UTF8.GetBytes(JsonSerializer.Serialize(new
    {
        architecture = Bundt.Oci.Image.Platform.Current.Architecture,
        os = "linux",
        created = "2024-05-06T07:08:09.123456789Z",
        config = new { Cmd = new[] { "true" }, Env = new[] { "A=b" } },
        rootfs = new { type = "layers", diff_ids = layers.Select(l => ContentDigest.Sha256(l)) },
    }));

    /// <summary>A docker-archive as "docker save" of old wrote it.</summary>
    public static byte[] Docker(string[] tags, params byte[][] layers) => Docker(tags, Config(layers), layers);

    public static byte[] Docker(string[] tags, byte[] config, byte[][] layers)
    {
        var tar = new TestTar();
        var id = ContentDigest.HexOf(ContentDigest.Sha256(config));
        for (var i = 0; i < layers.Length; i++)
        {
            tar.Dir($"{i}").Add(new() { Type = Images.Tar.TarEntryType.File, Name = $"{i}/layer.tar", Size = layers[i].Length }, layers[i]);
        }

        tar.Add(new() { Type = Images.Tar.TarEntryType.File, Name = id + ".json", Size = config.Length }, config);
        var manifest = JsonSerializer.SerializeToUtf8Bytes(new[]
        {
            new { Config = id + ".json", RepoTags = tags, Layers = Enumerable.Range(0, layers.Length).Select(i => $"{i}/layer.tar") },
        });
        return tar.Add(new() { Type = Images.Tar.TarEntryType.File, Name = "manifest.json", Size = manifest.Length }, manifest).Bytes();
    }

    public static Task<IReadOnlyList<LoadedImage>> LoadAsync(this TestStore store, byte[] archive) =>
        store.Store.LoadAsync(new MemoryStream(archive), null, CancellationToken.None);
}
