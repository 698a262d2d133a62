using System.Text.Json;
using System.Text.Json.Serialization;
using Bundt.Engine.Networks;
using Bundt.Engine.Volumes;

namespace Bundt.Engine.Containers;

/// <summary>How the engine's records are written: generated code, no reflection.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    UseStringEnumConverter = true,
    Converters = [typeof(SizeConverter), typeof(RestartPolicyConverter)])]
[JsonSerializable(typeof(ContainerRecord))]
[JsonSerializable(typeof(StateRecord))]
[JsonSerializable(typeof(VolumeRecord))]
[JsonSerializable(typeof(ExecSettings))]
[JsonSerializable(typeof(NetworkRecord))]
[JsonSerializable(typeof(EndpointRecord[]))]
internal sealed partial class RecordJson : JsonSerializerContext;

/// <summary>A terminal's size as [rows, columns].</summary>
internal sealed class SizeConverter : JsonConverter<(int Rows, int Columns)>
{
    public override (int Rows, int Columns) Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw new JsonException("a terminal size is an array of two numbers");
        }

        reader.Read();
        var rows = reader.GetInt32();
        reader.Read();
        var columns = reader.GetInt32();
        reader.Read();
        return reader.TokenType == JsonTokenType.EndArray ? (rows, columns) : throw new JsonException("a terminal size is an array of two numbers");
    }

    public override void Write(Utf8JsonWriter writer, (int Rows, int Columns) value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        writer.WriteNumberValue(value.Rows);
        writer.WriteNumberValue(value.Columns);
        writer.WriteEndArray();
    }
}

/// <summary>A restart policy as "name" or "name:count".</summary>
internal sealed class RestartPolicyConverter : JsonConverter<(string Name, int MaximumRetryCount)>
{
    public override (string Name, int MaximumRetryCount) Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var text = reader.GetString() ?? "no";
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? (text, 0) : (text[..colon], int.TryParse(text.AsSpan(colon + 1), out var count) ? count : throw new JsonException("invalid restart policy"));
    }

    public override void Write(Utf8JsonWriter writer, (string Name, int MaximumRetryCount) value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.MaximumRetryCount == 0 ? value.Name : $"{value.Name}:{value.MaximumRetryCount}");
}
