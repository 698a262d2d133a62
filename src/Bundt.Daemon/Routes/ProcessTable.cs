using System.Globalization;
using Bundt.Daemon.Json;
using Bundt.Daemon.Server;
using Bundt.Linux;

namespace Bundt.Daemon.Routes;

/// <summary>The processes of a container as ps would show them, read from /proc: nothing is executed for it.</summary>
internal static class ProcessTable
{
    /// <summary>USER_HZ, which /proc/PID/stat counts in on every architecture .NET runs on.</summary>
    private const int TicksPerSecond = 100;

    private static readonly string[] s_full = ["uid", "pid", "ppid", "c", "stime", "tty", "time", "cmd"];
    private static readonly string[] s_user = ["user", "pid", "%cpu", "%mem", "vsz", "rss", "tty", "stat", "start", "time", "command"];

    /// <summary>The table for ps arguments: "-ef" (docker's default), "aux", or "-o" with a list of columns.</summary>
    /// <exception cref="BundtException">InvalidArgument for anything else.</exception>
    public static TopAnswer Of(string containerId, string arguments)
    {
        string[] columns = Columns(arguments);
        string cgroup = "/bundt/" + containerId;
        Dictionary<uint, string> users = Users();
        (double uptime, DateTimeOffset now) = (Uptime(), DateTimeOffset.Now);
        List<IReadOnlyList<string>> rows = [];
        foreach (string directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out int pid)
                && Row(pid, cgroup, columns, users, uptime, now) is { } row)
            {
                rows.Add(row);
            }
        }

        return new TopAnswer(rows, [.. columns.Select(static column => column.ToUpperInvariant())]);
    }

    private static string[] Columns(string arguments)
    {
        string[] words = arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words switch
        {
            ["-ef" or "ef" or "-fe"] => s_full,
            ["aux" or "-aux"] => s_user,
            ["-o" or "-eo" or "o" or "-efo", .. var lists] when lists.Length > 0 => Named(lists),
            ["-e" or "-ef", "-o", .. var lists] when lists.Length > 0 => Named(lists),
            _ => throw ApiRequest.Malformed($"unknown ps options \"{arguments}\": Bundt reads /proc itself and knows -ef, aux and -o COLUMN,…"),
        };
    }

    private static string[] Named(string[] lists)
    {
        string[] columns = string.Join(',', lists).Split(',', StringSplitOptions.RemoveEmptyEntries);
        foreach (string column in columns)
        {
            if (column is not ("pid" or "ppid" or "uid" or "user" or "c" or "stime" or "start" or "tty" or "time" or "cmd" or "command" or "args"
                or "comm" or "rss" or "vsz" or "stat" or "%cpu" or "pcpu" or "%mem" or "pmem" or "etimes"))
            {
                throw ApiRequest.Malformed($"unknown ps column \"{column}\"");
            }
        }

        return columns;
    }

    private static string[]? Row(int pid, string cgroup, string[] columns, Dictionary<uint, string> users, double uptime, DateTimeOffset now)
    {
        try
        {
            string root = string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/");
            if (!IsMember(File.ReadAllText(root + "cgroup"), cgroup))
            {
                return null;
            }

            string stat = File.ReadAllText(root + "stat");
            int open = stat.IndexOf('(', StringComparison.Ordinal);
            int close = stat.LastIndexOf(')');
            string name = stat[(open + 1)..close];
            string[] fields = stat[(close + 2)..].Split(' '); // fields[0] is field 3 of proc(5)
            string commandLine = File.ReadAllText(root + "cmdline").Replace('\0', ' ').TrimEnd();
            string owner = OwnerOf(File.ReadAllText(root + "status"), users);
            double started = double.Parse(fields[19], CultureInfo.InvariantCulture) / TicksPerSecond;
            double age = Math.Max(uptime - started, 0.01);
            double busy = (double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond;
            DateTimeOffset start = now - TimeSpan.FromSeconds(age);
            long resident = long.Parse(fields[21], CultureInfo.InvariantCulture) * Environment.SystemPageSize;
            return
            [
                .. columns.Select(column => column switch
                {
                    "pid" => pid.ToString(CultureInfo.InvariantCulture),
                    "ppid" => fields[1],
                    "uid" or "user" => owner,
                    "c" => ((int)(busy * 100 / age)).ToString(CultureInfo.InvariantCulture),
                    "%cpu" or "pcpu" => (busy * 100 / age).ToString("0.0", CultureInfo.InvariantCulture),
                    "%mem" or "pmem" => (resident * 100.0 / GC.GetGCMemoryInfo().TotalAvailableMemoryBytes).ToString("0.0", CultureInfo.InvariantCulture),
                    "stime" or "start" => start.ToString(age < 86400 ? "HH:mm" : "MMMdd", CultureInfo.InvariantCulture),
                    "tty" => Terminal(int.Parse(fields[4], CultureInfo.InvariantCulture)),
                    "time" => TimeSpan.FromSeconds(busy).ToString(@"hh\:mm\:ss", CultureInfo.InvariantCulture),
                    "etimes" => ((long)age).ToString(CultureInfo.InvariantCulture),
                    "rss" => (resident / 1024).ToString(CultureInfo.InvariantCulture),
                    "vsz" => (long.Parse(fields[20], CultureInfo.InvariantCulture) / 1024).ToString(CultureInfo.InvariantCulture),
                    "stat" => fields[0],
                    "comm" => name,
                    _ => commandLine.Length == 0 ? $"[{name}]" : commandLine,
                }),
            ];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null; // it has ended meanwhile
        }
    }

    private static bool IsMember(string cgroups, string wanted)
    {
        foreach (ReadOnlySpan<char> line in cgroups.AsSpan().EnumerateLines())
        {
            if (line.StartsWith("0::", StringComparison.Ordinal))
            {
                ReadOnlySpan<char> path = line[3..];
                int at = path.IndexOf(wanted, StringComparison.Ordinal); // the tree may begin anywhere: the id makes it unique
                return at >= 0 && (path.Length == at + wanted.Length || path[at + wanted.Length] == '/');
            }
        }

        return false;
    }

    private static string OwnerOf(string status, Dictionary<uint, string> users)
    {
        foreach (ReadOnlySpan<char> line in status.AsSpan().EnumerateLines())
        {
            if (line.StartsWith("Uid:", StringComparison.Ordinal))
            {
                ReadOnlySpan<char> numbers = line[4..].TrimStart();
                ReadOnlySpan<char> effective = numbers[(numbers.IndexOf('\t') + 1)..];
                uint uid = uint.Parse(effective[..effective.IndexOf('\t')], CultureInfo.InvariantCulture);
                return users.TryGetValue(uid, out string? name) ? name : uid.ToString(CultureInfo.InvariantCulture);
            }
        }

        return "?";
    }

    private static string Terminal(int device)
    {
        // proc(5): the minor number is in bits 31 to 20 and 7 to 0, the major in 15 to 8. Majors 136 to 143 are pts.
        int major = (device >> 8) & 0xff;
        int minor = (device & 0xff) | ((device >> 12) & 0xfff00);
        return major is >= 136 and <= 143 ? string.Create(CultureInfo.InvariantCulture, $"pts/{((major - 136) << 8) + minor}") : "?";
    }

    private static double Uptime()
    {
        string text = File.ReadAllText("/proc/uptime");
        return double.Parse(text.AsSpan(0, text.IndexOf(' ', StringComparison.Ordinal)), CultureInfo.InvariantCulture);
    }

    /// <summary>Names of the host's users, as docker's ps on the host shows them.</summary>
    private static Dictionary<uint, string> Users()
    {
        Dictionary<uint, string> users = [];
        if (!File.Exists("/etc/passwd"))
        {
            return users;
        }

        foreach (string line in File.ReadLines("/etc/passwd"))
        {
            string[] fields = line.Split(':');
            if (fields.Length > 2 && uint.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out uint uid))
            {
                users.TryAdd(uid, fields[0]);
            }
        }

        return users;
    }
}
