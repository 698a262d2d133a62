namespace Bundt.Images;

/// <summary>What daemon.json and the command line say about registries.</summary>
public sealed class RegistryOptions
{
    /// <summary>Base addresses asked before docker.io ("registry-mirrors").</summary>
    public IReadOnlyList<Uri> Mirrors { get; init; } = [];

    /// <summary>Hosts or CIDR blocks spoken to over plain HTTP ("insecure-registries"); 127.0.0.0/8 always is.</summary>
    public IReadOnlyList<string> Insecure { get; init; } = [];

    /// <summary>Docker's config.json with "auths", read at each pull; null: $DOCKER_CONFIG or /root/.docker/config.json.</summary>
    public string? DockerConfigPath { get; init; }

    /// <summary>Certificates by registry: HOST[:PORT]/*.crt, *.cert and *.key, read when they have changed.</summary>
    public string CertificatesPath { get; init; } = "/etc/docker/certs.d";

    /// <summary>Layers downloaded at once per pull ("max-concurrent-downloads"; Docker's default is 3).</summary>
    public int MaxConcurrentDownloads { get; init; } = 3;
}
