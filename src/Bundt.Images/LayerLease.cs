namespace Bundt.Images;

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
