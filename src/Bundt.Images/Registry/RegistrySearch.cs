using System.Text.Json;
using Bundt.Linux;
using Bundt.Oci.Distribution;

namespace Bundt.Images.Registry;

/// <summary>Finds repositories: through a registry's search service (Docker's /v1/search) where there is one, else in its catalogue (/v2/_catalog).</summary>
internal sealed class RegistrySearch(RegistryOptions registries, RegistryTransport transport)
{
    private const int MaxLimit = 100;

    /// <summary>Searches "term" on docker.io and its mirrors, or "host:port/term" there. An empty term finds everything.</summary>
    /// <exception cref="BundtException">InvalidArgument for a malformed host or limit; else what the registry answered.</exception>
    public async Task<IReadOnlyList<SearchResult>> SearchAsync(string term, int limit, CancellationToken cancellation)
    {
        if (limit is < 1 or > MaxLimit)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"limit {limit} is outside the range of [1, {MaxLimit}]");
        }

        (string registry, string wanted) = Split(term);
        DockerConfigFile config = DockerConfigFile.Read(registries.DockerConfigPath);
        RegistryFailure? last = null;
        IReadOnlyList<SearchResult> found = [];
        foreach (RegistryHost host in HostsFor(registry))
        {
            using RegistryClient client = new(transport, host, config.For(host.Name));
            try
            {
                found = await SearchOneAsync(client, registry, wanted, limit, cancellation).ConfigureAwait(false);
                last = null;
                if (found.Count > 0)
                {
                    return found;
                }
            }
            catch (RegistryFailure failure)
            {
                last = failure;
            }
        }

        return last is null || found.Count > 0
            ? found
            : throw new BundtException(
                last.Kind is RegistryFailureKind.Unauthorized or RegistryFailureKind.Denied ? FailureKind.Unauthorized : FailureKind.Unavailable,
                Phase.Resolve, $"search {registry}: {last.Message}", last.Hint, last);
    }

    private IReadOnlyList<RegistryHost> HostsFor(string registry) => registry != ImageReference.DefaultRegistry
        ? RegistryHost.For(registry, registries)
        : [.. RegistryHost.For(registry, registries).Where(host => host.IsMirror),
            new RegistryHost(registry, [new Uri("https://index.docker.io/")], IsMirror: false, VerifiesCertificate: true)];

    private static async Task<IReadOnlyList<SearchResult>> SearchOneAsync(RegistryClient client, string registry, string wanted, int limit, CancellationToken cancellation)
    {
        try
        {
            byte[] body = await client.FetchDocumentAsync($"v1/search?q={Uri.EscapeDataString(wanted)}&n={limit}", cancellation).ConfigureAwait(false);
            return ParseResults(body, registry, limit);
        }
        catch (RegistryFailure failure) when (failure.Kind is RegistryFailureKind.NotFound or RegistryFailureKind.Protocol)
        {
            // No search service.
        }

        IReadOnlyList<string> names = await client.ListRepositoriesAsync(name => IsMatch(name, wanted), limit, cancellation).ConfigureAwait(false);
        return [.. names.Select(name => new SearchResult(Named(registry, name), "", 0, IsOfficial(registry, name)))];
    }

    private static (string Registry, string Term) Split(string term)
    {
        int slash = term.IndexOf('/', StringComparison.Ordinal);
        string first = slash < 0 ? "" : term[..slash];
        if (first != "localhost" && !first.Contains('.', StringComparison.Ordinal) && !first.Contains(':', StringComparison.Ordinal))
        {
            return (ImageReference.DefaultRegistry, term);
        }

        try
        {
            // A placeholder repository: the reference's grammar knows what a host is.
            return (ImageReference.ParseName(first + "/x").Registry, term[(slash + 1)..]);
        }
        catch (FormatException error)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"\"{first}\" is not a registry: {error.Message}");
        }
    }

    private static bool IsMatch(string name, string wanted) =>
        name.Contains(wanted, StringComparison.OrdinalIgnoreCase) && ImageReference.TryParse($"host.invalid/{name}", out _);

    private static string Named(string registry, string repository) => new ImageReference { Registry = registry, Repository = repository }.FamiliarName;

    private static bool IsOfficial(string registry, string repository) => registry == ImageReference.DefaultRegistry && repository.StartsWith("library/", StringComparison.Ordinal);

    private static List<SearchResult> ParseResults(byte[] body, string registry, int limit)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            List<SearchResult> results = [];
            foreach (JsonElement entry in document.RootElement.GetProperty("results").EnumerateArray().Take(limit))
            {
                string name = Text(entry, "name");
                if (name.Length > 0 && ImageReference.TryParse(registry == ImageReference.DefaultRegistry ? name : $"{registry}/{name}", out ImageReference? reference))
                {
                    results.Add(new SearchResult(
                        reference.FamiliarName,
                        Text(entry, "description"),
                        entry.TryGetProperty("star_count", out JsonElement stars) && stars.TryGetInt32(out int count) ? count : 0,
                        entry.TryGetProperty("is_official", out JsonElement official) && official.ValueKind == JsonValueKind.True));
                }
            }

            return results;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new RegistryFailure(RegistryFailureKind.Protocol, "the search service's answer is not what Docker's is");
        }
    }

    /// <summary>A stranger's text, on one line.</summary>
    private static string Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? string.Concat(value.GetString()!.Select(c => char.IsControl(c) ? ' ' : c))
            : "";
}
