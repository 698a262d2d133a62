using Bundt.Oci.Distribution;
using Bundt.Oci.Image;

namespace Bundt.Images;

/// <summary>
/// The images on disk: an OCI image layout of blobs, unpacked layers keyed by diffID, and the names that point to them.
/// Safe for concurrent use; one process owns a store's directory.
/// </summary>
public sealed class ImageStore : IDisposable
{
    /// <summary>Opens or creates the store below <paramref name="root"/> (a host path, mode 0700) and removes what a crash left half-made.</summary>
    public static ImageStore Open(string root, RegistryOptions registries) => throw new NotImplementedException();

    /// <summary>All images, newest first; an image without any name is listed too (dangling).</summary>
    public IReadOnlyList<StoredImage> List() => throw new NotImplementedException();

    /// <summary>An image by name (familiar or full, tag or digest) or by unambiguous id prefix, with or without "sha256:".</summary>
    /// <exception cref="Linux.BundtException">NotFound "no such image: X", InvalidArgument when the prefix is ambiguous.</exception>
    public StoredImage Find(string nameOrId) => throw new NotImplementedException();

    /// <summary>Pulls an image and unpacks its layers. Two pulls of the same blob share one download.</summary>
    public Task<StoredImage> PullAsync(ImageReference reference, PullOptions options, IProgress<PullProgress>? progress, CancellationToken cancellation) =>
        throw new NotImplementedException();

    /// <summary>Loads a docker-archive, OCI archive (any common compression) from a stream; answers what was loaded.</summary>
    public Task<IReadOnlyList<LoadedImage>> LoadAsync(Stream archive, IProgress<PullProgress>? progress, CancellationToken cancellation) =>
        throw new NotImplementedException();

    /// <summary>Writes the named images as one archive that docker load, podman load and skopeo understand (OCI layout with manifest.json).</summary>
    public Task SaveAsync(IReadOnlyList<string> names, Stream destination, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Gives an image a further name; the name moves if another image has it.</summary>
    public void Tag(string nameOrId, ImageReference name) => throw new NotImplementedException();

    /// <summary>
    /// Removes a name, or with the last name (or by id) the image itself with every blob and layer nobody else needs.
    /// <paramref name="isUsed"/> answers whether a container uses the image id, with a sentence if so.
    /// </summary>
    public RemovedImage Remove(string nameOrId, bool force, Func<string, string?> isUsed) => throw new NotImplementedException();

    /// <summary>The unpacked layers of an image for an overlay. Unpacks what is missing. The lease keeps them from removal.</summary>
    public Task<LayerLease> LeaseLayersAsync(StoredImage image, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Repositories of a registry's catalogue (or its search service) that contain the term.</summary>
    public Task<IReadOnlyList<SearchResult>> SearchAsync(string term, int limit, CancellationToken cancellation) => throw new NotImplementedException();

    /// <inheritdoc/>
    public void Dispose() => throw new NotImplementedException();

    /// <summary>Begins to bring an image in. The registry's puller is given the intake and registers the image with it.</summary>
    internal ImageIntake BeginIntake() => throw new NotImplementedException();

    internal StoredImage Register(Descriptor manifest, IReadOnlyList<ImageReference> names) => throw new NotImplementedException();
}

/// <summary>An image as the store knows it. Immutable snapshot.</summary>
/// <param name="Id">The config's digest, "sha256:…".</param>
/// <param name="Names">Familiar names with tags ("redis:7", "127.0.0.1:5000/shop/web:1"); empty when dangling.</param>
/// <param name="RepoDigests">"name@sha256:…" of pulled manifests.</param>
/// <param name="Config">The parsed image config.</param>
/// <param name="ConfigBytes">The config exactly as received.</param>
/// <param name="Manifest">The manifest's descriptor.</param>
/// <param name="Size">Bytes of the unpacked layers.</param>
/// <param name="Created">The config's time, or the epoch.</param>
public sealed record StoredImage(
    string Id,
    IReadOnlyList<string> Names,
    IReadOnlyList<string> RepoDigests,
    ImageConfig Config,
    ReadOnlyMemory<byte> ConfigBytes,
    Descriptor Manifest,
    long Size,
    DateTimeOffset Created);

/// <summary>The lower directories of one container's overlay, topmost first. Disposing gives the lease back.</summary>
public sealed class LayerLease : IDisposable
{
    private readonly Action _release;

    /// <summary>A lease over host directories, topmost layer first.</summary>
    public LayerLease(IReadOnlyList<string> directories, Action release)
    {
        Directories = directories;
        _release = release;
    }

    /// <summary>Host paths, topmost layer first.</summary>
    public IReadOnlyList<string> Directories { get; }

    /// <inheritdoc/>
    public void Dispose() => _release();
}

/// <summary>Options of a pull.</summary>
/// <param name="Platform">Which platform of an index; null: this machine's.</param>
/// <param name="Credentials">What the client sent (X-Registry-Auth), or null: the daemon's own Docker config file.</param>
/// <param name="AllTags">Pull every tag of the repository.</param>
public sealed record PullOptions(Platform? Platform = null, RegistryCredentials? Credentials = null, bool AllTags = false);

/// <summary>A login. Never logged.</summary>
public sealed record RegistryCredentials(string? Username, string? Password, string? IdentityToken);

/// <summary>One step of progress, in Docker's words.</summary>
/// <param name="Status">"Downloading", "Extracting", "Pull complete", "Already exists", "Loaded image: …".</param>
/// <param name="Id">The layer's short id or the tag, or null.</param>
/// <param name="Current">Bytes so far, 0 when unknown.</param>
/// <param name="Total">Bytes in all, 0 when unknown.</param>
public sealed record PullProgress(string Status, string? Id = null, long Current = 0, long Total = 0);

/// <summary>One loaded image and the name that it got, if it had one in the archive.</summary>
public sealed record LoadedImage(StoredImage Image, string? Name);

/// <summary>What a removal did: names taken away, ids deleted (image and layers), in Docker's order.</summary>
public sealed record RemovedImage(IReadOnlyList<string> Untagged, IReadOnlyList<string> Deleted);

/// <summary>A repository found by search.</summary>
public sealed record SearchResult(string Name, string Description, int Stars, bool Official);

/// <summary>What daemon.json and the command line say about registries.</summary>
public sealed class RegistryOptions
{
    /// <summary>Base addresses asked before docker.io ("registry-mirrors").</summary>
    public IReadOnlyList<Uri> Mirrors { get; init; } = [];

    /// <summary>Hosts or CIDR blocks spoken to over plain HTTP ("insecure-registries"); 127.0.0.0/8 always is.</summary>
    public IReadOnlyList<string> Insecure { get; init; } = [];

    /// <summary>Docker's config.json with "auths", read at each pull; null: $DOCKER_CONFIG or /root/.docker/config.json.</summary>
    public string? DockerConfigPath { get; init; }

    /// <summary>Layers downloaded at once per pull ("max-concurrent-downloads"; Docker's default is 3).</summary>
    public int MaxConcurrentDownloads { get; init; } = 3;
}
