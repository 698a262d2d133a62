using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Bundt.Cli.Http;
using Bundt.Cli.Options;
using Bundt.Cli.Output;
using Bundt.Cli.Requests;
using Bundt.Cli.Templates;
using Bundt.Cli.Values;

namespace Bundt.Cli.Commands;

/// <summary>version and info.</summary>
internal static class SystemCommands
{
    private const string ApiVersion = "1.47";

    /// <summary>Version of this program.</summary>
    public static string ClientVersion => typeof(SystemCommands).Assembly.GetName().Version is Version version ? version.ToString(3) : "unknown";

    /// <summary><c>version</c>. The client's part is printed even when no daemon can be reached.</summary>
    public static int Version(VersionOptions options, DaemonClient client)
    {
        string architecture = RuntimeInformation.OSArchitecture switch { Architecture.X64 => "amd64", Architecture.Arm64 => "arm64", var other => other.ToString().ToLowerInvariant() };
        if (options.Format is { Length: > 0 } format)
        {
            JsonElement? server = options.Client ? null : client.FetchJson("GET", "/version");
            using var document = JsonDocument.Parse(JsonBody.Write(json =>
            {
                json.WriteStartObject("Client");
                json.WriteString("Version", ClientVersion);
                json.WriteString("ApiVersion", ApiVersion);
                json.WriteString("DefaultAPIVersion", ApiVersion);
                json.WriteString("Os", "linux");
                json.WriteString("Arch", architecture);
                json.WriteEndObject();
                if (server is JsonElement s)
                {
                    json.WritePropertyName("Server");
                    s.WriteTo(json);
                }
                else
                {
                    json.WriteNull("Server");
                }
            }));
            StandardStreams.OutLine(Template.Parse(format == "json" ? "{{json .}}" : format).Execute(document.RootElement));
            return 0;
        }

        StandardStreams.Out($"Client: bundt\n Version:           {ClientVersion}\n API version:       {ApiVersion}\n OS/Arch:           linux/{architecture}\n");
        if (options.Client)
        {
            return 0;
        }

        JsonElement answer = client.FetchJson("GET", "/version");
        string Text(string name) => answer.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
        StandardStreams.Out($"\nServer: bundtd\n Version:          {Text("Version")}\n API version:      {Text("ApiVersion")} (minimum version {Text("MinAPIVersion")})\n OS/Arch:          {Text("Os")}/{Text("Arch")}\n Kernel:           {Text("KernelVersion")}\n");
        return 0;
    }

    /// <summary><c>info</c>.</summary>
    public static int Info(InfoOptions options, DaemonClient client)
    {
        JsonElement info = client.FetchJson("GET", "/info");
        if (options.Format is { Length: > 0 } format)
        {
            StandardStreams.OutLine(Template.Parse(format == "json" ? "{{json .}}" : format).Execute(info));
            return 0;
        }

        (string Title, string Member)[] lines =
        [
            ("Containers", "Containers"), (" Running", "ContainersRunning"), (" Paused", "ContainersPaused"), (" Stopped", "ContainersStopped"), ("Images", "Images"),
            ("Server Version", "ServerVersion"), ("Storage Driver", "Driver"), ("Logging Driver", "LoggingDriver"), ("Cgroup Driver", "CgroupDriver"), ("Cgroup Version", "CgroupVersion"),
            ("Kernel Version", "KernelVersion"), ("Operating System", "OperatingSystem"), ("OSType", "OSType"), ("Architecture", "Architecture"), ("CPUs", "NCPU"),
            ("Total Memory", "MemTotal"), ("Name", "Name"), ("ID", "ID"), ("Root Dir", "DockerRootDir"),
        ];
        StandardStreams.Out($"Client: bundt\n Version:    {ClientVersion}\n Socket:     {client.Address.Socket}\n\nServer:\n");
        foreach ((string title, string member) in lines)
        {
            if (info.TryGetProperty(member, out JsonElement value) && value.ValueKind is JsonValueKind.String or JsonValueKind.Number)
            {
                StandardStreams.OutLine($" {title}: {(member == "MemTotal" ? Sizes.Format(value.GetInt64(), 4) : TemplateValues.ToText(value))}");
            }
        }

        if (info.TryGetProperty("SecurityOptions", out JsonElement security) && security.ValueKind == JsonValueKind.Array)
        {
            StandardStreams.OutLine(" Security Options:");
            foreach (JsonElement option in security.EnumerateArray())
            {
                // "name=seccomp,profile=builtin"
                StandardStreams.OutLine("  " + option.GetString()!.Replace("name=", "", StringComparison.Ordinal).Replace(",", "\n   ", StringComparison.Ordinal).Replace("=", ": ", StringComparison.Ordinal));
            }
        }

        if (info.TryGetProperty("Warnings", out JsonElement warnings) && warnings.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement warning in warnings.EnumerateArray())
            {
                StandardStreams.Error(string.Create(CultureInfo.InvariantCulture, $"{warning.GetString()}\n"));
            }
        }

        return 0;
    }
}
