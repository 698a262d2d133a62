using System.Text.Json;
using Bundt.Engine.Launch;
using Bundt.Engine.Monitors;
using Bundt.Linux.Files;
using Bundt.Runtime.Launch;

namespace Bundt.Engine.Containers;

/// <summary>The directory of one container: the ledger of all that exists because of it. It is made before, and removed after, everything else.</summary>
internal sealed class ContainerDirectory(string path)
{
    public const string RecordName = "container.json";
    public const string StateName = "state.json";

    /// <summary>The exit record of the life before, kept while a start is under way: if that fails, it is still the last one.</summary>
    public const string LastExitName = "exit.last";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode OwnerWrites = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
    private const UnixFileMode Everybody = OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    public string Path => path;

    public string Upper => In("upper");

    public string In(string name) => System.IO.Path.Combine(path, name);

    /// <summary>The container's root: its image's layers, topmost first, below what it has written.</summary>
    public OverlayRoot Overlay(IReadOnlyList<string> layers, string scratch, bool passing) =>
        new() { Lowers = layers, Upper = Upper, Work = In("work"), Scratch = scratch, Volatile = passing };

    public DirectoryFd Open() => DirectoryFd.OpenHost(path);

    /// <summary>Makes the directory and what is in it from the start.</summary>
    public void Make(IdRange? userNamespace)
    {
        // Ids of a user namespace must be able to pass through to upper and the bound files.
        Directory.CreateDirectory(path, userNamespace is null ? OwnerOnly : OwnerOnly | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        using var directory = Open();
        directory.CreateDirectory("upper", Everybody);
        directory.CreateDirectory("work", OwnerOnly);
    }

    /// <summary>Makes the files that a start only fills: on a disk's file system the name is what costs.</summary>
    public void MakeFiles()
    {
        using var directory = Open();
        foreach (var name in (string[])[NetworkFiles.Hostname, NetworkFiles.Hosts, NetworkFiles.ResolvConf, ExitRecord.ReservedName])
        {
            directory.OpenFile(name, OpenFlags.Write | OpenFlags.Create | OpenFlags.Exclusive, OwnerWrites).Dispose();
        }
    }

    public void Write(ContainerRecord record)
    {
        using var directory = Open();
        AtomicFile.Replace(directory, RecordName, JsonSerializer.SerializeToUtf8Bytes(record, RecordJson.Default.ContainerRecord), durable: false);
    }

    public void Write(StateRecord state)
    {
        using var directory = Open();
        AtomicFile.Replace(directory, StateName, JsonSerializer.SerializeToUtf8Bytes(state, RecordJson.Default.StateRecord), durable: false);
    }

    /// <summary>The container's record; null when there is none: it was never finished.</summary>
    /// <exception cref="JsonException">It is damaged.</exception>
    public ContainerRecord? ReadRecord()
    {
        if (Read(RecordName) is not { } bytes)
        {
            return null;
        }

        var record = JsonSerializer.Deserialize(bytes, RecordJson.Default.ContainerRecord) ?? throw new JsonException("empty record");
        if (record.Version > ContainerRecord.CurrentVersion)
        {
            throw new JsonException($"version {record.Version} of the record is newer than this program");
        }

        return record.Id == System.IO.Path.GetFileName(path) ? record : throw new JsonException("the record is another container's");
    }

    /// <summary>The state record; an empty one when there is none.</summary>
    /// <exception cref="JsonException">It is damaged.</exception>
    public StateRecord ReadState() => Read(StateName) is { } bytes
        ? JsonSerializer.Deserialize(bytes, RecordJson.Default.StateRecord) ?? throw new JsonException("empty record")
        : new StateRecord();

    /// <summary>Puts away what the life before has left, so that every file of the monitor's is the new life's.</summary>
    public void BeginLife(bool hasState)
    {
        using var directory = Open();
        if (directory.Exists(ExitRecord.FileName))
        {
            directory.Rename(ExitRecord.FileName, LastExitName);
        }

        directory.UnlinkIfExists(MonitorRecord.FileName);
        if (hasState)
        {
            directory.UnlinkIfExists(StateName);
        }

        if (directory.Exists("work/work/incompat"))
        {
            // The upper was mounted volatile in a life before: within the same boot nothing can have been lost, and overlayfs lets itself be told so.
            directory.RemoveTree("work");
            directory.EnsureDirectory("work", OwnerOnly).Dispose();
        }
    }

    /// <summary>Undoes <see cref="BeginLife"/> after a start that failed.</summary>
    public void AbandonLife()
    {
        using var directory = Open();
        directory.UnlinkIfExists(MonitorRecord.FileName);
        directory.UnlinkIfExists(ExitRecord.FileName);
        if (directory.Exists(LastExitName))
        {
            directory.Rename(LastExitName, ExitRecord.FileName);
        }
    }

    private byte[]? Read(string name)
    {
        try
        {
            return File.ReadAllBytes(In(name));
        }
        catch (IOException e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }
}
