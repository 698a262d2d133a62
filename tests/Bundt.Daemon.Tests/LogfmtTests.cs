using Bundt.Daemon.Logging;
using Microsoft.Extensions.Logging;

namespace Bundt.Daemon.Tests;

internal sealed class LogfmtTests
{
    private static readonly DateTimeOffset s_time = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);

    [Test]
    public void A_line_is_one_line_whatever_is_in_it() => Assert.That(
        LogfmtLoggerProvider.Format(false, s_time, LogLevel.Warning, "api", "a \"b\"\n\u001b[2J\\", null),
        Is.EqualTo("time=2026-11-23T12:00:00.000Z level=warn source=api msg=\"a \\\"b\\\"\\n\\x1b[2J\\\\\"\n"));

    [Test]
    public void Under_journald_a_priority_stands_in_place_of_the_time() => Assert.That(
        LogfmtLoggerProvider.Format(true, s_time, LogLevel.Error, "api", "x", null), Is.EqualTo("<3>source=api msg=\"x\"\n"));
}
