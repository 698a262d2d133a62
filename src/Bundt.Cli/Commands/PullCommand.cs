using Bundt.Cli.Http;
using Bundt.Cli.Options;
using Bundt.Cli.Output;
using Bundt.Linux.Terminals;

namespace Bundt.Cli.Commands;

/// <summary><c>bundt pull</c>, and the pull of a missing image for run and create.</summary>
internal static class PullCommand
{
    /// <summary>Pulls one name.</summary>
    public static int Execute(PullOptions options, DaemonClient client)
    {
        (string name, string tag) = ImageName.Split(options.Name);
        if (options.AllTags && tag.Length > 0)
        {
            throw new CommandLine.UsageException("tag can't be used with --all-tags/-a");
        }

        if (!options.AllTags && tag.Length == 0 && !options.Quiet)
        {
            StandardStreams.OutLine("Using default tag: latest");
        }

        string image = options.AllTags ? name : ImageName.WithTag(options.Name);
        Pull(client, image, options.Platform, 1, options.Quiet, options.AllTags);
        StandardStreams.OutLine(image);
        return 0;
    }

    /// <summary>Pulls, showing progress on stdout (1) or stderr (2).</summary>
    /// <exception cref="ApiException">It failed.</exception>
    public static void Pull(DaemonClient client, string image, string? platform, int fd, bool quiet, bool allTags = false)
    {
        StandardStreams.Flush();
        (string name, string tag) = ImageName.Split(image);
        string query = "fromImage=" + DaemonClient.Escape(name) + (allTags ? "" : "&tag=" + DaemonClient.Escape(tag.Length > 0 ? tag : "latest"))
            + (platform is null ? "" : "&platform=" + DaemonClient.Escape(platform));
        string? credentials = RegistryCredentials.HeaderFor(name);
        using HttpConnection connection = client.Open("POST", $"{DaemonClient.Prefix}/images/create?{query}", default, credentials is null ? "" : $"X-Registry-Auth: {credentials}\r\n");
        var display = new ProgressDisplay(fd, !quiet && Terminal.IsTerminal(fd) ? Terminal.Size(fd).Columns : 0, quiet);
        display.ShowAll(connection);
    }
}
