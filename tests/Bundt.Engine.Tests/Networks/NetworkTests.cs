using System.Collections.Concurrent;
using System.Net;
using System.Net.NetworkInformation;
using Bundt.Engine.Containers;
using Bundt.Engine.Networks;
using Bundt.Linux;

namespace Bundt.Engine.Tests.Networks;

public sealed class NetworkTests
{
    private static Network Make(params string[] subnets) => new(new NetworkRecord
    {
        Id = ContainerNames.NewId(),
        Created = DateTimeOffset.UtcNow,
        Settings = new NetworkRequest { Name = "shop" },
        Subnets = [.. subnets.Select(subnet => new SubnetRequest(subnet, null, null, new Dictionary<string, string>()))],
    });

    [Test]
    public void An_address_is_nobody_elses_until_the_container_leaves()
    {
        var network = Make("10.1.1.0/29");
        var (first, second) = (ContainerNames.NewId(), ContainerNames.NewId());
        var endpoint = network.Enter(first, "eth0", [], null);
        Assert.That((endpoint.Ipv4, endpoint.Ipv6), Is.EqualTo((IPAddress.Parse("10.1.1.2"), (IPAddress?)null)));
        Assert.That(() => network.Enter(second, "eth0", [IPAddress.Parse("10.1.1.2")], null),
            Throws.TypeOf<BundtException>().With.Message.Contains($"10.1.1.2 is that of container {first[..12]}").And.Property("Kind").EqualTo(FailureKind.Conflict));
        Assert.That(() => network.Enter(first, "eth0", [], null), Throws.TypeOf<BundtException>().With.Property("Kind").EqualTo(FailureKind.Conflict));
        Assert.That(network.Enter(second, "eth0", [IPAddress.Parse("10.1.1.5")], null).Ipv4, Is.EqualTo(IPAddress.Parse("10.1.1.5")));
        Assert.That((network.Leave(first), network.Leave(first)), Is.EqualTo((endpoint, (Endpoint?)null)));
        Assert.That(network.Enter(ContainerNames.NewId(), "eth0", [], null).Ipv4, Is.EqualTo(endpoint.Ipv4));
    }

    [Test]
    public void A_network_that_is_full_says_so_and_one_of_two_versions_gives_two_addresses()
    {
        var network = Make("10.1.1.0/30", "fd00:9::/64");
        var endpoint = network.Enter(ContainerNames.NewId(), "eth0", [], null);
        Assert.That((endpoint.Ipv4, endpoint.Ipv6), Is.EqualTo((IPAddress.Parse("10.1.1.2"), IPAddress.Parse("fd00:9::2"))));
        Assert.That(() => network.Enter(ContainerNames.NewId(), "eth0", [], null), Throws.TypeOf<BundtException>().With.Message.Contains("no available IPv4 addresses on network shop"));
        Assert.That(() => network.Enter(ContainerNames.NewId(), "eth0", [IPAddress.Parse("10.2.0.1")], null), Throws.TypeOf<BundtException>().With.Message.Contains("10.1.1.0/30, fd00:9::/64"));
        Assert.That(network.Endpoints, Has.Count.EqualTo(1));
    }

    [Test]
    public void Of_many_who_enter_at_once_each_has_its_own()
    {
        var network = Make("10.1.0.0/16");
        var endpoints = new ConcurrentBag<Endpoint>();
        Parallel.For(0, 500, _ => endpoints.Add(network.Enter(ContainerNames.NewId(), "eth0", [], null)));
        Assert.That(endpoints.Select(endpoint => endpoint.Ipv4).Distinct().Count(), Is.EqualTo(500));
        Assert.That(endpoints.Select(endpoint => endpoint.Hardware.GetAddressBytes()[0] & 3), Is.All.EqualTo(2));
        Assert.That(endpoints.Select(endpoint => endpoint.Port.Length), Is.All.LessThanOrEqualTo(15));
    }

    [Test]
    public void A_container_that_runs_already_keeps_what_it_has()
    {
        var network = Make("10.1.1.0/29");
        var adopted = new Endpoint(ContainerNames.NewId(), ContainerNames.NewId(), "eth0", "veth1", PhysicalAddress.Parse("02-00-00-00-00-01"), IPAddress.Parse("10.1.1.2"), null);
        network.Adopt(adopted);
        Assert.That(network.Enter(ContainerNames.NewId(), "eth0", [], null).Ipv4, Is.EqualTo(IPAddress.Parse("10.1.1.3")));
    }

    [TestCase("bridge", "com.docker.network.driver.mtu", "12", "not 68 to 65535")]
    [TestCase("bridge", "com.docker.network.bridge.name", "a-name-that-is-too-long", "no name of an interface")]
    [TestCase("bridge", "com.docker.network.bridge.name", "a\"b", "no name of an interface")]
    [TestCase("bridge", "com.docker.network.bridge.enable_ip_masquerade", "maybe", "neither true nor false")]
    [TestCase("bridge", "com.docker.network.bridge.host_binding_ipv4", "here", "is no address")]
    public void Options_that_mean_nothing_are_refused(string driver, string name, string value, string why) =>
        Assert.That(() => NetworkOptions.Parse(driver, new Dictionary<string, string> { [name] = value }),
            Throws.TypeOf<BundtException>().With.Message.Contains(why).And.Property("Kind").EqualTo(FailureKind.InvalidArgument));
}
