using System.Text.Json.Nodes;
using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>What config.json asks for, as the container finds it.</summary>
public sealed class RuntimeConfigTests : RuntimeFixture
{
    private static void Without(JsonNode config, string kind)
    {
        var namespaces = config["linux"]!["namespaces"]!.AsArray();
        namespaces.Remove(namespaces.Single(entry => entry!["type"]!.GetValue<string>() == kind));
    }

    [Test]
    public void A_container_in_the_callers_mount_namespace_lives_on_its_own_directory()
    {
        const string Script = """
            "$0" --root "$1" run -b "$2" "$3" </dev/null && grep -c " $2/rootfs" /proc/self/mountinfo
            umount -R "$2/rootfs" && ! grep " $2/rootfs" /proc/self/mountinfo
            """;
        Configure(["sh", "-c", "echo $(ls /bin/busybox /proc/self/exe)"], config =>
        {
            Without(config, "mount");
            config["linux"]!["maskedPaths"] = new JsonArray();
            config["linux"]!["readonlyPaths"] = new JsonArray();
        });
        var result = new Command(
            "/usr/bin/unshare", "-m", "sh", "-c", Script, Paths.Program("bundt-runtime"), Path.Combine(Directory, "state"), Bundle, Id).Run().Ok();
        Assert.That(result.Lines[0], Is.EqualTo("/bin/busybox /proc/self/exe"));
        Assert.That(int.Parse(result.Lines[1], System.Globalization.CultureInfo.InvariantCulture), Is.GreaterThan(1));
    }
}
