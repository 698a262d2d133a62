using System.Text.Json.Nodes;
using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>What hooks of bundt-runtime find: the container's root, its variables; and what becomes of a container whose hook fails.</summary>
public sealed class RuntimeHookTests : RuntimeFixture
{
    private static Action<JsonNode> Hook(string kind, string script) => config =>
        config["hooks"] = new JsonObject { [kind] = new JsonArray(new JsonObject { ["path"] = "/bin/sh", ["args"] = new JsonArray("sh", "-ec", script) }) };

    [Test]
    public void A_hook_that_enters_the_mount_namespace_finds_the_root_where_the_host_has_it([Values("prestart", "createRuntime")] string kind)
    {
        var script = $"pid=$(grep -o '\"pid\": *[0-9]*' | grep -o '[0-9]*$'); nsenter -m -t $pid test -e {Rootfs}/proc/version; nsenter -m -t $pid touch {Rootfs}/dev/from-hook";
        RunScript("ls /dev/from-hook", Hook(kind, script)).Ok();
        Assert.That(File.Exists(Rootfs + "/dev/from-hook"), Is.False, "it was made on the container's own /dev");
    }

    [Test]
    public void A_create_container_hook_works_in_the_mounted_root() =>
        RunScript("ls /dev/from-hook", Hook("createContainer", $"test -e proc/self; touch dev/from-hook; test -e {Rootfs}/dev/from-hook")).Ok();

    [Test]
    public void A_start_container_hook_without_variables_has_the_processs_own() =>
        RunScript("true", config =>
        {
            config["process"]!["env"]!.AsArray().Add("SAUCE=hot");
            Hook("startContainer", "test $SAUCE = hot; test $HOME = /root")(config);
        }).Ok();

    [Test]
    public void A_poststart_hook_that_fails_ends_and_removes_the_container()
    {
        Configure(["sleep", "1000"], Hook("poststart", "echo burnt; exit 7"));
        Detached("create", "-b", Bundle, Id);
        Assert.That(Runtime("start", Id).Exits(1).Stderr, Does.Contain("error running poststart hook #0: exit status 7: burnt"));
        Assert.That(Runtime("state", Id).Exits(1).Stderr, Does.Contain("does not exist"));
    }

    [Test]
    public void A_poststop_hook_that_fails_is_a_warning_and_keeps_no_other_from_running()
    {
        var trace = Path.Combine(Directory, "poststop");
        var result = RunScript("true", config =>
        {
            Hook("poststop", "echo burnt; exit 7")(config);
            config["hooks"]!["poststop"]!.AsArray().Add(new JsonObject { ["path"] = "/bin/touch", ["args"] = new JsonArray("touch", trace) });
        }).Ok();
        Assert.That(result.Stderr, Does.Contain("warning: error running poststop hook #0: the poststop hook failed with exit code 7: burnt"));
        Assert.That(File.Exists(trace));
    }
}
