using Bundt.Daemon.Json;
using Bundt.Linux;

namespace Bundt.Daemon.Tests.Json;

internal sealed class GoFormatsTests
{
    private static readonly DateTimeOffset s_now = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);

    [Test]
    public void Times_are_written_as_go_does()
    {
        Assert.That(GoTime.Format(null), Is.EqualTo("0001-01-01T00:00:00Z"));
        Assert.That(GoTime.Format(s_now.AddTicks(1_200_000)), Is.EqualTo("2026-11-23T12:00:00.12Z"));
        Assert.That(GoTime.Format(s_now.ToOffset(TimeSpan.FromHours(2))), Is.EqualTo("2026-11-23T12:00:00Z"));
    }

    [TestCase("1763899200.5", "2025-11-23T12:00:00.5Z")]
    [TestCase("2026-11-23T13:00:00+01:00", "2026-11-23T12:00:00Z")]
    [TestCase("2026-11-23T12:00:00.000000001Z", "2026-11-23T12:00:00Z")]
    [TestCase("10m", "2026-11-23T11:50:00Z")]
    [TestCase("1h30m", "2026-11-23T10:30:00Z")]
    [TestCase("2026-11-23", "2026-11-23T00:00:00Z")]
    public void Times_are_read_in_every_form(string text, string time) => Assert.That(GoTime.Format(GoTime.Parse(text, "since", s_now)), Is.EqualTo(time));

    [TestCase("yesterday")]
    [TestCase("1e99")]
    public void What_is_no_time_is_refused(string text) => Assert.That(() => GoTime.Parse(text, "since", s_now), Throws.TypeOf<BundtException>());

    [TestCase(0.4, "Less than a second")]
    [TestCase(1, "1 second")]
    [TestCase(59, "59 seconds")]
    [TestCase(60, "About a minute")]
    [TestCase(150, "2 minutes")]
    [TestCase(3600, "About an hour")]
    [TestCase(3600 * 1.6, "2 hours")]
    [TestCase(3600 * 47.6, "2 days")]
    [TestCase(86400 * 15, "2 weeks")]
    [TestCase(86400 * 90, "3 months")]
    [TestCase(86400 * 800, "2 years")]
    public void Durations_are_worded_as_docker_does(double seconds, string words) => Assert.That(GoDuration.ForPeople(TimeSpan.FromSeconds(seconds)), Is.EqualTo(words));
}
