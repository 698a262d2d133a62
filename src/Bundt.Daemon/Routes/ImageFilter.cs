using System.Text;
using System.Text.RegularExpressions;
using Bundt.Daemon.Json;
using Bundt.Daemon.Server;
using Bundt.Images;
using Bundt.Linux;

namespace Bundt.Daemon.Routes;

/// <summary>The filters of the image list.</summary>
internal sealed class ImageFilter
{
    private readonly Filters _filters;
    private readonly List<Regex> _references = [];
    private readonly DateTimeOffset? _before;
    private readonly DateTimeOffset? _since;
    private readonly bool? _dangling;

    private ImageFilter(Filters filters, ImageStore images)
    {
        _filters = filters;
        _dangling = filters.Flag("dangling");
        _before = filters["before"] is [.., string before] ? images.Find(before).Created : null;
        _since = filters["since"] is [.., string since] ? images.Find(since).Created : null;
        if (filters["until"] is [.., string until] && GoTime.Parse(until, "until", DateTimeOffset.UtcNow) is { } time && (_before is null || time < _before))
        {
            _before = time;
        }

        foreach (string pattern in filters["reference"])
        {
            _references.Add(Glob(pattern));
        }
    }

    /// <summary>The filters of a request; an old client's "filter" parameter is a reference.</summary>
    /// <exception cref="BundtException">InvalidArgument; NotFound for the image of before or since.</exception>
    public static ImageFilter Of(ApiRequest request, ImageStore images) =>
        new(Filters.Of(request, "before", "dangling", "label", "label!", "reference", "since", "until"), images);

    /// <summary>The image with the names that satisfy, or null.</summary>
    public StoredImage? Apply(StoredImage image)
    {
        if (_filters.IsEmpty)
        {
            return image;
        }

        if ((_dangling is { } dangling && dangling != (image.Names.Count == 0))
            || (_before is { } before && image.Created >= before)
            || (_since is { } since && image.Created <= since)
            || !_filters.MatchLabels(image.Config.Config.Labels))
        {
            return null;
        }

        if (_references.Count == 0)
        {
            return image;
        }

        string[] names = [.. image.Names.Where(Matches)];
        string[] digests = [.. image.RepoDigests.Where(Matches)];
        return names.Length + digests.Length == 0 ? null : image with { Names = names, RepoDigests = digests };
    }

    /// <summary>A glob over the whole name, or over the name without tag or digest (moby: reference.FamiliarMatch).</summary>
    public static Regex Glob(string pattern)
    {
        var text = new StringBuilder("^");
        foreach (char c in pattern)
        {
            text.Append(c switch
            {
                '*' => "[^/]*",
                '?' => "[^/]",
                '[' or ']' or '-' => c.ToString(),
                _ => Regex.Escape(c.ToString()),
            });
        }

        text.Append('$');
        try
        {
            return new Regex(text.ToString(), RegexOptions.CultureInvariant, TimeSpan.FromMilliseconds(100));
        }
        catch (ArgumentException)
        {
            throw ApiRequest.Malformed($"invalid filter 'reference={pattern}'");
        }
    }

    /// <summary>A name without its tag or digest.</summary>
    public static string Repository(string name)
    {
        int at = name.IndexOf('@', StringComparison.Ordinal);
        if (at >= 0)
        {
            return name[..at];
        }

        int colon = name.LastIndexOf(':');
        return colon > name.LastIndexOf('/') ? name[..colon] : name;
    }

    private bool Matches(string name)
    {
        foreach (Regex pattern in _references)
        {
            if (pattern.IsMatch(name) || pattern.IsMatch(Repository(name)))
            {
                return true;
            }
        }

        return false;
    }
}
