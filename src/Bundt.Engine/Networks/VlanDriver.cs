using System.Globalization;
using Bundt.Linux;
using Bundt.Linux.Network;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Engine.Networks;

/// <summary>
/// Networks of the kernel's macvlan and ipvlan interfaces: containers are on the network of one of the host's own interfaces, the parent. It may be that of
/// a VLAN ("eth0.10"), which is made if there is none; and without one there is an interface that leads nowhere.
/// </summary>
internal sealed class VlanDriver(OwnMark mark) : INetworkDriver
{
    private const int HighestTag = 4094;

    /// <summary>The modes of both kinds, by their names (if_link.h); the first one of a kind is its default.</summary>
    private static readonly (string Kind, string Name, int Value)[] s_modes =
    [
        (NetworkDrivers.MacVlan, "bridge", 4), (NetworkDrivers.MacVlan, "private", 1), (NetworkDrivers.MacVlan, "vepa", 2), (NetworkDrivers.MacVlan, "passthru", 8),
        (NetworkDrivers.IpVlan, "l2", 0), (NetworkDrivers.IpVlan, "l3", 1), (NetworkDrivers.IpVlan, "l3s", 2),
    ];

    // Two containers may ask for the first address of two networks that make the same interface.
    private readonly Lock _making = new();

    /// <inheritdoc/>
    public void Check(Network network, IEnumerable<Network> others)
    {
        var mode = Mode(network);
        foreach (var other in others.Where(other => !other.IsBridge && other.Parent == network.Parent))
        {
            var otherMode = Mode(other);
            if (other.Settings.Driver != network.Settings.Driver || (mode != otherMode && network.Settings.Driver == NetworkDrivers.IpVlan) || mode.Name == "passthru" || otherMode.Name == "passthru")
            {
                throw new BundtException(
                    FailureKind.Forbidden, Phase.Network,
                    $"network {other.Name} is already using parent interface {network.Parent} as {other.Settings.Driver}, mode {otherMode.Name}: {network.Settings.Driver} in mode {mode.Name} cannot share it");
            }
        }
    }

    /// <inheritdoc/>
    public void Ensure(Network network)
    {
        using var host = NetworkStack.OpenOwn();
        Lower(host, network);
    }

    /// <inheritdoc/>
    public void Remove(Network network, IEnumerable<Network> others)
    {
        if (others.Any(other => !other.IsBridge && other.Parent == network.Parent))
        {
            return;
        }

        using var host = NetworkStack.OpenOwn();
        if (host.Find(network.Parent) is { } link && mark.IdOn(link) == network.Parent)
        {
            host.Remove(network.Parent);
        }
    }

    /// <inheritdoc/>
    public void Connect(Network network, Endpoint endpoint, SafeFileHandle networkNamespace, bool routes)
    {
        using var host = NetworkStack.OpenOwn();
        var hardware = endpoint.Hardware.GetAddressBytes().Length > 0 ? endpoint.Hardware : null;
        host.AddVlan(network.Settings.Driver, Lower(host, network), Mode(network).Value, networkNamespace, endpoint.Interface, hardware, network.Options.Mtu);
        try
        {
            ContainerInterface.Furnish(network, endpoint, networkNamespace, routes);
        }
        catch
        {
            ContainerInterface.Remove(endpoint.Interface, networkNamespace);
            throw;
        }
    }

    /// <inheritdoc/>
    public void Disconnect(Endpoint endpoint, SafeFileHandle? networkNamespace)
    {
        if (networkNamespace is not null)
        {
            ContainerInterface.Remove(endpoint.Interface, networkNamespace);
        }
    }

    private static (string Kind, string Name, int Value) Mode(Network network)
    {
        var kind = network.Settings.Driver;
        foreach (var mode in s_modes)
        {
            if (mode.Kind == kind && network.Options.Mode is var wanted && (wanted.Length == 0 || wanted == mode.Name))
            {
                return mode;
            }
        }

        throw new BundtException(
            FailureKind.InvalidArgument, Phase.Request,
            $"requested {kind} mode '{network.Options.Mode}' is not valid, '{s_modes.First(mode => mode.Kind == kind).Name}' mode is the {kind} driver default",
            $"Modes are {string.Join(", ", s_modes.Where(mode => mode.Kind == kind).Select(mode => mode.Name))}.");
    }

    private int Lower(NetworkStack host, Network network)
    {
        lock (_making)
        {
            var link = host.Find(network.Parent) ?? Make(host, network);
            return link.Name != "lo" ? link.Index : throw new BundtException(FailureKind.InvalidArgument, Phase.Network, $"loopback interface is not a valid {network.Settings.Driver} parent link");
        }
    }

    private NetworkLink Make(NetworkStack host, Network network)
    {
        var name = network.Parent;
        if (network.Options.Parent is null)
        {
            host.AddDummy(name, mark.For(name));
        }
        else
        {
            var dot = name.LastIndexOf('.');
            if (dot <= 0 || !ushort.TryParse(name.AsSpan(dot + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var tag) || tag is 0 or > HighestTag)
            {
                throw new BundtException(
                    FailureKind.InvalidArgument, Phase.Network, $"invalid parent: there is no interface {name}", "Name one of the host's interfaces, or INTERFACE.VLAN to have that made (1 to 4094).");
            }

            var lower = host.IndexOf(name[..dot])
                ?? throw new BundtException(FailureKind.InvalidArgument, Phase.Network, $"invalid parent {name}: there is no interface {name[..dot]} on the host to make it on");
            host.AddTagged(name, lower, tag, mark.For(name));
        }

        return host.Find(name) ?? throw new BundtException(FailureKind.Internal, Phase.Network, $"interface {name} has vanished");
    }
}
