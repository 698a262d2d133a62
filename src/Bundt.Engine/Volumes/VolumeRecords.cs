using System.Text.Json;
using Bundt.Engine.Containers;

namespace Bundt.Engine.Volumes;

/// <summary>Reads a volume's record.</summary>
internal static class VolumeRecords
{
    /// <exception cref="IOException">There is none.</exception>
    /// <exception cref="JsonException">It is damaged.</exception>
    /// <exception cref="NotSupportedException">A newer version wrote it.</exception>
    public static VolumeRecord Read(string path)
    {
        var record = JsonSerializer.Deserialize(File.ReadAllBytes(path), RecordJson.Default.VolumeRecord) ?? throw new JsonException("empty record");
        return record.Version <= VolumeRecord.CurrentVersion ? record : throw new NotSupportedException($"version {record.Version} of a record");
    }
}
