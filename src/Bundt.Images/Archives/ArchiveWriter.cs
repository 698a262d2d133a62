using System.Text.Json;
using Bundt.Images.Blobs;
using Bundt.Images.Tar;
using Bundt.Oci.Distribution;
using Bundt.Oci.Image;

namespace Bundt.Images.Archives;

/// <summary>
/// Writes images as one tar: an OCI image layout, with the manifest.json and repositories of "docker save" beside it, which point to the
/// same blobs. Layers stay as they were received, compressed or not; all readers sniff.
/// </summary>
internal sealed class ArchiveWriter(BlobStore blobs)
{
    private const UnixFileMode FileMode = (UnixFileMode)0b110_100_100;
    private const UnixFileMode DirectoryMode = (UnixFileMode)0b111_101_101;

    public async Task WriteAsync(IReadOnlyList<SavedImage> images, Stream destination, CancellationToken cancellation)
    {
        var tar = new TarWriter(destination);
        await tar.WriteAsync(Directory("blobs"), default(ReadOnlyMemory<byte>), cancellation).ConfigureAwait(false);
        var written = new HashSet<string>(StringComparer.Ordinal);
        var index = new List<Descriptor>();
        var docker = new List<(string ConfigPath, List<string> Tags, List<string> Layers)>();
        var repositories = new Dictionary<string, Dictionary<string, string>>(StringComparer.Ordinal);
        foreach (var (image, name) in images)
        {
            var manifest = ImageManifest.Parse(blobs.Read(image.Manifest.Digest, ImageDocument.MaxBytes));
            foreach (var digest in new[] { image.Manifest.Digest, manifest.Config.Digest }.Concat(manifest.Layers.Select(l => l.Digest)))
            {
                await WriteBlobAsync(tar, digest, written, cancellation).ConfigureAwait(false);
            }

            index.Add(name is null ? image.Manifest : image.Manifest with { Annotations = Names(name) });
            var config = PathOf(manifest.Config.Digest);
            var known = docker.Find(d => d.ConfigPath == config);
            if (known.ConfigPath is null)
            {
                docker.Add(known = (config, [], [.. manifest.Layers.Select(l => PathOf(l.Digest))]));
            }

            if (name is not null)
            {
                known.Tags.Add(name.Familiar);
                if (!repositories.TryGetValue(name.FamiliarName, out var tags))
                {
                    repositories[name.FamiliarName] = tags = new Dictionary<string, string>(StringComparer.Ordinal);
                }

                tags[name.Tag!] = ContentDigest.HexOf(manifest.Layers.Count > 0 ? manifest.Layers[^1].Digest : image.Id);
            }
        }

        var manifests = docker.ConvertAll(d => new DockerArchiveImage { Config = d.ConfigPath, RepoTags = d.Tags, Layers = d.Layers });
        await WriteFileAsync(tar, "index.json", new ImageIndex(MediaTypes.OciIndex, index).ToBytes(), cancellation).ConfigureAwait(false);
        await WriteFileAsync(tar, "manifest.json", DockerArchiveImage.ToBytes([.. manifests]), cancellation).ConfigureAwait(false);
        await WriteFileAsync(tar, "oci-layout", """{"imageLayoutVersion":"1.0.0"}"""u8.ToArray(), cancellation).ConfigureAwait(false);
        var table = JsonSerializer.SerializeToUtf8Bytes(repositories, ArchiveJson.Default.DictionaryStringDictionaryStringString);
        await WriteFileAsync(tar, "repositories", table, cancellation).ConfigureAwait(false);
        await tar.FinishAsync(cancellation).ConfigureAwait(false);
    }

    private static string PathOf(string digest) => "blobs/" + digest.Replace(':', '/');

    private static Dictionary<string, string> Names(ImageReference name) => new(StringComparer.Ordinal)
    {
        ["io.containerd.image.name"] = name.Full,
        [ImageIndexFile.NameAnnotation] = name.Full,
    };

    private static TarEntry Directory(string path) => new() { Type = TarEntryType.Directory, Name = path, Mode = DirectoryMode };

    private static Task WriteFileAsync(TarWriter tar, string path, byte[] content, CancellationToken cancellation) =>
        tar.WriteAsync(new TarEntry { Type = TarEntryType.File, Name = path, Mode = FileMode, Size = content.Length }, content, cancellation);

    private async Task WriteBlobAsync(TarWriter tar, string digest, HashSet<string> written, CancellationToken cancellation)
    {
        if (written.Add(ContentDigest.AlgorithmOf(digest)))
        {
            await tar.WriteAsync(Directory("blobs/" + ContentDigest.AlgorithmOf(digest)), default(ReadOnlyMemory<byte>), cancellation).ConfigureAwait(false);
        }

        if (!written.Add(digest))
        {
            return;
        }

        var blob = blobs.OpenRead(digest);
        await using (blob.ConfigureAwait(false))
        {
            await tar.WriteAsync(new TarEntry { Type = TarEntryType.File, Name = PathOf(digest), Mode = FileMode, Size = blob.Length }, blob, cancellation)
                .ConfigureAwait(false);
        }
    }
}
