namespace Bundt.Engine.Networks.Names;

/// <summary>The names of one network, now: an immutable table that is exchanged whole.</summary>
/// <param name="network">The network's name, by which "web.shop" is found too.</param>
internal sealed class NameZone(string network)
{
    // The first question after a change pays for the table, not the start of the container that brought it.
    private volatile Lazy<NameTable> _table = new(NameTable.Empty);

    public string Network => network;

    /// <summary>The names as they are at this moment.</summary>
    public NameTable Table => _table.Value;

    /// <summary>Sets who is on the network. Callers take care of each other: the last call counts.</summary>
    public void Replace(IReadOnlyCollection<NamedEndpoint> endpoints) => _table = new Lazy<NameTable>(() => new NameTable(endpoints));
}
