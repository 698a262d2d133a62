using System.Globalization;
using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>Two dockerds, each in namespaces of its own with a wire between them, form a Swarm whose tasks run on bundt-runtime.</summary>
[NonParallelizable]
public sealed class RuntimeSwarmTests
{
    private const int Replicas = 6;

    [Test]
    public void A_service_with_six_replicas_survives_the_loss_of_a_node()
    {
        foreach (var program in DockerEngine.Programs)
        {
            if (!(Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Append("/usr/sbin").Any(directory => File.Exists(Path.Combine(directory, program))))
            {
                Assert.Ignore($"needs {program}");
            }
        }

        using var manager = new EngineHost("manager");
        using var worker = new EngineHost("worker");
        Connect(manager, worker);
        foreach (var host in (EngineHost[])[manager, worker])
        {
            DockerEngine.Start(host, Fixture.Archive("busybox-one"));
        }

        Docker(manager, "swarm", "init", "--advertise-addr", "10.77.0.1");
        Docker(manager, "swarm", "update", "--dispatcher-heartbeat", "1s");
        Docker(worker, "swarm", "join", "--token", Docker(manager, "swarm", "join-token", "-q", "worker").Text, "10.77.0.1:2377");

        var overlay = HasVxlan(manager);
        if (overlay)
        {
            Docker(manager, "network", "create", "-d", "overlay", "table");
        }

        // Without IPVS in the kernel nothing balances a virtual address: names lead to the tasks themselves.
        Docker(manager, ["service", "create", "--detach", "--no-resolve-image", "--name", "cakes", "--replicas", $"{Replicas}", "--endpoint-mode", "dnsrr", "--stop-signal", "KILL",
            .. overlay ? ["--network", "table"] : Array.Empty<string>(), "busybox-one", "sleep", "100000"]);
        Eventually.True(() => Running(manager).Length == Replicas, () => Docker(manager, "service", "ps", "cakes").Stdout + manager.Log() + worker.Log(), 60);
        Assert.That(Running(manager).Distinct(), Is.EquivalentTo(new[] { "manager", "worker" }), "tasks are on both nodes");
        foreach (var host in (EngineHost[])[manager, worker])
        {
            var ids = Containers(host);
            Assert.That(Docker(host, ["inspect", "-f", "{{.HostConfig.Runtime}}", .. ids]).Lines, Is.All.EqualTo("bundt"));
            Assert.That(host.Containers(DockerEngine.State), Is.EquivalentTo(ids), "bundt-runtime has them all");
        }

        if (overlay)
        {
            TasksReachOneAnother(manager);
        }

        var kept = Containers(manager);
        worker.Die();
        var all = Enumerable.Repeat("manager", Replicas).ToArray();
        Eventually.True(() => Running(manager).SequenceEqual(all), () => Docker(manager, "service", "ps", "cakes").Stdout + manager.Log(), 90);
        Assert.That(Containers(manager), Has.Length.EqualTo(Replicas));
        Assert.That(Containers(manager), Is.SupersetOf(kept), "the survivor's own tasks were left alone");

        Docker(manager, "service", "rm", "cakes");
        Eventually.True(() => Docker(manager, "ps", "-aq").Lines.Length == 0, () => Docker(manager, "ps", "-a").Stdout, 30);
        manager.NothingIsLeft(DockerEngine.State);
    }

    private static Result Docker(EngineHost host, params IEnumerable<string> arguments) => DockerEngine.Docker(host, arguments).Run().Ok();

    private static string[] Containers(EngineHost host) => Docker(host, "ps", "-q", "--no-trunc").Lines;

    // The node of each task that runs.
    private static string[] Running(EngineHost manager) =>
        [.. Docker(manager, "service", "ps", "cakes", "-f", "desired-state=running", "--format", "{{.Node}} {{.CurrentState}}").Lines
            .Select(line => line.Split(' ')).Where(words => words[1] == "Running").Select(words => words[0])];

    private static void TasksReachOneAnother(EngineHost host)
    {
        var task = Containers(host)[0];
        string[] addresses = [];
        Eventually.True(
            () => (addresses = [.. DockerEngine.Docker(host, "exec", task, "nslookup", "cakes").Run().Lines.Where(line => line.StartsWith("Address: ", StringComparison.Ordinal)).Select(line => line[9..])]).Length == Replicas,
            () => string.Join(", ", addresses), 30);
        foreach (var address in addresses)
        {
            Docker(host, "exec", task, "ping", "-c", "1", "-W", "10", address);
        }
    }

    private static void Connect(EngineHost a, EngineHost b)
    {
        a.Command("ip", "link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", b.Pid.ToString(CultureInfo.InvariantCulture)).Run().Ok();
        foreach (var (host, address) in new[] { (a, "10.77.0.1/24"), (b, "10.77.0.2/24") })
        {
            host.Command("ip", "address", "add", address, "dev", "wire").Run().Ok();
            host.Command("ip", "link", "set", "wire", "up").Run().Ok();
        }
    }

    private static bool HasVxlan(EngineHost host)
    {
        var made = host.Command("ip", "link", "add", "probe", "type", "vxlan", "id", "7", "dstport", "4790").Run();
        host.Command("ip", "link", "delete", "probe").Run();
        if (made.ExitCode != 0)
        {
            TestContext.Out.WriteLine($"no overlay network here: {made.Stderr}");
        }

        return made.ExitCode == 0;
    }
}
