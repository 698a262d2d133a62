using Bundt.Engine;
using Bundt.Images;
using Bundt.Linux;

namespace Bundt.Daemon.Routes;

/// <summary>What a list calls a container's image: the name it was made with, or the id once that name means another image.</summary>
internal sealed class ImageNames(ImageStore images)
{
    private readonly Dictionary<string, string?> _ids = [];

    /// <summary>The name or id.</summary>
    public string Of(Container container)
    {
        string name = container.Settings.Image;
        if (!_ids.TryGetValue(name, out string? id))
        {
            id = Find(name);
            _ids[name] = id;
        }

        return id is null || id == container.ImageId ? name : container.ImageId;
    }

    private string? Find(string name)
    {
        try
        {
            return images.Find(name).Id;
        }
        catch (BundtException)
        {
            return null;
        }
    }
}
