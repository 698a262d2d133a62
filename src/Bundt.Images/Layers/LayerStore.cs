namespace Bundt.Images.Layers;

/// <summary>Unpacked layers by diffID.</summary>
public sealed class LayerStore
{
    /// <summary>Whether the layer is there, complete and verified.</summary>
    public bool Contains(string diffId) => throw new NotImplementedException();

    /// <summary>Unpacks a layer if it is not there; answers whether it had to.</summary>
    public Task<bool> EnsureAsync(string diffId, Func<Stream> open, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>
    /// Reads a layer's blob to its end, unpacks it if the layer is not there, verifies the diffID, then calls <paramref name="verified"/>
    /// (which commits the blob) and only after it makes the layer visible.
    /// </summary>
    public Task UnpackAsync(string diffId, Stream blob, Action verified, CancellationToken cancellation) => throw new NotImplementedException();
}
