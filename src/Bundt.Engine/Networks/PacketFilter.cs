using Bundt.Linux;
using Bundt.Linux.Network;

namespace Bundt.Engine.Networks;

/// <summary>
/// Our table in the kernel's packet filter. What has to be in it is known here, whole; the kernel is told the differences. Changes that come
/// while others are under way are made together, in one transaction.
/// </summary>
internal sealed class PacketFilter : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Lock _kernel = new();
    private readonly HashSet<BridgeRules> _bridges = [];
    private readonly HashSet<PublishedPort> _ports = [];
    private List<Change> _waiting = [];
    private Nftables? _nftables;

    private sealed record Change(string Verb, IReadOnlyList<BridgeRules> Bridges, IReadOnlyList<PublishedPort> Ports)
    {
        public bool IsDone { get; set; }

        public BundtException? Failure { get; set; }

        public string Commands => RuleSet.Change(Verb, Bridges, Ports);
    }

    /// <summary>Adds bridges and ports.</summary>
    /// <exception cref="BundtException">The kernel refuses; nothing of it is in force.</exception>
    public void Add(IReadOnlyList<BridgeRules> bridges, IReadOnlyList<PublishedPort> ports)
    {
        lock (_lock)
        {
            _bridges.UnionWith(bridges);
            _ports.UnionWith(ports);
        }

        try
        {
            Make(new Change("add", bridges, ports));
        }
        catch (BundtException)
        {
            lock (_lock)
            {
                _bridges.ExceptWith(bridges);
                _ports.ExceptWith(ports);
            }

            throw;
        }
    }

    /// <summary>Takes bridges and ports away.</summary>
    /// <exception cref="BundtException">The kernel refuses.</exception>
    public void Remove(IReadOnlyList<BridgeRules> bridges, IReadOnlyList<PublishedPort> ports)
    {
        lock (_lock)
        {
            _bridges.ExceptWith(bridges);
            _ports.ExceptWith(ports);
        }

        Make(new Change("delete", bridges, ports));
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
    public void Dispose() => _nftables?.Dispose();

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
            commands = RuleSet.Replace(_bridges, _ports);
        }

        _nftables ??= Nftables.Open();
        _nftables.Run(commands);
    }
}
