namespace Bundt.Integration.Tests.Fixtures;

/// <summary>What a daemon holds of the machine at one moment. Two of these must be equal around anything that leaves nothing behind.</summary>
/// <remarks>What is made ahead for the next containers has no record yet, and is bounded: it counts only where there is too much of it.</remarks>
public sealed record Leaks(int HostMounts, int DaemonMounts, int Cgroups, int Processes, int NetworkNamespaces, int Containers, int TooManyAhead, int Trash, int RunEntries)
{
    private const int MostAhead = 6;

    /// <summary>Counts. Descriptors are counted apart (<see cref="Descriptors"/>): a thread pool opens some as it grows.</summary>
    public static Leaks Of(Daemon daemon)
    {
        var processes = daemon.Cgroups.Processes();
        var directories = Directory.GetDirectories(Path.Combine(daemon.Root, "containers"));
        return new Leaks(
            HostMounts: File.ReadLines("/proc/self/mountinfo").Count(l => l.Contains(Paths.Work, StringComparison.Ordinal)),
            DaemonMounts: File.ReadLines($"/proc/{daemon.Pid}/mountinfo").Count(),
            Cgroups: daemon.Cgroups.Containers().Count,
            Processes: processes.Count,
            NetworkNamespaces: processes.Select(p => Link($"/proc/{p}/ns/net")).Where(l => l.Length > 0).Distinct().Count(),
            Containers: directories.Count(HasRecord),
            TooManyAhead: Math.Max(0, directories.Count(d => !HasRecord(d)) - MostAhead),
            Trash: Entries(Path.Combine(daemon.Root, "trash")),
            RunEntries: Entries(daemon.Run));
    }

    /// <summary>Counts, once the sweeper has nothing to do and nothing changes any more.</summary>
    public static Leaks AtRest(Daemon daemon)
    {
        var last = Of(daemon);
        Eventually.True(() => last == (last = Of(daemon)) && last.Trash == 0, () => $"{last} does not come to rest", 20);
        return last;
    }

    /// <summary>The daemon's open descriptors, by what they are.</summary>
    public static Dictionary<string, int> Descriptors(Daemon daemon) =>
        Directory.GetFiles($"/proc/{daemon.Pid}/fd").Select(Link).Where(l => l.Length > 0)
            .GroupBy(l => l.Split(':')[0].Split("/layers/")[0]).ToDictionary(g => g.Key, g => g.Count());

    /// <summary>Waits until the daemon holds again what it held then; the kernel and the sweeper take their time.</summary>
    public static void Settle(Daemon daemon, Leaks before, double seconds = 20)
    {
        Leaks now = before;
        Eventually.True(() => (now = Of(daemon)) == before, () => $"\nbefore {before}\nnow    {now}", seconds);
    }

    private static bool HasRecord(string directory) => File.Exists(Path.Combine(directory, "container.json"));

    private static int Entries(string directory) => Directory.Exists(directory) ? Directory.GetFileSystemEntries(directory).Length : 0;

    private static string Link(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget ?? "";
        }
        catch (IOException)
        {
            return ""; // gone meanwhile
        }
    }
}
