using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;
using Bundt.Engine.Containers;
using Bundt.Linux;
using Bundt.Linux.Files;

namespace Bundt.Engine;

/// <summary>Named and anonymous volumes: `ROOT/volumes/NAME/` with `volume.json` and the data in `_data`.</summary>
public sealed class VolumeStore
{
    private const string RecordName = "volume.json";
    private const string DataName = "_data";

    /// <summary>Stands beside the data while they are copied in: what a crash has left half-copied must not pass for the user's.</summary>
    private const string FillingName = "filling";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Everybody = OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private readonly string _root;
    private readonly Trash _trash;
    private readonly EventLog _events;
    private readonly ConcurrentDictionary<string, Volume> _volumes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _madeFor = [];
    private readonly ConcurrentDictionary<string, Lock> _filling = new(StringComparer.Ordinal);
    private readonly Lock _changing = new();

    internal VolumeStore(string root, Trash trash, EventLog events, Action<string, string> damaged)
    {
        _root = root;
        _trash = trash;
        _events = events;
        Directory.CreateDirectory(root, OwnerOnly);
        foreach (var path in Directory.EnumerateDirectories(root))
        {
            var name = Path.GetFileName(path);
            try
            {
                var record = Volumes.VolumeRecords.Read(Path.Combine(path, RecordName));
                _volumes[name] = ToVolume(name, record);
                if (record.MadeFor is not null)
                {
                    _madeFor[name] = record.MadeFor;
                }
            }
            catch (Exception e) when (e is IOException or JsonException or NotSupportedException)
            {
                if (Directory.Exists(Path.Combine(path, DataName)))
                {
                    // The data are the user's: they stay usable under their name, only the labels are lost.
                    damaged(name, BundtException.Reason(e));
                    _volumes[name] = ToVolume(name, new Volumes.VolumeRecord { Created = Directory.GetCreationTimeUtc(path) });
                }
                else
                {
                    _trash.Take(path);
                }
            }
        }
    }

    /// <summary>Who uses a volume: names of containers.</summary>
    internal Func<string, IReadOnlyList<string>> Users { get; set; } = _ => [];

    /// <summary>All.</summary>
    public IReadOnlyList<Volume> List() => [.. _volumes.Values.OrderBy(v => v.Name, StringComparer.Ordinal)];

    /// <summary>Makes one, or answers the one of that name. A null name gets 64 hex digits.</summary>
    public Volume Create(string? name, IReadOnlyDictionary<string, string> labels, IReadOnlyDictionary<string, string> options) =>
        Create(name, labels, options, name is null, null).Volume;

    /// <summary>One by name.</summary>
    public Volume Find(string name) => _volumes.GetValueOrDefault(name)
        ?? throw new BundtException(FailureKind.NotFound, Phase.Resolve, $"get {name}: no such volume");

    /// <summary>Removes one; Conflict when a container uses it.</summary>
    public void Remove(string name, bool force)
    {
        lock (_changing)
        {
            if (!_volumes.ContainsKey(name))
            {
                if (force)
                {
                    return;
                }

                throw new BundtException(FailureKind.NotFound, Phase.Resolve, $"get {name}: no such volume");
            }

            if (Users(name) is { Count: > 0 } users)
            {
                throw new BundtException(
                    FailureKind.Conflict, Phase.Remove, $"remove {name}: volume is in use - [{string.Join(", ", users)}]");
            }

            _volumes.TryRemove(name, out _);
            _filling.TryRemove(name, out _);
            _trash.Take(Path.Combine(_root, name));
        }

        Publish("destroy", name);
    }

    /// <summary>Removes those that no container uses; anonymous ones only unless <paramref name="all"/>. Answers names and bytes.</summary>
    public (IReadOnlyList<string> Names, long Bytes) Prune(bool all)
    {
        var names = new List<string>();
        long bytes = 0;
        foreach (var volume in List())
        {
            if ((!all && !volume.Anonymous) || Users(volume.Name).Count > 0)
            {
                continue;
            }

            var size = TreeSize.Of(volume.MountPoint);
            try
            {
                Remove(volume.Name, force: false);
            }
            catch (BundtException e) when (e.Kind is FailureKind.Conflict or FailureKind.NotFound)
            {
                // Somebody took it or removed it meanwhile.
                continue;
            }

            names.Add(volume.Name);
            bytes += size;
        }

        return (names, bytes);
    }

    /// <summary>Makes one for a container, or answers the one of that name, and whether it is new.</summary>
    internal (Volume Volume, bool Made) Create(
        string? name, IReadOnlyDictionary<string, string> labels, IReadOnlyDictionary<string, string> options, bool anonymous, string? madeFor)
    {
        name ??= Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        if (!Volumes.VolumeName.IsValid(name))
        {
            throw new BundtException(
                FailureKind.InvalidArgument,
                Phase.Request,
                $"create {name}: \"{name}\" includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. "
                + "If you intended to pass a host directory, use absolute path");
        }

        if (options.Count > 0)
        {
            throw new BundtException(
                FailureKind.InvalidArgument, Phase.Request, $"create {name}: invalid option: \"{options.Keys.First()}\"", "volumes take no driver options here");
        }

        Volume? there;
        lock (_changing)
        {
            if (_volumes.TryGetValue(name, out there))
            {
                return (there, false);
            }

            var record = new Volumes.VolumeRecord
            {
                Created = DateTimeOffset.UtcNow,
                Labels = labels,
                Options = options,
                Anonymous = anonymous,
                MadeFor = madeFor,
            };
            // The record last: a directory without it is half-made.
            Directory.CreateDirectory(Path.Combine(_root, name), OwnerOnly | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
            using var directory = DirectoryFd.OpenHost(Path.Combine(_root, name));
            using (var data = directory.EnsureDirectory(DataName, Everybody))
            {
                AtomicFile.Replace(directory, RecordName, JsonSerializer.SerializeToUtf8Bytes(record, RecordJson.Default.VolumeRecord), durable: false);
            }

            there = ToVolume(name, record);
            _volumes[name] = there;
        }

        Publish("create", name);
        return (there, true);
    }

    /// <summary>
    /// Fills a volume that is empty: by one at a time, the others wait for it. It is filled whole or left empty: after a failure at once,
    /// after a crash by <see cref="EmptyHalfFilled"/>.
    /// </summary>
    internal void Fill(Volume volume, Action<DirectoryFd> fill)
    {
        lock (_filling.GetOrAdd(volume.Name, static _ => new Lock()))
        {
            using var directory = DirectoryFd.OpenHost(Path.Combine(_root, volume.Name));
            using var data = directory.OpenDirectory(DataName, OpenFlags.NoSymlinks);
            if (data.Entries().Count > 0)
            {
                return;
            }

            directory.OpenFile(FillingName, OpenFlags.Write | OpenFlags.Create | OpenFlags.NoFollow, UnixFileMode.UserRead | UnixFileMode.UserWrite).Dispose();
            try
            {
                fill(data);
            }
            catch
            {
                Empty(data);
                directory.UnlinkIfExists(FillingName);
                throw;
            }

            directory.UnlinkIfExists(FillingName);
        }
    }

    /// <summary>Empties the volumes in whose filling the daemon before has died; not those that a container has, whose data may be in there too.</summary>
    internal void EmptyHalfFilled()
    {
        foreach (var name in _volumes.Keys)
        {
            using var directory = DirectoryFd.OpenHost(Path.Combine(_root, name));
            if (directory.Exists(FillingName))
            {
                if (Users(name).Count == 0)
                {
                    using var data = directory.OpenDirectory(DataName, OpenFlags.NoSymlinks);
                    Empty(data);
                }

                directory.UnlinkIfExists(FillingName);
            }
        }
    }

    private static void Empty(DirectoryFd data)
    {
        foreach (var entry in data.Entries())
        {
            data.RemoveTree(entry.Name);
        }
    }

    /// <summary>Removes anonymous volumes that were made for a container that was never finished.</summary>
    internal void RemoveMadeFor(string container)
    {
        foreach (var name in _madeFor.Where(m => m.Value == container).Select(m => m.Key).ToList())
        {
            if (_volumes.TryGetValue(name, out var volume) && volume.Anonymous)
            {
                Remove(name, force: true);
            }
        }
    }

    private Volume ToVolume(string name, Volumes.VolumeRecord record) =>
        new(name, Path.Combine(_root, name, DataName), record.Created, record.Labels, record.Options, record.Anonymous);

    private void Publish(string action, string name) =>
        _events.Publish(new EngineEvent(DateTimeOffset.UtcNow, "volume", action, name, new Dictionary<string, string> { ["driver"] = "local" }));
}
