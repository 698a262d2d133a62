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

    /// <summary>The interface below a macvlan or ipvlan.</summary>
    public string? Parent { get; init; }

    /// <summary>The mode of a macvlan or ipvlan.</summary>
    public string Mode { get; init; } = "";

    /// <summary>Reads them.</summary>
    /// <exception cref="BundtException">InvalidArgument: an option is not known to the driver, or its value makes no sense.</exception>
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
                ("bridge", "com.docker.network.bridge.enable_icc") => Truth(name, value)
                    ? result
                    : throw Invalid("com.docker.network.bridge.enable_icc=false is not supported: give each container a network of its own"),
                ("bridge", "com.docker.network.bridge.default_bridge" or "com.docker.network.bridge.inhibit_ipv4") => result,
                ("macvlan" or "ipvlan", "parent") => result with { Parent = Interface(name, value) },
                ("macvlan", "macvlan_mode") or ("ipvlan", "ipvlan_mode") => result with { Mode = value },
                _ => throw Invalid($"unknown option {name} of driver {driver}"),
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

    private static BundtException Invalid(string text) => new(FailureKind.InvalidArgument, Phase.Request, text);
}
