using System.Net;
using Bundt.Engine.Logs;
using Bundt.Linux;
using Bundt.Linux.Watches;
using Microsoft.Extensions.Logging;

namespace Bundt.Engine.Networks.Names;

/// <summary>
/// The name servers of the host, as its resolv.conf(5) names them at this moment. The file is followed through links and replacements: every
/// directory on the way to it is watched. Where systemd-resolved's stub is the only server, those it uses itself are taken, as Docker does.
/// </summary>
internal sealed class HostResolvers : IDisposable
{
    private const string DefaultFile = "/etc/resolv.conf";
    private const string DefaultSystemdFile = "/run/systemd/resolve/resolv.conf";

    private const DirectoryChanges Changes = DirectoryChanges.Created | DirectoryChanges.MovedTo | DirectoryChanges.Closed | DirectoryChanges.Unknown;

    /// <summary>Links in links: as many as the kernel follows (path_resolution(7)).</summary>
    private const int MaxLinks = 40;

    /// <summary>Where systemd-resolved listens for programs of the host.</summary>
    public static IPAddress SystemdStub { get; } = new([127, 0, 0, 53]);

    private readonly KernelWatch _watch;
    private readonly ILogger _logger;
    private readonly string _file;
    private readonly string _systemdFile;
    private readonly AsyncSignal _changed = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly List<IDisposable> _watches = [];
    private volatile IReadOnlyList<IPEndPoint> _servers = [];

    /// <summary>Reads the files and follows them until disposed.</summary>
    /// <param name="watch">Tells of changes.</param>
    /// <param name="logger">Hears of changes.</param>
    /// <param name="file">The host's resolv.conf.</param>
    /// <param name="systemdFile">Where systemd-resolved tells the servers that it uses.</param>
    public HostResolvers(KernelWatch watch, ILogger logger, string file = DefaultFile, string systemdFile = DefaultSystemdFile)
    {
        _watch = watch;
        _logger = logger;
        _file = file;
        _systemdFile = systemdFile;
        Read();
        _ = FollowAsync();
    }

    /// <summary>Whom to ask, in this order; at most three, as resolv.conf(5) has it. May be empty.</summary>
    public IReadOnlyList<IPEndPoint> Servers => _servers;

    /// <summary>The servers that a resolv.conf names, at most three. What is no address is left out.</summary>
    public static List<IPEndPoint> Parse(string text)
    {
        var servers = new List<IPEndPoint>();
        foreach (var line in text.Split('\n'))
        {
            // The keyword begins the line; a comment may follow the address.
            var words = line.Split([' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
            if (words is ["nameserver", var address, ..] && line[0] == 'n' && servers.Count < Forwarder.MaxServers && IPAddress.TryParse(address, out var server))
            {
                servers.Add(new IPEndPoint(server, NameServer.Port));
            }
        }

        return servers;
    }

    /// <inheritdoc/>
    public void Dispose() => _stop.Cancel();

    private async Task FollowAsync()
    {
        try
        {
            while (true)
            {
                await _changed.Rung.WaitAsync(_stop.Token).ConfigureAwait(false);
                Read();
            }
        }
        catch (OperationCanceledException)
        {
            Unwatch();
        }
    }

    /// <summary>Watches first, then reads: no change falls between.</summary>
    private void Read()
    {
        _changed.Reset();
        Unwatch();
        try
        {
            Watch(_file);
            var servers = Load(_file);
            if (servers is [var only] && only.Address.Equals(SystemdStub))
            {
                Watch(_systemdFile);
                servers = Load(_systemdFile) is { Count: > 0 } own ? own : servers;
            }

            if (!servers.SequenceEqual(_servers))
            {
                _servers = servers;
                _logger.HostResolvers(string.Join(", ", servers.Select(s => s.Address)));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or BundtException)
        {
            // What was known stays: better than nothing, and the next change is seen if anything could be watched.
            _logger.HostResolversUnknown(_file, BundtException.Reason(e));
        }
    }

    private static List<IPEndPoint> Load(string file)
    {
        try
        {
            return Parse(File.ReadAllText(file));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return [];
        }
    }

    /// <summary>Watches every directory that has a part in where the file is; of one that does not exist, the nearest above that does.</summary>
    private void Watch(string file)
    {
        var next = file;
        for (var links = 0; links <= MaxLinks && next is not null; links++)
        {
            var name = Path.GetFileName(next);
            var directory = Path.GetDirectoryName(next) ?? "/";
            while (!Directory.Exists(directory))
            {
                name = Path.GetFileName(directory);
                directory = Path.GetDirectoryName(directory) ?? "/";
            }

            _watches.Add(_watch.WatchDirectory(directory, Changes, (change, changed) =>
            {
                if (changed == name || (change & DirectoryChanges.Unknown) != 0)
                {
                    _changed.Ring();
                }
            }));
            next = new FileInfo(next).LinkTarget is { } target ? Path.GetFullPath(target, Path.GetDirectoryName(next) ?? "/") : null;
        }
    }

    private void Unwatch()
    {
        _watches.ForEach(w => w.Dispose());
        _watches.Clear();
    }
}
