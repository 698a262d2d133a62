using System.Globalization;
using System.Net;
using Bundt.Engine.Containers;
using Bundt.Engine.Networks;
using Bundt.Engine.Settings;
using Bundt.Images;
using Bundt.Linux;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Launch;
using Bundt.Runtime.Spec;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Engine.Launch;

/// <summary>Everything that a start needs, gathered.</summary>
internal sealed class StartPreparation
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    public required LayerLease Lease { get; init; }

    public required LaunchRequest Request { get; init; }

    /// <summary>The networks that the container is in; whoever starts it takes them over.</summary>
    public required ContainerNetworks Networks { get; init; }

    /// <summary>Gathers.</summary>
    /// <exception cref="BundtException">Something that the container needs is not there.</exception>
    public static async Task<StartPreparation> MakeAsync(
        EngineServices services, ContainerRecord record, ContainerDirectory directory, PreparedContainer? prepared, int attachFlags, CancellationToken cancellation)
    {
        var settings = record.Settings;
        var lease = prepared?.Lease
            ?? await services.Images.LeaseLayersAsync(services.Images.Find(record.ImageId), cancellation).ConfigureAwait(false);
        ContainerNetworks? networks = null;
        SafeFileHandle? networkNamespace = null;
        try
        {
            MakeMissingSources(record.Mounts);
            networks = await EnterAsync(services, record).ConfigureAwait(false);
            await networks.PublishAsync(services.Ports, PortRequest.Of(settings, record.Effective.ExposedPorts), cancellation).ConfigureAwait(false);
            var config = BuildConfig(services, record, directory, lease.Directories, networks);
            var log = LogSettings.From(settings);
            var run = services.Paths.RunContainer(record.Id);
            Directory.CreateDirectory(run, OwnerOnly);
            Action<SafeFileHandle>? connect = networks.Members.Count > 0 ? own => networks.Connect(services.Drivers, own, run) : null;
            if (connect is not null && record.UserNamespace is null)
            {
                networkNamespace = prepared?.NetworkNamespace ?? services.Processes.MakeNetworkNamespace();
                if (settings.Sysctls.Keys.Any(name => name.StartsWith("net", StringComparison.Ordinal)))
                {
                    // The launcher sets the user's parameters of the interfaces, too: they must be there.
                    connect(networkNamespace);
                    connect = null;
                }
            }

            return new StartPreparation
            {
                Lease = lease,
                Networks = networks,
                Request = new LaunchRequest
                {
                    Id = record.Id,
                    Config = config,
                    InitProcess = settings.Init,
                    Overlay = directory.Overlay(lease.Directories, run, settings.AutoRemove),
                    Root = prepared?.Root,
                    NetworkNamespace = prepared?.NetworkNamespace ?? networkNamespace,
                    Connect = connect,
                    Monitor = new MonitorSettings
                    {
                        StateDirectory = directory.Path,
                        SocketDirectory = run,
                        LogSize = log.Size,
                        LogFiles = log.Files,
                        OpenStdin = settings.OpenStdin,
                        StdinOnce = settings.StdinOnce,
                        Remove = settings.AutoRemove,
                        Rows = settings.ConsoleSize.Rows,
                        Columns = settings.ConsoleSize.Columns,
                        AttachFlags = attachFlags,
                    },
                },
            };
        }
        catch
        {
            networks?.Leave(services.Drivers);
            networkNamespace?.Dispose();
            prepared?.ReleaseKernelObjects();
            lease.Dispose();
            throw;
        }
    }

    private static async Task<ContainerNetworks> EnterAsync(EngineServices services, ContainerRecord record)
    {
        try
        {
            return ContainerNetworks.Enter(services.Networks, services.Drivers, services.Names, record);
        }
        catch (BundtException e) when (e.Kind == FailureKind.Conflict && services.Networks.Left() is { IsCompleted: false } left)
        {
            // What it needs may be that of a container which has ended and is just leaving.
            await left.ConfigureAwait(false);
            return ContainerNetworks.Enter(services.Networks, services.Drivers, services.Names, record);
        }
    }

    /// <summary>The runtime config of a container as of now: the namespaces it joins must be there.</summary>
    /// <param name="services">The engine's.</param>
    /// <param name="record">The container.</param>
    /// <param name="directory">Its directory.</param>
    /// <param name="layers">Of its image, topmost first.</param>
    /// <param name="networks">Its networks, with which hosts, hostname and resolv.conf are written anew; null: they are not.</param>
    public static RuntimeConfig BuildConfig(
        EngineServices services, ContainerRecord record, ContainerDirectory directory, IReadOnlyList<string> layers, ContainerNetworks? networks)
    {
        var settings = record.Settings;
        var joined = new Dictionary<NamespaceType, string>();
        var files = (directory.In(NetworkFiles.Hostname), directory.In(NetworkFiles.Hosts), directory.In(NetworkFiles.ResolvConf));
        var hostname = settings.Hostname;
        if (Target(services, settings.NetworkMode, "network") is { } network)
        {
            joined[NamespaceType.Network] = NamespacePath(network, "net");
            files = (network.Files.Hostname, network.Files.Hosts, network.Files.ResolvConf);
            hostname = network.Settings.Hostname;
        }
        else if (networks is not null)
        {
            using var own = directory.Open();
            NetworkFiles.Write(own, settings, networks, () => HostGateways(services), Links(services, record), record.UserNamespace?.First ?? 0);
        }

        if (Target(services, settings.PidMode, "PID namespace") is { } pid)
        {
            joined[NamespaceType.Pid] = NamespacePath(pid, "pid");
        }

        // Who joins gets the donor's own mount, whose size is the donor's --shm-size.
        string? shm = null;
        if (Target(services, settings.IpcMode, "IPC") is { } ipc)
        {
            if (ipc.Settings.IpcMode is not ("shareable" or "host"))
            {
                throw new BundtException(
                    FailureKind.Conflict, Phase.Launch, $"cannot join IPC namespace of container {ipc.Id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)");
            }

            joined[NamespaceType.Ipc] = NamespacePath(ipc, "ipc");
            shm = ipc.Settings.IpcMode == "host" ? "/dev/shm" : string.Create(CultureInfo.InvariantCulture, $"/proc/{ipc.State.Pid}/root/dev/shm");
        }

        var users = UserDatabase.Load(directory.Upper, layers);
        var profile = AppArmor.ProfileOf(settings, SecurityOptions.Parse(settings.SecurityOpt));
        AppArmor.Provide(profile);
        return RuntimeConfigBuilder.Build(new ConfigInputs
        {
            Record = hostname == settings.Hostname ? record : record with { Settings = settings with { Hostname = hostname } },
            User = users.Resolve(record.Effective.User, settings.GroupAdd),
            Files = files,
            Devices = HostDevices.Find(settings.Devices),
            AllDevices = settings.Privileged ? HostDevices.All() : [],
            Joined = joined,
            SharedShm = shm,
            AppArmorProfile = profile,
            DefaultPids = DefaultLimits.Pids,
        });
    }

    /// <summary>The lines of /etc/hosts for the containers that it is linked to. Those that are gone are forgotten, as Docker does.</summary>
    /// <exception cref="BundtException">Conflict: one of them does not run.</exception>
    private static IEnumerable<string> Links(EngineServices services, ContainerRecord record)
    {
        foreach (var link in record.Settings.Links)
        {
            var (id, alias) = (link[..link.IndexOf(':', StringComparison.Ordinal)], link[(link.IndexOf(':', StringComparison.Ordinal) + 1)..]);
            if (services.Containers.All.FirstOrDefault(container => container.Id == id) is not { } target)
            {
                continue;
            }

            if (!ContainerStates.Lives(target.State.Status))
            {
                throw new BundtException(FailureKind.Conflict, Phase.Launch, $"Cannot link to a non running container: /{target.Name} AS /{record.Name}/{alias}");
            }

            foreach (var line in target.LinkLines(alias))
            {
                yield return line;
            }
        }
    }

    /// <summary>What "host-gateway" stands for: the host's addresses on the default bridge.</summary>
    private static IReadOnlyList<IPAddress> HostGateways(EngineServices services)
    {
        if (services.HostGateways.Count > 0)
        {
            return services.HostGateways;
        }

        var network = services.Networks.Default
            ?? throw new BundtException(FailureKind.InvalidArgument, Phase.Network, "unable to derive the IP value for host-gateway: there is no default bridge");
        services.Drivers.Of(network).Ensure(network);
        return [.. network.Subnets.Select(subnet => subnet.Gateway).OfType<IPAddress>()];
    }

    private static Container? Target(EngineServices services, string mode, string what)
    {
        const string Prefix = "container:";
        if (!mode.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return null;
        }

        var target = services.Containers.Find(mode[Prefix.Length..]);
        return ContainerStates.Lives(target.State.Status)
            ? target
            : throw new BundtException(FailureKind.Conflict, Phase.Launch, $"cannot join {what} of a non running container: {target.Id}");
    }

    private static string NamespacePath(Container container, string name) =>
        string.Create(CultureInfo.InvariantCulture, $"/proc/{container.State.Pid}/ns/{name}");

    /// <summary>-v makes a missing directory of the host, as Docker does; --mount does not.</summary>
    private static void MakeMissingSources(IReadOnlyList<MountRecord> mounts)
    {
        foreach (var mount in mounts)
        {
            if (mount.Type != "bind" || Path.Exists(mount.Source))
            {
                continue;
            }

            if (!mount.CreateSource)
            {
                throw new BundtException(
                    FailureKind.InvalidArgument, Phase.Mount, $"invalid mount config for type \"bind\": bind source path does not exist: {mount.Source}");
            }

            try
            {
                Directory.CreateDirectory(mount.Source);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new BundtException(
                    FailureKind.InvalidArgument, Phase.Mount, $"error while creating mount source path '{mount.Source}': {BundtException.Reason(e)}", null, e);
            }
        }
    }
}
