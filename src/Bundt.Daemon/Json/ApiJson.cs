using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Bundt.Daemon.Json;

/// <summary>The JSON of the Docker Engine API: names in any case in, Go's conventions out.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(ErrorBody))]
[JsonSerializable(typeof(CreateBody))]
[JsonSerializable(typeof(CreateAnswer))]
[JsonSerializable(typeof(IdAnswer))]
[JsonSerializable(typeof(WaitAnswer))]
[JsonSerializable(typeof(ContainerInspect))]
[JsonSerializable(typeof(List<ContainerSummary>))]
[JsonSerializable(typeof(ContainerPrune))]
[JsonSerializable(typeof(TopAnswer))]
[JsonSerializable(typeof(ExecBody))]
[JsonSerializable(typeof(ExecStartBody))]
[JsonSerializable(typeof(ExecInspect))]
[JsonSerializable(typeof(ImageInspect))]
[JsonSerializable(typeof(List<ImageSummary>))]
[JsonSerializable(typeof(List<ImageHistory>))]
[JsonSerializable(typeof(List<ImageDelete>))]
[JsonSerializable(typeof(List<ImageSearch>))]
[JsonSerializable(typeof(ImagePrune))]
[JsonSerializable(typeof(ProgressLine))]
[JsonSerializable(typeof(RegistryAuth))]
[JsonSerializable(typeof(AuthAnswer))]
[JsonSerializable(typeof(DistributionInspect))]
[JsonSerializable(typeof(VolumeBody))]
[JsonSerializable(typeof(VolumeInspect))]
[JsonSerializable(typeof(VolumeList))]
[JsonSerializable(typeof(VolumePrune))]
[JsonSerializable(typeof(NetworkInspect))]
[JsonSerializable(typeof(List<NetworkInspect>))]
[JsonSerializable(typeof(NetworkPrune))]
[JsonSerializable(typeof(NetworkBody))]
[JsonSerializable(typeof(NetworkConnectBody))]
[JsonSerializable(typeof(NetworkCreated))]
[JsonSerializable(typeof(VersionAnswer))]
[JsonSerializable(typeof(InfoAnswer))]
[JsonSerializable(typeof(EventLine))]
[JsonSerializable(typeof(DiskUsage))]
[JsonSerializable(typeof(List<string>))]
internal sealed partial class ApiJson : JsonSerializerContext
{
    /// <summary>The one instance to use: the generated default would escape +, &lt; and é and refuse other cases of names.</summary>
    public static ApiJson Wire { get; } = new(new JsonSerializerOptions
    {
        PropertyNameCaseInsensitive = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        MaxDepth = 64,
    });

    /// <summary>For writers that this context writes into.</summary>
    public static JsonWriterOptions WriterOptions { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };
}
