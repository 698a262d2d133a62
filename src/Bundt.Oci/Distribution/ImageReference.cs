namespace Bundt.Oci.Distribution;

/// <summary>
/// A name of an image as Docker reads it: registry, repository, tag and digest
/// (the grammar and the defaults of github.com/distribution/reference).
/// </summary>
public sealed record ImageReference
{
    /// <summary>The registry of names without one.</summary>
    public const string DefaultRegistry = "docker.io";

    /// <summary>The tag of names without one.</summary>
    public const string DefaultTag = "latest";

    /// <summary>Longest repository path in characters; so do registries.</summary>
    public const int MaxRepositoryLength = 255;

    private const int MaxTagLength = 128;
    private const string OfficialPrefix = "library/";
    private const string InvalidFormat = "invalid reference format";

    /// <summary>Parses "redis", "shop/web:1", "127.0.0.1:5000/web@sha256:…"; adds docker.io, library/ and latest.</summary>
    /// <exception cref="FormatException">One clear sentence.</exception>
    public static ImageReference Parse(string text)
    {
        ImageReference named = ParseName(text);
        return named.Tag is null && named.Digest is null ? named with { Tag = DefaultTag } : named;
    }

    /// <summary>As <see cref="Parse"/>, but adds no tag: "redis" has neither tag nor digest.</summary>
    /// <exception cref="FormatException">One clear sentence.</exception>
    public static ImageReference ParseName(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length == 64 && ContentDigest.IsHex(text))
        {
            throw new FormatException($"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings");
        }

        (string registry, string rest) = SplitRegistry(text);
        (string path, string? tag, string? digest) = SplitRest(rest);
        if (registry == DefaultRegistry && !path.Contains('/', StringComparison.Ordinal))
        {
            path = OfficialPrefix + path;
        }

        if (path.AsSpan().ContainsAnyInRange('A', 'Z') && IsRepository(path.ToLowerInvariant()))
        {
            throw new FormatException($"{InvalidFormat}: repository name ({path}) must be lowercase");
        }

        if (!IsRegistry(registry) || !IsRepository(path) || (tag is not null && !IsTag(tag)))
        {
            throw new FormatException(InvalidFormat);
        }

        if (path.Length > MaxRepositoryLength)
        {
            throw new FormatException($"{InvalidFormat}: repository name must not be more than {MaxRepositoryLength} characters");
        }

        if (digest is not null && !ContentDigest.IsValid(digest))
        {
            throw new FormatException(WhyDigestIsInvalid(digest));
        }

        return new ImageReference { Registry = registry, Repository = path, Tag = tag, Digest = digest };
    }

    /// <summary>As <see cref="Parse"/>, answering false instead of throwing.</summary>
    public static bool TryParse(string text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out ImageReference? reference)
    {
        try
        {
            reference = Parse(text);
            return true;
        }
        catch (FormatException)
        {
            reference = null;
            return false;
        }
    }

    /// <summary>Registry host with port ("docker.io").</summary>
    public required string Registry { get; init; }

    /// <summary>Repository path ("library/redis").</summary>
    public required string Repository { get; init; }

    /// <summary>Tag, or null when only a digest is given.</summary>
    public string? Tag { get; init; }

    /// <summary>Digest "sha256:…", or null.</summary>
    public string? Digest { get; init; }

    /// <summary>As people write it: without docker.io and library/, with tag and digest.</summary>
    public string Familiar => FamiliarName + Suffix;

    /// <summary>Registry and repository as people write them: without docker.io and library/, without tag and digest.</summary>
    public string FamiliarName
    {
        get
        {
            if (Registry != DefaultRegistry)
            {
                return FullName;
            }

            int slash = Repository.IndexOf('/', StringComparison.Ordinal);
            if (Repository.StartsWith(OfficialPrefix, StringComparison.Ordinal) && Repository.LastIndexOf('/') == slash)
            {
                return Repository[OfficialPrefix.Length..];
            }

            // "docker.io/a.b/c" must keep its registry: without it, a.b would be read as one.
            return slash > 0 && LooksLikeRegistry(Repository[..slash]) ? FullName : Repository;
        }
    }

    /// <summary>Registry and repository in full ("docker.io/library/redis").</summary>
    public string FullName => Registry + "/" + Repository;

    /// <summary>In full ("docker.io/library/redis:7"); the same for every way of writing the same name.</summary>
    public string Full => FullName + Suffix;

    /// <summary>The full form.</summary>
    public override string ToString() => Full;

    private string Suffix => (Tag is null ? "" : ":" + Tag) + (Digest is null ? "" : "@" + Digest);

    /// <summary>Whether the text is a tag: a letter, digit or underscore, then up to 127 of these, dots and dashes.</summary>
    public static bool IsTag(string text) => text.Length is > 0 and <= MaxTagLength && IsWord(text[0]) && !text.AsSpan().ContainsAnyExcept(s_tagCharacters);

    private static readonly System.Buffers.SearchValues<char> s_addressCharacters = System.Buffers.SearchValues.Create("0123456789abcdefABCDEF:");

    private static readonly System.Buffers.SearchValues<char> s_tagCharacters =
        System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

    private static (string Registry, string Remainder) SplitRegistry(string text)
    {
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0 || !LooksLikeRegistry(text[..slash]))
        {
            return (DefaultRegistry, text);
        }

        string registry = text[..slash];
        return (registry == "index.docker.io" ? DefaultRegistry : registry, text[(slash + 1)..]);
    }

    /// <summary>Whether the part before the first slash names a host: it has a dot, a colon or a capital letter, or is "localhost".</summary>
    private static bool LooksLikeRegistry(string first) =>
        first == "localhost" || first.AsSpan().ContainsAny('.', ':') || first.AsSpan().ContainsAnyInRange('A', 'Z');

    private static (string Path, string? Tag, string? Digest) SplitRest(string rest)
    {
        string? digest = null;
        int at = rest.IndexOf('@', StringComparison.Ordinal);
        if (at >= 0)
        {
            digest = rest[(at + 1)..];
            rest = rest[..at];
        }

        int colon = rest.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? (rest, null, digest) : (rest[..colon], rest[(colon + 1)..], digest);
    }

    private static bool IsRegistry(string text)
    {
        string host = text;
        int portColon = text.LastIndexOf(':');
        if (portColon > text.LastIndexOf(']'))
        {
            ReadOnlySpan<char> port = text.AsSpan(portColon + 1);
            if (port.Length is 0 or > 5 || port.ContainsAnyExceptInRange('0', '9') || int.Parse(port, System.Globalization.CultureInfo.InvariantCulture) > 65535)
            {
                return false;
            }

            host = text[..portColon];
        }

        if (host.StartsWith('['))
        {
            return host.EndsWith(']') && System.Net.IPAddress.TryParse(host.AsSpan(1, host.Length - 2), out _)
                && !host.AsSpan(1, host.Length - 2).ContainsAnyExcept(s_addressCharacters);
        }

        foreach (Range range in host.AsSpan().Split('.'))
        {
            ReadOnlySpan<char> component = host.AsSpan()[range];
            if (component.IsEmpty || component[0] == '-' || component[^1] == '-')
            {
                return false;
            }

            foreach (char c in component)
            {
                if (!char.IsAsciiLetterOrDigit(c) && c != '-')
                {
                    return false;
                }
            }
        }

        return host.Length <= 255;
    }

    private static bool IsRepository(string path)
    {
        foreach (Range range in path.AsSpan().Split('/'))
        {
            if (!IsPathComponent(path.AsSpan()[range]))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Lower-case letters and digits, joined by one dot, one or two underscores, or any number of dashes.</summary>
    private static bool IsPathComponent(ReadOnlySpan<char> component)
    {
        if (component.IsEmpty || !IsAlphanumeric(component[0]) || !IsAlphanumeric(component[^1]))
        {
            return false;
        }

        for (int i = 1; i < component.Length;)
        {
            if (IsAlphanumeric(component[i]))
            {
                i++;
                continue;
            }

            char separator = component[i];
            int run = 1;
            while (component[i + run] == separator)
            {
                run++;
            }

            bool allowed = separator switch { '.' => run == 1, '_' => run <= 2, '-' => true, _ => false };
            if (!allowed || !IsAlphanumeric(component[i + run]))
            {
                return false;
            }

            i += run;
        }

        return true;
    }

    private static string WhyDigestIsInvalid(string digest)
    {
        try
        {
            ContentDigest.Require(digest);
            return InvalidFormat;
        }
        catch (FormatException error)
        {
            return InvalidFormat + ": " + error.Message;
        }
    }

    private static bool IsAlphanumeric(char c) => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c);

    private static bool IsWord(char c) => char.IsAsciiLetterOrDigit(c) || c == '_';
}
