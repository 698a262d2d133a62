namespace Bundt.Integration.Tests.Fixtures;

/// <summary>
/// A cgroup of the v2 hierarchy in which one daemon lives with all its containers, as if it were the whole machine's: what is
/// left in it is a leak, whatever else runs on this host.
/// </summary>
public sealed class CgroupTree : IDisposable
{
    /// <summary>Where cgroup2 is mounted here.</summary>
    public static string Mount { get; } = File.ReadLines("/proc/self/mountinfo").Select(l => l.Split(' '))
        .Where(f => f[Array.IndexOf(f, "-") + 1] == "cgroup2").Select(f => f[4]).FirstOrDefault() ?? "";

    /// <summary>Makes it, with a leaf for the daemon, because processes and controllers do not go together.</summary>
    public CgroupTree(string name)
    {
        Top = Path.Combine(Mount, name);
        Directory.CreateDirectory(Path.Combine(Top, "init"));
    }

    /// <summary>Its directory.</summary>
    public string Top { get; }

    /// <summary>Cgroups of containers and execs, without the monitors' own.</summary>
    public IReadOnlyList<string> Containers()
    {
        var parent = Path.Combine(Top, "bundt");
        return Directory.Exists(parent)
            ? [.. Directory.GetDirectories(parent, "*", SearchOption.AllDirectories).Where(d => Path.GetFileName(d) != "monitors")]
            : [];
    }

    /// <summary>The process that keeps its namespaces; it is not counted.</summary>
    public int Holder { get; set; }

    /// <summary>Every process in it but the holder.</summary>
    public IReadOnlyList<int> Processes()
    {
        var processes = new List<int>();
        foreach (var directory in Directory.GetDirectories(Top, "*", SearchOption.AllDirectories).Prepend(Top))
        {
            try
            {
                processes.AddRange(File.ReadAllLines(Path.Combine(directory, "cgroup.procs")).Select(int.Parse));
            }
            catch (IOException)
            {
                // Removed under our eyes.
            }
        }
        processes.Remove(Holder);
        return processes;
    }

    /// <summary>Kills what is in it and removes it.</summary>
    public void Dispose()
    {
        Holder = 0;
        File.WriteAllText(Path.Combine(Top, "cgroup.kill"), "1");
        // cgroup.procs does not list those that are about to die; the directory stays busy until they have.
        Eventually.True(() => File.ReadAllText(Path.Combine(Top, "cgroup.events")).Contains("populated 0", StringComparison.Ordinal), "the cgroup still has processes after cgroup.kill");
        foreach (var directory in Directory.GetDirectories(Top, "*", SearchOption.AllDirectories).OrderByDescending(d => d.Length).Append(Top))
        {
            Directory.Delete(directory);
        }
    }
}
