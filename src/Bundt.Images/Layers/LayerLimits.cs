namespace Bundt.Images.Layers;

/// <summary>Where unpacking stops: a layer's bytes are hostile, and a few megabytes can inflate to anything.</summary>
/// <param name="MaxBytes">Sum of the file contents that are written.</param>
/// <param name="MaxEntries">Entries of the tar.</param>
/// <param name="MaxImpliedCharacters">Sum of the lengths of the paths of directories that entries name but the layer does not carry.</param>
internal sealed record LayerLimits(long MaxBytes = 1L << 40, long MaxEntries = 10_000_000, long MaxImpliedCharacters = 8 << 20);
