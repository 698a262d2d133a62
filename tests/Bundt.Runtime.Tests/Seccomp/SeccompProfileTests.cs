using Bundt.Linux.Capabilities;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Seccomp;

namespace Bundt.Runtime.Tests.Seccomp;

/// <summary>Docker's profile and its format.</summary>
public sealed class SeccompProfileTests
{
    private static readonly Version s_kernel = new(6, 1);

    private static LinuxSeccomp Resolve(ulong capabilities, string architecture = "amd64") =>
        SeccompProfile.Docker.Resolve(new CapabilitySet(capabilities), architecture, s_kernel);

    private static HashSet<string> Names(LinuxSeccomp seccomp) => [.. seccomp.Syscalls.Where(rule => rule.Action == "SCMP_ACT_ALLOW").SelectMany(rule => rule.Names)];

    [Test]
    public void It_has_as_many_unconditional_calls_as_mobys() => Assert.That(Resolve(0).Syscalls[0].Names.Distinct().Count(), Is.EqualTo(361));

    [Test]
    public void Dangerous_calls_are_in_no_rule()
    {
        var all = Names(Resolve(ulong.MaxValue));
        Assert.That(all.Intersect(["io_uring_setup", "userfaultfd", "keyctl", "add_key", "kexec_load", "pivot_root", "swapon", "move_pages"]), Is.Empty);
    }

    [TestCase(21, "mount")]
    [TestCase(18, "chroot")]
    [TestCase(19, "pidfd_getfd")]
    [TestCase(39, "bpf")]
    [TestCase(25, "settimeofday")]
    public void A_capability_opens_its_calls(int capability, string call)
    {
        Assert.That(Names(Resolve(0)), Does.Not.Contain(call));
        Assert.That(Names(Resolve(1UL << capability)), Does.Contain(call));
    }

    [Test]
    public void The_architecture_decides_too()
    {
        Assert.That(Names(Resolve(0)), Does.Contain("arch_prctl"));
        Assert.That(Names(Resolve(0, "arm64")), Does.Not.Contain("arch_prctl"));
        Assert.That(Resolve(0, "arm64").Architectures, Is.EqualTo(new[] { "SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM" }));
    }

    [Test]
    public void The_same_capabilities_give_the_same_object()
    {
        var first = SeccompProfile.Docker.Resolve(new CapabilitySet(5));
        var second = SeccompProfile.Docker.Resolve(new CapabilitySet(5));
        Assert.That(second, Is.SameAs(first));
    }

    [Test]
    public void Dockers_format_is_read()
    {
        var profile = SeccompProfile.Parse("""
            {"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":1,"archMap":[{"architecture":"SCMP_ARCH_X86_64","subArchitectures":["SCMP_ARCH_X86"]}],
             "syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW"},{"name":"mount","action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_SYS_ADMIN"]}},
             {"names":["bpf"],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"9.9"}},
             {"names":["clone"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":2114060288,"valueTwo":0,"op":"SCMP_CMP_MASKED_EQ"}],"excludes":{"arches":["s390x"]}}]}
            """u8);
        var resolved = profile.Resolve(CapabilitySet.Empty, "amd64", s_kernel);
        Assert.That(Names(resolved), Is.EquivalentTo(new[] { "read", "clone" }));
        Assert.That(resolved.Architectures, Is.EqualTo(new[] { "SCMP_ARCH_X86_64", "SCMP_ARCH_X86" }));
        Assert.That(Names(profile.Resolve(new CapabilitySet(1UL << 21), "amd64", s_kernel)), Does.Contain("mount"));
    }

    [Test]
    public void A_damaged_profile_names_the_field() =>
        Assert.That(
            Assert.Throws<FormatException>(() => SeccompProfile.Parse("""{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["a"],"action":"X","args":[{"index":9}]}]}"""u8))!.Message,
            Does.StartWith("syscalls[0].args[0].index: "));
}
