using Bundt.Images.Tar;

namespace Bundt.Images.Layers;

/// <summary>Paths of tar entries, made relative. Where a path leads is openat2's business; here what no honest layer has is refused.</summary>
internal static class LayerPath
{
    /// <summary>The path without leading "/" and "./", doubled and trailing slashes; "" is the layer's root.</summary>
    /// <exception cref="TarFormatException">It has a ".." component.</exception>
    public static string Normalize(string path, string what)
    {
        // Nearly all paths are normal already, but for a directory's slash at the end.
        var trimmed = path.EndsWith('/') ? path[..^1] : path;
        if (trimmed.Length > 0 && trimmed[0] is not ('/' or '.') && !trimmed.Contains("//", StringComparison.Ordinal)
            && !trimmed.Contains("/.", StringComparison.Ordinal))
        {
            return trimmed;
        }

        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(p => p != ".").ToList();
        return parts.Contains("..")
            ? throw new TarFormatException($"{what} \"{Show(path)}\" leads upwards")
            : string.Join('/', parts);
    }

    /// <summary>The directory part, "" for the root, and the last name.</summary>
    public static (string Parent, string Name) Split(string path)
    {
        var slash = path.LastIndexOf('/');
        return slash < 0 ? ("", path) : (path[..slash], path[(slash + 1)..]);
    }

    /// <summary>A path for an error message: short and without control characters.</summary>
    public static string Show(string path)
    {
        var text = string.Concat(path.Select(c => char.IsControl(c) ? '?' : c));
        return text.Length <= 200 ? text : text[..200] + "…";
    }
}
