using NUnit.Framework.Interfaces;

namespace Bundt.Integration.Tests.Fixtures;

/// <summary>Tests that share one daemon with the busybox image in it. Containers of one test must not disturb the next: use --rm, or own names.</summary>
public abstract class DaemonTests
{
    /// <summary>The daemon.</summary>
    protected Daemon Daemon { get; private set; } = null!;

    /// <summary>Options for bundtd.</summary>
    protected virtual string[] Options => [];

    /// <summary>Whether its network namespace is its own; false where it has to reach what a test listens with.</summary>
    protected virtual bool OwnNetwork => true;

    /// <summary>Starts it.</summary>
    [OneTimeSetUp]
    public void StartDaemon()
    {
        Daemon = new Daemon("", Options, OwnNetwork);
        Daemon.Load("busybox");
    }

    /// <summary>Ends it, with all that is in it.</summary>
    [OneTimeTearDown]
    public void EndDaemon() => Daemon?.Dispose();

    /// <summary>A failed test shows what the daemon said.</summary>
    [TearDown]
    public void ShowLog()
    {
        if (TestContext.CurrentContext.Result.Outcome.Status == TestStatus.Failed)
        {
            TestContext.Out.WriteLine($"--- daemon ---\n{Daemon.Log()}");
        }
    }

    /// <summary>A bundt command on the shared daemon, run to its end.</summary>
    protected Result Bundt(params IEnumerable<string> arguments) => Daemon.Bundt(arguments).Run();
}
