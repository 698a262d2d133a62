using System.Text;
using Bundt.Oci.Image;

namespace Bundt.Oci.Tests.Image;

public sealed class ImageConfigTests
{
    private const string D1 = "sha256:1111111111111111111111111111111111111111111111111111111111111111";

    private static ImageConfig Parse(string json) => ImageConfig.Parse(Encoding.UTF8.GetBytes(json));

    [Test]
    public void A_docker_configuration_is_read_whole()
    {
        ImageConfig config = Parse("""
            {"architecture":"amd64","os":"linux","created":"2024-05-01T10:20:30.123456789Z","author":"me","docker_version":"20.10",
             "config":{"User":"1000:1000","Env":["PATH=/bin","A=b=c"],"Entrypoint":["/e"],"Cmd":["x",""],"WorkingDir":"/w","Labels":{"k":"v","K":"V"},
               "Volumes":{"/data":{}},"ExposedPorts":{"80/tcp":{}},"StopSignal":"SIGQUIT","Shell":["/bin/bash","-c"],"OnBuild":["RUN x"],"Domainname":"","AttachStdin":false,
               "Healthcheck":{"Test":["CMD-SHELL","true"],"Interval":30000000000,"Retries":3}},
             "container_config":{"Cmd":["ignored"]},
             "history":[{"created":"2024-05-01T10:20:30Z","created_by":"ADD"},{"created_by":"ENV","empty_layer":true}],
             "rootfs":{"type":"layers","diff_ids":["D1_HERE"]}}
            """.Replace("D1_HERE", D1, StringComparison.Ordinal));
        Assert.Multiple(() =>
        {
            Assert.That(config.Platform.ToString(), Is.EqualTo("linux/amd64"));
            Assert.That(config.DiffIds, Is.EqualTo(new[] { D1 }));
            Assert.That(config.Created, Is.EqualTo(new DateTimeOffset(2024, 5, 1, 10, 20, 30, TimeSpan.Zero).AddTicks(1234568)));
            Assert.That(config.CreatedText, Is.EqualTo("2024-05-01T10:20:30.123456789Z"));
            Assert.That(config.Config.User, Is.EqualTo("1000:1000"));
            Assert.That(config.Config.Env, Is.EqualTo(new[] { "PATH=/bin", "A=b=c" }));
            Assert.That(config.Config.Entrypoint, Is.EqualTo(new[] { "/e" }));
            Assert.That(config.Config.Cmd, Is.EqualTo(new[] { "x", "" }));
            Assert.That(config.Config.Labels, Has.Count.EqualTo(2));
            Assert.That(config.Config.Volumes, Is.EqualTo(new[] { "/data" }));
            Assert.That(config.Config.ExposedPorts, Is.EqualTo(new[] { "80/tcp" }));
            Assert.That(config.Config.StopSignal, Is.EqualTo("SIGQUIT"));
            Assert.That(config.Config.Shell, Is.EqualTo(new[] { "/bin/bash", "-c" }));
            Assert.That(config.Config.OnBuild, Is.EqualTo(new[] { "RUN x" }));
            Assert.That(config.Config.Healthcheck!.Interval, Is.EqualTo(30_000_000_000));
            Assert.That(config.Config.Healthcheck.Test, Is.EqualTo(new[] { "CMD-SHELL", "true" }));
            Assert.That(config.History, Has.Count.EqualTo(2));
            Assert.That(config.History[1].IsEmptyLayer, Is.True);
        });
    }

    [Test]
    public void Nulls_are_absent_members()
    {
        ImageConfig config = Parse("""{"created":null,"config":{"Env":null,"Cmd":null,"Entrypoint":null,"Labels":null,"Volumes":null},"history":null,"rootfs":{"type":"layers","diff_ids":null}}""");
        Assert.Multiple(() =>
        {
            Assert.That(config.Created, Is.Null);
            Assert.That(config.Config.Cmd, Is.Null);
            Assert.That(config.Config.Env, Is.Empty);
            Assert.That(config.DiffIds, Is.Empty);
        });
    }

    [TestCase("""{"config":{}}""", "rootfs")]
    [TestCase("""{"rootfs":{"type":"magic","diff_ids":[]}}""", "magic")]
    [TestCase("""{"rootfs":{"type":"layers","diff_ids":["sha256:../x"]}}""", "invalid digest")]
    [TestCase("""{"rootfs":{"type":"layers","diff_ids":[1]}}""", "strings")]
    [TestCase("""{"rootfs":{"diff_ids":[]},"config":{"Env":"A=b"}}""", "array")]
    [TestCase("""{"rootfs":{"diff_ids":[]},"config":{"Env":["A=1"],"env":["A=2"]}}""", "twice")]
    [TestCase("""{"rootfs":{"diff_ids":[]},"config":{"User":0}}""", "string")]
    [TestCase("""{"rootfs":{"diff_ids":[]},"config":{"User":"\ud800"}}""", "UTF-8")]
    public void A_malformed_configuration_is_refused(string json, string because) =>
        Assert.That(() => Parse(json), Throws.TypeOf<FormatException>().With.Message.Contains(because));
}
