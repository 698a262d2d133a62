namespace Bundt.Integration.Tests.Fixtures;

/// <summary>Images of rootfs-fixtures, built when first asked for.</summary>
public static class Fixture
{
    private static readonly Lock s_lock = new();
    private static readonly HashSet<string> s_built = [];

    /// <summary>The OCI archive of an image. The recipe's program decides whether it must be built anew.</summary>
    public static string Archive(string name)
    {
        lock (s_lock)
        {
            if (Environment.GetEnvironmentVariable("BUNDT_FIXTURES") is null && s_built.Add(name))
            {
                new Command(Path.Combine(Paths.Repository, "rootfs-fixtures", "build"), "-o", Paths.Fixtures, name).Within(900).Run().Ok();
            }
            return Path.Combine(Paths.Fixtures, name + ".tar");
        }
    }
}
