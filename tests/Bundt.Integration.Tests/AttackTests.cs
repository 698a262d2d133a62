using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>
/// What has broken out of OCI runtimes is done to bundt-runtime, in user-mode-linux; and to old peers, which it hurts: else it would prove nothing.
/// tests/vm/attacks does it and says there what each attack is; docs/security.md has the table.
/// </summary>
[Category("Vm")]
public sealed class AttackTests
{
    // What hurts the runtimes that Debian 12 has; older peers are in docs/security.md.
    private static readonly (string Peer, string Version, string[] Attacks)[] s_peers =
    [
        ("runc", "runc version 1.1.5+ds1",
            ["dev_is_a_link", "dev_with_mounts_is_a_link", "null_is_a_link", "console_is_a_link", "parameters_are_covered_by_a_tmpfs", "exec_is_traced"]),
        ("crun", "crun version 1.8.1",
            ["dev_is_a_link", "console_is_a_link", "proc_is_a_volume", "parameters_are_covered_by_a_tmpfs", "mount_point_links_into_proc", "exec_is_traced",
             "keys_of_the_caller_are_found", "disk_is_opened", "annotations_become_actions"]),
    ];

    private static readonly string[] s_attacks =
    [
        "dev_is_a_link", "dev_with_mounts_is_a_link", "proc_is_a_link", "sys_is_a_link", "parents_of_devices_are_links", "mount_points_are_links",
        "null_is_a_link", "null_is_missing", "null_is_another_device", "console_is_a_link", "slave_is_a_link",
        "working_directory_is_a_descriptor", "working_directory_is_a_link_to_a_descriptor", "working_directory_of_an_exec_is_a_descriptor",
        "descriptors_reach_the_command", "descriptors_reach_an_exec",
        "proc_is_a_volume", "parameters_are_covered", "parameters_are_covered_by_a_tmpfs", "mount_point_links_into_proc", "oom_score_is_redirected",
        "parameter_names_escape", "program_is_overwritten", "exec_is_looked_into", "exec_is_traced", "container_is_looked_into_by_a_neighbour",
        "mount_points_are_swapped", "rights_of_the_caller_are_kept", "rights_of_an_exec_are_inheritable", "keys_of_the_caller_are_found", "disk_is_opened",
        "programs_of_the_image_run_outside", "annotations_become_actions", "hooks_are_looked_up_in_the_image",
    ];

    private Result _result = null!;

    private static IEnumerable<TestCaseData> Hurt => s_peers.SelectMany(peer => peer.Attacks.Select(attack => new TestCaseData(peer.Peer, peer.Version, attack)));

    [OneTimeSetUp]
    public void Attack()
    {
        var sources = Path.Combine(Paths.Repository, "tests/vm");
        var attacker = Path.Combine(Paths.Work, "attacker");
        new Command("musl-gcc", "-static", "-O2", "-Wall", "-Werror", "-o", attacker, Path.Combine(sources, "attacker.c")).Run().Ok();
        string[] targets = [$"bundt={Paths.Program("bundt-runtime")}", .. s_peers.Select(peer => $"{peer.Peer}={Find(peer.Peer)}:{string.Join(',', peer.Attacks)}")];
        _result = new Command(Path.Combine(sources, "vm-run"), ["-t", "400", "--", Path.Combine(sources, "attacks"), attacker, .. targets]).Within(430).Run();
        TestContext.Progress.WriteLine($"the virtual machine took {_result.Time.TotalSeconds:0} s");
    }

    [Test]
    public void Every_attack_has_its_test() =>
        Assert.That(Of("bundt").Where(line => line[1] is not ("runs" or "is")).Select(line => line[1]), Is.EqualTo(s_attacks), () => $"{_result}");

    [Test]
    public void The_runtime_works_when_nobody_attacks_it() => Assert.That(Said("bundt", "runs"), Is.EqualTo("safe"), () => $"{_result}");

    [TestCaseSource(nameof(s_attacks))]
    public void Bundt_withstands(string attack) => Assert.That(Said("bundt", attack), Is.EqualTo("safe"), () => $"{_result}");

    [TestCaseSource(nameof(Hurt))]
    public void An_old_peer_is_hurt(string peer, string version, string attack)
    {
        if (Said(peer, "is") is var found && found != version)
        {
            Assert.Ignore($"{peer} here is {found}, not {version}");
        }

        Assert.That(Said(peer, attack), Does.StartWith("harmed: "), () => $"{_result}");
    }

    private static string Find(string program) =>
        ((string[])["/usr/bin/", "/usr/sbin/"]).Select(directory => directory + program).FirstOrDefault(File.Exists) ?? "/usr/bin/" + program;

    // The lines are RUNTIME WHAT VERDICT.
    private IEnumerable<string[]> Of(string runtime) =>
        _result.Lines.Select(line => line.TrimEnd('\r').Split(' ', 3)).Where(words => words.Length == 3 && words[0] == runtime);

    private string Said(string runtime, string what) => Of(runtime).SingleOrDefault(line => line[1] == what)?[2] ?? "nothing";
}
