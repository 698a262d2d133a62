using System.Net;
using Bundt.Engine.Networks;
using Bundt.Linux;

namespace Bundt.Engine.Tests.Networks;

public sealed class SubnetTests
{
    private static Subnet Parse(string subnet, string? range = null, string? gateway = null, params (string Name, string Address)[] reserved) =>
        Subnet.Parse(new SubnetRequest(subnet, range, gateway, reserved.ToDictionary(pair => pair.Name, pair => pair.Address)));

    [TestCase("172.20.0.0/16", null, null, "172.20.0.1", "172.20.0.2")]
    [TestCase("172.20.0.0/16", null, "172.20.255.254", "172.20.255.254", "172.20.0.1")]
    [TestCase("172.20.0.0/16", "172.20.5.0/24", null, "172.20.5.0", "172.20.5.1")]
    [TestCase("172.20.7.9/16", null, null, "172.20.0.1", "172.20.0.2")]
    [TestCase("10.0.0.0/8", "10.0.0.0/24", null, "10.0.0.1", "10.0.0.2")]
    [TestCase("fd00:5::/64", null, null, "fd00:5::1", "fd00:5::2")]
    [TestCase("fd00:5::/64", "fd00:5::1:0/112", null, "fd00:5::1:0", "fd00:5::1:1")]
    public void The_gateway_and_the_first_container_have_the_lowest_addresses(string subnet, string? range, string? gateway, string first, string next)
    {
        var parsed = Parse(subnet, range, gateway);
        Assert.That(parsed.Gateway, Is.EqualTo(IPAddress.Parse(first)));
        Assert.That(parsed.Free(_ => false), Is.EqualTo(IPAddress.Parse(next)));
    }

    [Test]
    public void All_addresses_but_the_networks_the_broadcast_the_gateways_and_the_reserved_are_given_and_no_more()
    {
        var subnet = Parse("10.1.1.0/29", null, null, ("printer", "10.1.1.4"));
        var taken = new HashSet<IPAddress>();
        while (subnet.Free(taken.Contains) is { } address)
        {
            taken.Add(address);
        }

        Assert.That(taken.Select(address => address.ToString()), Is.EqualTo(new[] { "10.1.1.2", "10.1.1.3", "10.1.1.5", "10.1.1.6" }));
    }

    [TestCase("10.1.1.0", "invalid subnet: invalid CIDR block \"10.1.1.0\"")]
    [TestCase("10.1.1.0/33", "invalid CIDR block")]
    [TestCase("10.1.1.0/-1", "invalid CIDR block")]
    [TestCase("10.1.1/24/24", "invalid CIDR block")]
    [TestCase("cake", "invalid CIDR block")]
    [TestCase("10.1.1.0/31", "no room for a gateway and a container")]
    [TestCase("224.0.0.0/8", "multicast")]
    [TestCase("ff02::/64", "multicast")]
    public void What_is_no_subnet_is_refused(string subnet, string why) =>
        Assert.That(() => Parse(subnet), Throws.TypeOf<BundtException>().With.Message.Contains(why).And.Property("Kind").EqualTo(FailureKind.InvalidArgument));

    [Test]
    public void What_is_outside_of_the_subnet_is_refused()
    {
        Assert.That(() => Parse("10.1.1.0/24", "10.1.2.0/25"), Throws.TypeOf<BundtException>().With.Message.Contains("not inside of subnet 10.1.1.0/24"));
        Assert.That(() => Parse("10.1.1.0/24", "10.1.0.0/16"), Throws.TypeOf<BundtException>());
        Assert.That(() => Parse("10.1.1.0/24", null, "10.1.2.1"), Throws.TypeOf<BundtException>().With.Message.Contains("not in subnet"));
        Assert.That(() => Parse("10.1.1.0/24", null, "fd00::1"), Throws.TypeOf<BundtException>());
        Assert.That(() => Parse("10.1.1.0/24", null, null, ("a", "10.1.1.1")), Throws.TypeOf<BundtException>().With.Message.Contains("is the gateway's"));
        var subnet = Parse("10.1.1.0/24");
        Assert.That(() => subnet.Check(IPAddress.Parse("10.1.2.5")), Throws.TypeOf<BundtException>().With.Property("Kind").EqualTo(FailureKind.InvalidArgument));
        Assert.That(() => subnet.Check(IPAddress.Parse("10.1.1.1")), Throws.TypeOf<BundtException>().With.Property("Kind").EqualTo(FailureKind.Conflict));
        Assert.That(subnet.Check(IPAddress.Parse("10.1.1.77")), Is.EqualTo(IPAddress.Parse("10.1.1.77")));
    }

    [Test]
    public void A_chosen_subnet_overlaps_none_that_is_taken()
    {
        var taken = new List<IPNetwork> { IPNetwork.Parse("0.0.0.0/0"), IPNetwork.Parse("172.17.5.0/24"), IPNetwork.Parse("172.18.0.0/15") };
        Assert.That(SubnetChoice.Free(false, taken), Is.EqualTo(IPNetwork.Parse("172.20.0.0/16")));
        for (var i = 0; i < 12 + 16; i++)
        {
            taken.Add(SubnetChoice.Free(false, taken));
        }

        Assert.That(taken[^1], Is.EqualTo(IPNetwork.Parse("192.168.240.0/20")));
        Assert.That(() => SubnetChoice.Free(false, taken), Throws.TypeOf<BundtException>().With.Property("Kind").EqualTo(FailureKind.Conflict));
        Assert.That(SubnetChoice.Free(true, taken).BaseAddress.IsIPv6UniqueLocal, Is.True);
    }
}
