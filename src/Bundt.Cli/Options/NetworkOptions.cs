using Bundt.Cli.CommandLine;
using CommandLine;

namespace Bundt.Cli.Options;

[Command("network create", "Create a network", Usage = "[OPTIONS] NETWORK", Minimum = 1, Maximum = 1, Group = "Network Commands")]
internal sealed class NetworkCreateOptions
{
    [Option("attachable", HelpText = "Enable manual container attachment (every network has it)")]
    public bool Attachable { get; set; }

    [Option("aux-address", MetaValue = "map", HelpText = "Addresses of the subnet that are somebody else's (name=address)")]
    public IEnumerable<string> AuxAddress { get; set; } = [];

    [Option('d', "driver", MetaValue = "string", HelpText = "Driver to manage the network (default \"bridge\")")]
    public string? Driver { get; set; }

    [Option("gateway", MetaValue = "ipSlice", HelpText = "IPv4 or IPv6 gateway for the subnet")]
    public IEnumerable<string> Gateway { get; set; } = [];

    [Option("internal", HelpText = "Restrict external access to the network")]
    public bool Internal { get; set; }

    [Option("ip-range", MetaValue = "stringSlice", HelpText = "Allocate container addresses from a sub-range")]
    public IEnumerable<string> IpRange { get; set; } = [];

    [Option("ipv4", HelpText = "Enable IPv4 address assignment (default true)")]
    public bool? Ipv4 { get; set; }

    [Option("ipv6", HelpText = "Enable IPv6 address assignment")]
    public bool Ipv6 { get; set; }

    [Option("label", MetaValue = "list", HelpText = "Set metadata on a network")]
    public IEnumerable<string> Label { get; set; } = [];

    [Option('o', "opt", MetaValue = "map", HelpText = "Set driver specific options")]
    public IEnumerable<string> Opt { get; set; } = [];

    [Option("subnet", MetaValue = "stringSlice", HelpText = "Subnet in CIDR format that represents a network segment")]
    public IEnumerable<string> Subnet { get; set; } = [];

    [Value(0, MetaName = "NETWORK")]
    public string Network { get; set; } = "";
}

[Command("network ls", "List networks", Maximum = 0, Aliases = "network list", Group = "Network Commands")]
internal sealed class NetworkListOptions
{
    [Option('f', "filter", MetaValue = "filter", HelpText = "Provide filter values (e.g. \"driver=bridge\")")]
    public IEnumerable<string> Filter { get; set; } = [];

    [Option("format", MetaValue = "string", HelpText = "Format output: 'table', 'table TEMPLATE', 'json' or a Go template")]
    public string? Format { get; set; }

    [Option("no-trunc", HelpText = "Do not truncate the output")]
    public bool NoTrunc { get; set; }

    [Option('q', "quiet", HelpText = "Only display network IDs")]
    public bool Quiet { get; set; }
}

[Command("network connect", "Connect a container to a network", Usage = "[OPTIONS] NETWORK CONTAINER", Minimum = 2, Maximum = 2, Group = "Network Commands")]
internal sealed class NetworkConnectOptions
{
    [Option("alias", MetaValue = "strings", HelpText = "Add network-scoped alias for the container")]
    public IEnumerable<string> Alias { get; set; } = [];

    [Option("driver-opt", MetaValue = "strings", HelpText = "Driver options for the network")]
    public IEnumerable<string> DriverOpt { get; set; } = [];

    [Option("gw-priority", MetaValue = "int", HelpText = "Highest gw-priority provides the default gateway. Accepts positive and negative values")]
    public int? GwPriority { get; set; }

    [Option("ip", MetaValue = "string", HelpText = "IPv4 address (e.g., 172.30.100.104)")]
    public string? Ip { get; set; }

    [Option("ip6", MetaValue = "string", HelpText = "IPv6 address (e.g., 2001:db8::33)")]
    public string? Ip6 { get; set; }

    [Option("link", MetaValue = "list", HelpText = "Add link to another container")]
    public IEnumerable<string> Link { get; set; } = [];

    [Option("mac-address", MetaValue = "string", HelpText = "MAC address in the network (e.g., 92:d0:c6:0a:29:33)")]
    public string? MacAddress { get; set; }

    [Value(0, MetaName = "NETWORK")]
    public string Network { get; set; } = "";

    [Value(1, MetaName = "CONTAINER")]
    public string Container { get; set; } = "";
}

[Command("network disconnect", "Disconnect a container from a network", Usage = "[OPTIONS] NETWORK CONTAINER", Minimum = 2, Maximum = 2, Group = "Network Commands")]
internal sealed class NetworkDisconnectOptions
{
    [Option('f', "force", HelpText = "Force the container to disconnect from a network")]
    public bool Force { get; set; }

    [Value(0, MetaName = "NETWORK")]
    public string Network { get; set; } = "";

    [Value(1, MetaName = "CONTAINER")]
    public string Container { get; set; } = "";
}

[Command("network rm", "Remove one or more networks", Usage = "[OPTIONS] NETWORK [NETWORK...]", Minimum = 1, Aliases = "network remove", Group = "Network Commands")]
internal sealed class NetworkRemoveOptions
{
    [Option('f', "force", HelpText = "Do not error if the network does not exist")]
    public bool Force { get; set; }

    [Value(0, MetaName = "NETWORK")]
    public IEnumerable<string> Networks { get; set; } = [];
}

[Command("network prune", "Remove all unused networks", Maximum = 0, Group = "Network Commands")]
internal sealed class NetworkPruneOptions
{
    [Option("filter", MetaValue = "filter", HelpText = "Provide filter values (e.g. \"until=<timestamp>\")")]
    public IEnumerable<string> Filter { get; set; } = [];

    [Option('f', "force", HelpText = "Do not prompt for confirmation")]
    public bool Force { get; set; }
}
