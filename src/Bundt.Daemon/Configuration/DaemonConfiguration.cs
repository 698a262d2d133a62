using System.Net;
using System.Text.Json;
using Bundt.Engine;
using Bundt.Images;
using Bundt.Images.Registry;
using Bundt.Linux;
using Microsoft.Extensions.Logging;

namespace Bundt.Daemon.Configuration;

/// <summary>What the command line and daemon.json together say. The command line goes before; lists are joined.</summary>
internal sealed record DaemonConfiguration
{
    /// <summary>Where daemon.json is looked for when nobody says.</summary>
    public const string DefaultFile = "/etc/bundt/daemon.json";

    /// <summary>Durable state.</summary>
    public required string Root { get; init; }

    /// <summary>Live state.</summary>
    public required string Run { get; init; }

    /// <summary>The socket.</summary>
    public required string Socket { get; init; }

    /// <summary>What is logged.</summary>
    public required LogLevel LogLevel { get; init; }

    /// <summary>Registries.</summary>
    public required RegistryOptions Registries { get; init; }

    /// <summary>The network of containers that name none; null: they have none.</summary>
    public required DefaultBridge? DefaultBridge { get; init; }

    /// <summary>Where ports are published that name no address; null: on all of the host's.</summary>
    public IPAddress? PublishAt { get; init; }

    /// <summary>What "host-gateway" of --add-host stands for; none: the host's addresses on the default bridge.</summary>
    public IReadOnlyList<IPAddress> HostGateways { get; init; } = [];

    /// <summary>Members of daemon.json that mean nothing here.</summary>
    public IReadOnlyList<string> Unknown { get; init; } = [];

    /// <summary>Joins both. A missing file is an error only if it was named.</summary>
    /// <exception cref="BundtException">InvalidArgument, naming the file and the member.</exception>
    public static DaemonConfiguration Load(DaemonArguments arguments)
    {
        string path = arguments.ConfigFile ?? DefaultFile;
        byte[] text;
        try
        {
            text = File.ReadAllBytes(path);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException && arguments.ConfigFile is null)
        {
            text = "{}"u8.ToArray();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Invalid(path, BundtException.Reason(exception));
        }

        return Join(arguments, path, text);
    }

    /// <summary>Joins the command line with a file's text.</summary>
    public static DaemonConfiguration Join(DaemonArguments arguments, string path, ReadOnlyMemory<byte> text)
    {
        List<string> mirrors = [.. arguments.RegistryMirrors];
        List<string> insecure = [.. arguments.InsecureRegistries];
        List<string> gateways = [.. arguments.HostGateways];
        List<string> unknown = [];
        string? root = arguments.Root, run = arguments.Run, level = arguments.LogLevel, bridge = arguments.Bridge, address = arguments.BridgeAddress, publishAt = arguments.PublishAt;
        int downloads = 3;
        try
        {
            using JsonDocument document = JsonDocument.Parse(text, new JsonDocumentOptions { AllowTrailingCommas = false });
            foreach (JsonProperty member in document.RootElement.EnumerateObject())
            {
                switch (member.Name)
                {
                    case "registry-mirrors":
                        mirrors.AddRange(Strings(path, member));
                        break;
                    case "insecure-registries":
                        insecure.AddRange(Strings(path, member));
                        break;
                    case "max-concurrent-downloads":
                        downloads = member.Value.TryGetInt32(out int number) && number > 0 ? number : throw Invalid(path, $"{member.Name} must be a number above 0");
                        break;
                    case "data-root":
                        root ??= String(path, member);
                        break;
                    case "exec-root":
                        run ??= String(path, member);
                        break;
                    case "bridge":
                        bridge ??= String(path, member);
                        break;
                    case "ip":
                        publishAt ??= String(path, member);
                        break;
                    case "bip":
                        address ??= String(path, member);
                        break;
                    case "host-gateway-ip":
                        gateways.Add(String(path, member));
                        break;
                    case "host-gateway-ips":
                        gateways.AddRange(Strings(path, member));
                        break;
                    case "log-level":
                        level ??= String(path, member);
                        break;
                    case "debug":
                        level ??= member.Value.ValueKind == JsonValueKind.True ? "debug" : null;
                        break;
                    default:
                        unknown.Add(member.Name);
                        break;
                }
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw Invalid(path, "it is not a JSON object");
        }

        run = Path.GetFullPath(run ?? "/run/bundt");
        return new DaemonConfiguration
        {
            Root = Path.GetFullPath(root ?? "/var/lib/bundt"),
            Run = run,
            Socket = Path.GetFullPath(arguments.Socket ?? Path.Combine(run, "bundt.sock")),
            LogLevel = ParseLevel(level ?? "info"),
            Registries = new RegistryOptions
            {
                Mirrors = [.. mirrors.Select(ParseMirror)],
                Insecure = [.. insecure.Select(InsecureRegistry.Parse)],
                MaxConcurrentDownloads = downloads,
            },
            DefaultBridge = ParseBridge(bridge, address),
            PublishAt = string.IsNullOrEmpty(publishAt) ? null
                : IPAddress.TryParse(publishAt, out IPAddress? at) ? (at.Equals(IPAddress.Any) ? null : at)
                : throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"invalid --ip \"{publishAt}\": it is an address of the host"),
            HostGateways = [.. gateways.Select(static text => IPAddress.TryParse(text, out IPAddress? gateway)
                ? gateway
                : throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"invalid --host-gateway-ip \"{text}\": it is no IP address"))],
            Unknown = unknown,
        };
    }

    private static DefaultBridge? ParseBridge(string? name, string? address)
    {
        if (string.IsNullOrEmpty(address))
        {
            return name == "none" ? null : new DefaultBridge(string.IsNullOrEmpty(name) ? DefaultBridge.DefaultName : name);
        }

        return name == "none"
            ? throw new BundtException(FailureKind.InvalidArgument, Phase.Request, "--bip is the address of a bridge, and --bridge none says that there is none")
            : IPNetwork.TryParse(address, out _) || (address.Split('/') is [var host, var prefix] && IPAddress.TryParse(host, out _) && byte.TryParse(prefix, out _))
                ? new DefaultBridge(string.IsNullOrEmpty(name) ? DefaultBridge.DefaultName : name, address)
                : throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"invalid --bip \"{address}\": it is an address with the length of its network's prefix, like 172.17.0.1/16");
    }

    private static LogLevel ParseLevel(string level) => level switch
    {
        "debug" or "trace" => LogLevel.Debug,
        "info" => LogLevel.Information,
        "warn" => LogLevel.Warning,
        "error" => LogLevel.Error,
        "fatal" => LogLevel.Critical,
        _ => throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"invalid log level \"{level}\": it is debug, info, warn, error or fatal"),
    };

    private static Uri ParseMirror(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https" && uri is { UserInfo: "", Query: "", Fragment: "" }
            ? uri
            : throw new BundtException(
                FailureKind.InvalidArgument, Phase.Request, $"invalid registry mirror \"{text}\": it is a URL like https://mirror.example.org, without user, query or fragment");

    private static string[] Strings(string path, JsonProperty member) =>
        member.Value.ValueKind == JsonValueKind.Array && member.Value.EnumerateArray().All(static value => value.ValueKind == JsonValueKind.String)
            ? [.. member.Value.EnumerateArray().Select(static value => value.GetString()!)]
            : throw Invalid(path, $"{member.Name} must be a list of strings");

    private static string String(string path, JsonProperty member) =>
        member.Value.ValueKind == JsonValueKind.String ? member.Value.GetString()! : throw Invalid(path, $"{member.Name} must be a string");

    private static BundtException Invalid(string path, string what) =>
        new(FailureKind.InvalidArgument, Phase.Request, $"configuration file {path}: {what}");
}
