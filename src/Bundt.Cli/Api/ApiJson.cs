using System.Text.Json;
using System.Text.Json.Serialization;

namespace Bundt.Cli.Api;

/// <summary>Source-generated JSON for what is off the hot path.</summary>
[JsonSerializable(typeof(JsonElement))]
[JsonSerializable(typeof(Dictionary<string, string>))]
[JsonSerializable(typeof(string))]
internal sealed partial class ApiJson : JsonSerializerContext;
