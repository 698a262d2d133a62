using System.Diagnostics;
using System.Globalization;
using Bundt.Linux.Files;

namespace Bundt.Linux.Cgroups;

/// <summary>One cgroup, held open.</summary>
public sealed class Cgroup : IDisposable
{
    private readonly string _directory;
    private readonly IDisposable? _keeper;

    internal Cgroup(string path, string directory, DirectoryFd descriptor, IDisposable? keeper = null)
    {
        Path = path;
        _keeper = keeper;
        _directory = directory;
        Descriptor = descriptor;
    }

    /// <summary>From the root of the hierarchy.</summary>
    public string Path { get; }

    /// <summary>The open directory: processes are born in it by CLONE_INTO_CGROUP.</summary>
    public DirectoryFd Descriptor { get; }

    /// <summary>Writes a limit.</summary>
    /// <param name="file">The cgroup's file ("memory.max").</param>
    /// <param name="value">What is written.</param>
    /// <param name="option">What the user calls it, for the error.</param>
    public void Write(string file, string value, string? option = null)
    {
        var errno = TryWrite(file, value);
        if (errno != Errno.None)
        {
            throw Failure(file, value, errno, option);
        }
    }

    /// <summary>Writes a value; the kernel's answer is returned.</summary>
    public Errno TryWrite(string file, string value) => CgroupCalls.Write(_directory + "/" + file, value);

    /// <summary>The error of a refused value.</summary>
    public BundtException Failure(string file, string value, Errno errno, string? option = null) => new(
        Phase.Cgroup, $"set {option ?? file} to {value}", _directory + "/" + file, errno,
        errno is Errno.EINVAL or Errno.ERANGE ? "The kernel does not accept this value." : null,
        errno is Errno.EINVAL or Errno.ERANGE ? FailureKind.InvalidArgument : FailureKind.Internal);

    /// <summary>A file's content; null when it does not exist.</summary>
    public string? Read(string file)
    {
        try
        {
            return File.ReadAllText(_directory + "/" + file);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>The value behind a key of a "key value" file; null when it is not there.</summary>
    public string? ReadKey(string file, string key)
    {
        foreach (var line in (Read(file) ?? "").Split('\n'))
        {
            if (line.StartsWith(key, StringComparison.Ordinal) && line.Length > key.Length && line[key.Length] == ' ')
            {
                return line[(key.Length + 1)..];
            }
        }

        return null;
    }

    /// <summary>Sizes of huge pages that it counts ("2MB", "1GB").</summary>
    public IReadOnlyList<string> HugePageSizes()
    {
        // hugetlb.2MB.events; the root of the hierarchy has none.
        const string Prefix = "hugetlb.", Suffix = ".events";
        return Directory.Exists(_directory)
            ? [.. Directory.GetFiles(_directory, Prefix + "*" + Suffix).Select(path => System.IO.Path.GetFileName(path)[Prefix.Length..^Suffix.Length])]
            : [];
    }

    /// <summary>Whether any process is in it or below.</summary>
    public bool IsPopulated => ReadKey("cgroup.events", "populated") == "1";

    /// <summary>The processes in it and below, as the caller's pid namespace numbers them.</summary>
    public IReadOnlyList<int> ReadProcesses()
    {
        var processes = new List<int>();
        Collect(_directory, processes);
        return processes;
    }

    /// <summary>Kills every process in it and below at once (cgroup.kill, Linux 5.14).</summary>
    public void Kill()
    {
        var errno = CgroupCalls.Write(_directory + "/cgroup.kill", "1");
        if (errno is not (Errno.None or Errno.ENOENT or Errno.ENODEV))
        {
            throw new BundtException(Phase.Cgroup, "kill", _directory + "/cgroup.kill", errno);
        }
    }

    /// <summary>Freezes or thaws; returns once the kernel says that it is done.</summary>
    /// <exception cref="BundtException">ETIMEDOUT: a process in an uninterruptible sleep does not freeze.</exception>
    public void SetFrozen(bool frozen, TimeSpan timeout)
    {
        var wanted = frozen ? "1" : "0";
        Write("cgroup.freeze", wanted);
        using var events = new CgroupEvents(_directory);
        if (events.WaitFor("frozen", wanted, timeout))
        {
            return;
        }

        if (frozen)
        {
            Write("cgroup.freeze", "0");
        }

        throw new BundtException(Phase.Cgroup, frozen ? "freeze" : "thaw", Path, Errno.ETIMEDOUT, "A process in it does not answer (state D).");
    }

    /// <summary>Looks out for the OOM killer from now on.</summary>
    public OomWatch WatchOom() => new(_directory);

    /// <summary>Waits until no process is in it or below; false after the timeout.</summary>
    public bool WaitUntilEmpty(TimeSpan timeout)
    {
        using var events = new CgroupEvents(_directory);
        return events.WaitFor("populated", "0", timeout);
    }

    /// <summary>Removes it and the cgroups below it. Their processes must have been killed; waits until the kernel has let go of them.</summary>
    public void Remove(TimeSpan timeout) => Remove(_directory, timeout);

    /// <summary>Removes the cgroups below it, as <see cref="Remove(TimeSpan)"/>.</summary>
    public void RemoveChildren(TimeSpan timeout)
    {
        foreach (var child in Children(_directory))
        {
            Remove(child, timeout);
        }
    }

    /// <summary>Removes it with those below it if no process is in them. From then on nobody who holds it open can bear a process into it.</summary>
    /// <returns>Whether it is gone.</returns>
    public bool TryRemoveEmpty() => RemoveTree(_directory) is Errno.None or Errno.ENOENT;

    /// <inheritdoc/>
    public void Dispose()
    {
        Descriptor.Dispose();
        _keeper?.Dispose();
    }

    private void Remove(string directory, TimeSpan timeout)
    {
        var until = Stopwatch.GetTimestamp() + (long)(timeout.TotalSeconds * Stopwatch.Frequency);
        while (true)
        {
            var errno = RemoveTree(directory);
            if (errno is Errno.None or Errno.ENOENT)
            {
                return;
            }

            var left = TimeSpan.FromSeconds((until - Stopwatch.GetTimestamp()) / (double)Stopwatch.Frequency);
            if (errno != Errno.EBUSY || left <= TimeSpan.Zero)
            {
                throw new BundtException(Phase.Remove, "rmdir", directory, errno, errno == Errno.EBUSY ? "Processes are still in it." : null);
            }

            // EBUSY right after "populated 0" ends by itself: the last task has not yet left its css_set.
            if (!WaitUntilEmpty(left))
            {
                continue;
            }

            Thread.Yield();
        }
    }

    private static Errno RemoveTree(string directory)
    {
        var errno = CgroupCalls.Rmdir(directory);
        if (errno != Errno.EBUSY)
        {
            return errno;
        }

        var children = Children(directory);
        if (children.Length == 0)
        {
            return Errno.EBUSY;
        }

        foreach (var child in children)
        {
            errno = RemoveTree(child);
            if (errno is not (Errno.None or Errno.ENOENT))
            {
                return errno;
            }
        }

        return CgroupCalls.Rmdir(directory);
    }

    private static string[] Children(string directory)
    {
        try
        {
            return Directory.GetDirectories(directory);
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }

    private static void Collect(string directory, List<int> processes)
    {
        // Gone meanwhile (ENOENT, ENODEV), or a threaded one, whose processes stand in its domain (EOPNOTSUPP).
        string text;
        try
        {
            text = File.ReadAllText(directory + "/cgroup.procs");
        }
        catch (IOException)
        {
            return;
        }

        foreach (var line in text.AsSpan().EnumerateLines())
        {
            if (int.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out var process))
            {
                processes.Add(process);
            }
        }

        foreach (var child in Children(directory))
        {
            Collect(child, processes);
        }
    }
}
