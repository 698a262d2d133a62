using Bundt.Oci.Distribution;
using Bundt.Oci.Image;

namespace Bundt.Images;

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
