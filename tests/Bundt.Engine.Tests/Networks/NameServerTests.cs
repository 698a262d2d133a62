using System.Net;
using System.Net.Sockets;
using Bundt.Engine.Networks.Names;
using Bundt.Linux.Watches;
using Microsoft.Extensions.Logging.Abstractions;
using static Bundt.Engine.Tests.Networks.DnsClient;

namespace Bundt.Engine.Tests.Networks;

[TestFixture]
public sealed class NameServerTests
{
    private const int A = 1;
    private const int Ptr = 12;
    private const int Mail = 15;
    private const int Text = 16;
    private const int Aaaa = 28;
    private const int Any = 255;

    private static readonly byte[] s_tail = [9, 8, 7];

    private readonly List<IDisposable> _owned = [];
    private KernelWatch _watch = null!;
    private HostResolvers _host = null!;
    private NameZone _shop = null!;
    private NameServer? _server;
    private IPEndPoint _address = null!;
    private string _resolvConf = "";

    [SetUp]
    public void Prepare()
    {
        _watch = new KernelWatch();
        _resolvConf = Path.GetTempFileName();
        _host = new HostResolvers(_watch, NullLogger.Instance, _resolvConf, _resolvConf + ".systemd");
        _shop = new NameZone("shop");
    }

    [TearDown]
    public async Task EndAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
            _server = null;
        }

        _owned.ForEach(o => o.Dispose());
        _owned.Clear();
        _host.Dispose();
        _watch.Dispose();
        File.Delete(_resolvConf);
    }

    [TestCase("web", A, "0: 127.0.1.1")]
    [TestCase("WEB", A, "0: 127.0.1.1")]
    [TestCase("web.shop", A, "0: 127.0.1.1")]
    [TestCase("Web.SHOP", Aaaa, "0: fd00::1")]
    [TestCase("0123456789ab", A, "0: 127.0.1.1")]
    [TestCase("web", Any, "0: 127.0.1.1 fd00::1")]
    [TestCase("my.db", A, "0: 127.0.1.2")]
    [TestCase("my.db.shop", A, "0: 127.0.1.2")]
    [TestCase("my.db", Aaaa, "0:")]
    [TestCase("web", Mail, "0:")]
    [TestCase("web", Text, "0:")]
    [TestCase("1.1.0.127.in-addr.arpa", Ptr, "0: web.shop")]
    [TestCase("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.F.ip6.arpa", Ptr, "0: web.shop")]
    public async Task Names_of_the_network_are_answered(string name, int type, string expected)
    {
        Start(Web(forwards: false), Db());
        var query = Query(name, type);

        Assert.That(Describe(await AskAsync(_address, query, "127.0.1.1")), Is.EqualTo(expected));
        using var stream = await ConnectAsync(_address, "127.0.1.1");
        await stream.SendAsync(Framed(query));
        Assert.That(Describe(await ReadAsync(stream)), Is.EqualTo(expected));
    }

    [TestCase("nobody", A)]
    [TestCase("web.other", A)]
    [TestCase("2.1.0.127.in-addr.arpa.shop", Ptr)]
    [TestCase("9.9.0.127.in-addr.arpa", Ptr)]
    [TestCase("001.1.0.127.in-addr.arpa", Ptr)]
    [TestCase("1.0.127.in-addr.arpa", Ptr)]
    [TestCase("example.com", A)]
    public async Task An_internal_network_forwards_nothing(string name, int type)
    {
        using var upstream = new Upstream(q => [Upstream.Reply(q)]);
        Start(Web(forwards: false) with { Servers = [upstream.Address] });

        Assert.That(Describe(await AskAsync(_address, Query(name, type), "127.0.1.1")), Is.EqualTo("2:"));
        Assert.That(upstream.Queries, Is.Empty);
    }

    [Test]
    public async Task An_alias_of_several_turns()
    {
        Start(Web(), Db() with { Names = ["a", "db"] }, Endpoint("127.0.1.3", "b", "db"), Endpoint("127.0.1.4", "c", "DB"));
        var answers = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            answers.Add(Describe(await AskAsync(_address, Query("db", A), "127.0.1.1")));
            await AskAsync(_address, Query("db", Aaaa), "127.0.1.1");
        }

        Assert.That(answers, Is.EqualTo((string[])
            ["0: 127.0.1.2 127.0.1.3 127.0.1.4", "0: 127.0.1.3 127.0.1.4 127.0.1.2", "0: 127.0.1.4 127.0.1.2 127.0.1.3"]));
    }

    [Test]
    public async Task A_container_sees_all_its_networks_and_its_links()
    {
        var back = new NameZone("back.end");
        back.Replace([Endpoint("10.0.0.9", "store")]);
        Start(Web(forwards: false) with { OtherZones = [back], Links = [new NameLink("database", "my.db")] }, Db() with { Forwards = false });

        Assert.That(Describe(await AskAsync(_address, Query("store", A), "127.0.1.1")), Is.EqualTo("0: 10.0.0.9"));
        Assert.That(Describe(await AskAsync(_address, Query("store.back.end", A), "127.0.1.1")), Is.EqualTo("0: 10.0.0.9"));
        Assert.That(Describe(await AskAsync(_address, Query("9.0.0.10.in-addr.arpa", Ptr), "127.0.1.1")), Is.EqualTo("0: store.back.end"));
        Assert.That(Describe(await AskAsync(_address, Query("database", A), "127.0.1.1")), Is.EqualTo("0: 127.0.1.2"));
        Assert.That(Describe(await AskAsync(_address, Query("store", A), "127.0.1.2")), Is.EqualTo("2:"), "not on that network");
        Assert.That(Describe(await AskAsync(_address, Query("database", A), "127.0.1.2")), Is.EqualTo("2:"), "not its link");
    }

    [Test]
    public async Task Strangers_are_refused_and_the_host_gets_names_only()
    {
        using var upstream = new Upstream(q => [Upstream.Reply(q)]);
        File.WriteAllText(_resolvConf, "");
        Start(Web() with { Servers = [upstream.Address] });

        Assert.That(Describe(await AskAsync(_address, Query("web", A), "127.0.1.77")), Is.EqualTo("5:"));
        Assert.That(Describe(await AskAsync(_address, Query("example.com", A), "127.0.1.77")), Is.EqualTo("5:"));
        Assert.That(Describe(await AskAsync(_address, Query("web", A), "127.0.0.1")), Is.EqualTo("0: 127.0.1.1"));
        Assert.That(Describe(await AskAsync(_address, Query("example.com", A), "127.0.0.1")), Is.EqualTo("5:"));
        using var stream = await ConnectAsync(_address, "127.0.1.77");
        Assert.That(await ReadAsync(stream), Is.Empty);
        Assert.That(upstream.Queries, Is.Empty);
    }

    [Test]
    public async Task A_name_is_new_with_the_next_query()
    {
        Start(Web(forwards: false));
        Assert.That(Describe(await AskAsync(_address, Query("my.db", A), "127.0.1.1")), Is.EqualTo("2:"));

        _shop.Replace([Web(forwards: false), Db()]);

        Assert.That(Describe(await AskAsync(_address, Query("my.db", A), "127.0.1.1")), Is.EqualTo("0: 127.0.1.2"));
    }

    [Test]
    public async Task What_does_not_fit_is_cut_off_and_whole_over_Tcp()
    {
        Start([Web(), .. Enumerable.Range(1, 100).Select(i => Endpoint($"10.0.0.{i}", $"c{i}", "many"))]);

        var plain = await AskAsync(_address, Query("many", A), "127.0.1.1");
        var extended = await AskAsync(_address, Query("many", A, udpSize: 1232), "127.0.1.1");
        Assert.That(Describe(plain), Does.StartWith("0 TC:"));
        Assert.That((plain.Length, Word(plain, 6)), Is.EqualTo((502, 30)));
        Assert.That(Describe(extended), Does.StartWith("0 TC:"));
        Assert.That(extended, Has.Length.LessThanOrEqualTo(1232).And.Length.GreaterThan(1200));
        using var stream = await ConnectAsync(_address, "127.0.1.1");
        await stream.SendAsync(Framed(Query("many", A)));
        Assert.That(Word(await ReadAsync(stream), 6), Is.EqualTo(100));
    }

    [Test]
    public async Task Edns_is_answered_with_Edns()
    {
        Start(Web());
        var answer = await AskAsync(_address, Query("web", A, udpSize: 4096), "127.0.1.1");
        Assert.That(Word(answer, 10), Is.EqualTo(1), "one OPT record");
        Assert.That(answer[^11..], Is.EqualTo((byte[])[0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, 0]));

        var future = Query("web", A, udpSize: 4096);
        future[^5] = 1;
        answer = await AskAsync(_address, future, "127.0.1.1");
        Assert.That((Word(answer, 2) & 15, answer[^6]), Is.EqualTo((0, (byte)1)), "BADVERS");
    }

    [Test]
    public async Task Queries_and_answers_pass_untouched_but_for_the_id([Values] bool stream)
    {
        byte[]? sent = null;
        using var upstream = new Upstream(q => [sent = Upstream.Reply(q, 3, [.. s_tail, .. new byte[20_000]])]);
        Start(Web() with { Servers = [upstream.Address] });
        var query = Query("Example.COM", Text, id: 0xBEEF, udpSize: 4096);

        byte[] answer;
        if (stream)
        {
            using var connection = await ConnectAsync(_address, "127.0.1.1");
            await connection.SendAsync(Framed(query));
            answer = await ReadAsync(connection);
        }
        else
        {
            answer = await AskAsync(_address, query, "127.0.1.1");
        }

        Assert.That(Word(answer, 0), Is.EqualTo(0xBEEF));
        Assert.That(answer[2..], Is.EqualTo(sent![2..]));
        Assert.That(upstream.Queries.Single().Query[2..], Is.EqualTo(query[2..]));
    }

    [Test]
    public async Task Each_query_has_an_id_and_a_port_of_its_own()
    {
        using var upstream = new Upstream(q => [Upstream.Reply(q)]);
        Start(Web() with { Servers = [upstream.Address] });
        for (var i = 0; i < 8; i++)
        {
            await AskAsync(_address, Query("example.com", A), "127.0.1.1");
        }

        Assert.That(upstream.Queries.Select(q => q.Port).Distinct().Count(), Is.GreaterThan(4));
        Assert.That(upstream.Queries.Select(q => Word(q.Query, 0)).Distinct().Count(), Is.GreaterThan(4));
    }

    [TestCase(2)]
    [TestCase(5)]
    public async Task The_next_server_is_asked_after_a_failure(int code)
    {
        using var failing = new Upstream(q => [Upstream.Reply(q, code)]);
        using var good = new Upstream(q => [Upstream.Reply(q, 3)]);
        Start(Web() with { Servers = [failing.Address, Nobody(), good.Address] });

        Assert.That(Describe(await AskAsync(_address, Query("example.com", A), "127.0.1.1")), Is.EqualTo("3:"));
        using var stream = await ConnectAsync(_address, "127.0.1.1");
        await stream.SendAsync(Framed(Query("example.com", A)));
        Assert.That(Describe(await ReadAsync(stream)), Is.EqualTo("3:"));
        Assert.That(failing.Queries, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task The_last_failure_is_told_as_it_came()
    {
        using var failing = new Upstream(q => [Upstream.Reply(q, 5, s_tail)]);
        Start(Web() with { Servers = [failing.Address, Nobody()] });

        var answer = await AskAsync(_address, Query("example.com", A), "127.0.1.1");
        Assert.That(Describe(answer), Is.EqualTo("5:"));
        Assert.That(answer[^3..], Is.EqualTo(s_tail));
    }

    [Test]
    public async Task Without_a_server_that_answers_there_is_a_failure()
    {
        Start(Web() with { Servers = [Nobody()] }, Db());

        Assert.That(Describe(await AskAsync(_address, Query("example.com", A), "127.0.1.1")), Is.EqualTo("2:"));
        Assert.That(Describe(await AskAsync(_address, Query("example.com", A), "127.0.1.2")), Is.EqualTo("2:"), "the host has none");
    }

    [Test]
    public async Task A_silent_server_is_asked_again_and_the_next_one_too()
    {
        using var silent = new Upstream(_ => []);
        using var good = new Upstream(q => [Upstream.Reply(q, 3)]);
        Start(Web() with { Servers = [silent.Address, good.Address] });

        Assert.That(Describe(await AskAsync(_address, Query("example.com", A), "127.0.1.1")), Is.EqualTo("3:"));
        Assert.That(good.Queries, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_lost_datagram_is_sent_again()
    {
        var asked = 0;
        using var lossy = new Upstream(q => ++asked == 1 ? [] : [Upstream.Reply(q, 3)]);
        Start(Web() with { Servers = [lossy.Address] });

        Assert.That(Describe(await AskAsync(_address, Query("example.com", A), "127.0.1.1")), Is.EqualTo("3:"));
        Assert.That(lossy.Queries, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task Forged_answers_are_not_taken()
    {
        using var upstream = new Upstream(q =>
        {
            var id = Upstream.Reply(q, 3);
            id[0] ^= 1;
            var name = Upstream.Reply(q, 3);
            name[13] = (byte)'x';
            var type = Upstream.Reply(q, 3);
            type[^3] ^= 0x20;
            byte[] none = [.. q[..2], 0x81, 0x80, 0, 0, 0, 0, 0, 0, 0, 0];
            return [[], [1], q, id, name, type, none, Upstream.Reply(q)];
        });
        Start(Web() with { Servers = [upstream.Address] });

        Assert.That(Describe(await AskAsync(_address, Query("example.com", 65), "127.0.1.1")), Is.EqualTo("0:"));
    }

    [Test]
    public async Task Names_are_answered_while_other_servers_are_silent_and_too_many_are_refused()
    {
        using var arrived = new SemaphoreSlim(0);
        using var silent = new Upstream(_ =>
        {
            arrived.Release();
            return [];
        });
        Start(Web() with { Servers = [silent.Address] }, Db() with { Forwards = false });
        using var flood = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        flood.Bind(new IPEndPoint(IPAddress.Parse("127.0.1.1"), 0));
        await flood.ConnectAsync(_address);
        using var patience = new CancellationTokenSource(Patience);
        for (var i = 0; i < 256; i++)
        {
            await flood.SendAsync(Query("example.com", A, id: i));
            await arrived.WaitAsync(patience.Token);
        }

        // Only refusals come at once: 256 are under way and nobody answers them.
        var buffer = new byte[512];
        var refused = 0;
        for (var i = 256; i < 300; i++)
        {
            await flood.SendAsync(Query("example.com", A, id: i));
            var length = await flood.ReceiveAsync(buffer, patience.Token);
            refused += Word(buffer, 0) == i && Describe(buffer[..length]) == "5:" ? 1 : 0;
        }

        Assert.That(refused, Is.EqualTo(44));
        Assert.That(Describe(await AskAsync(_address, Query("my.db", A), "127.0.1.1")), Is.EqualTo("0: 127.0.1.2"));
        var before = Environment.TickCount64;
        await _server!.DisposeAsync();
        Assert.That(Environment.TickCount64 - before, Is.LessThan(2000), "ends what is under way");
    }

    [Test]
    public async Task It_never_asks_itself()
    {
        Start(Web());
        _shop.Replace([Web() with { Servers = [_address] }]);

        Assert.That(Describe(await AskAsync(_address, Query("example.com", A), "127.0.1.1")), Is.EqualTo("2:"));
    }

    [Test]
    public async Task A_container_may_hold_so_many_connections_and_queries_may_follow_each_other()
    {
        Start(Web(), Db());
        var connections = new List<Socket>();
        for (var i = 0; i < 32; i++)
        {
            var connection = await ConnectAsync(_address, "127.0.1.1");
            _owned.Add(connection);
            connections.Add(connection);
            await connection.SendAsync((byte[])[.. Framed(Query("web", A)), .. Framed(Query("my.db", A))]);
            Assert.That(Describe(await ReadAsync(connection)), Is.EqualTo("0: 127.0.1.1"));
            Assert.That(Describe(await ReadAsync(connection)), Is.EqualTo("0: 127.0.1.2"));
        }

        using var tooMany = await ConnectAsync(_address, "127.0.1.1");
        Assert.That(await ReadAsync(tooMany), Is.Empty);
        using var other = await ConnectAsync(_address, "127.0.1.2");
        await other.SendAsync(Framed(Query("web", A)));
        Assert.That(Describe(await ReadAsync(other)), Is.EqualTo("0: 127.0.1.1"));
    }

    [Test]
    public async Task Rubbish_ends_nothing([Values(1, 2, 3)] int seed)
    {
        using var upstream = new Upstream(q => [Upstream.Reply(q, 3)]);
        Start(Web() with { Servers = [upstream.Address] });
        var random = new Random(seed);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Parse("127.0.1.1"), 0));
        for (var i = 0; i < 300; i++)
        {
            await socket.SendToAsync(MalformedQueryTests.Mutate(random), _address);
        }

        using var stream = await ConnectAsync(_address, "127.0.1.1");
        await stream.SendAsync((byte[])[0, 5, 1, 2, 3, 4, 5]);
        Assert.That(await ReadAsync(stream), Is.Empty, "closed");
        Assert.That(Describe(await AskAsync(_address, Query("web", A), "127.0.1.1")), Is.EqualTo("0: 127.0.1.1"));
    }

    private static NamedEndpoint Web(bool forwards = true) => new()
    {
        Names = ["web", "www", "0123456789ab", "host-name"],
        Addresses = [IPAddress.Parse("127.0.1.1"), IPAddress.Parse("fd00::1")],
        Forwards = forwards,
    };

    private static NamedEndpoint Db() => Endpoint("127.0.1.2", "my.db");

    private static NamedEndpoint Endpoint(string address, params string[] names) => new() { Names = names, Addresses = [IPAddress.Parse(address)] };

    /// <summary>A port of this host on which nobody listens, and nobody else will.</summary>
    private IPEndPoint Nobody()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _owned.Add(socket);
        socket.Bind(new IPEndPoint(IPAddress.Parse("127.0.1.200"), 0));
        return (IPEndPoint)socket.LocalEndPoint!;
    }

    private void Start(params NamedEndpoint[] endpoints)
    {
        _shop.Replace(endpoints);
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _address = (IPEndPoint)listener.LocalEndPoint!;
        var datagrams = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        datagrams.Bind(_address);
        _server = new NameServer(_shop, [datagrams], [listener], _host, NullLogger.Instance);
    }
}
