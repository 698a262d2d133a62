using System.Globalization;
using System.Text.Json;
using Bundt.Cli.Http;
using Bundt.Cli.Options;
using Bundt.Cli.Output;
using Bundt.Cli.Requests;
using Bundt.Cli.Values;

namespace Bundt.Cli.Commands;

/// <summary><c>bundt images</c>: a line for every name of every image.</summary>
internal static class ImagesCommand
{
    private const string None = "<none>";

    /// <summary>Lists images.</summary>
    public static int Execute(ImagesOptions options, DaemonClient client)
    {
        IEnumerable<string> filters = options.Repository.Length > 0 ? options.Filter.Append("reference=" + options.Repository) : options.Filter;
        string query = string.Join('&', new[] { options.All ? "all=1" : "", options.Digests ? "digests=1" : "", Filters.Query(filters) }.Where(static part => part.Length > 0));
        JsonElement images = client.FetchJson("GET", "/images/json" + (query.Length > 0 ? "?" + query : ""));
        List<Row> rows = [.. images.EnumerateArray().SelectMany(image => Rows(image, options.NoTrunc, options.Digests, DateTimeOffset.UtcNow))];
        (string, string)[] columns = options.Digests
            ? [("REPOSITORY", "Repository"), ("TAG", "Tag"), ("DIGEST", "Digest"), ("IMAGE ID", "ID"), ("CREATED", "CreatedSince"), ("SIZE", "Size")]
            : [("REPOSITORY", "Repository"), ("TAG", "Tag"), ("IMAGE ID", "ID"), ("CREATED", "CreatedSince"), ("SIZE", "Size")];
        (string, string)[] headers = [("DIGEST", "Digest"), ("CREATED AT", "CreatedAt"), ("CONTAINERS", "Containers"), ("UNIQUE SIZE", "UniqueSize"), ("SHARED SIZE", "SharedSize"), ("VIRTUAL SIZE", "VirtualSize")];
        new ListPrinter(columns, headers, "ID").Print(rows, options.Format, options.Quiet);
        return 0;
    }

    private static IEnumerable<Row> Rows(JsonElement image, bool noTrunc, bool digests, DateTimeOffset now)
    {
        string[] tags = [.. Texts(image, "RepoTags").Where(static t => t != "<none>:<none>")];
        string[] repoDigests = [.. Texts(image, "RepoDigests").Where(static d => !d.StartsWith(None, StringComparison.Ordinal))];
        (string Repository, string Tag, string Digest)[] names = [.. tags.Select(tag =>
        {
            (string name, string suffix) = ImageName.Split(tag);
            string? digest = repoDigests.FirstOrDefault(d => d.StartsWith(name + "@", StringComparison.Ordinal));
            return (name, suffix, digest is null ? None : digest[(name.Length + 1)..]);
        })];
        if (names.Length == 0)
        {
            names = repoDigests.Length == 0 ? [(None, None, None)] : [.. repoDigests.Select(d => (ImageName.Split(d).Name, None, ImageName.Split(d).Tag))];
            names = digests ? names : names[..1];
        }

        string id = image.GetProperty("Id").GetString()!;
        long created = image.TryGetProperty("Created", out JsonElement c) ? c.GetInt64() : 0;
        DateTimeOffset time = DateTimeOffset.FromUnixTimeSeconds(created);
        string size = Sizes.Format(image.TryGetProperty("Size", out JsonElement s) ? s.GetInt64() : 0);
        foreach ((string repository, string tag, string digest) in names)
        {
            var row = new Row
            {
                ["ID"] = noTrunc ? id : ContainerRow.ShortId(id),
                ["Repository"] = repository,
                ["Tag"] = tag,
                ["Digest"] = digest,
                ["CreatedSince"] = created <= 0 ? "N/A" : Durations.Format(now - time) + " ago",
                ["CreatedAt"] = created <= 0 ? "N/A" : time.ToString("yyyy-MM-dd HH:mm:ss '+0000 UTC'", CultureInfo.InvariantCulture),
                ["Size"] = size,
                ["VirtualSize"] = size,
                ["SharedSize"] = "N/A",
                ["UniqueSize"] = "N/A",
                ["Containers"] = image.TryGetProperty("Containers", out JsonElement n) && n.GetInt64() >= 0 ? n.GetInt64().ToString(CultureInfo.InvariantCulture) : "N/A",
            };
            yield return row;
        }
    }

    private static IEnumerable<string> Texts(JsonElement image, string member) =>
        image.TryGetProperty(member, out JsonElement list) && list.ValueKind == JsonValueKind.Array ? list.EnumerateArray().Select(static e => e.GetString() ?? "") : [];
}
