using System.Text.Json;
using Bundt.Cli.CommandLine;
using Bundt.Cli.Commands;
using Bundt.Cli.Daemon;
using Bundt.Cli.Http;
using Bundt.Cli.Options;
using Bundt.Cli.Output;
using Bundt.Cli.Templates;
using Bundt.Linux;
using Bundt.Linux.Terminals;

namespace Bundt.Cli;

/// <summary>From a command line to an exit code.</summary>
internal static class Client
{
    /// <summary>Runs one command line.</summary>
    /// <returns>The container's exit code, or 125 when bundt itself failed.</returns>
    public static int Run(ReadOnlySpan<string> arguments)
    {
        if (arguments.Length > 0 && arguments[0] == DaemonStarter.DetachStep)
        {
            return Guard(null, arguments[1..], static (_, program) => DaemonStarter.DetachAndExecute(program));
        }

        return Guard(null, arguments, static (_, line) => Dispatch(line));
    }

    private static int Dispatch(ReadOnlySpan<string> arguments)
    {
        GlobalOptions global = GlobalOptions.Read(arguments, out ReadOnlySpan<string> line);
        if (global.Version)
        {
            StandardStreams.OutLine($"bundt version {SystemCommands.ClientVersion}");
            return 0;
        }

        if (global.Help || line.Length == 0)
        {
            StandardStreams.Out(HelpPages.TopLevel());
            return 0;
        }

        if (line[0] == "help")
        {
            return Help(line[1..]);
        }

        CommandTable? command = CommandSet.Find(line, out string spelling);
        if (command is null)
        {
            return CommandSet.Groups.Contains(line[0]) && (line.Length == 1 || line[1] is "--help" or "-h") ? Help(line)
                : throw new UsageException($"unknown command: bundt {(CommandSet.Groups.Contains(line[0]) ? line[0] + " " + line[1] : line[0])}", CommandSet.Groups.Contains(line[0]) ? line[0] : "");
        }

        ReadOnlySpan<string> rest = line[(spelling.Contains(' ', StringComparison.Ordinal) ? 2 : 1)..];
        return Guard(command.Command.Name, rest, (_, options) => Execute(command, options, spelling, global));
    }

    private static int Execute(CommandTable command, ReadOnlySpan<string> line, string spelling, GlobalOptions global)
    {
        // The first three are hot; the others make the terminal raw, which Console (behind the library) must not touch.
        bool hot = command.Command.Name is "run" or "exec" or "ps" or "attach" or "start";
        object? options = hot ? command.ParseFast(line) : command.ParseWithLibrary(line);
        if (options is null)
        {
            StandardStreams.Out(HelpPages.Command(command));
            return 0;
        }

        var client = new DaemonClient(DaemonAddress.Choose(global.Host, global.Root, global.Run));
        switch (options)
        {
            case RunOptions run:
                return RunCommand.Execute(run, client);
            case ExecOptions exec:
                return ExecCommand.Execute(exec, client);
            case PsOptions ps:
                return PsCommand.Execute(ps, client);
            case CreateOptions create:
                return LifecycleCommands.Create(create, client);
            case StartOptions start:
                return AttachCommand.Start(start, client);
            case StopOptions stop:
                return LifecycleCommands.Stop(stop, client);
            case RestartOptions restart:
                return LifecycleCommands.Restart(restart, client);
            case KillOptions kill:
                return LifecycleCommands.Kill(kill, client);
            case PauseOptions pause:
                return LifecycleCommands.Pause(pause, client);
            case UnpauseOptions unpause:
                return LifecycleCommands.Unpause(unpause, client);
            case WaitOptions wait:
                return LifecycleCommands.Wait(wait, client);
            case RemoveOptions remove:
                return LifecycleCommands.Remove(remove, client);
            case PortOptions port:
                return PortCommand.Execute(port, client);
            case RenameOptions rename:
                return LifecycleCommands.Rename(rename, client);
            case LogsOptions logs:
                return LogsCommand.Execute(logs, client);
            case AttachOptions attach:
                return AttachCommand.Execute(attach, client);
            case InspectOptions inspect:
                inspect.Type ??= spelling.Contains(' ', StringComparison.Ordinal) ? spelling.Split(' ')[0] : null;
                return InspectCommand.Execute(inspect, client);
            case ImagesOptions images:
                return ImagesCommand.Execute(images, client);
            case PullOptions pull:
                return PullCommand.Execute(pull, client);
            case LoadOptions load:
                return ImageCommands.Load(load, client);
            case SaveOptions save:
                return ImageCommands.Save(save, client);
            case TagOptions tag:
                return ImageCommands.Tag(tag, client);
            case RemoveImageOptions rmi:
                return ImageCommands.Remove(rmi, client);
            case SearchOptions search:
                return ImageCommands.Search(search, client);
            case NetworkCreateOptions create:
                return NetworkCommands.Create(create, client);
            case NetworkConnectOptions connect:
                return NetworkCommands.Connect(connect, client);
            case NetworkDisconnectOptions disconnect:
                return NetworkCommands.Disconnect(disconnect, client);
            case NetworkListOptions list:
                return NetworkCommands.List(list, client);
            case NetworkRemoveOptions remove:
                return NetworkCommands.Remove(remove, client);
            case NetworkPruneOptions prune:
                return NetworkCommands.Prune(prune, client);
            case VolumeCreateOptions create:
                return VolumeCommands.Create(create, client);
            case VolumeListOptions list:
                return VolumeCommands.List(list, client);
            case VolumeRemoveOptions remove:
                return VolumeCommands.Remove(remove, client);
            case VolumePruneOptions prune:
                return VolumeCommands.Prune(prune, client);
            case VersionOptions version:
                return SystemCommands.Version(version, client);
            case InfoOptions info:
                return SystemCommands.Info(info, client);
            case DaemonOptions daemon:
                return DaemonCommand.Execute(daemon, client);
            case CompletionOptions completion:
                StandardStreams.Out(CompletionScripts.For(completion.Shell));
                return 0;
            default:
                throw new InvalidOperationException(command.Command.Name);
        }
    }

    private static int Help(ReadOnlySpan<string> words)
    {
        if (words.Length == 0)
        {
            StandardStreams.Out(HelpPages.TopLevel());
        }
        else if (CommandSet.Find(words, out _) is CommandTable command)
        {
            StandardStreams.Out(HelpPages.Command(command));
        }
        else if (CommandSet.Groups.Contains(words[0]))
        {
            StandardStreams.Out(HelpPages.Group(words[0]));
        }
        else
        {
            throw new UsageException($"unknown command: bundt {words[0]}", "");
        }

        return 0;
    }

    private delegate int Step(string? command, ReadOnlySpan<string> arguments);

    private static int Guard(string? command, ReadOnlySpan<string> arguments, Step step)
    {
        try
        {
            int code = step(command, arguments);
            StandardStreams.Flush();
            return code;
        }
        catch (UsageException e)
        {
            RawMode.RestoreAll();
            Failure.Report(e, command);
        }
        catch (TemplateException e)
        {
            RawMode.RestoreAll();
            Failure.Report(new UsageException("template parsing error: " + e.Message), command);
        }
        catch (Exception e) when (e is BundtException or ApiException or ConnectionLostException or IOException or UnauthorizedAccessException)
        {
            RawMode.RestoreAll();
            Failure.Report(e);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            RawMode.RestoreAll();
            Failure.Report(new BundtException(FailureKind.Internal, Phase.Request, "the daemon's answer cannot be understood", "Is it a Docker or bundt daemon that listens on this socket?", e));
        }

        return Failure.Code;
    }
}
