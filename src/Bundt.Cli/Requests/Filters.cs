using System.Text;
using System.Text.Json;
using Bundt.Cli.CommandLine;
using Bundt.Cli.Http;

namespace Bundt.Cli.Requests;

/// <summary><c>--filter key=value</c> options as the API's query wants them.</summary>
internal static class Filters
{
    /// <summary>"filters=…", or "" without any.</summary>
    /// <exception cref="UsageException">A filter has no value.</exception>
    public static string Query(IEnumerable<string> filters)
    {
        (string Key, string Value)[] all = [.. filters.Select(Split)];
        if (all.Length == 0)
        {
            return "";
        }

        ReadOnlyMemory<byte> json = JsonBody.Write(writer =>
        {
            foreach (IGrouping<string, (string Key, string Value)> group in all.GroupBy(static f => f.Key))
            {
                writer.Texts(group.Key, group.Select(static f => f.Value));
            }
        });
        return "filters=" + DaemonClient.Escape(Encoding.UTF8.GetString(json.Span));
    }

    private static (string Key, string Value) Split(string filter)
    {
        int equals = filter.IndexOf('=', StringComparison.Ordinal);
        return equals > 0 ? (filter[..equals].Trim().ToLowerInvariant(), filter[(equals + 1)..].Trim())
            : throw new UsageException($"invalid argument \"{filter}\" for \"-f, --filter\" flag: invalid filter '{filter}': it must be name=value");
    }
}
