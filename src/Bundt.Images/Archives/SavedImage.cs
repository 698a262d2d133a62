using Bundt.Oci.Distribution;

namespace Bundt.Images.Archives;

/// <summary>An image to be saved, under the name that was asked for, or under none when it was asked for by id.</summary>
internal sealed record SavedImage(StoredImage Image, ImageReference? Name);
