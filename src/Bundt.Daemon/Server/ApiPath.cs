namespace Bundt.Daemon.Server;

/// <summary>A request's path: an optional version, then segments.</summary>
internal readonly struct ApiPath
{
    private readonly string[] _segments;
    private readonly int _start;

    private ApiPath(string[] segments, int start, ApiVersion version, bool versioned)
    {
        _segments = segments;
        _start = start;
        Version = version;
        IsVersioned = versioned;
    }

    /// <summary>The version asked for, or the newest.</summary>
    public ApiVersion Version { get; }

    /// <summary>Whether the path names a version.</summary>
    public bool IsVersioned { get; }

    /// <summary>Segments behind the version.</summary>
    public int Count => _segments.Length - _start;

    /// <summary>A segment behind the version; "" beyond the end.</summary>
    public string this[int index] => index < Count ? _segments[_start + index] : "";

    /// <summary>The last segment.</summary>
    public string Last => Count == 0 ? "" : _segments[^1];

    /// <summary>Splits "/v1.47/images/127.0.0.1:5000/shop/web:1/json". Clients may write the slashes of an image's name as %2F.</summary>
    public static ApiPath Parse(string path)
    {
        string[] segments = path.Trim('/').Split('/');
        for (int i = 0; i < segments.Length; i++)
        {
            if (segments[i].Contains('%', StringComparison.Ordinal))
            {
                segments[i] = Uri.UnescapeDataString(segments[i]);
            }
        }

        return ApiVersion.TryParseSegment(segments[0], out ApiVersion version)
            ? new ApiPath(segments, 1, version, true)
            : new ApiPath(segments, 0, ApiVersion.Newest, false);
    }

    /// <summary>The segments from <paramref name="first"/> on without the last <paramref name="behind"/>, joined: an image's name with its slashes.</summary>
    public string Join(int first, int behind)
    {
        int count = Count - first - behind;
        return count <= 0 ? "" : string.Join('/', _segments, _start + first, count);
    }
}
