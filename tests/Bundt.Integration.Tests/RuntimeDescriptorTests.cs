using System.Text.Json.Nodes;
using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>The descriptors that a container gets.</summary>
public sealed class RuntimeDescriptorTests : RuntimeFixture
{
    [TestCase(null)]
    [TestCase("startContainer")]
    public void A_process_that_waits_for_start_has_nothing_of_the_host_open(string? hook)
    {
        Configure(["sleep", "1000"], config =>
        {
            if (hook is not null)
            {
                config["hooks"] = new JsonObject { [hook] = new JsonArray(new JsonObject { ["path"] = "/bin/true" }) };
            }
        });
        Detached("create", "-b", Bundle, Id);
        var pid = JsonNode.Parse(Runtime("state", Id).Ok().Stdout)!["pid"]!.GetValue<int>();
        var open = System.IO.Directory.GetFiles($"/proc/{pid}/fd").Select(fd => new FileInfo(fd).LinkTarget!).ToList();
        string[] own = ["/memfd:bundt-plan (deleted)", "/memfd:hook-state (deleted)"];
        Assert.That(open.Where(target => !target.EndsWith("/exec.fifo", StringComparison.Ordinal) && !own.Contains(target)), Has.Exactly(3).Items, string.Join(' ', open));
        Runtime("start", Id).Ok();
        Assert.That(Status(), Is.EqualTo("running"));
    }

    [Test]
    public void Of_the_preserved_descriptors_those_that_are_open_arrive_and_nothing_of_ours()
    {
        Configure(["sh", "-c", "for fd in 3 4 5 6 7 8; do test ! -e /proc/self/fd/$fd || echo $fd; done; cat <&7"]);
        File.WriteAllText(Path.Combine(Directory, "seventh"), "seventh\n");
        var result = new Command(
            "/bin/bash", "-c", "exec 3<&- 4</dev/null 5<&- 6<&- 7<\"$1/seventh\" 8<&- \"$0\" --root \"$1/state\" run --preserve-fds 6 -b \"$2\" \"$3\"",
            Paths.Program("bundt-runtime"), Directory, Bundle, Id).Run().Ok();
        Assert.That(result.Lines, Is.EqualTo(new[] { "4", "7", "seventh" }));
    }
}
