using System.Globalization;
using System.Runtime.InteropServices;
using Bundt.Linux;

namespace Bundt.Daemon.Routes;

/// <summary>What info and version say about the host.</summary>
internal static class HostFacts
{
    /// <summary>"6.18.0".</summary>
    public static string KernelVersion { get; } = ReadLine("/proc/sys/kernel/osrelease");

    /// <summary>"amd64", as Go says it.</summary>
    public static string GoArchitecture { get; } = RuntimeInformation.OSArchitecture switch
    {
        Architecture.X64 => "amd64",
        Architecture.Arm64 => "arm64",
        Architecture other => other.ToString().ToLowerInvariant(),
    };

    /// <summary>"x86_64", as uname says it.</summary>
    public static string KernelArchitecture { get; } = RuntimeInformation.OSArchitecture switch
    {
        Architecture.X64 => "x86_64",
        Architecture.Arm64 => "aarch64",
        Architecture other => other.ToString().ToLowerInvariant(),
    };

    /// <summary>The machine's id, or "".</summary>
    public static string MachineId { get; } = ReadLine("/etc/machine-id");

    /// <summary>Name and version out of os-release(5).</summary>
    public static (string Name, string Version) OperatingSystem { get; } = ReadOsRelease();

    /// <summary>Whether IPv4 packets are forwarded.</summary>
    public static bool Ipv4Forwarding => ReadLine("/proc/sys/net/ipv4/ip_forward") == "1";

    /// <summary>Open file descriptors of this daemon.</summary>
    public static int OpenFiles => Directory.GetFiles("/proc/self/fd").Length;

    /// <summary>Memory of the machine.</summary>
    public static long MemoryBytes { get; } = ReadMemory();

    /// <summary>The controllers of the version 2 hierarchy, wherever it is mounted.</summary>
    public static IReadOnlySet<string> CgroupControllers()
    {
        foreach (string line in File.ReadLines("/proc/self/mountinfo"))
        {
            // proc_pid_mountinfo(5): "… mountpoint options [optional] - type source options"
            int separator = line.IndexOf(" - ", StringComparison.Ordinal);
            if (separator > 0 && line.AsSpan(separator + 3).StartsWith("cgroup2 ", StringComparison.Ordinal))
            {
                return ReadLine(line.Split(' ')[4] + "/cgroup.controllers").Split(' ', StringSplitOptions.RemoveEmptyEntries).ToHashSet();
            }
        }

        return new HashSet<string>();
    }

    private static string ReadLine(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private static long ReadMemory()
    {
        foreach (string line in ReadLine("/proc/meminfo").Split('\n'))
        {
            if (line.StartsWith("MemTotal:", StringComparison.Ordinal))
            {
                return long.Parse(line.AsSpan(9, line.Length - 11), NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture) * 1024;
            }
        }

        return 0;
    }

    private static (string Name, string Version) ReadOsRelease()
    {
        string name = "Linux", version = "";
        foreach (string line in ReadLine("/etc/os-release").Split('\n'))
        {
            if (line.StartsWith("PRETTY_NAME=", StringComparison.Ordinal))
            {
                name = line[12..].Trim('"');
            }
            else if (line.StartsWith("VERSION_ID=", StringComparison.Ordinal))
            {
                version = line[11..].Trim('"');
            }
        }

        return (name, version);
    }
}
