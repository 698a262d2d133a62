using System.Text;
using Bundt.Linux;
using Bundt.Runtime.Spec;

namespace Bundt.Runtime.Tests.Spec;

/// <summary>Users and groups from a container's own files.</summary>
public sealed class UserDatabaseTests
{
    private static readonly UserDatabase s_users = UserDatabase.Parse(
        Encoding.UTF8.GetBytes(
            "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n1:x:0:0::/evil:/bin/sh\nbad:x::0::/:\nhuge:x:4294967296:0::/:\nshort:x\n"),
        Encoding.UTF8.GetBytes("root:x:0:\nwheel:x:10:alice,bob\naudio:x:29:alice\nbad:x:nonsense:alice\n"));

    [TestCase("", 0u, 0u, "0", "/root")]
    [TestCase("alice", 1000u, 1000u, "1000 10 29", "/home/alice")]
    [TestCase("1000", 1000u, 1000u, "1000 10 29", "/home/alice")]
    [TestCase("alice:wheel", 1000u, 10u, "10", "/home/alice")]
    [TestCase("4242", 4242u, 0u, "0", "/")]
    [TestCase("4242:4343", 4242u, 4343u, "4343", "/")]
    [TestCase("1", 1u, 0u, "0", "/")]
    [TestCase("0:5", 0u, 5u, "5", "/root")]
    public void A_user_resolves(string user, uint uid, uint gid, string groups, string home)
    {
        var resolved = s_users.Resolve(user, []);
        Assert.That((resolved.Uid, resolved.Gid, string.Join(' ', resolved.AdditionalGids), resolved.Home), Is.EqualTo((uid, gid, groups, home)));
    }

    [Test]
    public void Groups_are_added_by_name_and_number() =>
        Assert.That(s_users.Resolve("4242", ["audio", "77", "77"]).AdditionalGids, Is.EqualTo(new uint[] { 0, 29, 77 }));

    [TestCase("nobody")]
    [TestCase("bad")]
    [TestCase("huge")]
    [TestCase(" 1")]
    [TestCase("0x0")]
    [TestCase("alice:nogroup")]
    [TestCase("4294967296")]
    [TestCase("2147483648")]
    [TestCase("-1")]
    [TestCase("99999999999999999999")]
    [TestCase("0:-1")]
    public void What_names_nobody_is_refused(string user) =>
        Assert.That(Assert.Throws<BundtException>(() => s_users.Resolve(user, []))!.Kind, Is.EqualTo(FailureKind.InvalidArgument));
}
