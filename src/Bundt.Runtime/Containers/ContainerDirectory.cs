using Bundt.Linux;
using Bundt.Linux.Files;
using Bundt.Linux.Processes;
using Bundt.Runtime.Launch;
using Bundt.Runtime.Seccomp;

namespace Bundt.Runtime.Containers;

/// <summary>
/// The directory of one OCI container below the root: what is kept of it. The directory comes first and state.json last; in between a link
/// names the cgroup, so that what a killed creation leaves behind can be found. Whoever creates a container holds the directory locked as long
/// as it has no state.json, and whoever removes one until it is gone: one without state.json that nobody holds is what a killed creation has left.
/// </summary>
internal sealed class ContainerDirectory
{
    private const string RecordName = "state.json";
    private const string ConfigName = "config.json";
    private const string FilterName = "seccomp.bpf";
    private const string FiltersName = ".seccomp"; // no container's id
    private const string FifoName = "exec.fifo"; // as runc calls it
    private const string LedgerName = "cgroup"; // a link that leads nowhere: its target is the cgroup's place
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private DirectoryFd? _held;

    private ContainerDirectory(string path) => Path = path;

    /// <summary>Host path.</summary>
    public string Path { get; }

    /// <summary>The fifo on which the process of a created container waits for start.</summary>
    public string Fifo => System.IO.Path.Combine(Path, FifoName);

    /// <summary>The directory in which a container's sd_notify(3) socket lies, if its caller listens for notifications.</summary>
    public string Notify => System.IO.Path.Combine(Path, "notify");

    /// <summary>Compiled filters that containers of this root share.</summary>
    public FilterCache Filters => new(System.IO.Path.Combine(System.IO.Path.GetDirectoryName(Path)!, FiltersName));

    /// <summary>A new one, or what a killed creation has left, cleared; it is held until state.json is written.</summary>
    /// <exception cref="BundtException">Conflict: the id is taken; InvalidArgument: it is no id.</exception>
    public static ContainerDirectory Make(string root, string id)
    {
        CheckId(id);
        using var parent = MakeRoot(root);
        var directory = new ContainerDirectory(System.IO.Path.Combine(root, id));
        while (true)
        {
            var errno = parent.TryCreateDirectory(id, OwnerOnly);
            if (errno is not (Errno.None or Errno.EEXIST))
            {
                throw new BundtException(Phase.State, "mkdir", directory.Path, errno);
            }

            // Gone, if somebody has removed it in between.
            if (directory.Hold(parent, wait: false) is not { } held)
            {
                continue;
            }

            if (!held || directory.Exists(RecordName))
            {
                directory.Release();
                throw new BundtException(FailureKind.Conflict, Phase.State, $"container with given ID already exists: {id}");
            }

            if (errno == Errno.EEXIST)
            {
                directory.Clear();
            }

            return directory;
        }
    }

    /// <summary>That of an id; it need not exist.</summary>
    public static ContainerDirectory Of(string root, string id)
    {
        CheckId(id);
        return new ContainerDirectory(System.IO.Path.Combine(root, id));
    }

    /// <summary>Ids of everything below a root.</summary>
    public static IEnumerable<string> List(string root) =>
        Directory.EnumerateDirectories(root).Select(path => System.IO.Path.GetFileName(path)!).Where(IsId).Order(StringComparer.Ordinal);

    /// <summary>state.json; null: there is none (yet).</summary>
    public ContainerRecord? TryRead()
    {
        try
        {
            return ContainerRecord.Decode(File.ReadAllBytes(Of(RecordName)));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (FormatException e)
        {
            throw new BundtException(FailureKind.Internal, Phase.State, $"{Of(RecordName)} is damaged: {e.Message}", $"Remove {Path} by hand.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BundtException(FailureKind.Internal, Phase.State, $"cannot read {Of(RecordName)}: {BundtException.Reason(e)}", null, e);
        }
    }

    /// <summary>Writes state.json: from now on the container exists.</summary>
    public void Write(ContainerRecord record)
    {
        Replace(Of(RecordName), record.Encode());
        Release();
    }

    /// <summary>Keeps what an exec and the last hooks need: the bundle may be changed or gone by then.</summary>
    /// <param name="config">config.json as it was read.</param>
    /// <param name="filter">The compiled seccomp program; empty: none.</param>
    public void Keep(ReadOnlySpan<byte> config, ReadOnlyMemory<byte> filter)
    {
        File.WriteAllBytes(Of(ConfigName), config);
        if (!filter.IsEmpty)
        {
            File.WriteAllBytes(Of(FilterName), filter.Span);
        }
    }

    /// <summary>The config as it was when the container was created.</summary>
    /// <exception cref="BundtException">NotFound: the container has been removed.</exception>
    public byte[] ReadConfig() => Read(ConfigName);

    /// <summary>The compiled seccomp program; empty: none.</summary>
    /// <exception cref="BundtException">NotFound: the container has been removed.</exception>
    public byte[] ReadFilter() => File.Exists(Of(FilterName)) ? Read(FilterName) : [];

    /// <summary>Removes the fifo on which nobody waits any more; it may be gone.</summary>
    public void RemoveFifo()
    {
        try
        {
            File.Delete(Fifo);
        }
        catch (DirectoryNotFoundException)
        {
            // The container has been removed.
        }
    }

    /// <summary>Notes where the cgroup will be, before it is made.</summary>
    public void NoteCgroup(CgroupPlace place) => File.CreateSymbolicLink(Of(LedgerName), place.ToString());

    /// <summary>The cgroup that a creation has noted; null: none.</summary>
    public CgroupPlace? NotedCgroup() => new FileInfo(Of(LedgerName)).LinkTarget is { } place ? CgroupPlace.Parse(place) : null;

    /// <summary>Removes it with what is in it; if somebody else does, it is gone afterwards too.</summary>
    public void Remove()
    {
        using var parent = DirectoryFd.OpenHost(System.IO.Path.GetDirectoryName(Path)!);
        if (_held is null ? Hold(parent, wait: true) is not null : IsHeld(parent))
        {
            RemoveFrom(parent);
        }

        Release();
    }

    /// <summary>Removes what a creation that was killed has left: processes, cgroup, directory.</summary>
    /// <param name="force">Also what is being created at this moment.</param>
    /// <returns>False: there is no directory.</returns>
    /// <exception cref="BundtException">Conflict: it is being created, or has been just now.</exception>
    public bool RemoveRemains(bool force)
    {
        var root = System.IO.Path.GetDirectoryName(Path)!;
        if (!Directory.Exists(root))
        {
            return false;
        }

        using var parent = DirectoryFd.OpenHost(root);
        if (Hold(parent, wait: false) is not { } held)
        {
            return false;
        }

        if (!force && (!held || Exists(RecordName)))
        {
            Release();
            throw new BundtException(FailureKind.Conflict, Phase.Remove, $"container {System.IO.Path.GetFileName(Path)} is being created", "Use --force to end that.");
        }

        NotedCgroup()?.Delete();
        RemoveFrom(parent);
        Release();
        return true;
    }

    /// <summary>Writes a file beside, under a name of which nobody knows, and renames it into place.</summary>
    public static void Replace(string path, ReadOnlySpan<byte> content)
    {
        const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        var full = System.IO.Path.GetFullPath(path);
        try
        {
            using var directory = DirectoryFd.OpenHost(System.IO.Path.GetDirectoryName(full) ?? "/");
            AtomicFile.Replace(directory, System.IO.Path.GetFileName(full), content, durable: false, Readable);
        }
        catch (BundtException e)
        {
            throw new BundtException(e.Kind, Phase.State, $"cannot write {path}: {(e.Errno == Errno.None ? e.Message : e.Errno.Describe())}", null, e);
        }
    }

    // Whether it could be locked; null: it is gone, or its name has come to mean another one.
    private bool? Hold(DirectoryFd parent, bool wait)
    {
        var name = System.IO.Path.GetFileName(Path);
        switch (parent.TryOpen(name, OpenFlags.Read | OpenFlags.Directory | OpenFlags.NoFollow, 0, out var handle))
        {
            case Errno.None:
                break;
            case Errno.ENOENT:
                return null;
            case var errno:
                throw new BundtException(Phase.State, "open", Path, errno);
        }

        _held = DirectoryFd.Adopt(handle!, Path);
        var locked = _held.Lock(wait);
        if (IsHeld(parent))
        {
            return locked;
        }

        Release();
        return null;
    }

    private void RemoveFrom(DirectoryFd parent)
    {
        try
        {
            parent.RemoveTree(System.IO.Path.GetFileName(Path));
        }
        catch (BundtException e) when (e.Errno == Errno.ENOENT)
        {
            // Somebody removes it by force at this moment.
        }
    }

    private bool IsHeld(DirectoryFd parent) => parent.TryStat(System.IO.Path.GetFileName(Path))?.Inode == _held!.Stat().Inode;

    private byte[] Read(string name)
    {
        try
        {
            return File.ReadAllBytes(Of(name));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new BundtException(FailureKind.NotFound, Phase.State, $"container does not exist: {System.IO.Path.GetFileName(Path)}", null, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BundtException(FailureKind.Internal, Phase.State, $"cannot read {Of(name)}: {BundtException.Reason(e)}", null, e);
        }
    }

    private static DirectoryFd MakeRoot(string root)
    {
        try
        {
            Directory.CreateDirectory(root);
            return DirectoryFd.OpenHost(root);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.State, $"cannot make the root directory {root}: {BundtException.Reason(e)}", null, e);
        }
    }

    private void Release()
    {
        _held?.Dispose();
        _held = null;
    }

    private void Clear()
    {
        NotedCgroup()?.Delete();
        foreach (var entry in _held!.Entries())
        {
            _held.RemoveTree(entry.Name);
        }
    }

    private bool Exists(string name) => _held!.TryStat(name) is not null;

    private static void CheckId(string id)
    {
        if (!IsId(id))
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"invalid container ID format: \"{id}\"" + Wrong(id));
        }
    }

    // What runc accepts, letters, digits and _+-. but, as crun, without a dot in front.
    private static bool IsId(string id) =>
        id.Length is > 0 and <= 1024 && id[0] != '.' && id.All(IsIdCharacter);

    private static string Wrong(string id) =>
        id.FirstOrDefault(c => !IsIdCharacter(c)) is not '\0' and var wrong ? $" (invalid character '{wrong}' in the container ID)" : "";

    private static bool IsIdCharacter(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '+' or '-' or '.';

    private string Of(string name) => System.IO.Path.Combine(Path, name);
}
