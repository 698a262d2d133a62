using System.Globalization;

namespace Bundt.Daemon.Server;

/// <summary>A version of the Docker Engine API ("1.47").</summary>
internal readonly record struct ApiVersion(int Major, int Minor) : IComparable<ApiVersion>
{
    /// <summary>The newest we speak, and what a path without a version means.</summary>
    public static ApiVersion Newest { get; } = new(1, 47);

    /// <summary>The oldest we accept.</summary>
    public static ApiVersion Oldest { get; } = new(1, 24);

    public static bool operator <(ApiVersion left, ApiVersion right) => left.CompareTo(right) < 0;

    public static bool operator >(ApiVersion left, ApiVersion right) => left.CompareTo(right) > 0;

    public static bool operator <=(ApiVersion left, ApiVersion right) => left.CompareTo(right) <= 0;

    public static bool operator >=(ApiVersion left, ApiVersion right) => left.CompareTo(right) >= 0;

    /// <summary>Reads a path segment "v1.47"; false when it is none.</summary>
    public static bool TryParseSegment(ReadOnlySpan<char> segment, out ApiVersion version)
    {
        version = default;
        int dot = segment.IndexOf('.');
        if (dot < 2 || segment[0] != 'v'
            || !int.TryParse(segment[1..dot], NumberStyles.None, CultureInfo.InvariantCulture, out int major)
            || !int.TryParse(segment[(dot + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out int minor))
        {
            return false;
        }

        version = new ApiVersion(major, minor);
        return true;
    }

    public int CompareTo(ApiVersion other) => Major != other.Major ? Major.CompareTo(other.Major) : Minor.CompareTo(other.Minor);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Major}.{Minor}");
}
