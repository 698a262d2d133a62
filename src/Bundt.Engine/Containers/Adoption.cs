using System.Text.Json;
using Bundt.Engine.Monitors;
using Bundt.Images;
using Bundt.Linux;
using Bundt.Linux.Locks;
using Bundt.Linux.Processes;
using Bundt.Oci.Image;

namespace Bundt.Engine.Containers;

/// <summary>
/// What a new daemon does with what it finds: containers that run are adopted, those that have ended get their exit code, half-made ones
/// are cleaned away, damaged ones are quarantined, and whatever the kernel has that no directory accounts for is removed.
/// </summary>
/// <param name="services">The new daemon's.</param>
/// <param name="takenBack">Ids of containers that lay in the trash: see <see cref="TakeBack"/>.</param>
internal sealed class Adoption(EngineServices services, IReadOnlySet<string> takenBack)
{
    /// <summary>How long a monitor that was just being started may take to commit itself or give up.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private readonly string _bootId = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    /// <summary>
    /// A container with --rm is gone before its client is told how it ended. A daemon that was killed in between has told nobody: what it has just
    /// put into the trash comes back, as a container that has ended, until its client has had time to ask. Before the trash is swept.
    /// </summary>
    /// <returns>The ids of the containers.</returns>
    public static IReadOnlySet<string> TakeBack(EnginePaths paths)
    {
        var taken = new HashSet<string>(StringComparer.Ordinal);
        foreach (var path in Directory.Exists(paths.Trash) ? Directory.EnumerateDirectories(paths.Trash) : [])
        {
            var id = Path.GetFileName(path).Split('.')[0];
            try
            {
                if (IsJustRemovedByItself(path) && !Directory.Exists(paths.Container(id)))
                {
                    Directory.Move(path, paths.Container(id));
                    taken.Add(id);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or NotSupportedException)
            {
                // Damaged, or half swept: it stays in the trash.
            }
        }

        return taken;
    }

    public async Task RunAsync(CancellationToken cancellation)
    {
        var halfMade = new List<string>();

        // Whose name somebody else has taken meanwhile comes last, and goes again.
        foreach (var path in Directory.EnumerateDirectories(services.Paths.Containers).OrderBy(path => takenBack.Contains(Path.GetFileName(path))))
        {
            if (await AdoptAsync(path, cancellation).ConfigureAwait(false) is { } container)
            {
                services.Containers.Add(container);
            }
            else
            {
                halfMade.Add(Path.GetFileName(path));
            }
        }

        foreach (var id in halfMade)
        {
            services.Logger.HalfMade(id);
            services.Volumes.RemoveMadeFor(id);
            services.Trash.Take(services.Paths.Container(id));
        }

        RemoveLeftovers();
        services.Volumes.EmptyHalfFilled();
        foreach (var container in services.Containers.All.ToList())
        {
            container.GoOn();
        }
    }

    private async Task<Container?> AdoptAsync(string path, CancellationToken cancellation)
    {
        var directory = new ContainerDirectory(path);
        var id = Path.GetFileName(path);
        var name = "";
        try
        {
            if (directory.ReadRecord() is not { } record)
            {
                return null;
            }

            var stored = ReadState(directory, id);
            if (services.Containers.Take(record.Name, id) is { } holder)
            {
                if (takenBack.Contains(id))
                {
                    return null;
                }

                throw new JsonException($"its name {record.Name} is also that of container {holder}");
            }

            name = record.Name;

            var container = new Container(services, record, new ContainerState { Status = ContainerStatus.Created });
            await StandAsync(container, directory, stored, cancellation).ConfigureAwait(false);
            services.Logger.Adopted(id, container.State.Status);
            return container;
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException or BundtException or NotSupportedException)
        {
            services.Containers.Give(name, id);
            var reason = BundtException.Reason(e);
            services.Logger.Damaged(id, reason);
            return Quarantine(id, path, reason);
        }
    }

    /// <summary>The state record; of a damaged one nothing is lost that keeps the container from going on: whether it was paused, a deadline of a stop.</summary>
    private StateRecord ReadState(ContainerDirectory directory, string id)
    {
        try
        {
            return directory.ReadState();
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            services.Logger.DamagedState(id, BundtException.Reason(e));
            return new StateRecord();
        }
    }

    private static bool IsJustRemovedByItself(string directory) =>
        ExitRecord.Read(directory) is { } exit
        && DateTimeOffset.UtcNow - exit.Finished < Container.Grace
        && JsonSerializer.Deserialize(File.ReadAllBytes(Path.Combine(directory, ContainerDirectory.RecordName)), RecordJson.Default.ContainerRecord) is { Settings.AutoRemove: true };

    /// <summary>Finds out where a container stands.</summary>
    private async Task StandAsync(Container container, ContainerDirectory directory, StateRecord stored, CancellationToken cancellation)
    {
        var monitor = await SettledMonitorAsync(directory, cancellation).ConfigureAwait(false);
        var exit = ExitRecord.Read(directory.Path);
        if (exit is null && monitor is null)
        {
            (monitor, exit) = await WithoutRecordAsync(container.Id, directory, cancellation).ConfigureAwait(false);
        }

        if (exit is not null || monitor is null)
        {
            // Ended, or never (or not quite) started: an exit record of the life before says how that one ended.
            container.AdoptEnded(exit ?? ReadLast(directory), stored);
            return;
        }

        if (monitor.BootId != _bootId || stored.End is not null)
        {
            container.AdoptLost(monitor, "the host was rebooted", stored);
            return;
        }

        var pidFd = PidFd.TryOpen(monitor.MonitorPid, monitor.MonitorStart);
        if (pidFd is null && !Runs(monitor.InitPid, monitor.InitStart))
        {
            // Both gone, and no record: the exit may have been written this very moment.
            exit = ExitRecord.Read(directory.Path);
            if (exit is not null)
            {
                container.AdoptEnded(exit, stored);
            }
            else
            {
                container.AdoptLost(monitor, Container.MonitorLostError, stored);
            }

            return;
        }

        var lease = await LeaseAsync(container, cancellation).ConfigureAwait(false);
        container.AdoptRunning(monitor, new MonitoredProcess(services.Watch, directory.Path, monitor.InitPid, monitor.InitStart, pidFd), lease, stored);
    }

    /// <summary>A container that runs is adopted even if its image is gone or damaged: it needs it no more until its next start.</summary>
    private async Task<LayerLease> LeaseAsync(Container container, CancellationToken cancellation)
    {
        try
        {
            return await services.Images.LeaseLayersAsync(services.Images.Find(container.ImageId), cancellation).ConfigureAwait(false);
        }
        catch (BundtException e)
        {
            services.Logger.Trouble(container.Id, "runs, but its image cannot be used", e);
            return new LayerLease([], () => { });
        }
    }

    private static bool Runs(int pid, ulong startTime) => PidFd.ReadStat(pid) is { } stat && stat.StartTime == startTime && stat.State is not ('Z' or 'X');

    /// <summary>
    /// The monitor's record once it is certain. A daemon that dies in the middle of a start leaves a launcher that either commits itself
    /// (and completes its record) or gives up (and lets go of its lock).
    /// </summary>
    private static async Task<MonitorRecord?> SettledMonitorAsync(ContainerDirectory directory, CancellationToken cancellation)
    {
        var deadline = DateTimeOffset.UtcNow + s_patience;
        while (true)
        {
            if (MonitorRecord.Read(directory.Path) is { } monitor)
            {
                return monitor;
            }

            try
            {
                using var file = File.OpenHandle(directory.In(MonitorRecord.FileName), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
                if (!OfdLock.IsHeld(file) || DateTimeOffset.UtcNow > deadline)
                {
                    // Looked at once more: it may have been completed before the lock was let go.
                    return MonitorRecord.Read(directory.Path);
                }
            }
            catch (FileNotFoundException)
            {
                return null;
            }

            await Task.Delay(5, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// There is no monitor's file: the container was never started, or its launcher, spawned by a daemon that died at that moment, has not come
    /// to writing one. With the cgroup goes what a launcher needs to go on; where a process is in it already, the record is on its way.
    /// </summary>
    private async Task<(MonitorRecord? Monitor, ExitRecord? Exit)> WithoutRecordAsync(string id, ContainerDirectory directory, CancellationToken cancellation)
    {
        var deadline = DateTimeOffset.UtcNow + s_patience;
        while (!services.Processes.TryRemoveEmptyCgroup(id) && DateTimeOffset.UtcNow < deadline)
        {
            if (await SettledMonitorAsync(directory, cancellation).ConfigureAwait(false) is { } monitor)
            {
                return (monitor, ExitRecord.Read(directory.Path));
            }

            await Task.Delay(5, cancellation).ConfigureAwait(false);
        }

        return (null, ExitRecord.Read(directory.Path));
    }

    private static ExitRecord? ReadLast(ContainerDirectory directory)
    {
        // A start that was begun and not finished has put the exit record of the life before aside.
        directory.AbandonLife();
        return ExitRecord.Read(directory.Path);
    }

    private Container Quarantine(string id, string path, string reason)
    {
        var name = services.Containers.Take("damaged_" + id[..Math.Min(12, id.Length)], id) is null ? "damaged_" + id[..Math.Min(12, id.Length)] : id;
        return new Container(
            services,
            new ContainerRecord
            {
                Id = id,
                Name = name,
                Created = new DateTimeOffset(Directory.GetCreationTimeUtc(path)),
                ImageId = "",
                Settings = new ContainerSettings { Image = "" },
                Effective = new ImageRunConfig { Cmd = [""] },
            },
            new ContainerState { Status = ContainerStatus.Dead, Error = $"damaged record: {reason}" });
    }

    private void RemoveLeftovers()
    {
        // What belongs to a damaged container may run and be needed: it goes with the container.
        var alive = services.Containers.All
            .Where(c => ContainerStates.Lives(c.State.Status) || c.State.Status == ContainerStatus.Dead).Select(c => c.Id).ToHashSet(StringComparer.Ordinal);
        var ours = services.Containers.All.Select(c => c.Id).ToHashSet(StringComparer.Ordinal);
        foreach (var path in Directory.EnumerateDirectories(services.Paths.RunContainers))
        {
            if (!alive.Contains(Path.GetFileName(path)))
            {
                RunDirectories.Remove(path);
                services.Logger.Leftover(path);
                ours.Add(Path.GetFileName(path));
            }
        }

        // Several daemons live side by side and share /bundt: a cgroup is removed only if this one knows of its container.
        foreach (var id in services.Processes.ListCgroups())
        {
            if (ours.Contains(id) && !alive.Contains(id))
            {
                try
                {
                    services.Processes.Kill(id);
                    services.Processes.RemoveCgroup(id);
                    services.Logger.Leftover("cgroup " + id);
                }
                catch (BundtException e)
                {
                    services.Logger.Trouble(id, "its cgroup could not be removed", e);
                }
            }
        }
    }
}
