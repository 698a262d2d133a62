using System.Diagnostics;

namespace Bundt.Integration.Tests.Fixtures;

/// <summary>Waiting for what the kernel or another program does in its own time and announces to nobody.</summary>
public static class Eventually
{
    /// <summary>Waits until the condition holds, asking every 20 ms; fails with the message after so many seconds.</summary>
    public static void True(Func<bool> condition, Func<string> message, double seconds = 10)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            if (clock.Elapsed.TotalSeconds > seconds)
            {
                Assert.Fail($"Not so after {seconds} s: {message()}");
            }
            Thread.Sleep(20);
        }
    }

    /// <inheritdoc cref="True(Func{bool}, Func{string}, double)"/>
    public static void True(Func<bool> condition, string message, double seconds = 10) => True(condition, () => message, seconds);
}
