using System.IO.Pipelines;
using System.Runtime.InteropServices;
using System.Text;
using Bundt.Daemon.Json;
using Bundt.Daemon.Server;
using Bundt.Engine;
using Bundt.Images;

namespace Bundt.Daemon.Routes;

/// <summary>/_ping, /version, /info, /events, /auth, /system/df, /plugins.</summary>
internal sealed class SystemRoutes(ContainerEngine engine)
{
    private static readonly ReadOnlyMemory<byte> s_ok = "OK"u8.ToArray();

    /// <summary>The handler of a method and path, or null.</summary>
    public Func<ApiRequest, Task>? Find(string method, ApiPath path) => (method, path.Count, path[0], path[1]) switch
    {
        ("GET" or "HEAD", 1, "_ping", _) => PingAsync,
        ("GET", 1, "version", _) => VersionAsync,
        ("GET", 1, "info", _) => InfoAsync,
        ("GET", 1, "events", _) => EventsAsync,
        ("POST", 1, "auth", _) => AuthAsync,
        ("GET", 2, "system", "df") => DiskUsageAsync,
        ("GET", 1, "plugins", _) => PluginsAsync,
        (_, > 1, "plugins", _) => PluginAsync,
        _ => null,
    };

    private static Task PingAsync(ApiRequest request)
    {
        request.SetHeader("Cache-Control", "no-cache, no-store, must-revalidate");
        request.SetHeader("Pragma", "no-cache");
        request.SetHeader("Builder-Version", "1"); // the classic builder: version 2 would promise /session and /grpc
        request.SetHeader("Swarm", "inactive");
        return request.AnswerAsync(request.Method == "HEAD" ? default : s_ok, "text/plain; charset=utf-8");
    }

    private static Task VersionAsync(ApiRequest request)
    {
        string kernel = HostFacts.KernelVersion;
        return request.AnswerJsonAsync(
            new VersionAnswer
            {
                Platform = new NamedItem("Bundt"),
                Components =
                [
                    new VersionComponent("Engine", ServerHeader.Version, new Dictionary<string, string>
                    {
                        ["ApiVersion"] = ApiVersion.Newest.ToString(),
                        ["MinAPIVersion"] = ApiVersion.Oldest.ToString(),
                        ["Arch"] = HostFacts.GoArchitecture,
                        ["Os"] = "linux",
                        ["KernelVersion"] = kernel,
                        ["BuildTime"] = "",
                        ["Experimental"] = "false",
                        ["GitCommit"] = "",
                        ["GoVersion"] = ".NET " + Environment.Version,
                    }),
                ],
                Version = ServerHeader.Version,
                ApiVersion = ApiVersion.Newest.ToString(),
                MinApiVersion = ApiVersion.Oldest.ToString(),
                GoVersion = ".NET " + Environment.Version,
                Arch = HostFacts.GoArchitecture,
                KernelVersion = kernel,
            },
            ApiJson.Wire.VersionAnswer);
    }

    private Task InfoAsync(ApiRequest request)
    {
        int running = 0, paused = 0, stopped = 0;
        foreach (Container container in engine.List())
        {
            switch (container.State.Status)
            {
                case ContainerStatus.Running:
                    running++;
                    break;
                case ContainerStatus.Paused:
                    paused++;
                    break;
                default:
                    stopped++;
                    break;
            }
        }

        RegistryOptions registries = engine.Options.Registries;
        string[] mirrors = [.. registries.Mirrors.Select(static mirror => mirror.ToString())];
        IReadOnlySet<string> controllers = HostFacts.CgroupControllers();
        string[] security = ["name=seccomp,profile=builtin", "name=cgroupns"];
        List<string> warnings = [];
        Warn(warnings, controllers.Contains("memory"), "WARNING: No memory limit support");
        Warn(warnings, controllers.Contains("cpu"), "WARNING: No cpu limit support");
        Warn(warnings, controllers.Contains("cpuset"), "WARNING: No cpuset support");
        Warn(warnings, controllers.Contains("pids"), "WARNING: No pids limit support");
        return request.AnswerJsonAsync(
            new InfoAnswer
            {
                Id = HostFacts.MachineId,
                Containers = running + paused + stopped,
                ContainersRunning = running,
                ContainersPaused = paused,
                ContainersStopped = stopped,
                Images = engine.Images.List().Count,
                DriverStatus = [["Backing", "one directory per layer, stacked by overlayfs"]],
                MemoryLimit = controllers.Contains("memory"),
                SwapLimit = controllers.Contains("memory"),
                CpuCfsPeriod = controllers.Contains("cpu"),
                CpuCfsQuota = controllers.Contains("cpu"),
                CpuShares = controllers.Contains("cpu"),
                CpuSet = controllers.Contains("cpuset"),
                PidsLimit = controllers.Contains("pids"),
                Ipv4Forwarding = HostFacts.Ipv4Forwarding,
                OpenFiles = HostFacts.OpenFiles,
                NGoroutines = ThreadPool.ThreadCount,
                SystemTime = GoTime.Format(DateTimeOffset.UtcNow),
                KernelVersion = HostFacts.KernelVersion,
                OperatingSystem = HostFacts.OperatingSystem.Name,
                OsVersion = HostFacts.OperatingSystem.Version,
                Architecture = HostFacts.KernelArchitecture,
                RegistryConfig = new InfoRegistries
                {
                    InsecureCidrs = ["127.0.0.0/8", .. registries.Insecure.Where(static name => name.Contains('/', StringComparison.Ordinal))],
                    IndexConfigs = new Dictionary<string, InfoRegistry>
                    {
                        ["docker.io"] = new("docker.io", mirrors, true, true),
                    },
                    Mirrors = mirrors,
                },
                Cpus = Environment.ProcessorCount,
                MemTotal = HostFacts.MemoryBytes,
                DockerRootDir = engine.Options.Root,
                Name = Environment.MachineName,
                ServerVersion = ServerHeader.Version,
                SecurityOptions = ContainerEngine.HasAppArmor ? ["name=apparmor", .. security] : security,
                Warnings = warnings,
            },
            ApiJson.Wire.InfoAnswer);
    }

    private static void Warn(List<string> warnings, bool fine, string text)
    {
        if (!fine)
        {
            warnings.Add(text);
        }
    }

    private async Task EventsAsync(ApiRequest request)
    {
        EventFilter filter = EventFilter.Of(request);
        DateTimeOffset now = DateTimeOffset.UtcNow;
        DateTimeOffset? since = GoTime.Parse(request.Query("since"), "since", now);
        DateTimeOffset? until = GoTime.Parse(request.Query("until"), "until", now);
        if (since > until)
        {
            throw ApiRequest.Malformed("`since` time cannot be after `until` time");
        }

        // The listening begins before the headers go out: whoever has them misses nothing.
        await using IAsyncEnumerator<EngineEvent> events =
            engine.Events.ReadAsync(since ?? (until is null ? null : DateTimeOffset.MinValue), until, request.Ended).GetAsyncEnumerator(request.Ended);
        ValueTask<bool> next = events.MoveNextAsync();
        PipeWriter output = await request.BeginAsync("application/json");
        while (true)
        {
            if (!next.IsCompleted && output.UnflushedBytes > 0)
            {
                await output.FlushAsync(request.Ended);
            }

            if (!await next)
            {
                break;
            }

            if (filter.Matches(events.Current))
            {
                ApiRequest.WriteJsonLine(output, EventFilter.ToLine(events.Current), ApiJson.Wire.EventLine);
            }

            next = events.MoveNextAsync();
        }

        await output.FlushAsync(request.Ended);
    }

    /// <summary>Docker's clients keep the login themselves and send it with each pull, where the registry checks it. Nothing is kept here.</summary>
    private static async Task AuthAsync(ApiRequest request)
    {
        RegistryAuth auth = (await request.ReadJsonAsync(ApiJson.Wire.RegistryAuth))!;
        if (string.IsNullOrEmpty(auth.Username) && string.IsNullOrEmpty(auth.IdentityToken))
        {
            throw ApiRequest.Malformed("no user name and no identity token were given");
        }

        await request.AnswerJsonAsync(
            new AuthAnswer("Login kept; the registry checks it at the next pull", ""), ApiJson.Wire.AuthAnswer);
    }

    private Task DiskUsageAsync(ApiRequest request)
    {
        IReadOnlyList<string> types = request.QueryAll("type");
        bool Wants(string type) => types.Count == 0 || types.Contains(type);
        DateTimeOffset now = DateTimeOffset.UtcNow;
        var names = new ImageNames(engine.Images);
        IReadOnlyList<StoredImage> images = engine.Images.List();
        return request.AnswerJsonAsync(
            new DiskUsage
            {
                LayersSize = Wants("image") ? images.Sum(static image => image.Size) : 0,
                Images = Wants("image") ? [.. images.Select(image => ImageDescription.Summarize(image, request.Version, engine))] : null,
                Containers = Wants("container")
                    ? [.. engine.List().Select(container => ContainerDescription.Summarize(container, names.Of(container), true, now))]
                    : null,
                Volumes = Wants("volume") ? [.. engine.Volumes.List().Select(VolumeRoutes.Describe)] : null,
            },
            ApiJson.Wire.DiskUsage);
    }

    private static Task PluginsAsync(ApiRequest request) => request.AnswerJsonAsync([], ApiJson.Wire.ListString);

    private static Task PluginAsync(ApiRequest request) => throw new Linux.BundtException(
        Linux.FailureKind.NotFound, Linux.Phase.Request, $"plugin \"{request.Path[1]}\" not found");
}
