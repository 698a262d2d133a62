using System.Collections.Concurrent;
using Bundt.Linux;

namespace Bundt.Engine.Containers;

/// <summary>All containers by id, and whose name is whose. No lock: names are taken by one atomic step.</summary>
internal sealed class ContainerRegistry
{
    private readonly ConcurrentDictionary<string, Container> _byId = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _ids = new(StringComparer.Ordinal);

    private readonly ConcurrentDictionary<string, Exec> _execs = new(StringComparer.Ordinal);

    public IEnumerable<Container> All => _byId.Values;

    public void Add(Container container) => _byId[container.Id] = container;

    /// <summary>Takes a name for an id. Its holder's id if somebody else has it, else null.</summary>
    public string? Take(string name, string id)
    {
        var holder = _ids.GetOrAdd(name, id);
        return holder == id ? null : holder;
    }

    public void Give(string name, string id) => _ids.TryRemove(new KeyValuePair<string, string>(name, id));

    public void Remove(Container container)
    {
        _byId.TryRemove(container.Id, out _);
        Give(container.Name, container.Id);
    }

    /// <summary>By full id, name (with or without a leading slash) or unambiguous id prefix.</summary>
    /// <exception cref="BundtException">NotFound, InvalidArgument when ambiguous.</exception>
    public Container Find(string nameOrId)
    {
        if (_byId.TryGetValue(nameOrId, out var container)
            || (_ids.TryGetValue(nameOrId.StartsWith('/') ? nameOrId[1..] : nameOrId, out var id) && _byId.TryGetValue(id, out container)))
        {
            return container;
        }

        if (nameOrId.Length > 0)
        {
            foreach (var candidate in _byId.Values)
            {
                if (candidate.Id.StartsWith(nameOrId, StringComparison.Ordinal))
                {
                    container = container is null ? candidate : throw new BundtException(
                        FailureKind.InvalidArgument, Phase.Resolve, $"multiple IDs found with provided prefix: {nameOrId}");
                }
            }
        }

        return container ?? throw new BundtException(FailureKind.NotFound, Phase.Resolve, $"No such container: {nameOrId}");
    }

    public void Add(Exec exec) => _execs[exec.Id] = exec;

    public void Remove(Exec exec) => _execs.TryRemove(exec.Id, out _);

    /// <summary>An exec by id or unambiguous prefix.</summary>
    /// <exception cref="BundtException">NotFound, InvalidArgument when ambiguous.</exception>
    public Exec FindExec(string id)
    {
        if (_execs.TryGetValue(id, out var exec))
        {
            return exec;
        }

        foreach (var candidate in id.Length == 0 ? [] : _execs.Values.Where(e => e.Id.StartsWith(id, StringComparison.Ordinal)))
        {
            exec = exec is null ? candidate : throw new BundtException(
                FailureKind.InvalidArgument, Phase.Resolve, $"multiple IDs found with provided prefix: {id}");
        }

        return exec ?? throw new BundtException(FailureKind.NotFound, Phase.Resolve, $"No such exec instance: {id}");
    }
}
