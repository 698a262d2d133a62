using System.Buffers;
using System.Globalization;
using System.Net;
using Bundt.Linux;

namespace Bundt.Engine.Networks;

/// <summary>The options of a network's driver, by Docker's names (-o).</summary>
internal sealed record NetworkOptions
{
    private const int LongestName = 15; // IFNAMSIZ with its NUL

    private static readonly SearchValues<char> s_noName = SearchValues.Create("/: \t\n\"");

    /// <summary>The bridge's name; null: ours.</summary>
    public string? Bridge { get; init; }

    /// <summary>Bytes; 0: the kernel's.</summary>
    public int Mtu { get; init; }

    /// <summary>What leaves for elsewhere has the host's address.</summary>
    public bool Masquerade { get; init; } = true;

    /// <summary>Where ports are published that name no address; null: everywhere.</summary>
    public IPAddress? PublishAt { get; init; }

    /// <summary>The bridge has its gateway's address of version 4.</summary>
    public bool HasAddress { get; init; } = true;

    /// <summary>Containers reach each other.</summary>
    public bool Neighbours { get; init; } = true;

    /// <summary>What the names of the interfaces in containers begin with.</summary>
    public string Prefix { get; init; } = "eth";

    /// <summary>The interface below a macvlan or ipvlan.</summary>
    public string? Parent { get; init; }

    /// <summary>The mode of a macvlan or ipvlan.</summary>
    public string Mode { get; init; } = "";

    /// <summary>Reads them.</summary>
    /// <remarks>What no driver knows is kept and has no effect, as Docker does.</remarks>
    /// <exception cref="BundtException">InvalidArgument: a value makes no sense. NotImplemented: we do not have what it asks for.</exception>
    public static NetworkOptions Parse(string driver, IReadOnlyDictionary<string, string> options)
    {
        var result = new NetworkOptions();
        foreach (var (name, value) in options)
        {
            result = (driver, name) switch
            {
                (_, "com.docker.network.driver.mtu") => result with { Mtu = Number(name, value) },
                ("bridge", "com.docker.network.bridge.name") => result with { Bridge = Interface(name, value) },
                ("bridge", "com.docker.network.bridge.enable_ip_masquerade") => result with { Masquerade = Truth(name, value) },
                ("bridge", "com.docker.network.bridge.host_binding_ipv4") => result with { PublishAt = Address(name, value) },
                ("bridge", "com.docker.network.bridge.enable_icc") => result with { Neighbours = Truth(name, value) },
                ("bridge", "com.docker.network.bridge.inhibit_ipv4") => result with { HasAddress = !Truth(name, value) },
                ("bridge", "com.docker.network.bridge.gateway_mode_ipv4" or "com.docker.network.bridge.gateway_mode_ipv6") when value is not ("" or "nat") => throw Missing(name, value),
                ("bridge", "com.docker.network.bridge.trusted_host_interfaces" or "com.docker.network.host_ipv4" or "com.docker.network.host_ipv6") when value.Length > 0 =>
                    throw Missing(name, value),
                (_, "com.docker.network.container_iface_prefix") => result with { Prefix = Interface(name, value) },
                ("macvlan" or "ipvlan", "parent") => result with { Parent = Interface(name, value) },
                ("macvlan", "macvlan_mode") or ("ipvlan", "ipvlan_mode") => result with { Mode = value },
                _ => result,
            };
        }

        return result;
    }

    private static int Number(string name, string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is 0 or >= 68 and <= 65535
            ? number
            : throw Invalid($"invalid value for {name}: \"{value}\" is not 68 to 65535 bytes");

    private static bool Truth(string name, string value) => value switch
    {
        "true" or "1" or "True" or "TRUE" or "t" or "T" => true,
        "false" or "0" or "False" or "FALSE" or "f" or "F" => false,
        _ => throw Invalid($"invalid value for {name}: \"{value}\" is neither true nor false"),
    };

    private static string Interface(string name, string value) =>
        value.Length is > 0 and <= LongestName && value is not ("." or "..") && !value.AsSpan().ContainsAny(s_noName)
            ? value
            : throw Invalid($"invalid value for {name}: \"{value}\" is no name of an interface");

    private static IPAddress Address(string name, string value) =>
        IPAddress.TryParse(value, out var address) ? address : throw Invalid($"invalid value for {name}: \"{value}\" is no address");

    private static BundtException Missing(string name, string value) => new(FailureKind.NotImplemented, Phase.Request, $"{name}={value} is not supported");

    private static BundtException Invalid(string text) => new(FailureKind.InvalidArgument, Phase.Request, text);
}
