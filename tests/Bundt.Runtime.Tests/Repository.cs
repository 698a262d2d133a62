namespace Bundt.Runtime.Tests;

/// <summary>Where the sources and what is built from them stand.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    public static string Launcher => Environment.GetEnvironmentVariable("BUNDT_LAUNCHER") ?? Path.Combine(Root, "out/libexec/bundt-launcher");

    private static string Find()
    {
        var directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "Runtime.sln")))
        {
            directory = Path.GetDirectoryName(directory) ?? throw new InvalidOperationException("not inside the repository");
        }

        return directory;
    }
}
