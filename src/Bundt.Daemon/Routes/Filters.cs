using System.Text;
using System.Text.Json;
using Bundt.Daemon.Server;
using Bundt.Linux;

namespace Bundt.Daemon.Routes;

/// <summary>The "filters" parameter: <c>{"name":["x"]}</c>, or <c>{"name":{"x":true}}</c> from older clients.</summary>
internal sealed class Filters
{
    private readonly Dictionary<string, List<string>> _values = [];

    /// <summary>Whether none was given.</summary>
    public bool IsEmpty => _values.Count == 0;

    /// <summary>Reads the parameter of a request and refuses keys that the list does not know.</summary>
    /// <exception cref="BundtException">InvalidArgument.</exception>
    public static Filters Of(ApiRequest request, params ReadOnlySpan<string> known) => Parse(request.Query("filters"), known);

    /// <summary>Reads the parameter's text.</summary>
    public static Filters Parse(string text, params ReadOnlySpan<string> known)
    {
        var filters = new Filters();
        if (text.Length == 0)
        {
            return filters;
        }

        try
        {
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(text));
            filters.Read(ref reader);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw ApiRequest.Malformed($"invalid filters: {text} is not a JSON object of lists");
        }

        foreach (string key in filters._values.Keys)
        {
            if (!known.Contains(key))
            {
                throw ApiRequest.Malformed($"invalid filter '{key}'");
            }
        }

        return filters;
    }

    /// <summary>The values of a key.</summary>
    public IReadOnlyList<string> this[string key] => _values.TryGetValue(key, out List<string>? values) ? values : [];

    /// <summary>Whether a key was given.</summary>
    public bool Has(string key) => _values.ContainsKey(key);

    /// <summary>Whether the key was not given or one of its values satisfies.</summary>
    public bool Any(string key, Func<string, bool> satisfies)
    {
        if (!_values.TryGetValue(key, out List<string>? values))
        {
            return true;
        }

        foreach (string value in values)
        {
            if (satisfies(value))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>A boolean, or null when not given.</summary>
    /// <exception cref="BundtException">InvalidArgument when it is none.</exception>
    public bool? Flag(string key)
    {
        if (!_values.TryGetValue(key, out List<string>? values) || values.Count == 0)
        {
            return null;
        }

        return values[^1] switch
        {
            "1" or "t" or "T" or "true" or "True" or "TRUE" => true,
            "0" or "f" or "F" or "false" or "False" or "FALSE" => false,
            string other => throw ApiRequest.Malformed($"invalid filter '{key}={other}'"),
        };
    }

    /// <summary>Whether labels have everything that "label" wants and nothing that "label!" forbids.</summary>
    public bool MatchLabels(IReadOnlyDictionary<string, string> labels)
    {
        foreach (string wanted in this["label"])
        {
            if (!HasLabel(labels, wanted))
            {
                return false;
            }
        }

        foreach (string forbidden in this["label!"])
        {
            if (HasLabel(labels, forbidden))
            {
                return false;
            }
        }

        return true;
    }

    private static bool HasLabel(IReadOnlyDictionary<string, string> labels, string wanted)
    {
        int equals = wanted.IndexOf('=', StringComparison.Ordinal);
        return equals < 0
            ? labels.ContainsKey(wanted)
            : labels.TryGetValue(wanted[..equals], out string? value) && value == wanted[(equals + 1)..];
    }

    private void Read(ref Utf8JsonReader reader)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException();
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var values = new List<string>();
            _values[reader.GetString()!] = values;
            reader.Read();
            if (reader.TokenType == JsonTokenType.StartArray)
            {
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    values.Add(reader.GetString() ?? "");
                }
            }
            else if (reader.TokenType == JsonTokenType.StartObject)
            {
                while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                {
                    string value = reader.GetString()!;
                    reader.Read();
                    if (reader.GetBoolean())
                    {
                        values.Add(value);
                    }
                }
            }
            else
            {
                throw new JsonException();
            }
        }
    }
}
