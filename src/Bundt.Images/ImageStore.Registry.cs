using Bundt.Images.Registry;
using Bundt.Oci.Distribution;

namespace Bundt.Images;

// What the store does with registries.
public sealed partial class ImageStore
{
    private readonly RegistryTransport _transport;

    /// <summary>Pulls an image and unpacks its layers. Two pulls of the same blob share one download.</summary>
    public Task<StoredImage> PullAsync(ImageReference reference, PullOptions options, IProgress<PullProgress>? progress, CancellationToken cancellation) =>
        new ImagePuller(_registries, _transport).PullAsync(this, reference, options, progress, cancellation);

    /// <summary>Repositories of a registry's catalogue (or its search service) that contain the term.</summary>
    public Task<IReadOnlyList<SearchResult>> SearchAsync(string term, int limit, CancellationToken cancellation) =>
        new RegistrySearch(_registries, _transport).SearchAsync(term, limit, cancellation);
}
