using System.Net;
using Bundt.Images;

namespace Bundt.Engine;

/// <summary>Where the daemon keeps things and what it defaults to.</summary>
public sealed record EngineOptions
{
    /// <summary>Durable state (/var/lib/bundt): images, containers, volumes, trash.</summary>
    public string Root { get; init; } = "/var/lib/bundt";

    /// <summary>Live state (/run/bundt): sockets.</summary>
    public string Run { get; init; } = "/run/bundt";

    /// <summary>What "host-gateway" of --add-host stands for; none: the host's addresses on the default bridge.</summary>
    public IReadOnlyList<IPAddress> HostGateways { get; init; } = [];

    /// <summary>Registries.</summary>
    public RegistryOptions Registries { get; init; } = new();

    /// <summary>The network of containers that name none; null: they have none.</summary>
    public DefaultBridge? DefaultBridge { get; init; }

    /// <summary>Where ports are published that name no address; null: on all of the host's addresses.</summary>
    public IPAddress? PublishAt { get; init; }
}
