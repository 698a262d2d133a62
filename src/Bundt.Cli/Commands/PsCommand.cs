using System.Globalization;
using Bundt.Cli.Http;
using Bundt.Cli.Options;
using Bundt.Cli.Output;
using Bundt.Cli.Requests;

namespace Bundt.Cli.Commands;

/// <summary><c>bundt ps</c>.</summary>
internal static class PsCommand
{
    private static readonly (string, string)[] s_columns =
        [("CONTAINER ID", "ID"), ("IMAGE", "Image"), ("COMMAND", "Command"), ("CREATED", "RunningFor"), ("STATUS", "Status"), ("PORTS", "Ports"), ("NAMES", "Names")];

    private static readonly (string, string)[] s_headers =
        [("CREATED AT", "CreatedAt"), ("STATE", "State"), ("SIZE", "Size"), ("LABELS", "Labels"), ("MOUNTS", "Mounts"), ("NETWORKS", "Networks"), ("LOCAL VOLUMES", "LocalVolumes")];

    /// <summary>Lists containers.</summary>
    public static int Execute(PsOptions options, DaemonClient client)
    {
        int last = options.Latest ? 1 : options.Last ?? -1;
        bool size = options.Size || (options.Format?.Contains(".Size", StringComparison.Ordinal) ?? false);
        string query = string.Join('&', new[]
        {
            options.All || last > 0 ? "all=1" : "",
            last > 0 ? "limit=" + last.ToString(CultureInfo.InvariantCulture) : "",
            size ? "size=1" : "",
            Filters.Query(options.Filter),
        }.Where(static part => part.Length > 0));
        byte[] body = client.Fetch("GET", query.Length > 0 ? "/containers/json?" + query : "/containers/json");
        List<Row> rows = ContainerRow.ReadAll(body, options.NoTrunc, DateTimeOffset.UtcNow);
        new ListPrinter(options.Size ? [.. s_columns, ("SIZE", "Size")] : s_columns, s_headers, "ID").Print(rows, options.Format, options.Quiet);
        return 0;
    }
}
