using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Bundt.Integration.Tests.Fixtures;

/// <summary>Debian's docker-registry on a free port of loopback, with a directory of its own.</summary>
public sealed class Registry : IDisposable
{
    private static int s_count;
    private readonly string _directory = Path.Combine(Paths.Work, $"r{Interlocked.Increment(ref s_count)}");
    private Process? _process;

    /// <summary>Starts it and waits until it answers.</summary>
    /// <param name="extra">Further YAML for its configuration (an auth section, say).</param>
    public Registry(string extra = "")
    {
        Directory.CreateDirectory(Storage);
        using (var probe = new TcpListener(IPAddress.Loopback, 0))
        {
            probe.Start();
            Port = ((IPEndPoint)probe.LocalEndpoint).Port;
        }
        File.WriteAllText(Path.Combine(_directory, "config.yml"), $"""
            version: 0.1
            log: {"{"} level: warn {"}"}
            storage:
              filesystem: {"{"} rootdirectory: {Storage} {"}"}
              delete: {"{"} enabled: true {"}"}
            http:
              addr: 127.0.0.1:{Port}
            {extra}

            """);
        Start();
    }

    /// <summary>"127.0.0.1:PORT".</summary>
    public string Host => $"127.0.0.1:{Port}";

    /// <summary>Its port.</summary>
    public int Port { get; }

    /// <summary>Its storage: blobs lie in docker/registry/v2/blobs/sha256/XX/HEX/data.</summary>
    public string Storage => Path.Combine(_directory, "storage");

    /// <summary>The file of a blob.</summary>
    public string BlobFile(string digest)
    {
        var hex = digest.Split(':')[1];
        return Path.Combine(Storage, "docker/registry/v2/blobs/sha256", hex[..2], hex, "data");
    }

    /// <summary>Starts it (again).</summary>
    public void Start()
    {
        var log = Path.Combine(_directory, "log");
        _process = new Command("/bin/sh", "-c", "exec docker-registry serve \"$1\" >>\"$2\" 2>&1 </dev/null", "sh", Path.Combine(_directory, "config.yml"), log).Start();
        Eventually.True(() => _process.HasExited || Accepts(), "the registry does not accept");
        Assert.That(_process.HasExited, Is.False, () => File.ReadAllText(log));
    }

    /// <summary>Ends it; its port refuses from now on.</summary>
    public void Stop()
    {
        _process!.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    /// <summary>Puts a fixture into it through skopeo; returns the reference to pull.</summary>
    /// <param name="fixture">The image's name in rootfs-fixtures.</param>
    /// <param name="format">oci or v2s2.</param>
    public string Push(string fixture, string format = "oci")
    {
        new Command("skopeo", "--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false", "--format", format,
            $"oci-archive:{Fixture.Archive(fixture)}:latest", $"docker://{Host}/{fixture}:latest").Within(300).Run().Ok();
        return $"{Host}/{fixture}:latest";
    }

    /// <summary>Ends it and removes its directory.</summary>
    public void Dispose()
    {
        if (_process is { } process)
        {
            try
            {
                process.Kill();
            }
            catch (InvalidOperationException)
            {
                // Stopped before.
            }
        }
        new Command("/bin/rm", "-rf", _directory).Run();
    }

    private bool Accepts()
    {
        try
        {
            using var client = new TcpClient();
            client.Connect(IPAddress.Loopback, Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
