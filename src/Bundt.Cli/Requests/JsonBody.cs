using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Bundt.Cli.Requests;

/// <summary>Writing JSON bodies by hand: Docker's members are left out where nothing was asked for.</summary>
internal static class JsonBody
{
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>Writes one object.</summary>
    public static ReadOnlyMemory<byte> Write(Action<Utf8JsonWriter> members)
    {
        var buffer = new ArrayBufferWriter<byte>(2048);
        using (var json = new Utf8JsonWriter(buffer, s_options))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }

    /// <summary>A text member, unless it is null or empty.</summary>
    public static void Text(this Utf8JsonWriter json, string name, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            json.WriteString(name, value);
        }
    }

    /// <summary>A switch, unless it is off.</summary>
    public static void Flag(this Utf8JsonWriter json, string name, bool value)
    {
        if (value)
        {
            json.WriteBoolean(name, true);
        }
    }

    /// <summary>A number, unless it is null.</summary>
    public static void Number(this Utf8JsonWriter json, string name, long? value)
    {
        if (value is long number)
        {
            json.WriteNumber(name, number);
        }
    }

    /// <summary>A list of texts, unless it is empty.</summary>
    public static void Texts(this Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        bool any = false;
        foreach (string value in values)
        {
            if (!any)
            {
                any = true;
                json.WriteStartArray(name);
            }

            json.WriteStringValue(value);
        }

        if (any)
        {
            json.WriteEndArray();
        }
    }

    /// <summary>A map of texts, unless it is empty.</summary>
    public static void Map(this Utf8JsonWriter json, string name, Dictionary<string, string> map)
    {
        if (map.Count > 0)
        {
            json.WriteStartObject(name);
            foreach ((string key, string value) in map)
            {
                json.WriteString(key, value);
            }

            json.WriteEndObject();
        }
    }
}
