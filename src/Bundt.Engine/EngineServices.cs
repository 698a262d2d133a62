using System.Net;
using Bundt.Engine.Containers;
using Bundt.Engine.Launch;
using Bundt.Engine.Networks;
using Bundt.Engine.Networks.Names;
using Bundt.Images;
using Bundt.Linux.Watches;
using Microsoft.Extensions.Logging;

namespace Bundt.Engine;

/// <summary>What containers use of the engine they belong to.</summary>
internal sealed class EngineServices
{
    public EngineServices() => Prepared = new PreparedContainers(this);

    public required EnginePaths Paths { get; init; }

    public required ILogger Logger { get; init; }

    public required KernelWatch Watch { get; init; }

    public required IContainerProcesses Processes { get; init; }

    public required IContainerImages Images { get; init; }

    public required VolumeStore Volumes { get; init; }

    public required NetworkStore Networks { get; init; }

    public required NetworkDrivers Drivers { get; init; }

    public required PacketFilter Filter { get; init; }

    public required HostPorts Ports { get; init; }

    public required NameService Names { get; init; }

    /// <summary>What "host-gateway" stands for; none: the addresses of the default bridge.</summary>
    public IReadOnlyList<IPAddress> HostGateways { get; init; } = [];

    public required EventLog Events { get; init; }

    public required Trash Trash { get; init; }

    public required ContainerRegistry Containers { get; init; }

    public PreparedContainers Prepared { get; }
}

/// <summary>What containers need of images. Tests give directories instead of a store.</summary>
internal interface IContainerImages
{
    StoredImage Find(string nameOrId);

    Task<LayerLease> LeaseLayersAsync(StoredImage image, CancellationToken cancellation);
}

/// <summary>The images of a store.</summary>
internal sealed class StoredImages(ImageStore store) : IContainerImages
{
    public StoredImage Find(string nameOrId) => store.Find(nameOrId);

    public Task<LayerLease> LeaseLayersAsync(StoredImage image, CancellationToken cancellation) => store.LeaseLayersAsync(image, cancellation);
}
