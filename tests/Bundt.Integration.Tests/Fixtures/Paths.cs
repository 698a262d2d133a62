using System.Runtime.CompilerServices;

namespace Bundt.Integration.Tests.Fixtures;

/// <summary>Where things are: the repository, what make has built, and a directory of this test run's own.</summary>
public static class Paths
{
    /// <summary>The repository's top.</summary>
    public static string Repository { get; } = FindRepository();

    /// <summary>What is built: $BUNDT_OUT, else out/.</summary>
    public static string Out { get; } = Environment.GetEnvironmentVariable("BUNDT_OUT") ?? Path.Combine(Repository, "out");

    /// <summary>out/bin/NAME.</summary>
    public static string Program(string name) => Path.Combine(Out, "bin", name);

    /// <summary>This run's own directory: short, because sockets live in it; on a disk, because overlays do.</summary>
    public static string Work { get; } = Path.Combine(Environment.GetEnvironmentVariable("TMPDIR") ?? "/tmp", $"bt{Environment.ProcessId}");

    /// <summary>Archives of rootfs-fixtures: $BUNDT_FIXTURES, else out/fixtures.</summary>
    public static string Fixtures { get; } = Environment.GetEnvironmentVariable("BUNDT_FIXTURES") ?? Path.Combine(Out, "fixtures");

    private static string FindRepository([CallerFilePath] string here = "")
    {
        for (var directory = Path.GetDirectoryName(here); directory is not null; directory = Path.GetDirectoryName(directory))
        {
            if (File.Exists(Path.Combine(directory, "Runtime.sln")))
            {
                return directory;
            }
        }
        throw new DirectoryNotFoundException($"No Runtime.sln above {here}");
    }
}
