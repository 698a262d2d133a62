using System.Text.Json;
using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>Real programs from Debian packages, through a real registry.</summary>
public sealed class RealImagesTests
{
    private Registry _registry = null!;
    private Daemon _daemon = null!;

    [OneTimeSetUp]
    public void StartBoth()
    {
        _registry = new Registry();
        _daemon = Daemon.OnTestsNetwork();
    }

    [OneTimeTearDown]
    public void EndBoth()
    {
        _daemon?.Dispose();
        _registry?.Dispose();
    }

    private Result Bundt(params IEnumerable<string> arguments) => _daemon.Bundt(arguments).Within(180).Run();

    [Test]
    public void Redis_answers_ping()
    {
        var image = Pull("redis");
        Bundt("run", "-d", "--name", "redis", "--network", "none", image).Ok();
        Eventually.True(() => Bundt("exec", "redis", "redis-cli", "ping").Text == "PONG", () => $"{Bundt("exec", "redis", "redis-cli", "ping")}\n{Bundt("logs", "redis")}");
        Assert.That(Bundt("exec", "redis", "redis-cli", "set", "cake", "bundt").Ok().Text, Is.EqualTo("OK"));
        Bundt("stop", "redis").Ok();
        Assert.That(Bundt("logs", "redis").Ok().Stdout, Does.Contain("Redis is now ready to exit"));
        Assert.That(Bundt("wait", "redis").Ok().Text, Is.EqualTo("0"));
        Bundt("rm", "-v", "redis").Ok();
    }

    [Test]
    public void Apache_serves_a_page_to_a_client_in_its_network_namespace()
    {
        var image = Pull("apache2");
        Bundt("run", "-d", "--name", "web", "--network", "none", image).Ok();
        var pid = JsonDocument.Parse(Bundt("inspect", "web").Ok().Stdout).RootElement[0].GetProperty("State").GetProperty("Pid").GetInt32();
        Result Get() => new Command("nsenter", $"--net=/proc/{pid}/ns/net", "/bin/busybox", "wget", "-q", "-O", "-", "http://127.0.0.1:8080/").Run();
        Eventually.True(() => Get().ExitCode == 0, () => $"{Get()}\n{Bundt("logs", "web")}");
        Assert.That(Get().Stdout, Does.Contain("It works in a container."));
        Assert.That(Bundt("logs", "web").Ok().Stdout, Does.Contain("GET / HTTP/1.1\" 200"));
        Bundt("stop", "web").Ok();
        Bundt("rm", "web").Ok();
    }

    [Test]
    public void Mariadb_keeps_a_table_in_a_named_volume()
    {
        var image = Pull("mariadb");
        Bundt("run", "-d", "--name", "db", "--network", "none", "-v", "tables:/var/lib/mysql", image).Ok();
        Sql("CREATE DATABASE bakery; CREATE TABLE bakery.cakes (name VARCHAR(20)); INSERT INTO bakery.cakes VALUES ('bundt')");
        Bundt("stop", "-t", "60", "db").Ok();
        Assert.That(Bundt("wait", "db").Ok().Text, Is.EqualTo("0"), () => $"{Bundt("logs", "db")}");
        Bundt("rm", "db").Ok();
        Bundt("run", "-d", "--name", "db", "--network", "none", "-v", "tables:/var/lib/mysql", image).Ok();
        Assert.That(Sql("SELECT name FROM bakery.cakes"), Is.EqualTo("bundt"));
        Bundt("rm", "-f", "db").Ok();
        Bundt("volume", "rm", "tables").Ok();
    }

    private string Pull(string fixture)
    {
        var reference = _registry.Push(fixture);
        Bundt("pull", reference).Ok();
        return reference;
    }

    private string Sql(string statement)
    {
        Result result = null!;
        Eventually.True(() => (result = Bundt("exec", "db", "mariadb", "-S", "/run/mysqld/mysqld.sock", "-N", "-e", statement)).ExitCode == 0, () => $"{result}\n{Bundt("logs", "db")}", 90);
        return result.Text;
    }
}
