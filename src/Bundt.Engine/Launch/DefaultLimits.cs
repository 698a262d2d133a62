namespace Bundt.Engine.Launch;

/// <summary>Limits that a container has without asking.</summary>
internal static class DefaultLimits
{
    private const long DefaultPids = 4096;

    private static readonly Lazy<bool> s_pidsAtHand = new(FindPids);

    /// <summary>Processes and threads; null where no pids controller is at hand: it was not asked for, so its lack is no error.</summary>
    public static long? Pids => s_pidsAtHand.Value ? DefaultPids : null;

    private static bool FindPids()
    {
        foreach (var line in File.ReadLines("/proc/self/mounts"))
        {
            var fields = line.Split(' ');
            if (fields.Length > 2 && fields[2] == "cgroup2")
            {
                try
                {
                    return File.ReadAllText(Path.Combine(fields[1], "cgroup.controllers")).Split((char[])[' ', '\n']).Contains("pids");
                }
                catch (IOException)
                {
                    return false;
                }
            }
        }

        return false;
    }
}
