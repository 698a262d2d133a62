using Bundt.Engine.Containers;
using Bundt.Engine.Launch;
using Bundt.Engine.Networks;
using Bundt.Engine.Networks.Names;
using Bundt.Images;
using Bundt.Linux;
using Bundt.Linux.Locks;
using Bundt.Linux.Watches;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Engine;

/// <summary>The engine: every container, volume and image of one root directory.</summary>
public sealed class ContainerEngine : IAsyncDisposable
{
    /// <summary>Launches block a thread for milliseconds: so many at once must not wait for the pool to grow.</summary>
    private const int Threads = 16;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly EngineServices _services;
    private readonly SafeFileHandle _lock;
    private readonly ImageStore? _images;
    private readonly ContainerCreation _creation;

    private ContainerEngine(EngineOptions options, EngineServices services, SafeFileHandle rootLock, ImageStore? images)
    {
        Options = options;
        _services = services;
        _lock = rootLock;
        _images = images;
        _creation = new ContainerCreation(services);
    }

    /// <summary>Images.</summary>
    public ImageStore Images => _images ?? throw new InvalidOperationException("this engine was opened without an image store");

    /// <summary>Volumes.</summary>
    public VolumeStore Volumes => _services.Volumes;

    /// <summary>Networks.</summary>
    public NetworkStore Networks => _services.Networks;

    /// <summary>Events, in memory from the start of the daemon on.</summary>
    public EventLog Events => _services.Events;

    /// <summary>Whether containers are confined by AppArmor here.</summary>
    public static bool HasAppArmor => Launch.AppArmor.IsSupported;

    /// <summary>The options it was opened with.</summary>
    public EngineOptions Options { get; }

    /// <summary>Opens the directories (locks the root), adopts what runs, finishes or cleans away what a crash left half-made.</summary>
    /// <exception cref="Linux.BundtException">Conflict when another daemon holds the root directory.</exception>
    public static Task<ContainerEngine> OpenAsync(EngineOptions options, ILogger logger, CancellationToken cancellation) =>
        OpenAsync(options, logger, new KernelProcesses(), null, cancellation);

    /// <summary>The same with other processes and images, for tests.</summary>
    internal static async Task<ContainerEngine> OpenAsync(
        EngineOptions options, ILogger logger, IContainerProcesses processes, IContainerImages? images, CancellationToken cancellation)
    {
        var paths = new EnginePaths(Path.GetFullPath(options.Root), Path.GetFullPath(options.Run));
        MakeDirectories(paths);
        var rootLock = TakeLock(paths);
        PacketFilter? filter = null;
        KernelWatch? watch = null;
        NameService? names = null;
        ImageStore? store = null;
        try
        {
            ThreadPool.GetMinThreads(out var workers, out var completions);
            ThreadPool.SetMinThreads(Math.Max(workers, Threads), completions);
            watch = new KernelWatch();
            if (images is null)
            {
                store = ImageStore.Open(paths.Images, options.Registries);
                images = new StoredImages(store);
            }

            var takenBack = Adoption.TakeBack(paths);
            var events = new EventLog();
            var trash = new Trash(paths.Trash, (name, e) => logger.NotRemoved(name, e));
            var containers = new ContainerRegistry();
            var volumes = new VolumeStore(paths.Volumes, trash, events, (name, reason) => logger.DamagedVolume(name, reason))
            {
                Users = name => UsersOf(containers, name),
            };
            var mark = OwnMark.Of(paths.Root);
            filter = new PacketFilter(mark.Table, watch, e => logger.RulesNotRestored(e));
            var drivers = new NetworkDrivers(filter, mark);
            names = new NameService(new HostResolvers(watch, logger), logger);
            var services = new EngineServices
            {
                Paths = paths,
                Logger = logger,
                Watch = watch,
                Processes = processes,
                Images = images,
                Volumes = volumes,
                Networks = new NetworkStore(paths.Networks, events, drivers, (name, reason) => logger.DamagedNetwork(name, reason)) { Removed = names.End },
                Drivers = drivers,
                Filter = filter,
                Ports = new HostPorts(filter, id => containers.All.FirstOrDefault(container => container.Id == id)?.Name) { DefaultAddress = options.PublishAt },
                Names = names,
                HostGateways = options.HostGateways,
                Events = events,
                Trash = trash,
                Containers = containers,
            };
            services.Networks.SetDefault(options.DefaultBridge, e => logger.NetworkDown(NetworkStore.DefaultName, e));
            await new Adoption(services, takenBack).RunAsync(cancellation).ConfigureAwait(false);
            names.Resume(services.Networks.List());
            var kept = containers.All.Where(c => ContainerStates.Lives(c.State.Status) || c.State.Status == ContainerStatus.Dead).Select(c => c.Id).ToHashSet(StringComparer.Ordinal);
            services.Networks.BringUp(kept, (name, e) => Swept(logger, name, e), (network, e) => logger.NetworkDown(network.Name, e));
            return new ContainerEngine(options, services, rootLock, store);
        }
        catch
        {
            if (names is not null)
            {
                await names.DisposeAsync().ConfigureAwait(false);
            }

            filter?.Dispose();
            watch?.Dispose();
            store?.Dispose();
            rootLock.Dispose();
            throw;
        }
    }

    /// <summary>Makes a container from an image that is here; nothing runs yet. A null name gets an adjective_cake one.</summary>
    /// <exception cref="Linux.BundtException">NotFound image, Conflict name, InvalidArgument settings (one sentence that names the option).</exception>
    public Task<(Container Container, IReadOnlyList<string> Warnings)> CreateAsync(string? name, ContainerSettings settings, CancellationToken cancellation) =>
        _creation.CreateAsync(name, settings, startFollows: false, cancellation);

    /// <summary>The same for a container that is started at once: with --rm nothing is left of it if this daemon does not live to do so.</summary>
    /// <exception cref="Linux.BundtException">As above.</exception>
    public Task<(Container Container, IReadOnlyList<string> Warnings)> CreateForStartAsync(string? name, ContainerSettings settings, CancellationToken cancellation) =>
        _creation.CreateAsync(name, settings, startFollows: true, cancellation);

    /// <summary>Removes an image's name or the image, see <see cref="ImageStore.Remove"/>; what was made ahead for its containers goes first.</summary>
    public RemovedImage RemoveImage(string nameOrId, bool force, Func<string, string?> isUsed)
    {
        _services.Prepared.Clear();
        return Images.Remove(nameOrId, force, isUsed);
    }

    /// <summary>By full id, name (with or without a leading slash) or unambiguous id prefix.</summary>
    /// <exception cref="Linux.BundtException">NotFound "No such container: X".</exception>
    public Container Find(string nameOrId) => _services.Containers.Find(nameOrId);

    /// <summary>All containers, newest first, the damaged ones too (status Dead).</summary>
    public IReadOnlyList<Container> List() => [.. _services.Containers.All.OrderByDescending(c => c.Created)];

    /// <summary>An exec by id or unambiguous prefix.</summary>
    public Exec FindExec(string id) => _services.Containers.FindExec(id);

    /// <summary>Lets go of everything; containers run on.</summary>
    public async ValueTask DisposeAsync()
    {
        await _services.Prepared.DisposeAsync().ConfigureAwait(false);
        foreach (var container in _services.Containers.All)
        {
            container.LetGo();
        }

        await _services.Names.DisposeAsync().ConfigureAwait(false);
        await _services.Trash.Emptied().WaitAsync(TimeSpan.FromSeconds(5)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _services.Filter.Dispose();
        _services.Watch.Dispose();
        _images?.Dispose();
        _lock.Dispose();
    }

    /// <summary>What is made ahead; for tests.</summary>
    internal PreparedContainers Prepared => _services.Prepared;

    /// <summary>Completes when all that was removed is gone from the disk; for tests and an orderly end.</summary>
    internal Task TrashEmptied() => _services.Trash.Emptied();

    private static void MakeDirectories(EnginePaths paths)
    {
        try
        {
            // The root of a user namespace must be able to pass through to its volumes and bound files: the id of nobody is enough to enter.
            Directory.CreateDirectory(paths.Root, OwnerOnly | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
            Directory.CreateDirectory(paths.Containers, OwnerOnly | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
            Directory.CreateDirectory(paths.Run, OwnerOnly | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
            Directory.CreateDirectory(paths.RunContainers, OwnerOnly);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BundtException(FailureKind.Internal, Phase.State, $"cannot make {paths.Root} and {paths.Run}: {BundtException.Reason(e)}", "run as root, or move them with --root and --run", e);
        }
    }

    private static void Swept(ILogger logger, string name, BundtException? failure)
    {
        if (failure is null)
        {
            logger.Leftover(name);
        }
        else
        {
            logger.LeftoverStays(name, failure);
        }
    }

    private static SafeFileHandle TakeLock(EnginePaths paths)
    {
        var file = File.OpenHandle(paths.Lock, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);
        if (OfdLock.TryTake(file))
        {
            return file;
        }

        file.Dispose();
        throw new BundtException(
            FailureKind.Conflict, Phase.State, $"another daemon uses {paths.Root}", "talk to that one, or give this one a --root, --run and --socket of its own");
    }

    private static List<string> UsersOf(ContainerRegistry containers, string volume) =>
        [.. containers.All.Where(c => c.State.Status != ContainerStatus.Removing && c.Record.Mounts.Any(m => m.Volume == volume)).Select(c => c.Id)];
}
