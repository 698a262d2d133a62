using System.Security.Cryptography;
using System.Text;
using Bundt.Daemon.Json;

namespace Bundt.Daemon.Routes;

/// <summary>The networks that have nothing to be told of but their names: "none" and "host".</summary>
internal static class PredefinedNetworks
{
    private static readonly string s_created = GoTime.Format(DateTimeOffset.UtcNow);

    /// <summary>Their names and drivers.</summary>
    public static IReadOnlyList<(string Name, string Driver, string Id)> All { get; } =
        [("host", "host", Hash("host")), ("none", "null", Hash("none"))];

    /// <summary>The id of a network by its name, or "".</summary>
    public static string IdOf(string name)
    {
        foreach ((string known, _, string id) in All)
        {
            if (known == name)
            {
                return id;
            }
        }

        return "";
    }

    /// <summary>Inspect's answer.</summary>
    public static NetworkInspect Describe((string Name, string Driver, string Id) network, IReadOnlyDictionary<string, NetworkContainer>? containers = null) => new()
    {
        Name = network.Name,
        Id = network.Id,
        Created = s_created,
        Driver = network.Driver,
        Containers = containers ?? new Dictionary<string, NetworkContainer>(),
    };

    private static string Hash(string name) => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes("bundt network " + name)));
}
