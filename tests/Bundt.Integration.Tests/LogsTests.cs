using System.Globalization;
using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>bundt logs: byte-exact, stream by stream, from when to when.</summary>
public sealed class LogsTests : DaemonTests
{
    private void RunToEnd(string name, string script)
    {
        Bundt("run", "-d", "--name", name, "--network", "none", "busybox", "sh", "-c", script).Ok();
        Bundt("wait", name).Ok();
    }

    [Test]
    public void Both_streams_come_back_apart()
    {
        RunToEnd("apart", "echo out1; echo err1 >&2; echo out2; printf 'no end of line'");
        var result = Bundt("logs", "apart").Ok();
        Assert.That((result.Stdout, result.Stderr), Is.EqualTo(("out1\nout2\nno end of line", "err1\n")));
    }

    [Test]
    public void Bytes_that_are_no_text_come_back_unchanged()
    {
        RunToEnd("bytes", "i=0; while [ $i -lt 256 ]; do printf \"\\\\$(printf %o $i)\"; i=$((i+1)); done");
        using var process = Daemon.Bundt("logs", "bytes").Start();
        var bytes = new MemoryStream();
        process.StandardOutput.BaseStream.CopyTo(bytes);
        Assert.That(bytes.ToArray(), Is.EqualTo(Enumerable.Range(0, 256).Select(i => (byte)i)));
    }

    [TestCase("0", "")]
    [TestCase("1", "3\n")]
    [TestCase("2", "2\n3\n")]
    [TestCase("99", "1\n2\n3\n")]
    [TestCase("all", "1\n2\n3\n")]
    public void Tail_gives_the_last_lines(string tail, string expected)
    {
        var name = $"tail{tail}";
        RunToEnd(name, "for i in 1 2 3; do echo $i; done");
        Assert.That(Bundt("logs", "--tail", tail, name).Ok().Stdout, Is.EqualTo(expected));
    }

    [Test]
    public void Timestamps_are_those_of_the_lines()
    {
        var before = DateTimeOffset.UtcNow;
        RunToEnd("stamped", "echo one; sleep 0.2; echo two");
        var times = Bundt("logs", "-t", "stamped").Ok().Lines.Select(l => DateTimeOffset.Parse(l.Split(' ')[0], CultureInfo.InvariantCulture)).ToArray();
        Assert.That(times, Has.Length.EqualTo(2));
        Assert.That(times[0], Is.GreaterThanOrEqualTo(before.AddMilliseconds(-1)));
        Assert.That((times[1] - times[0]).TotalMilliseconds, Is.InRange(150, 5000));
    }

    [Test]
    public void Since_and_until_cut_by_time()
    {
        RunToEnd("cut", "echo one; sleep 0.4; echo two; sleep 0.4; echo three");
        var stamps = Bundt("logs", "-t", "cut").Ok().Lines.Select(l => l.Split(' ')[0]).ToArray();
        var second = DateTimeOffset.Parse(stamps[1], CultureInfo.InvariantCulture);
        Assert.That(Bundt("logs", "--since", second.AddMilliseconds(-100).ToString("O"), "cut").Ok().Stdout, Is.EqualTo("two\nthree\n"));
        Assert.That(Bundt("logs", "--until", second.AddMilliseconds(100).ToString("O"), "cut").Ok().Stdout, Is.EqualTo("one\ntwo\n"));
        Assert.That(Bundt("logs", "--since", "1h", "cut").Ok().Lines, Has.Length.EqualTo(3));
    }

    [Test]
    public void Follow_shows_what_comes_and_ends_with_the_container()
    {
        Bundt("run", "-d", "--name", "followed", "--network", "none", "-i", "busybox", "sh", "-c", "echo first; sleep 0.5; echo second; sleep 0.3; echo third").Ok();
        Assert.That(Bundt("logs", "-f", "followed").Ok().Stdout, Is.EqualTo("first\nsecond\nthird\n"));
    }

    [Test]
    public void A_large_log_is_rotated_and_the_newest_lines_are_there()
    {
        RunToEnd("rotated", "i=0; l=$(printf '%01000d' 0); while [ $i -lt 130000 ]; do echo $i $l; i=$((i+1)); done");
        // What is kept begins with a file, not with a line.
        var lines = Daemon.Bundt("logs", "rotated").Within(120).Run().Ok().Lines[1..];
        var first = int.Parse(lines[0].Split(' ')[0], CultureInfo.InvariantCulture);
        Assert.That(lines[^1], Does.StartWith("129999 "));
        Assert.That(lines, Has.Length.EqualTo(130000 - first), "lines are missing in the middle");
        Assert.That(lines.Length * 1007L, Is.InRange(60L << 20, 105L << 20), "20 MiB × 5 are kept");
    }

    [Test]
    public void Logs_of_an_unknown_container_say_so() => Assert.That(Bundt("logs", "nosuch").Exits(125).Stderr, Does.Contain("nosuch"));
}
