using System.Text.Json;
using Bundt.Cli.Commands;
using Bundt.Cli.Output;
using Bundt.Cli.Streams;
using Bundt.Cli.Templates;
using Bundt.Cli.Values;

namespace Bundt.Cli.Tests;

[TestFixture]
public sealed class OutputTests
{
    private const string Container = """
        {"Name":"/web","State":{"Status":"running","ExitCode":0,"Running":true},"Config":{"Labels":{"com.x/y":"z","a":"b"},"Env":["A=1","B=2"],"Tty":false},
         "Mounts":[{"Destination":"/d","Type":"bind"},{"Destination":"/e","Type":"volume"}],"Big":12345678901,"Null":null}
        """;

    [TestCase("{{.Name}}", "/web")]
    [TestCase("{{.State.Status}}", "running")]
    [TestCase("{{.State.ExitCode}}-{{.State.Running}}", "0-true")]
    [TestCase("{{json .State}}", "{\"Status\":\"running\",\"ExitCode\":0,\"Running\":true}")]
    [TestCase("{{json .Config.Env}}", "[\"A=1\",\"B=2\"]")]
    [TestCase("{{index .Config.Labels \"com.x/y\"}}", "z")]
    [TestCase("{{index .Config.Labels \"nosuch\"}}", "")]
    [TestCase("{{index .Config.Env 1}}", "B=2")]
    [TestCase("{{len .Mounts}}", "2")]
    [TestCase("{{range .Config.Env}}{{println .}}{{end}}", "A=1\nB=2\n")]
    [TestCase("{{range $i, $m := .Mounts}}{{$i}}={{$m.Destination}} {{end}}", "0=/d 1=/e ")]
    [TestCase("{{range $k, $v := .Config.Labels}}{{$k}}:{{$v}},{{end}}", "a:b,com.x/y:z,")]
    [TestCase("{{if .State.Running}}up{{else}}down{{end}}", "up")]
    [TestCase("{{if .Config.Tty}}tty{{else if eq .State.ExitCode 0}}ok{{else}}bad{{end}}", "ok")]
    [TestCase("{{if and .State.Running (not .Config.Tty)}}yes{{end}}", "yes")]
    [TestCase("{{if or .Config.Tty (ne .State.Status \"running\")}}yes{{else}}no{{end}}", "no")]
    [TestCase("{{join .Config.Env \", \"}}", "A=1, B=2")]
    [TestCase("{{.State.Status | upper | printf \"%-10s|\"}}", "RUNNING   |")]
    [TestCase("{{with .State}}{{.Status}}{{end}}", "running")]
    [TestCase("{{ .Name -}}   {{- .State.Status }}", "/webrunning")]
    [TestCase("{{/* nothing */}}x", "x")]
    [TestCase("{{.Config.Env}}", "[A=1 B=2]")]
    [TestCase("{{.Config.Labels}}", "map[a:b com.x/y:z]")]
    [TestCase("{{.Big}}", "12345678901")]
    [TestCase("{{.Null}}", "<no value>")]
    [TestCase("{{range .Mounts}}{{if eq .Type \"bind\" \"npipe\"}}{{.Destination}}{{end}}{{end}}", "/d")]
    [TestCase("{{$s := .State}}{{$s.Status}}", "running")]
    [TestCase("{{(index .Mounts 0).Destination}}", "/d")]
    [TestCase("{{slice .Name 1 3}}", "we")]
    [TestCase("{{range .Nosuch}}x{{end}}", null)]
    [TestCase("{{.Name", null)]
    [TestCase("{{nosuch .Name}}", null)]
    [TestCase("{{if .Name}}x", null)]
    [TestCase("{{end}}", null)]
    public void A_template_prints_what_gos_would(string template, string? expected)
    {
        using var document = JsonDocument.Parse(Container);
        if (expected is null)
        {
            Assert.That(() => Template.Parse(template).Execute(document.RootElement), Throws.TypeOf<TemplateException>());
        }
        else
        {
            Assert.That(Template.Parse(template).Execute(document.RootElement), Is.EqualTo(expected));
        }
    }

    [Test]
    public void A_container_row_has_dockers_fields()
    {
        const string body = """
            [{"Id":"0123456789abcdef0123","Names":["/web","/other"],"Image":"busybox","ImageID":"sha256:ff","Command":"sleep 1000000000000000000000","Created":1000,"State":"running",
              "Status":"Up 3 seconds","Ports":[{"IP":"0.0.0.0","PrivatePort":80,"PublicPort":8080,"Type":"tcp"},{"PrivatePort":443,"Type":"tcp"}],"Labels":{"a":"b"},
              "Mounts":[{"Type":"volume","Name":"data","Driver":"local"}],"NetworkSettings":{"Networks":{"none":{}}},"HostConfig":{"NetworkMode":"none"},"Unknown":[1,{"x":2}]}]
            """;
        Row row = ContainerRow.ReadAll(System.Text.Encoding.UTF8.GetBytes(body), noTrunc: false, DateTimeOffset.FromUnixTimeSeconds(1120)).Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(row["ID"], Is.EqualTo("0123456789ab"));
            Assert.That(row["Names"], Is.EqualTo("web,other"));
            Assert.That(row["Command"], Is.EqualTo("\"sleep 1000000000000…\""));
            Assert.That(row["RunningFor"], Is.EqualTo("2 minutes ago"));
            Assert.That(row["Ports"], Is.EqualTo("443/tcp, 0.0.0.0:8080->80/tcp"));
            Assert.That(row["Labels"], Is.EqualTo("a=b"));
            Assert.That(row["Networks"], Is.EqualTo("none"));
            Assert.That(row["LocalVolumes"], Is.EqualTo("1"));
            Assert.That(Template.Parse("{{.Label \"a\"}} {{.Names}}").Execute(row), Is.EqualTo("b web,other"));
            Assert.That(() => Template.Parse("{{.Nosuch}}").Execute(row), Throws.TypeOf<TemplateException>());
        }
    }

    [TestCase("[]")]
    [TestCase("""[{"Id":"a","Names":null,"Ports":null,"Labels":null,"Mounts":null,"NetworkSettings":null,"Created":0}]""")]
    [TestCase("""[{"Id":"a","Names":[]},{"Id":"b","Names":["/b"]}]""")]
    public void Missing_members_are_no_error(string body) =>
        Assert.That(() => ContainerRow.ReadAll(System.Text.Encoding.UTF8.GetBytes(body), false, DateTimeOffset.UtcNow).Count, Is.EqualTo(JsonDocument.Parse(body).RootElement.GetArrayLength()));

    [Test]
    public void A_table_is_laid_out_as_dockers() =>
        Assert.That(TableWriter.Format([["ID", "IMAGE", "NAMES"], ["0123456789ab", "x", "web"]]), Is.EqualTo("ID             IMAGE     NAMES\n0123456789ab   x         web\n"));

    [TestCase(0, "0B")]
    [TestCase(999, "999B")]
    [TestCase(1000, "1kB")]
    [TestCase(4261502, "4.26MB")]
    [TestCase(78123456, "78.1MB")]
    [TestCase(187654321, "188MB")]
    [TestCase(1430000000, "1.43GB")]
    public void A_size_is_printed_as_docker_prints_it(long bytes, string text) => Assert.That(Sizes.Format(bytes), Is.EqualTo(text));

    [TestCase("512", 512)]
    [TestCase("64m", 67108864)]
    [TestCase("1.5g", 1610612736)]
    [TestCase("2GiB", 2147483648)]
    [TestCase("10 kb", 10240)]
    [TestCase("1b", 1)]
    [TestCase("", -1)]
    [TestCase("m", -1)]
    [TestCase("-1", -1)]
    [TestCase("1x", -1)]
    [TestCase("1mm", -1)]
    public void A_size_is_read_as_docker_reads_it(string text, long bytes) => Assert.That(Sizes.TryParse(text, out long read) ? read : -1, Is.EqualTo(bytes));

    [TestCase(0.5, "Less than a second")]
    [TestCase(1, "1 second")]
    [TestCase(59, "59 seconds")]
    [TestCase(60, "About a minute")]
    [TestCase(150, "2 minutes")]
    [TestCase(3600, "About an hour")]
    [TestCase(2 * 3600, "2 hours")]
    [TestCase(47 * 3600, "47 hours")]
    [TestCase(3 * 86400, "3 days")]
    [TestCase(15 * 86400, "2 weeks")]
    [TestCase(90 * 86400, "3 months")]
    [TestCase(800 * 86400, "2 years")]
    public void An_age_is_printed_as_docker_prints_it(double seconds, string text) => Assert.That(Durations.Format(TimeSpan.FromSeconds(seconds)), Is.EqualTo(text));

    [TestCase("10m", "999400.000000000")]
    [TestCase("1.5s", "999998.500000000")]
    [TestCase("1700000000", "1700000000")]
    [TestCase("1700000000.5", "1700000000.5")]
    [TestCase("1970-01-01T00:00:10Z", "10.000000000")]
    public void A_point_in_time_is_a_duration_a_date_or_seconds(string text, string expected) =>
        Assert.That(Durations.ToTimestamp("since", text, DateTimeOffset.FromUnixTimeSeconds(1000000)), Is.EqualTo(expected));

    [Test]
    public void Detach_keys_are_held_back_until_it_is_clear_what_they_are()
    {
        DetachKeys keys = DetachKeys.Parse(null);
        byte[] passed = new byte[64];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(keys.Filter([1, 16], passed, out int n), Is.False);
            Assert.That(passed[..n], Is.EqualTo((byte[])[1]));
            Assert.That(keys.Filter([2], passed, out n), Is.False);
            Assert.That(passed[..n], Is.EqualTo((byte[])[16, 2]));
            Assert.That(keys.Filter([16, 16, 17], passed, out n), Is.True);
            Assert.That(passed[..n], Is.EqualTo((byte[])[16]));
            Assert.That(() => DetachKeys.Parse("ctrl-p,ctrl-1"), Throws.TypeOf<CommandLine.UsageException>());
        }
    }
}
