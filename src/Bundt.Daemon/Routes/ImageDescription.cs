using System.Text.Json;
using Bundt.Daemon.Json;
using Bundt.Daemon.Server;
using Bundt.Engine;
using Bundt.Images;

namespace Bundt.Daemon.Routes;

/// <summary>From a stored image to Docker's words for it.</summary>
internal static class ImageDescription
{
    /// <summary>VirtualSize is gone since.</summary>
    private static readonly ApiVersion s_noVirtualSize = new(1, 44);

    /// <summary>Names of images without a name are gone since.</summary>
    private static readonly ApiVersion s_noNoneNames = new(1, 43);

    /// <summary>A line of the list.</summary>
    public static ImageSummary Summarize(StoredImage image, ApiVersion version, ContainerEngine? engine)
    {
        bool unnamed = image.Names.Count == 0 && version < s_noNoneNames;
        return new ImageSummary
        {
            Containers = engine is null ? -1 : engine.List().Count(container => container.ImageId == image.Id),
            Created = image.Created.ToUnixTimeSeconds(),
            Id = image.Id,
            Labels = image.Config.Config.Labels,
            RepoDigests = unnamed && image.RepoDigests.Count == 0 ? ["<none>@<none>"] : image.RepoDigests,
            RepoTags = unnamed ? ["<none>:<none>"] : image.Names,
            Size = image.Size,
            VirtualSize = version < s_noVirtualSize ? image.Size : null,
        };
    }

    /// <summary>Inspect's answer.</summary>
    public static ImageInspect Inspect(StoredImage image, ApiVersion version)
    {
        using JsonDocument document = JsonDocument.Parse(image.ConfigBytes);
        JsonElement root = document.RootElement;
        return new ImageInspect
        {
            Id = image.Id,
            RepoTags = image.Names,
            RepoDigests = image.RepoDigests,
            Comment = LastComment(root),
            Created = image.Config.Created is null ? null : Text(root, "created") ?? GoTime.Format(image.Config.Created),
            DockerVersion = Text(root, "docker_version") ?? "",
            Author = Text(root, "author") ?? "",
            Config = root.TryGetProperty("config", out JsonElement config) && config.ValueKind == JsonValueKind.Object ? config.Clone() : null,
            Architecture = image.Config.Architecture,
            Variant = Text(root, "variant"),
            Os = image.Config.Os,
            Size = image.Size,
            VirtualSize = version < s_noVirtualSize ? image.Size : null,
            RootFs = new RootFs("layers", image.Config.DiffIds),
        };
    }

    /// <summary>History's answer, newest first: only the first line has an id, as with every pulled image.</summary>
    public static List<ImageHistory> History(StoredImage image)
    {
        using JsonDocument document = JsonDocument.Parse(image.ConfigBytes);
        List<ImageHistory> lines = [];
        if (document.RootElement.TryGetProperty("history", out JsonElement history) && history.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement entry in history.EnumerateArray())
            {
                lines.Add(new ImageHistory
                {
                    Id = "<missing>",
                    Created = DateTimeOffset.TryParse(
                        Text(entry, "created"), System.Globalization.CultureInfo.InvariantCulture, out DateTimeOffset created) ? created.ToUnixTimeSeconds() : 0,
                    CreatedBy = Text(entry, "created_by") ?? "",
                    Comment = Text(entry, "comment") ?? "",
                });
            }
        }

        if (lines.Count == 0)
        {
            lines.Add(new ImageHistory { Id = "<missing>", Created = image.Created.ToUnixTimeSeconds(), CreatedBy = "", Comment = "" });
        }

        // Sizes of single layers are not kept; the sum stands at the newest line.
        lines[^1] = lines[^1] with { Id = image.Id, Tags = image.Names.Count == 0 ? null : image.Names, Size = image.Size };
        lines.Reverse();
        return lines;
    }

    private static string LastComment(JsonElement root) =>
        root.TryGetProperty("history", out JsonElement history) && history.ValueKind == JsonValueKind.Array && history.GetArrayLength() > 0
            ? Text(history[history.GetArrayLength() - 1], "comment") ?? ""
            : "";

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
