using System.Net;
using Bundt.Engine.Networks.Names;
using Bundt.Linux.Watches;
using Microsoft.Extensions.Logging;

namespace Bundt.Engine.Tests.Networks;

[TestFixture]
public sealed class HostResolversTests
{
    private string _root = "";
    private KernelWatch _watch = null!;
    private Heard _log = null!;

    private string File1 => Path.Combine(_root, "etc/resolv.conf");

    private string Systemd => Path.Combine(_root, "run/systemd/resolve/resolv.conf");

    [SetUp]
    public void Prepare()
    {
        _root = Directory.CreateTempSubdirectory("bundt-dns-").FullName;
        Directory.CreateDirectory(Path.Combine(_root, "etc"));
        _watch = new KernelWatch();
        _log = new Heard();
    }

    [TearDown]
    public void Remove()
    {
        _watch.Dispose();
        _log.Dispose();
        Directory.Delete(_root, true);
    }

    [Test]
    public void What_resolv_conf_says_is_understood() => Assert.That(
        HostResolvers.Parse(
            "# nameserver 9.9.9.9\n;nameserver 9.9.9.9\nsearch nameserver\nnameserver\t10.0.0.1 # first\r\n nameserver 9.9.9.9\nnameserver nonsense\n" +
            "nameserver\nnameserver fe80::1%1\nnameserver ::1\nnameserver 10.0.0.4\n"),
        Is.EqualTo((IPEndPoint[])
            [new(IPAddress.Parse("10.0.0.1"), 53), new(IPAddress.Parse("fe80::1%1"), 53), new(IPAddress.Parse("::1"), 53)]));

    [Test]
    public async Task Writing_replacing_and_linking_are_followed()
    {
        File.WriteAllText(File1, "nameserver 10.0.0.1\n");
        using var resolvers = Make();
        Assert.That(await _log.NextAsync(), Is.EqualTo("10.0.0.1"));

        File.WriteAllText(File1, "nameserver 10.0.0.2\n");
        Assert.That(await _log.NextAsync(), Is.EqualTo("10.0.0.2"));

        File.WriteAllText(File1 + ".new", "nameserver 10.0.0.3\n");
        File.Move(File1 + ".new", File1, overwrite: true);
        Assert.That(await _log.NextAsync(), Is.EqualTo("10.0.0.3"));

        // A link to where nothing is yet, not even a directory; then a second link on the way.
        File.CreateSymbolicLink(File1 + ".new", "../run/manager/link");
        File.Move(File1 + ".new", File1, overwrite: true);
        Assert.That(await _log.NextAsync(), Is.Empty);
        Directory.CreateDirectory(Path.Combine(_root, "run/manager/deep"));
        File.CreateSymbolicLink(Path.Combine(_root, "run/manager/link"), "deep/file");
        File.WriteAllText(Path.Combine(_root, "run/manager/deep/file.new"), "nameserver 10.0.0.4\n");
        File.Move(Path.Combine(_root, "run/manager/deep/file.new"), Path.Combine(_root, "run/manager/deep/file"));
        Assert.That(await _log.NextAsync(), Is.EqualTo("10.0.0.4"));
        Assert.That(resolvers.Servers, Is.EqualTo((IPEndPoint[])[new(IPAddress.Parse("10.0.0.4"), 53)]));
    }

    [Test]
    public async Task The_servers_behind_systemds_stub_are_taken_and_followed()
    {
        File.WriteAllText(File1, "nameserver 127.0.0.53\noptions edns0 trust-ad\n");
        using var resolvers = Make();
        Assert.That(await _log.NextAsync(), Is.EqualTo("127.0.0.53"), "better than nobody");

        Directory.CreateDirectory(Path.GetDirectoryName(Systemd)!);
        File.WriteAllText(Systemd + ".new", "nameserver 10.0.0.1\nnameserver fd00::53\n");
        File.Move(Systemd + ".new", Systemd);
        Assert.That(await _log.NextAsync(), Is.EqualTo("10.0.0.1, fd00::53"));

        File.WriteAllText(File1 + ".new", "nameserver 127.0.0.53\nnameserver 10.0.0.9\n");
        File.Move(File1 + ".new", File1, overwrite: true);
        Assert.That(await _log.NextAsync(), Is.EqualTo("127.0.0.53, 10.0.0.9"), "not the only one");
    }

    private HostResolvers Make() => new(_watch, _log, File1, Systemd);

    /// <summary>Hears which servers are new.</summary>
    private sealed class Heard : ILogger, IDisposable
    {
        private readonly Queue<string> _servers = [];
        private readonly SemaphoreSlim _count = new(0);

        public async Task<string> NextAsync()
        {
            Assert.That(await _count.WaitAsync(DnsClient.Patience), Is.True, "nothing was heard");
            lock (_servers)
            {
                return _servers.Dequeue();
            }
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_servers)
            {
                _servers.Enqueue(formatter(state, exception).Replace("name servers of the host: ", "", StringComparison.Ordinal));
            }

            _count.Release();
        }

        public void Dispose() => _count.Dispose();
    }
}
