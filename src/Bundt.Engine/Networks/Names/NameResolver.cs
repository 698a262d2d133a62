using System.Text;

namespace Bundt.Engine.Networks.Names;

/// <summary>Answers from the tables of the networks that the asking container is on. Knows no sockets.</summary>
/// <param name="zone">The network that is asked.</param>
internal sealed class NameResolver(NameZone zone)
{
    /// <summary>What becomes of a query.</summary>
    internal enum Outcome
    {
        /// <summary>The response is written.</summary>
        Answered,
        /// <summary>It deserves no response.</summary>
        Silence,
        /// <summary>The name is none of ours and the caller may ask other servers.</summary>
        Forward,
    }

    /// <summary>Who asks, if it is a container of this network.</summary>
    public NamedEndpoint? Caller(AddressKey from) => zone.Table.Find(from);

    /// <summary>Answers a query, or says that another server must.</summary>
    /// <param name="query">What was received, of any form.</param>
    /// <param name="caller">The container that asks, or null.</param>
    /// <param name="host">
    /// The host itself asks, which may see the names, too; nothing is forwarded for it, or a host that asks us and is asked by us would go
    /// round in circles. Any other unknown caller comes from another network: it is refused.
    /// </param>
    /// <param name="datagram">The client's own limit holds (UDP).</param>
    /// <param name="response">Where the response goes, 512 bytes or more.</param>
    /// <param name="length">The response's length.</param>
    public Outcome Answer(ReadOnlySpan<byte> query, NamedEndpoint? caller, bool host, bool datagram, Span<byte> response, out int length)
    {
        length = 0;
        if (!DnsMessage.Asks(query))
        {
            return Outcome.Silence;
        }

        var code = DnsQuestion.Read(query, out var question);
        if (datagram)
        {
            response = response[..Math.Min(response.Length, Math.Max(DnsMessage.PlainDatagram, question.DatagramLimit))];
        }

        var answer = new DnsAnswer(query, question, response);
        if (code == DnsCode.NoError && (caller is not null || host))
        {
            Span<char> text = stackalloc char[DnsMessage.MaxName];
            text = text[..DnsQuestion.Text(query, text)];
            if (!TryAddress(text, question.Type, caller, ref answer) && !TryName(text, question.Type, caller, ref answer))
            {
                if (caller is { Forwards: true })
                {
                    return Outcome.Forward;
                }

                // As Docker's resolver on an internal network: the client hears that nobody could be asked, not that the name does not exist.
                code = caller is null ? DnsCode.Refused : DnsCode.ServerFailure;
            }
        }
        else if (code == DnsCode.NoError)
        {
            code = DnsCode.Refused;
        }

        length = answer.Finish(code);
        return Outcome.Answered;
    }

    /// <summary>Answers what a reverse name stands for: "web.shop" for the address of web on the network shop.</summary>
    private bool TryAddress(ReadOnlySpan<char> name, ushort type, NamedEndpoint? caller, ref DnsAnswer answer)
    {
        if (type != DnsType.Pointer || !AddressKey.TryReverse(name, out var address))
        {
            return false;
        }

        if (TryAddress(zone, address, ref answer))
        {
            return true;
        }

        foreach (var other in caller?.OtherZones ?? [])
        {
            if (TryAddress(other, address, ref answer))
            {
                return true;
            }
        }

        return false;
    }

    private static bool TryAddress(NameZone zone, AddressKey address, ref DnsAnswer answer)
    {
        Span<byte> wire = stackalloc byte[DnsMessage.MaxName];
        if (zone.Table.Find(address) is not { Names: [var name, ..] } || !TryWrite($"{name}.{zone.Network}", wire, out var length))
        {
            return false;
        }

        answer.Add(DnsType.Pointer, wire[..length]);
        return true;
    }

    /// <summary>
    /// Answers what a name stands for. Names and networks may both have dots: a.b.c is a container of that name on any of the caller's
    /// networks, or a.b on the network c, or a on b.c, in this order, as in Docker.
    /// </summary>
    private bool TryName(ReadOnlySpan<char> name, ushort type, NamedEndpoint? caller, ref DnsAnswer answer)
    {
        for (var end = name.Length; end > 0; end = name[..end].LastIndexOf('.'))
        {
            var network = name[end..].TrimStart('.');
            if ((Find(zone, name[..end], network, caller) ?? FindElsewhere(name[..end], network, caller)) is { } record)
            {
                record.AddTo(ref answer, type);
                return true;
            }
        }

        return false;
    }

    private static NameRecord? FindElsewhere(ReadOnlySpan<char> name, ReadOnlySpan<char> network, NamedEndpoint? caller)
    {
        foreach (var other in caller?.OtherZones ?? [])
        {
            if (Find(other, name, network, caller) is { } record)
            {
                return record;
            }
        }

        return null;
    }

    private static NameRecord? Find(NameZone zone, ReadOnlySpan<char> name, ReadOnlySpan<char> network, NamedEndpoint? caller)
    {
        if (network.Length > 0 && !network.Equals(zone.Network, StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        foreach (var link in caller?.Links ?? [])
        {
            if (name.Equals(link.Alias, StringComparison.OrdinalIgnoreCase))
            {
                name = link.Name;
                break;
            }
        }

        return zone.Table.Find(name);
    }

    /// <summary>A name in its wire form (RFC 1035 section 3.1), unless it has none: a label that is empty or has more than 63 bytes, 255 in all.</summary>
    private static bool TryWrite(string name, Span<byte> wire, out int length)
    {
        length = 0;
        foreach (var range in name.AsSpan().Split('.'))
        {
            var label = name.AsSpan(range);
            var octets = Encoding.UTF8.GetByteCount(label);
            if (octets is 0 or > 63 || length + 1 + octets >= wire.Length)
            {
                return false;
            }

            wire[length] = (byte)octets;
            length += 1 + Encoding.UTF8.GetBytes(label, wire[(length + 1)..]);
        }

        wire[length++] = 0;
        return true;
    }
}
