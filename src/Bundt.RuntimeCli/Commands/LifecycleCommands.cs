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
        if (!SignalNames.TryParse(name, out var signal) && name != "0")
        {
            throw CommandOptions.Usage($"unknown signal {name}");
        }

        invocation.Open(options).Kill(signal, options.Flag("all"));

        return 0;
    }

    public static int Delete(Invocation invocation, CommandOptions options)
    {
        var force = options.Flag("force");
        try
        {
            invocation.Open(options).Delete(force, invocation.Log.Warn);
        }
        catch (BundtException e) when (e.Kind == FailureKind.NotFound && force)
        {
            // Nothing to delete is what was asked for; but a creation may have been killed before it had written its record.
            OciContainer.DeleteRemains(invocation.Root, options.Id);
        }

        return 0;
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
}
