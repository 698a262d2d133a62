using System.Text.Json;
using System.Text.Json.Serialization;

namespace Bundt.Images.Layers;

/// <summary>What is remembered of an unpacked layer, beside its tree, in layer.json.</summary>
internal sealed class LayerRecord
{
    /// <summary>Version of this record's format.</summary>
    public int Version { get; init; } = 1;

    /// <summary>Bytes of the regular files.</summary>
    public long Size { get; init; }

    /// <summary>Directories that the layer's paths name but that it does not carry, "" for the root. Names as UnixName has them.</summary>
    public IReadOnlyList<string> Implied { get; init; } = [];

    /// <summary>Nothing from below shines through.</summary>
    public bool OpaqueRoot { get; init; }

    /// <summary>Reads a record's bytes.</summary>
    public static LayerRecord Parse(ReadOnlySpan<byte> json) =>
        JsonSerializer.Deserialize(json, LayerJson.Default.LayerRecord) ?? throw new JsonException("null");

    /// <summary>The record's bytes.</summary>
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, LayerJson.Default.LayerRecord);
}

/// <summary>Generated (de)serialisation of layer records.</summary>
[JsonSerializable(typeof(LayerRecord))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class LayerJson : JsonSerializerContext;
