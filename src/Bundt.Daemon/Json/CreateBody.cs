namespace Bundt.Daemon.Json;

/// <summary>The body of POST /containers/create.</summary>
internal sealed record CreateBody : ContainerConfig
{
    public HostConfig? HostConfig { get; init; }

    public NetworkingConfig? NetworkingConfig { get; init; }
}

/// <summary>The networks to join.</summary>
internal sealed record NetworkingConfig
{
    public Dictionary<string, EndpointSettings?>? EndpointsConfig { get; init; }
}

/// <summary>The answer of create and of our run.</summary>
internal sealed record CreateAnswer(string Id, IReadOnlyList<string> Warnings);

/// <summary>An answer that is an id alone.</summary>
internal sealed record IdAnswer(string Id);

/// <summary>The answer of wait.</summary>
internal sealed record WaitAnswer(int StatusCode);
