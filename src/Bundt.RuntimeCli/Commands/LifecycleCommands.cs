using Bundt.Linux;
using Bundt.Linux.Processes;
using Bundt.Runtime.Containers;

namespace Bundt.RuntimeCli.Commands;

/// <summary>start, kill, delete, pause and resume.</summary>
internal static class LifecycleCommands
{
    public static int Start(Invocation invocation, CommandOptions options)
    {
        invocation.Open(options).Start(invocation.Log.Warn);
        return 0;
    }

    public static int Kill(Invocation invocation, CommandOptions options)
    {
        var name = options.Arguments.Count > 1 ? options.Arguments[1] : "TERM";
        if (!TryParse(name, out var signal))
        {
            throw CommandOptions.Usage($"unknown signal {name}");
        }

        return OfEach(invocation, options, container => container.Kill(signal, options.Flag("all")));
    }

    /// <summary>Whether a word names a signal as kill(1) takes it: "-9", "-TERM".</summary>
    public static bool IsSignal(string word) => word.StartsWith('-') && TryParse(word, out _);

    public static int Delete(Invocation invocation, CommandOptions options)
    {
        var force = options.Flag("force");
        try
        {
            return OfEach(invocation, options, container => container.Delete(force, invocation.Log.Warn));
        }
        catch (BundtException e) when (e.Kind == FailureKind.NotFound && !options.Flag("regex"))
        {
            // A creation may have been killed before it had written its record. With force, nothing to delete is what was asked for.
            if (!OciContainer.DeleteRemains(invocation.Root, options.Id, force) && !force)
            {
                throw;
            }

            return 0;
        }
    }

    public static int Pause(Invocation invocation, CommandOptions options)
    {
        invocation.Open(options).Pause();
        return 0;
    }

    public static int Resume(Invocation invocation, CommandOptions options)
    {
        invocation.Open(options).Resume();
        return 0;
    }

    // With --regex to all containers whose id matches: one that fails does not keep it from the others. To none is no failure.
    private static int OfEach(Invocation invocation, CommandOptions options, Action<OciContainer> action)
    {
        if (!options.Flag("regex"))
        {
            action(invocation.Open(options));
            return 0;
        }

        if (options.Id.Length == 0)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, "an empty expression would mean every container", "Say .* if that is meant.");
        }

        using var regex = new PosixRegex(options.Id);
        var failed = false;
        if (!Directory.Exists(invocation.Root))
        {
            return 0;
        }

        foreach (var container in OciContainer.List(invocation.Root, invocation.Log.Warn).Where(container => regex.Matches(container.Record.Id)))
        {
            try
            {
                action(container);
            }
            catch (BundtException e)
            {
                invocation.Log.Error(e.Message);
                failed = true;
            }
        }

        return failed ? 1 : 0;
    }

    // 0 asks whether it is there.
    private static bool TryParse(string word, out int signal)
    {
        var name = word.StartsWith('-') ? word[1..] : word;
        return SignalNames.TryParse(name, out signal) || name == "0";
    }
}
