using System.Diagnostics;
using System.Text.Json.Nodes;
using Bundt.Integration.Tests.Fixtures;
using NUnit.Framework.Interfaces;

namespace Bundt.Integration.Tests;

/// <summary>Published ports, with a host and a client in its LAN, each in a network namespace of its own.</summary>
public sealed class PublishedPortTests
{
    private const string Host = "10.99.0.1", Client = "10.99.0.2", Host6 = "fd99::1", Client6 = "fd99::2";

    // Says who it is and whom it sees.
    private const string Server = """
        mkdir -p /tmp/cgi-bin; printf '#!/bin/sh\na=${REMOTE_ADDR#[}; a=${a%%]}; echo; echo "%s sees ${a#::ffff:}"\n' "$HOSTNAME" > /tmp/cgi-bin/who; chmod +x /tmp/cgi-bin/who
        exec httpd -f -p "${LISTEN:-80}" -h /tmp
        """;

    private Daemon _daemon = null!;
    private Process _client = null!;

    [OneTimeSetUp]
    public void MakeHosts()
    {
        _daemon = new Daemon("", []);
        _client = new Command("unshare", "--net", "sh", "-c", "ip link set lo up; echo ready; exec sleep infinity").Start();
        Assert.That(_client.StandardOutput.ReadLine(), Is.EqualTo("ready"), () => _client.StandardError.ReadToEnd());
        OnHost("ip", "link", "add", "lan", "type", "veth", "peer", "name", "eth0", "netns", $"{_client.Id}");
        foreach (var (ip, device, addresses) in (((string, string, string[])[])[("host", "lan", [$"{Host}/24", $"{Host6}/64"]), ("client", "eth0", [$"{Client}/24", $"{Client6}/64"])]))
        {
            Action<string[]> run = ip == "host" ? command => OnHost(command) : command => OnClient(command).Ok();
            run(["ip", "link", "set", device, "up"]);
            foreach (var address in addresses)
            {
                run(["ip", "addr", "add", address, "dev", device, .. address.Contains(':', StringComparison.Ordinal) ? (string[])["nodad"] : []]);
            }
        }

        // A neighbour who tries it.
        OnClient("ip", "route", "add", "172.16.0.0/12", "via", Host).Ok();
        OnClient("sh", "-c", $"echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet; ip route add 127.9.0.0/16 via {Host}; ip rule add pref 10 lookup local; ip rule del pref 0").Ok();
        _daemon.Load("busybox");
    }

    [OneTimeTearDown]
    public void EndHosts()
    {
        _daemon?.Dispose();
        _client?.Kill();
        _client?.Dispose();
    }

    [TearDown]
    public void NothingIsLeft()
    {
        if (TestContext.CurrentContext.Result.Outcome.Status == TestStatus.Failed)
        {
            TestContext.Out.WriteLine($"--- daemon ---\n{_daemon.Log()}");
        }

        if (Bundt("ps", "-aq").Lines is { Length: > 0 } ids)
        {
            Bundt(["rm", "-f", .. ids]).Ok();
        }

        Bundt("network", "prune", "-f").Ok();
        Eventually.True(() => Elements().Length == 0, () => $"rules are left: {string.Join(", ", Elements())}");
    }

    private Result Bundt(params IEnumerable<string> arguments) => _daemon.Bundt(arguments).Run();

    private void OnHost(params string[] command) => _daemon.OnHost(command).Run().Ok();

    private Result OnClient(params string[] command) => new Command("nsenter", ["-t", $"{_client.Id}", "--net", .. command]).Run();

    // The ports that the kernel knows of.
    private string[] Elements() =>
        [.. JsonNode.Parse(_daemon.OnHost("nft", "-j", "list", "ruleset").Run().Ok().Stdout)!["nftables"]!.AsArray()
            .Where(item => item!["map"]?["table"]?.GetValue<string>().StartsWith("bundt-", StringComparison.Ordinal) is true)
            .SelectMany(item => item!["map"]!["elem"]?.AsArray().Select(element => element!.ToJsonString()) ?? [])];

    private void Serve(string name, params string[] options)
    {
        Bundt(["run", "-d", "--name", name, "--hostname", name, .. options, "busybox", "sh", "-c", Server]).Ok();
        Eventually.True(() => FromContainer(name, "127.0.0.1:80").Length > 0, () => $"{name} does not serve");
    }

    private static string[] Curl(string address) => ["curl", "-g", "-s", "-m", "3", $"http://{address}/cgi-bin/who"];

    private string FromClient(string address) => OnClient(Curl(address)).Text;

    private string FromHost(string address) => _daemon.OnHost(Curl(address)).Run().Text;

    // By the programs of the host, in a container's network: busybox's own are not what is tried here.
    private string FromContainer(string name, string address) => new Command("nsenter", ["-t", Pid(name), "--net", .. Curl(address)]).Run().Text;

    private string Pid(string container) => Bundt("inspect", "-f", "{{.State.Pid}}", container).Ok().Text;

    [Test]
    public void A_published_port_is_reached_from_everywhere_and_sees_who_comes()
    {
        Bundt("network", "create", "--ipv6", "--subnet", "10.81.0.0/24", "--subnet", "fd81::/64", "shop").Ok();
        Serve("web", "--network", "shop", "-p", "8080:80", "-e", "LISTEN=[::]:80");
        Serve("till", "--network", "shop");
        Serve("other", "-p", "8081:80");
        Assert.That(Bundt("inspect", "-f", "{{json .NetworkSettings.Ports}}", "web").Ok().Text, Is.EqualTo("{\"80/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"8080\"},{\"HostIp\":\"::\",\"HostPort\":\"8080\"}]}"));
        Assert.That(FromClient($"{Host}:8080"), Is.EqualTo($"web sees {Client}"));
        Assert.That(FromHost("127.0.0.1:8080"), Is.EqualTo("web sees 10.81.0.1"));
        Assert.That(FromHost($"{Host}:8080"), Is.EqualTo($"web sees {Host}"));
        Assert.That(FromContainer("till", $"{Host}:8080"), Is.EqualTo("web sees 10.81.0.1"), "another container of its network");
        Assert.That(FromContainer("web", $"{Host}:8080"), Is.EqualTo("web sees 10.81.0.1"), "the container itself");
        Assert.That(FromContainer("other", $"{Host}:8080"), Does.StartWith("web sees 172.17.0."), "a container of another network");
        Assert.That(FromContainer("web", $"{Host}:8081"), Is.EqualTo("other sees 10.81.0.2"));
        Assert.That(FromContainer("other", "10.81.0.2:80"), Is.Empty, "networks are isolated but for what is published");
        Assert.That(FromClient("10.81.0.2:80"), Is.Empty, "and so they are from the LAN");
        Eventually.True(() => FromClient($"[{Host6}]:8080").Length > 0, "a bridge has IPv6 when it has a carrier");
        Assert.That(FromClient($"[{Host6}]:8080"), Is.EqualTo($"web sees {Client6}"));
        Assert.That(FromHost($"[{Host6}]:8080"), Does.StartWith("web sees fd"));
        Bundt("rm", "-f", "web").Ok();
        Assert.That((FromClient($"{Host}:8080"), FromHost("127.0.0.1:8080")), Is.EqualTo(("", "")));
    }

    [Test]
    public void What_is_published_on_loopback_is_the_hosts_alone()
    {
        Serve("web", "-p", "127.0.0.1:8080:80", "-p", $"{Host}:8082:80");
        var address = Bundt("inspect", "-f", "{{.NetworkSettings.Networks.bridge.IPAddress}}", "web").Ok().Text;
        Assert.That(FromHost("127.0.0.1:8080"), Is.EqualTo("web sees 172.17.0.1"));
        Assert.That(FromClient($"{Host}:8080"), Is.Empty);
        Assert.That(FromClient($"{address}:80"), Is.Empty, "by the container's own address");
        OnClient("ip", "route", "replace", "127.0.0.1/32", "via", Host, "table", "77").Ok();
        OnClient("ip", "rule", "add", "pref", "5", "to", "127.0.0.1", "lookup", "77").Ok();
        Assert.That(OnClient("curl", "-s", "-m", "2", "--interface", Client, "http://127.0.0.1:8080/cgi-bin/who").Text, Is.Empty, "by 127.0.0.1, routed here");
        OnClient("ip", "rule", "del", "pref", "5").Ok();
        Assert.That(FromClient($"{Host}:8082"), Is.EqualTo($"web sees {Client}"));
        Assert.That(FromHost("127.0.0.1:8082"), Is.Empty, "it is on the other address alone");
    }

    [Test]
    public void A_port_that_is_taken_says_by_whom_and_changes_nothing()
    {
        Serve("web", "-p", "8080:80");
        var before = Elements();
        Assert.That(Bundt("run", "--name", "late", "-p", "8081:80", "-p", "8080:80", "busybox", "true").Exits(125).Stderr,
            Does.Contain("Bind for 0.0.0.0:8080 failed: port is already allocated to container web ("));
        Assert.That(_daemon.Docker("run", "--rm", "-p", "127.0.0.1:8080:80", "busybox", "true").Run().Exits(125).Stderr, Does.Contain("already allocated to container web"));
        using var program = _daemon.OnHost("python3", "-c", "import socket; s=socket.socket(); s.bind(('0.0.0.0',8090)); s.listen(); print('ready',flush=True); input()").HoldInput().Start();
        Assert.That(program.StandardOutput.ReadLine(), Is.EqualTo("ready"));
        Assert.That(Bundt("run", "--rm", "-p", "8090:80", "busybox", "true").Exits(125).Stderr,
            Does.Contain("failed to bind host port 0.0.0.0:8090/tcp: address already in use by process").And.Contain("(python3"));
        Bundt("run", "--rm", "-p", "8090:80/udp", "busybox", "true").Ok();
        program.Kill();
        program.WaitForExit();
        Assert.That(Bundt("run", "--rm", "-p", "10.1.2.3:80:80", "busybox", "true").Exits(125).Stderr, Does.Contain("No interface of the host has 10.1.2.3"));
        Assert.That(Bundt("run", "--rm", "-p", "[::1]:80:80", "busybox", "true").Exits(125).Stderr, Does.Contain("the container has no IPv6 address"));
        Assert.That(Elements(), Is.EqualTo(before));
        Assert.That(_daemon.OnHost("python3", "-c", "import socket; s=socket.socket(); s.setsockopt(1,2,1); s.bind(('0.0.0.0',8080))").Run().Stderr, Does.Contain("Address already in use"), "it is reserved");
        Bundt("start", "late").Exits(125);
        Bundt("rm", "-f", "web").Ok();
        Bundt("start", "late").Ok();
        for (var i = 0; i < 5; i++)
        {
            Bundt("run", "--rm", "-p", "8080:80", "busybox", "true").Ok();
        }
    }

    [Test]
    public void Ranges_random_ports_and_all_that_is_exposed_are_shown_as_docker_does()
    {
        Serve("web", "-p", "8000-8002:8000-8002", "-p", "9000-9001:80", "-p", "127.0.0.1::81/udp", "-P", "--expose", "70");
        Serve("next", "-p", "9000-9001:80");
        Assert.That(Bundt("run", "--rm", "-p", "9000-9001:80", "busybox", "true").Exits(125).Stderr, Does.Contain("all ports of 9000-9001 are taken"));
        Assert.That(Bundt("port", "next").Ok().Text, Is.EqualTo("80/tcp -> 0.0.0.0:9001"));
        Assert.That(FromClient($"{Host}:9001"), Is.EqualTo($"next sees {Client}"));
        var shown = Bundt("ps", "--filter", "name=web", "--format", "{{.Ports}}").Ok().Text;
        Assert.That(shown, Does.Match(@"^0\.0\.0\.0:8000-8002->8000-8002/tcp, 0\.0\.0\.0:\d+->70/tcp, 0\.0\.0\.0:9000->80/tcp, 127\.0\.0\.1:\d+->81/udp$"));
        Assert.That(_daemon.Docker("ps", "--filter", "name=web", "--format", "{{.Ports}}").Run().Ok().Text, Is.EqualTo(shown));
        Assert.That(Bundt("port", "web").Ok().Stdout, Is.EqualTo(_daemon.Docker("port", "web").Run().Ok().Stdout));
        Assert.That(int.Parse(Bundt("port", "web", "81/udp").Ok().Text.Split(':')[1]), Is.InRange(32768, 60999));
        Assert.That(Bundt("ps", "-q", "--filter", "publish=9001").Ok().Lines, Has.Length.EqualTo(1));
        Bundt("port", "web", "9/tcp").Exits(125);
        Bundt("stop", "-t", "0", "web").Ok();
        Assert.That(Bundt("ps", "-a", "--filter", "name=web", "--format", "{{.Ports}}").Ok().Text, Is.Empty);
    }

    [Test]
    public void Datagrams_go_both_ways()
    {
        Serve("web", "-p", "9090:90/udp");
        using var server = new Command("nsenter", "-t", Pid("web"), "--net", "python3", "-c",
            "import socket; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind(('',90)); print('ready',flush=True)\nwhile True:\n  d,a=s.recvfrom(99); s.sendto(('sees '+a[0]).encode(),a)").Start();
        try
        {
            Assert.That(server.StandardOutput.ReadLine(), Is.EqualTo("ready"));
            string[] ask = ["python3", "-c", $"import socket; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.settimeout(3); s.connect(('{Host}',9090)); s.send(b'x'); print(s.recv(99).decode())"];
            Assert.That(OnClient(ask).Ok().Text, Is.EqualTo($"sees {Client}"));
            Assert.That(_daemon.OnHost(ask).Run().Ok().Text, Does.StartWith("sees"));
        }
        finally
        {
            server.Kill();
        }
    }

    [Test]
    public void Rules_that_somebody_flushes_or_changes_are_back_within_a_second_under_load_too()
    {
        Serve("web", "-p", "8080:80");
        var whole = _daemon.OnHost("nft", "list", "ruleset").Run().Ok().Stdout;
        var table = whole.Split(' ')[2];
        using var stop = new CancellationTokenSource();
        var load = Task.Run(async () =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                (await _daemon.Bundt("run", "--rm", "-p", $"{8100 + i % 9}:80", "busybox", "true").RunAsync()).Ok();
            }
        });
        string[][] attacks =
        [
            ["nft", "flush", "ruleset"], ["nft", "delete", "table", "inet", table], ["nft", "flush", "chain", "inet", table, "publish"], ["nft", "flush", "map", "inet", table, "any4"],
            ["nft", "insert", "rule", "inet", table, "forward", "drop"],
        ];
        for (var i = 0; i < 15; i++)
        {
            OnHost(attacks[i % attacks.Length]);
            Eventually.True(() => FromHost($"{Host}:8080") == $"web sees {Host}", $"not reached after {string.Join(' ', attacks[i % attacks.Length])}", seconds: 4);
        }

        stop.Cancel();
        load.GetAwaiter().GetResult();
        var clock = Stopwatch.StartNew();
        OnHost("nft", "flush", "ruleset");
        Eventually.True(() => _daemon.OnHost("nft", "list", "ruleset").Run().Ok().Stdout.Length > 0, "there are no rules", seconds: 1);
        TestContext.Out.WriteLine($"back after {clock.ElapsedMilliseconds} ms");
        Eventually.True(() => Sorted(_daemon.OnHost("nft", "list", "ruleset").Run().Ok().Stdout) == Sorted(whole), () => $"the rules are not what they were:\n{whole}\nbut\n{_daemon.OnHost("nft", "list", "ruleset").Run().Stdout}");
        static string Sorted(string text) => string.Join(' ', text.Split([' ', '\t', '\n', ','], StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
    }

    // The rules have the form of ufw's and firewalld's.
    [Test]
    public void A_firewall_that_drops_what_it_does_not_know_is_obeyed_and_can_be_told_of_a_port()
    {
        Serve("web", "-p", "8080:80");
        try
        {
            OnHost("nft", "add table ip filter; add chain ip filter FORWARD { type filter hook forward priority filter; policy drop; }; add rule ip filter FORWARD ct state established,related accept");
            Assert.That((FromClient($"{Host}:8080"), FromHost("127.0.0.1:8080")), Is.EqualTo(("", "web sees 172.17.0.1")));
            OnHost("nft", "add rule ip filter FORWARD ct status dnat meta l4proto tcp ct original proto-dst 8080 accept");
            OnHost("nft", "add table inet firewalld; add chain inet firewalld FORWARD { type filter hook forward priority filter + 10; }; add rule inet firewalld FORWARD ct state established,related accept; "
                + "add rule inet firewalld FORWARD ct status dnat accept; add rule inet firewalld FORWARD reject with icmpx admin-prohibited");
            OnHost("nft", "add chain ip filter INPUT { type filter hook input priority filter; policy drop; }; add rule ip filter INPUT iif lo accept; add rule ip filter INPUT ct state established accept");
            Assert.That((FromClient($"{Host}:8080"), FromHost("127.0.0.1:8080")), Is.EqualTo(($"web sees {Client}", "web sees 172.17.0.1")));
        }
        finally
        {
            OnHost("nft", "add table ip filter; delete table ip filter; add table inet firewalld; delete table inet firewalld");
        }
    }

    [Test]
    public void A_connection_outlives_the_daemon_and_the_next_one_knows_the_ports()
    {
        Serve("web", "-p", "8080:80", "-p", "9090:90");
        using var server = new Command("nsenter", "-t", Pid("web"), "--net", "python3", "-c",
            "import socket; s=socket.socket(); s.bind(('',90)); s.listen(); print('ready',flush=True); c=s.accept()[0]\nwhile d:=c.recv(99): c.sendall(d)").Start();
        var client = new Command("nsenter", "-t", $"{_client.Id}", "--net", "python3", "-u", "-c",
            $"import socket,sys; c=socket.create_connection(('{Host}',9090),5); c.settimeout(5)\nfor l in sys.stdin: c.sendall(l.encode()); print(c.recv(99).decode().strip(),flush=True)").HoldInput();
        try
        {
            Assert.That(server.StandardOutput.ReadLine(), Is.EqualTo("ready"));
            using var talk = client.Start();
            string? Say(string text)
            {
                talk.StandardInput.WriteLine(text);
                talk.StandardInput.Flush();
                return talk.StandardOutput.ReadLine();
            }

            Assert.That(Say("before"), Is.EqualTo("before"));
            _daemon.Kill();
            Assert.That(Say("without"), Is.EqualTo("without"));
            Assert.That(FromClient($"{Host}:8080"), Is.EqualTo($"web sees {Client}"), "a new connection, without a daemon");
            _daemon.Start();
            Assert.That(Say("after"), Is.EqualTo("after"));
            talk.Kill();
        }
        finally
        {
            server.Kill();
        }

        Assert.That(FromHost("127.0.0.1:8080"), Is.EqualTo("web sees 172.17.0.1"));
        Assert.That(Bundt("port", "web", "80").Ok().Text, Is.EqualTo("0.0.0.0:8080"));
        Assert.That(Bundt("run", "--rm", "-p", "8080:80", "busybox", "true").Exits(125).Stderr, Does.Contain("already allocated to container web"));
        Bundt("rm", "-f", "web").Ok();
        Bundt("run", "--rm", "-p", "8080:80", "busybox", "true").Ok();
    }
}
