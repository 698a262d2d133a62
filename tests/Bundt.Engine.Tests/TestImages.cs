using Bundt.Images;
using Bundt.Linux;
using Bundt.Oci.Image;

namespace Bundt.Engine.Tests;

/// <summary>One image, "cake", of one layer that the test fills.</summary>
internal sealed class TestImages : IContainerImages
{
    private int _leases;

    public TestImages(string layer)
    {
        Layer = layer;
        Directory.CreateDirectory(layer);
    }

    public string Layer { get; }

    public int Leases => _leases;

    public StoredImage Find(string nameOrId) => nameOrId is "cake" or "sha256:cake"
        ? new StoredImage("sha256:cake", ["cake:latest"], [], new ImageConfig { Os = Platform.Current.Os, Architecture = Platform.Current.Architecture }, default, null!, 0, DateTimeOffset.UnixEpoch)
        : throw new BundtException(FailureKind.NotFound, Phase.Resolve, $"No such image: {nameOrId}");

    public Task<LayerLease> LeaseLayersAsync(StoredImage image, CancellationToken cancellation)
    {
        Interlocked.Increment(ref _leases);
        return Task.FromResult(new LayerLease([Layer], () => Interlocked.Decrement(ref _leases)));
    }
}
