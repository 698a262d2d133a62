using Bundt.Linux;
using Bundt.Linux.Network;
using Bundt.Linux.Watches;

namespace Bundt.Engine.Networks;

/// <summary>
/// Our table in the kernel's packet filter. What has to be in it is known here, whole; the kernel is told the differences. Changes that come
/// while others are under way are made together, in one transaction.
/// </summary>
internal sealed class PacketFilter(string table, KernelWatch? watch = null, Action<BundtException>? failed = null) : IDisposable
{
    /// <summary>So long is waited after the table was restored before it is restored again: who fights for it shall not have a whole processor.</summary>
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(250);

    private readonly Lock _lock = new();
    private readonly Lock _kernel = new();
    private readonly Dictionary<string, BridgeRules> _bridges = new(StringComparer.Ordinal);
    private readonly HashSet<PublishedPort> _ports = [];
    private List<Change> _waiting = [];
    private Nftables? _nftables;
    private NftablesWatch? _changes;
    private IDisposable? _subscription;
    private int _restoring;
    private long _restored = long.MinValue / 2;

    private sealed record Change(string Table, string Verb, IReadOnlyList<BridgeRules> Bridges, IReadOnlyList<PublishedPort> Ports)
    {
        public bool IsDone { get; set; }

        public BundtException? Failure { get; set; }

        public string Commands => RuleSet.Change(Table, Verb, Bridges, Ports);
    }

    /// <summary>Adds bridges and ports.</summary>
    /// <exception cref="BundtException">The kernel refuses; nothing of it is in force.</exception>
    public void Add(IReadOnlyList<BridgeRules> bridges, IReadOnlyList<PublishedPort> ports)
    {
        lock (_lock)
        {
            foreach (var bridge in bridges)
            {
                _bridges[bridge.Name] = bridge;
            }

            _ports.UnionWith(ports);
        }

        try
        {
            Make(new Change(table, "add", bridges, ports));
        }
        catch (BundtException)
        {
            lock (_lock)
            {
                foreach (var bridge in bridges)
                {
                    _bridges.Remove(bridge.Name);
                }

                _ports.ExceptWith(ports);
            }

            throw;
        }
    }

    /// <summary>Says that bridges and ports are there, before the kernel is told anything: so it is told of all at once.</summary>
    public void Know(IReadOnlyList<BridgeRules> bridges, IReadOnlyList<PublishedPort> ports)
    {
        lock (_lock)
        {
            foreach (var bridge in bridges)
            {
                _bridges[bridge.Name] = bridge;
            }

            _ports.UnionWith(ports);
        }
    }

    /// <summary>Takes bridges and ports away.</summary>
    /// <exception cref="BundtException">The kernel refuses.</exception>
    public void Remove(IReadOnlyList<BridgeRules> bridges, IReadOnlyList<PublishedPort> ports)
    {
        lock (_lock)
        {
            foreach (var bridge in bridges)
            {
                _bridges.Remove(bridge.Name);
            }

            _ports.ExceptWith(ports);
        }

        Make(new Change(table, "delete", bridges, ports));
    }

    /// <summary>Makes the whole table what it has to be, whatever it is.</summary>
    /// <exception cref="BundtException">The kernel refuses.</exception>
    public void Restore()
    {
        lock (_kernel)
        {
            RunAll();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_kernel)
        {
            _subscription?.Dispose();
            _changes?.Dispose();
            _nftables?.Dispose();
        }
    }

    // Whoever has the kernel to himself makes the changes of all who wait for it. If they are refused together, each is made alone.
    private void Make(Change change)
    {
        lock (_lock)
        {
            _waiting.Add(change);
        }

        lock (_kernel)
        {
            if (!change.IsDone)
            {
                List<Change> changes;
                lock (_lock)
                {
                    (changes, _waiting) = (_waiting, []);
                }

                MakeAll(changes);
            }
        }

        if (change.Failure is { } failure)
        {
            throw failure;
        }
    }

    private void MakeAll(List<Change> changes)
    {
        try
        {
            Run(string.Concat(changes.Select(change => change.Commands)));
        }
        catch (BundtException) when (changes.Count > 1)
        {
            foreach (var change in changes)
            {
                MakeAll([change]);
            }
        }
        catch (BundtException)
        {
            RestoreFor(changes[0]);
        }

        changes.ForEach(change => change.IsDone = true);
    }

    // Somebody has flushed the rules, perhaps: the difference has nothing to go on any more.
    private void RestoreFor(Change change)
    {
        try
        {
            RunAll();
        }
        catch (BundtException e)
        {
            change.Failure = e;
        }
    }

    private void Run(string commands)
    {
        if (_nftables is null)
        {
            RunAll();
        }
        else if (commands.Length > 0)
        {
            _nftables.Run(commands);
        }
    }

    private void RunAll()
    {
        string commands;
        lock (_lock)
        {
            commands = RuleSet.Replace(table, _bridges.Values, _ports);
        }

        _nftables ??= Nftables.Open();
        Listen();
        _nftables.Run((_changes?.Introduction() ?? "") + commands);
        _restored = Environment.TickCount64;
    }

    // From the first rule on: somebody may flush it.
    private void Listen()
    {
        if (_changes is null && watch is not null)
        {
            try
            {
                _changes = NftablesWatch.Open(table);
                _subscription = watch.WatchReadable(_changes.Socket, Look);
            }
            catch (BundtException e)
            {
                failed?.Invoke(e);
            }
        }
    }

    // On the watch's thread.
    private void Look()
    {
        if (_changes!.HasForeignChange() && Interlocked.Exchange(ref _restoring, 1) == 0)
        {
            _ = RestoreSoonAsync();
        }
    }

    private async Task RestoreSoonAsync()
    {
        try
        {
            var left = Volatile.Read(ref _restored) + (long)s_pause.TotalMilliseconds - Environment.TickCount64;
            await Task.Delay(left > 0 ? (int)left : 0).ConfigureAwait(ConfigureAwaitOptions.ForceYielding);

            // What comes from here on is another change.
            Volatile.Write(ref _restoring, 0);
            Restore();
        }
        catch (BundtException e)
        {
            failed?.Invoke(e);
        }
        catch (ObjectDisposedException)
        {
            // The daemon ends.
        }
    }
}
