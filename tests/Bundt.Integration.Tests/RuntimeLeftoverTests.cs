using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>Many containers one after another and at once: none leaves a directory, cgroup, mount or process, and they do not wait for one another.</summary>
public sealed class RuntimeLeftoverTests : RuntimeFixture
{
    [Test]
    public void A_hundred_lives_one_after_another_leave_nothing()
    {
        Configure(["sleep", "1000"]);
        var mounts = Mounts();
        for (var round = 0; round < 100; round++)
        {
            Detached("create", "-b", Bundle, Id);
            Runtime("start", Id).Ok();
            Runtime("delete", "--force", Id).Ok();
        }

        Assert.That(Mounts(), Is.EqualTo(mounts));
        Assert.That(Left(), Is.Empty);
    }

    [Test]
    public void Thirty_two_at_once_come_and_go_without_a_trace()
    {
        Configure(["sleep", "1000"]);
        var mounts = Mounts();
        var ids = Enumerable.Range(0, 32).Select(number => string.Create(CultureInfo.InvariantCulture, $"{Id}-{number}")).ToArray();
        AtOnce(ids, id => Detached("create", "-b", Bundle, id));
        Assert.That(Runtime("list", "-q").Ok().Lines, Is.EquivalentTo(ids));
        AtOnce(ids, id => Runtime("start", id).Ok());
        AtOnce(ids, id => Runtime("exec", id, "true").Ok());
        AtOnce(ids, id => Runtime("kill", id, "KILL").Ok());
        AtOnce(ids, id => Eventually.True(() => Runtime("delete", id).ExitCode == 0, $"{id} cannot be deleted", 30));
        Assert.That(Mounts(), Is.EqualTo(mounts));
        Assert.That(Left(), Is.Empty);
    }

    [Test]
    public void Of_many_that_want_one_id_at_once_one_gets_it()
    {
        Configure(["sleep", "1000"]);
        var codes = new int[8];
        AtOnce([.. Enumerable.Range(0, codes.Length).Select(number => $"{number}")], number =>
        {
            // A file as stdio: the one that is created keeps it open.
            var line = $"exec '{Paths.Program("bundt-runtime")}' --root '{Path.Combine(Directory, "state")}' create -b '{Bundle}' {Id} </dev/null >/dev/null 2>'{Directory}/stderr{number}'";
            codes[int.Parse(number, CultureInfo.InvariantCulture)] = new Command("/bin/sh", "-c", line).Run().ExitCode;
        });
        Assert.That(codes.Count(code => code == 0), Is.EqualTo(1));
        for (var number = 0; number < codes.Length; number++)
        {
            Assert.That(codes[number] == 0 || File.ReadAllText($"{Directory}/stderr{number}").Contains("container with given ID already exists", StringComparison.Ordinal));
        }

        Assert.That(Status(), Is.EqualTo("created"), "those that were refused have done it no harm");
        Runtime("start", Id).Ok();
        Assert.That(Status(), Is.EqualTo("running"));
    }

    [Test]
    public void Deletions_at_once_end_at_once_and_all_find_it_gone()
    {
        Configure(["sleep", "1000"]);
        for (var round = 0; round < 25; round++)
        {
            Detached("create", "-b", Bundle, Id);
            var clock = Stopwatch.StartNew();
            AtOnce(["1", "2", "3", "4"], _ => Runtime("delete", "-f", Id).Ok());
            Assert.That(clock.Elapsed.TotalSeconds, Is.LessThan(8));
        }

        Assert.That(Left(), Is.Empty);
    }

    [TestCase(false)]
    [TestCase(true)]
    public void A_creation_that_is_killed_while_a_hook_runs_can_be_deleted_and_done_again(bool again)
    {
        Configure(["sleep", "1000"], config => config["hooks"] = new JsonObject
        {
            ["createRuntime"] = new JsonArray(new JsonObject { ["path"] = "/bin/sh", ["args"] = new JsonArray("sh", "-c", $"echo $$ > '{Directory}/hook'; exec sleep 1000") }),
        });
        File.Delete(Directory + "/hook");
        using var create = new Command(Paths.Program("bundt-runtime"), "--root", Path.Combine(Directory, "state"), "create", "-b", Bundle, Id).Start();
        Eventually.True(() => File.Exists(Directory + "/hook") && File.ReadAllText(Directory + "/hook").EndsWith('\n'), "the hook does not run");
        var hook = File.ReadAllText(Directory + "/hook").Trim();
        Assert.That(Runtime("delete", Id).Exits(1).Stderr, Does.Contain($"container {Id} is being created"));
        Assert.That(Runtime("create", "-b", Bundle, Id).Exits(1).Stderr, Does.Contain("container with given ID already exists"));
        create.Kill();
        Eventually.True(() => !File.Exists($"/proc/{create.Id}/fd/0"), "the creator does not end");
        new Command("/bin/kill", "-KILL", hook).Run().Ok();
        if (again)
        {
            Configure(["sleep", "1000"]);
            Detached("create", "-b", Bundle, Id);
            Assert.That(Status(), Is.EqualTo("created"));
        }

        Runtime("delete", Id).Ok();
        Assert.That(Left(), Is.Empty);
        Assert.That(Runtime("delete", Id).Exits(1).Stderr, Does.Contain("container does not exist"));
    }

    [TestCase(false)]
    [TestCase(true)]
    public void A_creation_that_fails_removes_the_resctrl_group_that_it_has_made_and_no_other(bool isThere)
    {
        Configure(["true"], config => config["linux"]!["intelRdt"] = new JsonObject());

        // A tmpfs plays the file system: the group can be made, but has no file "tasks".
        var script = $"""
            set -e
            mkdir '{Directory}/cgroup'; mount --rbind /sys/fs/cgroup '{Directory}/cgroup'; mount -t tmpfs fs /sys/fs
            mkdir /sys/fs/cgroup /sys/fs/resctrl; mount --rbind '{Directory}/cgroup' /sys/fs/cgroup; umount -l '{Directory}/cgroup'; rmdir '{Directory}/cgroup'
            touch /sys/fs/resctrl/schemata; mkdir -p /sys/fs/resctrl/{(isThere ? Id : "other")}
            '{Paths.Program("bundt-runtime")}' --root '{Path.Combine(Directory, "state")}' create -b '{Bundle}' {Id} || ls /sys/fs/resctrl
            """;
        var result = new Command("unshare", "-m", "/bin/sh", "-c", script).Run().Ok();
        Assert.That(result.Stderr, Does.Contain("write pid linux.intelRdt"));
        Assert.That(result.Lines, Is.EqualTo([isThere ? Id : "other", "schemata"]));
    }

    private static void AtOnce(string[] ids, Action<string> act)
    {
        var failures = new List<Exception>();
        var threads = ids.Select(id => new Thread(() =>
        {
            try
            {
                act(id);
            }
            catch (Exception e)
            {
                lock (failures)
                {
                    failures.Add(e);
                }
            }
        })).ToArray();
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.That(failures, Is.Empty);
    }

    // Of this test alone: others may run on the machine.
    private string[] Left() =>
    [
        .. System.IO.Directory.GetDirectories(CgroupTree.Mount, "*", SearchOption.AllDirectories).Where(path => Path.GetFileName(path).StartsWith(Id, StringComparison.Ordinal)),
        .. System.IO.Directory.GetDirectories(Path.Combine(Directory, "state")).Where(path => !Path.GetFileName(path).StartsWith('.')),
        .. Process.GetProcesses().Where(process => RootOf(process.Id).StartsWith(Rootfs, StringComparison.Ordinal)).Select(process => $"process {process.Id}"),
    ];

    private int Mounts() => File.ReadLines("/proc/self/mountinfo").Count(line => line.Contains(Directory, StringComparison.Ordinal));

    private static string RootOf(int pid)
    {
        try
        {
            return new FileInfo($"/proc/{pid}/root").LinkTarget ?? "";
        }
        catch (IOException)
        {
            return "";
        }
    }
}
