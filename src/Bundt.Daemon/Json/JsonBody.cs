using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Bundt.Daemon.Server;

namespace Bundt.Daemon.Json;

/// <summary>Reads a request's JSON; the texts of errors are moby's (api/server/httputils).</summary>
internal static class JsonBody
{
    /// <summary>One JSON value and nothing behind it.</summary>
    /// <exception cref="Linux.BundtException">InvalidArgument.</exception>
    public static T Parse<T>(ReadOnlySequence<byte> bytes, JsonTypeInfo<T> type)
        where T : class
    {
        var reader = new Utf8JsonReader(bytes, new JsonReaderOptions { AllowMultipleValues = true, MaxDepth = 64 });
        T? value;
        try
        {
            value = JsonSerializer.Deserialize(ref reader, type);
        }
        catch (JsonException exception)
        {
            throw ApiRequest.Malformed($"invalid JSON: {Explain(exception)}");
        }

        bool more;
        try
        {
            more = reader.Read();
        }
        catch (JsonException)
        {
            more = true;
        }

        if (more)
        {
            throw ApiRequest.Malformed("unexpected content after JSON");
        }

        return value ?? throw ApiRequest.Malformed("invalid JSON: got null");
    }

    /// <summary>The same for text, as in a header or a query parameter.</summary>
    public static T Parse<T>(ReadOnlyMemory<byte> bytes, JsonTypeInfo<T> type)
        where T : class => Parse(new ReadOnlySequence<byte>(bytes), type);

    private static string Explain(JsonException exception) =>
        string.IsNullOrEmpty(exception.Path) || exception.Path == "$"
            ? $"not readable at line {exception.LineNumber + 1}, byte {exception.BytePositionInLine}"
            : $"{exception.Path[2..]} is not of the right kind (line {exception.LineNumber + 1}, byte {exception.BytePositionInLine})";
}
