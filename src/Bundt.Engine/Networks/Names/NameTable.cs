using System.Net;
using System.Net.Sockets;

namespace Bundt.Engine.Networks.Names;

/// <summary>Who is on a network: addresses by name, containers by address. Never changes, so that readers need no lock.</summary>
internal sealed class NameTable
{
    /// <summary>Nobody.</summary>
    public static readonly NameTable Empty = new([]);

    private readonly Dictionary<string, NameRecord> _names = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<AddressKey, NamedEndpoint> _endpoints = [];

    public NameTable(IReadOnlyCollection<NamedEndpoint> endpoints)
    {
        foreach (var endpoint in endpoints)
        {
            foreach (var address in endpoint.Addresses)
            {
                _endpoints[AddressKey.Of(address)] = endpoint;
            }
        }

        var addresses = endpoints.SelectMany(e => e.Names.Select(n => (Name: n, e.Addresses))).ToLookup(p => p.Name, p => p.Addresses, _names.Comparer);
        foreach (var name in addresses)
        {
            _names.Add(name.Key, new NameRecord(name.SelectMany(a => a).Distinct()));
        }
    }

    /// <summary>What a name stands for, in letters of either case; null if it is nobody's.</summary>
    public NameRecord? Find(ReadOnlySpan<char> name) =>
        _names.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name, out var record) ? record : null;

    /// <summary>Whose address it is; null if it is nobody's.</summary>
    public NamedEndpoint? Find(AddressKey address) => _endpoints.GetValueOrDefault(address);
}

/// <summary>The addresses of all who bear a name, each family in an order that turns by one with every answer.</summary>
internal sealed class NameRecord
{
    private readonly byte[][] _addresses4;
    private readonly byte[][] _addresses6;
    private uint _turns4;
    private uint _turns6;

    public NameRecord(IEnumerable<IPAddress> addresses)
    {
        var families = addresses.ToLookup(a => a.AddressFamily, a => a.GetAddressBytes());
        _addresses4 = [.. families[AddressFamily.InterNetwork]];
        _addresses6 = [.. families[AddressFamily.InterNetworkV6]];
    }

    /// <summary>Adds the records of the asked type: none for a type that a name of ours does not have.</summary>
    public void AddTo(ref DnsAnswer answer, ushort type)
    {
        if (type is DnsType.A or DnsType.Any)
        {
            Add(ref answer, DnsType.A, _addresses4, ref _turns4);
        }

        if (type is DnsType.Aaaa or DnsType.Any)
        {
            Add(ref answer, DnsType.Aaaa, _addresses6, ref _turns6);
        }
    }

    private static void Add(ref DnsAnswer answer, ushort type, byte[][] addresses, ref uint turns)
    {
        // One turn for each family: a client that asks for both would otherwise see every second order only.
        var first = addresses.Length > 1 ? Interlocked.Increment(ref turns) - 1 : 0;
        for (var i = 0; i < addresses.Length; i++)
        {
            answer.Add(type, addresses[(first + i) % addresses.Length]);
        }
    }
}
