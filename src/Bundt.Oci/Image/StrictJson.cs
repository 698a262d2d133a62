using System.Text.Json;

namespace Bundt.Oci.Image;

/// <summary>
/// One JSON object of a document from a stranger, read so that the same bytes cannot mean two things: no duplicate members, none that differ
/// only in upper and lower case (Go decoders take the one for the other), no wrong types. Members are found as Go finds them, regardless of case.
/// </summary>
internal readonly struct StrictJson
{
    /// <summary>Deep enough for every document of the specifications; a bomb of brackets ends here.</summary>
    private const int MaxDepth = 32;

    private readonly Dictionary<string, JsonElement> _members;
    private readonly string _where;

    private StrictJson(JsonElement element, string where)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException($"{where} is not a JSON object");
        }

        _where = where;
        _members = new Dictionary<string, JsonElement>(StringComparer.OrdinalIgnoreCase);
        foreach (JsonProperty property in element.EnumerateObject())
        {
            if (!_members.TryAdd(property.Name, property.Value))
            {
                throw new FormatException($"{where} has the member \"{Shown(property.Name)}\" twice");
            }
        }
    }

    /// <summary>Parses a document of at most <paramref name="limit"/> bytes and hands its top object to <paramref name="read"/>.</summary>
    /// <exception cref="FormatException">Too long, not JSON, not an object, or what <paramref name="read"/> finds wrong.</exception>
    public static T Read<T>(ReadOnlyMemory<byte> bytes, int limit, string what, Func<StrictJson, T> read)
    {
        if (bytes.Length > limit)
        {
            throw new FormatException($"{what} has {bytes.Length} bytes, more than the limit of {limit}");
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = MaxDepth, AllowDuplicateProperties = false });
            return read(new StrictJson(document.RootElement, what));
        }
        catch (JsonException error)
        {
            throw new FormatException($"{what} is not valid JSON (line {error.LineNumber + 1}, byte {error.BytePositionInLine})", error);
        }
        catch (InvalidOperationException error)
        {
            // A string that is not valid UTF-8 or holds half a surrogate pair.
            throw new FormatException($"{what} holds text that is not valid UTF-8", error);
        }
    }

    /// <summary>Whether there is a member that is not null.</summary>
    public bool Has(string name) => Find(name) is not null;

    /// <summary>A string; null when absent.</summary>
    public string? Text(string name) => Find(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : throw Wrong(name, "a string");

    /// <summary>A string that must be there.</summary>
    public string RequiredText(string name) => Text(name) ?? throw Missing(name);

    /// <summary>A whole number; null when absent.</summary>
    public long? Number(string name) => Find(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) ? number
        : throw Wrong(name, "a whole number");

    /// <summary>A truth value; false when absent.</summary>
    public bool Flag(string name) => Find(name) is { } value && value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Wrong(name, "true or false"),
    };

    /// <summary>An object; null when absent.</summary>
    public StrictJson? Object(string name) => Find(name) is { } value ? new StrictJson(value, $"{_where}: \"{name}\"") : null;

    /// <summary>An object that must be there.</summary>
    public StrictJson RequiredObject(string name) => Object(name) ?? throw Missing(name);

    /// <summary>The objects of an array; null when absent.</summary>
    public List<T>? Objects<T>(string name, int limit, Func<StrictJson, T> read)
    {
        if (Elements(name) is not { } elements)
        {
            return null;
        }

        if (elements.Count > limit)
        {
            throw new FormatException($"{_where} has {elements.Count} entries in \"{name}\", more than the limit of {limit}");
        }

        List<T> result = new(elements.Count);
        foreach (JsonElement element in elements)
        {
            result.Add(read(new StrictJson(element, $"{_where}: \"{name}\"[{result.Count}]")));
        }

        return result;
    }

    /// <summary>An array of strings; null when absent.</summary>
    public List<string>? Texts(string name)
    {
        string where = _where;
        return Elements(name)?.ConvertAll(element => element.ValueKind == JsonValueKind.String
            ? element.GetString()!
            : throw new FormatException($"{where}: \"{name}\" must be a list of strings"));
    }

    /// <summary>An object of strings, whose keys are free; null when absent.</summary>
    public Dictionary<string, string>? Map(string name)
    {
        if (Keyed(name) is not { } value)
        {
            return null;
        }

        Dictionary<string, string> map = new(StringComparer.Ordinal);
        foreach (JsonProperty property in value.EnumerateObject())
        {
            map[property.Name] = property.Value.ValueKind switch
            {
                JsonValueKind.String => property.Value.GetString()!,
                JsonValueKind.Null => "",
                _ => throw Wrong(name, "an object of strings"),
            };
        }

        return map;
    }

    /// <summary>The keys of an object whose values say nothing ("Volumes", "ExposedPorts"); null when absent.</summary>
    public List<string>? Keys(string name) => Keyed(name)?.EnumerateObject().Select(property => property.Name).ToList();

    private JsonElement? Keyed(string name) => Find(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.Object ? value
        : throw Wrong(name, "an object");

    private List<JsonElement>? Elements(string name) => Find(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()]
        : throw Wrong(name, "an array");

    private JsonElement? Find(string name) =>
        _members.TryGetValue(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private FormatException Wrong(string name, string expected) => new($"{_where}: \"{name}\" must be {expected}");

    private FormatException Missing(string name) => new($"{_where}: \"{name}\" is missing");

    private static string Shown(string name) => name.Length > 64 ? name[..64] + "…" : name;
}
