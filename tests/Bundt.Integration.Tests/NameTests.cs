using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using Bundt.Integration.Tests.Fixtures;
using NUnit.Framework.Interfaces;

namespace Bundt.Integration.Tests;

/// <summary>Names in networks that users make, and containers that come into networks and leave them. The host's resolver is a dnsmasq on its loopback interface.</summary>
public sealed class NameTests
{
    // An /etc of its own, which the test changes through the daemon's root.
    private const string Prepare = """
        mkdir "$ROOT/../up" "$ROOT/../work"
        mount -t overlay overlay -o "lowerdir=/etc,upperdir=$ROOT/../up,workdir=$ROOT/../work" /etc
        rm -f /etc/resolv.conf; echo 'nameserver 127.0.0.1' > /etc/resolv.conf
        """;

    private const string AskOverTcp = """
        import socket, struct, sys
        name = b"".join(bytes([len(label)]) + label.encode() for label in sys.argv[2].split("."))
        query = struct.pack(">6H", 7, 0x100, 1, 0, 0, 0) + name + struct.pack(">BHH", 0, 16, 1)
        server = socket.create_connection((sys.argv[1], 53), 10)
        server.sendall(struct.pack(">H", len(query)) + query)
        stream = server.makefile("rb")
        print(stream.read(*struct.unpack(">H", stream.read(2))))
        """;

    private readonly List<Process> _resolvers = [];
    private Daemon _daemon = null!;

    [OneTimeSetUp]
    public void StartDaemon()
    {
        _daemon = new Daemon(Prepare, [], ownNetwork: true);
        _daemon.Load("busybox");
        Resolve("127.0.0.1", "--address=/world.example/192.0.2.7", "--address=/world.example/2001:db8::7", "--txt-record=big.example," + string.Join(',', Enumerable.Range(0, 8).Select(i => new string((char)('a' + i), 200))));
    }

    [OneTimeTearDown]
    public void EndDaemon()
    {
        foreach (var resolver in _resolvers)
        {
            resolver.Kill();
            resolver.WaitForExit();
            resolver.Dispose();
        }

        _daemon?.Dispose();
    }

    [TearDown]
    public void NothingIsLeft()
    {
        if (TestContext.CurrentContext.Result.Outcome.Status == TestStatus.Failed)
        {
            TestContext.Out.WriteLine($"--- daemon ---\n{_daemon.Log()}");
        }

        foreach (var id in Bundt("ps", "-aq").Lines)
        {
            Bundt("rm", "-f", id).Ok();
        }

        Bundt("network", "prune", "-f").Ok();
    }

    private Result Bundt(params IEnumerable<string> arguments) => _daemon.Bundt(arguments).Run();

    private Result Docker(params string[] arguments) => _daemon.Docker(arguments).Run();

    private Result Exec(string container, params string[] command) => Bundt(["exec", container, .. command]);

    private void Sleep(string name, params string[] options) => Bundt(["run", "-d", "--name", name, .. options, "busybox", "sleep", "1000"]).Ok();

    /// <summary>What a container is told, in the order of the answer: addresses, or names for an address; nothing where there is no answer.</summary>
    private string[] Lookup(string container, params string[] query) =>
        [.. Exec(container, ["nslookup", .. query]).Lines
            .Where(line => line.StartsWith("Address: ", StringComparison.Ordinal) || line.Contains("name = ", StringComparison.Ordinal))
            .Select(line => line.Split(' ')[^1])];

    private string Address(string container, string network, string member = "IPAddress") =>
        Bundt("inspect", "-f", $"{{{{(index .NetworkSettings.Networks \"{network}\").{member}}}}}", container).Ok().Text;

    private string File(string container, string path) => Exec(container, "cat", path).Ok().Stdout;

    private void Resolve(string address, params string[] records)
    {
        _resolvers.Add(_daemon.OnHost([
            "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=root", "--no-resolv", "--no-hosts", "--bind-interfaces", $"--listen-address={address}", .. records]).Start());
        Eventually.True(() => _daemon.OnHost("ss", "-Hlnu", "src", $"{address}:53").Run().Lines.Length > 0, "dnsmasq does not listen");
    }

    [Test]
    public void Containers_find_each_other_by_every_name_they_have()
    {
        Bundt("network", "create", "--ipv6", "--subnet", "10.90.0.0/24", "--subnet", "fd00:90::/64", "shop").Ok();
        Sleep("web", "--network", "shop", "--hostname", "counter", "--network-alias", "www");
        Sleep("till", "--network", "shop", "--network-alias", "www");
        string[] web = ["10.90.0.2", "fd00:90::2"];
        var id = Bundt("inspect", "-f", "{{.Id}}", "web").Ok().Text[..12];
        foreach (var name in (string[])["web", "WEB", "counter", id, "web.shop"])
        {
            Assert.That(Lookup("till", name), Is.EquivalentTo(web), name);
        }

        Assert.That(Lookup("till", "-type=a", "web"), Is.EqualTo(web[..1]));
        Assert.That(Lookup("till", "-type=aaaa", "web"), Is.EqualTo(web[1..]));
        Assert.That(Lookup("till", "10.90.0.2"), Is.EqualTo(new[] { "web.shop" }));
        Assert.That(Lookup("till", "fd00:90::2"), Is.EqualTo(new[] { "web.shop" }));
        var first = Enumerable.Range(0, 4).Select(_ => Lookup("till", "-type=a", "www")).ToList();
        Assert.That(first, Is.All.EquivalentTo(new[] { "10.90.0.2", "10.90.0.3" }));
        Assert.That(first.Select(answer => answer[0]).Distinct().Count(), Is.EqualTo(2));
        Assert.That(Lookup("till", "-type=a", "nobody"), Is.Empty);
        Bundt("rename", "web", "stand").Ok();
        Assert.That(Lookup("till", "-type=a", "stand"), Is.EqualTo(web[..1]));
        Assert.That(Lookup("till", "-type=a", "web"), Is.Empty);
        Bundt("rm", "-f", "stand").Ok();
        Assert.That(Lookup("till", "-type=a", "www"), Is.EqualTo(new[] { "10.90.0.3" }));
    }

    [Test]
    public void A_container_sees_the_names_of_all_its_networks_and_of_no_other()
    {
        foreach (var network in (string[])["shop", "vault", "yard"])
        {
            Bundt("network", "create", network).Ok();
        }

        Sleep("web", "--network", "shop", "--network", "vault");
        Sleep("till", "--network", "shop");
        Sleep("safe", "--network", "vault", "--network-alias", "gold");
        Sleep("dog", "--network", "yard");
        Assert.That(Lookup("web", "-type=a", "till"), Is.EqualTo(new[] { Address("till", "shop") }));
        Assert.That(Lookup("web", "-type=a", "gold"), Is.EqualTo(new[] { Address("safe", "vault") }));
        Assert.That(Lookup("web", Address("safe", "vault")), Is.EqualTo(new[] { "safe.vault" }));
        Assert.That(Lookup("till", "-type=a", "gold"), Is.Empty);
        Assert.That(Lookup("safe", "-type=a", "web"), Is.EqualTo(new[] { Address("web", "vault") }));
        Assert.That(Lookup("dog", "-type=a", "web"), Is.Empty);

        // Another network's server is no way around that.
        Assert.That(Exec("dog", "nslookup", "-type=a", "web", Address("web", "shop", "Gateway")).Stdout, Does.Contain("REFUSED"));
    }

    [Test]
    public void Other_names_are_the_hosts_resolvers_to_answer_whichever_they_are_at_that_moment_and_an_internal_network_asks_nobody()
    {
        Bundt("network", "create", "shop").Ok();
        Bundt("network", "create", "--internal", "vault").Ok();
        Sleep("web", "--network", "shop");
        Sleep("safe", "--network", "vault");
        Assert.That(File("web", "/etc/resolv.conf"), Is.EqualTo($"nameserver {Address("web", "shop", "Gateway")}\noptions ndots:0\n"));
        Assert.That(Lookup("web", "world.example"), Is.EquivalentTo(new[] { "192.0.2.7", "2001:db8::7" }));
        Assert.That(Lookup("safe", "world.example"), Is.Empty);
        Assert.That(Lookup("safe", "-type=a", "safe"), Is.EqualTo(new[] { Address("safe", "vault") }));

        // More than a datagram holds: all of it comes back over TCP.
        var pid = Bundt("inspect", "-f", "{{.State.Pid}}", "web").Ok().Text;
        Assert.That(
            new Command("nsenter", "-t", pid, "--net", "python3", "-c", AskOverTcp, Address("web", "shop", "Gateway"), "big.example").Run().Ok().Stdout,
            Does.Contain(new string('a', 200)).And.Contain(new string('h', 200)));

        Resolve("127.0.0.8", "--address=/world.example/198.51.100.8");
        var file = $"/proc/{_daemon.Pid}/root/etc/resolv.conf";
        var before = System.IO.File.ReadAllText(file);
        System.IO.File.WriteAllText(file, "nameserver 127.0.0.8\n");
        try
        {
            Eventually.True(() => Lookup("web", "-type=a", "world.example") is ["198.51.100.8"], "the change of resolv.conf is not followed");
        }
        finally
        {
            System.IO.File.WriteAllText(file, before);
        }

        Eventually.True(() => Lookup("web", "-type=a", "world.example") is ["192.0.2.7"], "the change of resolv.conf is not followed");
    }

    [Test]
    public void Hosts_and_resolv_conf_are_what_the_user_asks_for()
    {
        Resolve("127.0.0.9", "--address=/own.example/203.0.113.9");
        _daemon.OnHost("ip", "address", "add", "203.0.113.1/32", "dev", "lo").Run().Ok();
        Resolve("203.0.113.1", "--address=/own.example/203.0.113.9");
        Bundt("network", "create", "--subnet", "10.91.0.0/24", "shop").Ok();
        Bundt("network", "create", "--subnet", "10.92.0.0/24", "yard").Ok();
        Sleep("web", "--network", "shop");
        Sleep(
            "till", "--network", "shop", "--network", "yard", "--hostname", "till", "--domainname", "shop.example", "--link", "web:counter", "--dns", "203.0.113.1", "--dns", "127.0.0.77",
            "--dns-search", "one.example", "--dns-search", "two.example", "--dns-option", "timeout:1", "--add-host", "bank:192.0.2.5", "--add-host", "six:fd00::6", "--add-host", "host.docker.internal:host-gateway");
        Assert.That(File("till", "/etc/resolv.conf"), Is.EqualTo("nameserver 10.91.0.1\nnameserver 127.0.0.77\nsearch one.example two.example\noptions timeout:1 ndots:0\n"));
        Assert.That(Lookup("till", "-type=a", "own.example"), Is.EqualTo(new[] { "203.0.113.9" }));

        // The dot: busybox's nslookup asks for a name without one in the search domains alone.
        Assert.That(Lookup("till", "-type=a", "counter."), Is.EqualTo(new[] { "10.91.0.2" }));
        Assert.That(Lookup("web", "-type=a", "counter"), Is.Empty);
        var hosts = File("till", "/etc/hosts");
        Assert.That(hosts, Does.StartWith("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::\tip6-localnet\nff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n192.0.2.5\tbank\nfd00::6\tsix\n"));
        Assert.That(hosts, Does.EndWith("10.91.0.3\ttill.shop.example till\n10.92.0.2\ttill.shop.example till\n"));
        Assert.That(File("till", "/etc/hostname"), Is.EqualTo("till\n"));
        var gateway = hosts.Split('\n').Single(line => line.EndsWith("\thost.docker.internal", StringComparison.Ordinal)).Split('\t')[0];
        Assert.That(_daemon.OnHost("ip", "-o", "address", "show", "to", gateway).Run().Ok().Stdout, Does.Contain("bundt0"));
        Exec("till", "ping", "-c", "1", "-W", "2", gateway).Ok();
        foreach (var (option, value) in (IEnumerable<(string, string)>)[("--dns", "nowhere"), ("--add-host", "a:b"), ("--add-host", ":1.2.3.4"), ("--dns-search", "a b")])
        {
            Assert.That(Bundt("create", "--network", "shop", option, value, "busybox").ExitCode, Is.EqualTo(125), $"{option} {value}");
        }
    }

    [Test]
    public void Names_are_answered_again_as_soon_as_a_daemon_is_back()
    {
        Bundt("network", "create", "--ipv6", "shop").Ok();
        Sleep("web", "--network", "shop", "--network-alias", "www");
        Sleep("till", "--network", "shop", "--dns", "127.0.0.1");
        var before = Lookup("till", "www");
        Assert.That(before, Has.Length.EqualTo(2));
        _daemon.Kill();
        _daemon.Start();
        Assert.That(Lookup("till", "www"), Is.EquivalentTo(before));
        Assert.That(Lookup("web", "-type=a", "till"), Is.EqualTo(new[] { Address("till", "shop") }));
        Assert.That(Lookup("web", "-type=a", "world.example"), Is.EqualTo(new[] { "192.0.2.7" }));
        _daemon.Stop();
        _daemon.Start();
        Assert.That(Lookup("till", "www"), Is.EquivalentTo(before));
    }

    [Test]
    public void Where_somebody_else_answers_on_the_bridge_a_container_starts_and_asks_whom_the_host_asks()
    {
        _daemon.OnHost("ip", "address", "add", "198.51.100.1/32", "dev", "lo").Run().Ok();
        Resolve("198.51.100.1", "--address=/world.example/192.0.2.7");
        var file = $"/proc/{_daemon.Pid}/root/etc/resolv.conf";
        var before = System.IO.File.ReadAllText(file);
        System.IO.File.WriteAllText(file, "nameserver 127.0.0.1\nnameserver 198.51.100.1\n");
        try
        {
            Bundt("network", "create", "--subnet", "10.93.0.0/24", "shop").Ok();
            Resolve("10.93.0.1");
            Sleep("web", "--network", "shop");
            Assert.That(File("web", "/etc/resolv.conf"), Is.EqualTo("nameserver 198.51.100.1\n"));
            Assert.That(_daemon.Log(), Does.Contain("network shop: no names are answered, the name server cannot have port 53 of 10.93.0.1"));
            Assert.That(Lookup("web", "-type=a", "world.example"), Is.EqualTo(new[] { "192.0.2.7" }));
            _resolvers[^1].Kill();
            _resolvers[^1].WaitForExit();
            _resolvers.RemoveAt(_resolvers.Count - 1);
            Sleep("till", "--network", "shop");
            Assert.That(Lookup("till", "-type=a", "web"), Is.EqualTo(new[] { "10.93.0.2" }));
        }
        finally
        {
            System.IO.File.WriteAllText(file, before);
        }
    }

    [Test]
    public void A_running_container_comes_into_networks_and_leaves_them()
    {
        Bundt("network", "create", "--subnet", "10.94.0.0/24", "shop").Ok();
        Bundt("network", "create", "--subnet", "10.95.0.0/24", "--ipv6", "--subnet", "fd00:95::/64", "yard").Ok();
        Sleep("web", "--network", "shop");
        Sleep("dog", "--network", "yard");
        Assert.That(Lookup("web", "-type=a", "dog"), Is.Empty);
        Bundt("network", "connect", "--ip", "10.95.0.50", "--ip6", "fd00:95::50", "--mac-address", "02:00:00:00:00:50", "--alias", "shed", "--link", "dog:rex", "yard", "web").Ok();
        Assert.That(Exec("web", "ip", "-o", "address", "show", "eth1").Ok().Stdout, Does.Contain("10.95.0.50/24").And.Contain("fd00:95::50/64"));
        Assert.That(Exec("web", "ip", "link", "show", "eth1").Ok().Stdout, Does.Contain("02:00:00:00:00:50"));
        Assert.That(Lookup("web", "-type=a", "rex"), Is.EqualTo(new[] { Address("dog", "yard") }));
        Assert.That(Lookup("dog", "-type=aaaa", "shed"), Is.EqualTo(new[] { "fd00:95::50" }));
        Exec("dog", "ping", "-c", "1", "-W", "2", "shed").Ok();
        Assert.That(File("web", "/etc/hosts"), Does.EndWith($"fd00:95::50\t{File("web", "/etc/hostname")}"));
        Assert.That(Exec("web", "ip", "route").Ok().Stdout, Does.Contain("default via 10.94.0.1 dev eth0"));
        Assert.That(Exec("web", "ip", "-6", "route").Ok().Stdout, Does.Contain("default via fd00:95::1 dev eth1"));
        Assert.That(Bundt("network", "connect", "yard", "web").Exits(125).Stderr, Does.Contain("endpoint with name web already exists in network yard"));
        Assert.That(Bundt("network", "connect", "--ip", "10.95.0.50", "yard", "web").ExitCode, Is.EqualTo(125));

        Bundt("network", "disconnect", "shop", "web").Ok();
        Assert.That(Exec("web", "ip", "-o", "link").Ok().Stdout, Does.Not.Contain("eth0"));
        Assert.That(Exec("web", "ip", "route").Ok().Stdout, Does.Contain("default via 10.95.0.1 dev eth1").And.Not.Contain("10.94."));
        Assert.That(File("web", "/etc/hosts"), Does.Not.Contain("10.94."));
        Assert.That(File("web", "/etc/resolv.conf"), Does.StartWith("nameserver 10.95.0.1\n"));
        Assert.That(Lookup("web", "-type=a", "dog"), Is.EqualTo(new[] { Address("dog", "yard") }));
        Assert.That(Lookup("web", "-type=a", "world.example"), Is.EqualTo(new[] { "192.0.2.7" }));
        Assert.That(Bundt("network", "disconnect", "shop", "web").Exits(125).Stderr, Does.Contain("is not connected to the network shop"));
        var id = Bundt("inspect", "-f", "{{.Id}}", "web").Ok().Text;
        Assert.That(
            Docker("events", "--since", "0", "--until", $"{DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 1}", "--filter", "type=network", "--format", "{{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.container}}").Ok()
                .Lines.Where(line => line.EndsWith(id, StringComparison.Ordinal)),
            Is.EqualTo(new[] { $"connect shop {id}", $"connect yard {id}", $"disconnect shop {id}" }));

        // The next daemon, and the next start, know it so.
        _daemon.Kill();
        _daemon.Start();
        Assert.That(Bundt("inspect", "-f", "{{range $name, $network := .NetworkSettings.Networks}}{{$name}} {{$network.IPAddress}} {{$network.MacAddress}}{{end}}", "web").Ok().Text, Is.EqualTo("yard 10.95.0.50 02:00:00:00:00:50"));
        Bundt("restart", "-t", "0", "web").Ok();
        Assert.That(Exec("web", "ip", "-o", "address", "show", "eth0").Ok().Stdout, Does.Contain("10.95.0.50/24"));
        Bundt("network", "disconnect", "yard", "web").Ok();
        Assert.That(Exec("web", "ip", "-o", "link").Ok().Lines, Has.Length.EqualTo(1));
        Bundt("network", "connect", "shop", "web").Ok();
        Exec("web", "ping", "-c", "1", "-W", "2", "10.94.0.1").Ok();
        Bundt("network", "rm", "yard").Exits(125);
        Bundt("rm", "-f", "dog").Ok();
        Bundt("network", "rm", "yard").Ok();
    }

    [Test]
    public void A_stopped_container_is_connected_by_its_next_start()
    {
        Bundt("network", "create", "--subnet", "10.96.0.0/24", "shop").Ok();
        Bundt("network", "create", "--subnet", "10.97.0.0/24", "yard").Ok();
        Bundt("create", "--name", "web", "--network", "shop", "busybox", "sleep", "1000").Ok();
        Bundt("network", "connect", "--ip", "10.97.0.9", "--gw-priority", "1", "yard", "web").Ok();
        Bundt("start", "web").Ok();
        Assert.That(Exec("web", "ip", "-o", "-4", "address", "show", "eth1").Ok().Stdout, Does.Contain("10.97.0.9/24"));
        Assert.That(Exec("web", "ip", "route").Ok().Stdout, Does.Contain("default via 10.97.0.1 dev eth1"));
        Bundt("stop", "-t", "0", "web").Ok();
        Bundt("network", "disconnect", "shop", "web").Ok();
        Bundt("start", "web").Ok();
        Assert.That(Exec("web", "ip", "-o", "-4", "address", "show", "eth0").Ok().Stdout, Does.Contain("10.97.0.9/24"));
        Bundt("run", "-d", "--name", "bare", "--network", "none", "busybox", "sleep", "1000").Ok();
        Assert.That(Bundt("network", "connect", "shop", "bare").Exits(125).Stderr, Does.Contain("private (none) mode"));
        Bundt("run", "-d", "--name", "guest", "--network", "container:web", "busybox", "sleep", "1000").Ok();
        Assert.That(Bundt("network", "connect", "shop", "guest").Exits(125).Stderr, Does.Contain("sharing network namespace"));
        Assert.That(Lookup("guest", "-type=a", "web"), Is.EqualTo(new[] { "10.97.0.9" }));
    }

    [Test]
    public void An_interface_that_is_gone_is_there_again_when_a_daemon_finds_its_container()
    {
        Bundt("network", "create", "--subnet", "10.98.0.0/24", "shop").Ok();
        Bundt("network", "create", "--subnet", "10.99.0.0/24", "yard").Ok();
        Sleep("web", "--network", "shop", "--network", "yard");
        _daemon.Kill();
        foreach (var link in JsonNode.Parse(_daemon.OnHost("ip", "-j", "link").Run().Ok().Stdout)!.AsArray().Select(link => link!["ifname"]!.GetValue<string>()).Where(name => name.StartsWith("veth", StringComparison.Ordinal)))
        {
            _daemon.OnHost("ip", "link", "del", link).Run().Ok();
        }

        _daemon.Start();
        Assert.That(Exec("web", "ip", "-o", "-4", "address").Ok().Stdout, Does.Contain("10.98.0.2/24").And.Contain("10.99.0.2/24"));
        Assert.That(Exec("web", "ip", "route").Ok().Stdout, Does.Contain("default via 10.98.0.1 dev eth0"));
        Assert.That(Lookup("web", "-type=a", "web.yard"), Is.EqualTo(new[] { "10.99.0.2" }));
    }

    [Test]
    public void On_the_default_bridge_links_are_the_only_names_and_the_others_are_the_hosts_resolvers()
    {
        Sleep("web", "--hostname", "stand");
        Sleep("till", "--link", "web:counter");
        var web = Address("web", "bridge");
        Assert.That(File("till", "/etc/resolv.conf"), Is.EqualTo($"nameserver {Address("till", "bridge", "Gateway")}\noptions ndots:0\n"));
        Assert.That(Lookup("till", "-type=a", "world.example"), Is.EqualTo(new[] { "192.0.2.7" }));
        Assert.That(Lookup("till", "-type=a", "web"), Is.Empty);
        Assert.That(File("till", "/etc/hosts"), Does.Contain($"\n{web}\tcounter stand web\n"));
        Exec("till", "ping", "-c", "1", "-W", "2", "counter").Ok();
        Assert.That(Docker("inspect", "-f", "{{.HostConfig.Links}}", "till").Ok().Text, Is.EqualTo("[/web:/till/counter]"));

        // The other one comes back with another address.
        Bundt("stop", "-t", "0", "web").Ok();
        Sleep("squatter");
        Assert.That(Address("squatter", "bridge"), Is.EqualTo(web));
        Bundt("start", "web").Ok();
        Assert.That(File("till", "/etc/hosts"), Does.Contain($"\n{Address("web", "bridge")}\tcounter stand web\n").And.Not.Contain($"\n{web}\t"));
        Bundt("stop", "-t", "0", "web", "till").Ok();
        Assert.That(Bundt("start", "till").Exits(125).Stderr, Does.Contain("Cannot link to a non running container: /web AS /till/counter"));
        Assert.That(Docker("create", "--link", "nobody", "busybox").Exits(1).Stderr, Does.Contain("could not get container for nobody"));

        // A network of one's own: its server answers from then on.
        Bundt("network", "create", "shop").Ok();
        Sleep("safe", "--network", "shop");
        Bundt("network", "connect", "shop", "squatter").Ok();
        Assert.That(Lookup("squatter", "-type=a", "safe"), Is.EqualTo(new[] { Address("safe", "shop") }));
    }

    [Test]
    public void Where_there_is_no_bridge_a_containers_name_server_is_in_itself()
    {
        _daemon.OnHost("ip", "link", "add", "lan0", "up", "type", "veth", "peer", "name", "lan1").Run().Ok();
        _daemon.OnHost("ip", "link", "set", "lan1", "up").Run().Ok();
        Bundt("network", "create", "-d", "macvlan", "-o", "parent=lan0", "--subnet", "10.102.0.0/24", "lan").Ok();
        Bundt("network", "create", "--subnet", "10.103.0.0/24", "shop").Ok();
        Sleep("ship", "--network", "lan", "--network-alias", "boat");
        Sleep("tug", "--network", "lan");
        Sleep("web", "--network", "shop");
        Assert.That(File("tug", "/etc/resolv.conf"), Is.EqualTo("nameserver 127.0.0.11\noptions ndots:0\n"));
        string[] ship = [Address("ship", "lan")];
        Assert.That(Lookup("tug", "-type=a", "boat"), Is.EqualTo(ship));
        Assert.That(Lookup("tug", ship[0]), Is.EqualTo(new[] { "ship.lan" }));
        Assert.That(Lookup("tug", "-type=a", "world.example"), Is.EqualTo(new[] { "192.0.2.7" }));
        Assert.That(Lookup("tug", "-type=a", "web"), Is.Empty);
        _daemon.Kill();
        _daemon.Start();
        Assert.That(Lookup("tug", "-type=a", "boat"), Is.EqualTo(ship));
        Bundt("network", "connect", "shop", "tug").Ok();
        Assert.That(File("tug", "/etc/resolv.conf"), Is.EqualTo("nameserver 10.103.0.1\noptions ndots:0\n"));
        Assert.That(Lookup("tug", "-type=a", "web"), Is.EqualTo(new[] { "10.103.0.2" }));
        Assert.That(Lookup("tug", "-type=a", "boat", "127.0.0.11"), Is.EqualTo(ship));
        Bundt("network", "disconnect", "lan", "tug").Ok();
        Assert.That(Lookup("tug", "-type=a", "boat"), Is.Empty);
        Bundt("rm", "-f", "ship", "tug").Ok();
        _daemon.OnHost("ip", "link", "del", "lan0").Run().Ok();
    }

    [Test]
    public void Dockers_client_connects_and_disconnects()
    {
        Docker("network", "create", "--subnet", "10.100.0.0/24", "shop").Ok();
        Docker("network", "create", "--subnet", "10.101.0.0/24", "yard").Ok();
        Docker("run", "-d", "--name", "web", "--network", "shop", "--network-alias", "www", "busybox", "sleep", "1000").Ok();
        Docker("run", "-d", "--name", "till", "--network", "shop", "--link", "web:counter", "busybox", "sleep", "1000").Ok();
        Assert.That(Lookup("till", "-type=a", "counter"), Is.EqualTo(new[] { "10.100.0.2" }));
        Docker("network", "connect", "--ip", "10.101.0.9", "--alias", "shed", "--link", "till:box", "yard", "web").Ok();
        var network = JsonNode.Parse(Docker("inspect", "web").Ok().Stdout)![0]!["NetworkSettings"]!["Networks"]!["yard"]!;
        var id = Docker("inspect", "-f", "{{.Id}}", "web").Ok().Text[..12];
        Assert.That(network["DNSNames"]!.AsArray().Select(name => name!.GetValue<string>()), Is.EqualTo(new[] { "web", "shed", id }));
        Assert.That(network["Aliases"]![0]!.GetValue<string>(), Is.EqualTo("shed"));
        Assert.That(network["Links"]![0]!.GetValue<string>(), Is.EqualTo("till:box"));
        Assert.That(network["IPAMConfig"]!["IPv4Address"]!.GetValue<string>(), Is.EqualTo("10.101.0.9"));
        Assert.That(Docker("network", "inspect", "-f", "{{range .Containers}}{{.Name}} {{.IPv4Address}}{{end}}", "yard").Ok().Text, Is.EqualTo("web 10.101.0.9/24"));
        Assert.That(Docker("network", "connect", "yard", "web").Exits(1).Stderr, Does.Contain("already exists in network yard"));
        Assert.That(Docker("network", "connect", "--ip", "10.101.0.9", "yard", "till").Exits(1).Stderr, Does.Contain("Address already in use"));
        Assert.That(Docker("inspect", "-f", "{{len .NetworkSettings.Networks}}", "till").Ok().Text, Is.EqualTo("1"));
        Docker("network", "disconnect", "-f", "yard", "web").Ok();
        Assert.That(Docker("network", "disconnect", "yard", "web").Exits(1).Stderr, Does.Contain("is not connected to the network yard"));
        Assert.That(Docker("network", "connect", "host", "web").ExitCode, Is.EqualTo(1));
        Assert.That(Docker("network", "connect", "nowhere", "web").Exits(1).Stderr, Does.Contain("network nowhere not found"));
        Assert.That(Docker("network", "connect", "yard", "nobody").Exits(1).Stderr, Does.Contain("No such container: nobody"));
    }
}
