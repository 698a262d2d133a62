using NUnit.Framework.Interfaces;

namespace Bundt.Integration.Tests.Fixtures;

/// <summary>Tests of an engine that drives bundt-runtime, on a host of its own.</summary>
[NonParallelizable]
public abstract class EngineTests
{
    /// <summary>A command that does nothing until it is asked to end, which it does with exit code 5.</summary>
    protected const string Waiter = "echo out; echo err >&2; trap 'exit 5' TERM; while :; do sleep 0.1; done";

    /// <summary>What is run under a terminal of 33 rows and 99 columns, whose size an engine passes on once the process has started.</summary>
    protected const string Terminals = "while [ \"$(stty size 2>/dev/null)\" != '33 99' ]; do sleep 0.1; done; tty; [ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo all";

    /// <summary>The image, in a single gzip layer: what every engine can load.</summary>
    protected static string Image => Fixture.Archive("busybox-one");

    /// <summary>bundt-runtime.</summary>
    protected static string Runtime => Paths.Program("bundt-runtime");

    /// <summary>The programs without which these tests cannot be.</summary>
    protected abstract string[] Programs { get; }

    /// <summary>The host.</summary>
    protected EngineHost Host { get; private set; } = null!;

    /// <summary>Makes the host.</summary>
    [OneTimeSetUp]
    public void MakeHost()
    {
        foreach (var program in Programs)
        {
            if (!(Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Append("/usr/sbin").Any(directory => File.Exists(Path.Combine(directory, program))))
            {
                Assert.Ignore($"needs {program}");
            }
        }

        Host = new EngineHost("kitchen");
        Prepare();
    }

    /// <summary>Starts the engine, if it is a daemon, and loads the image.</summary>
    protected abstract void Prepare();

    /// <summary>Looks for what is left.</summary>
    protected abstract void Check();

    /// <summary>Looks for what is left, and removes the host.</summary>
    [OneTimeTearDown]
    public void RemoveHost()
    {
        try
        {
            if (Host is not null && TestContext.CurrentContext.Result.FailCount == 0)
            {
                Check();
            }
        }
        finally
        {
            Host?.Dispose();
        }
    }

    /// <summary>A failed test shows what the daemon said.</summary>
    [TearDown]
    public void ShowLog()
    {
        if (TestContext.CurrentContext.Result.Outcome.Status == TestStatus.Failed)
        {
            TestContext.Out.WriteLine($"--- daemon ---\n{Host.Log()}");
        }
    }
}
