namespace Bundt.Integration.Tests.Fixtures;

/// <summary>dockerd on a host of its own, with bundt-runtime as its default runtime and an image.</summary>
public static class DockerEngine
{
    /// <summary>Where the runtime keeps its containers' state, below the host's /run.</summary>
    public const string State = "dx/runtime-runc/moby";

    /// <summary>The programs that it needs.</summary>
    public static string[] Programs => ["dockerd", "containerd", "containerd-shim-runc-v2", "docker"];

    /// <summary>Starts it, and loads the image.</summary>
    public static void Start(EngineHost host, string image)
    {
        host.Start(
            () => Docker(host, "version").Run().ExitCode == 0, "dockerd", "--data-root", Path.Combine(host.Directory, "root"), "--exec-root", "/run/dx", "-p", "/run/dockerd.pid",
            "-H", Address(host), "--bridge", "none", "--iptables=false", "--ip6tables=false", "--storage-driver", "overlay2",
            "--add-runtime", "bundt=" + Paths.Program("bundt-runtime"), "--default-runtime", "bundt", "--exec-opt", "native.cgroupdriver=cgroupfs");
        Docker(host, "load", "-i", image).Run().Ok();
    }

    /// <summary>A command of the docker client.</summary>
    public static Command Docker(EngineHost host, params IEnumerable<string> arguments) =>
        new Command(Environment.GetEnvironmentVariable("DOCKER") ?? "docker", arguments).With("DOCKER_HOST", Address(host)).With("HOME", host.Directory);

    /// <summary>The same under a terminal.</summary>
    public static Command Terminal(EngineHost host, params IEnumerable<string> arguments) =>
        host.Terminal(Environment.GetEnvironmentVariable("DOCKER") ?? "docker", arguments).With("DOCKER_HOST", Address(host));

    private static string Address(EngineHost host) => $"unix://{host.Directory}/s";
}
