using System.Runtime.InteropServices;
using Bundt.Daemon.Configuration;
using Bundt.Daemon.Logging;
using Bundt.Daemon.Routes;
using Bundt.Daemon.Server;
using Bundt.Engine;
using Bundt.Linux;
using Microsoft.Extensions.Logging;

namespace Bundt.Daemon;

/// <summary>From a configuration to a daemon that answers, and back at SIGTERM. Containers outlive it.</summary>
internal sealed partial class DaemonProcess : IDisposable
{
    /// <summary>How long short requests may still take after a signal to end.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(3);

    /// <summary>
    /// Threads that are there before the pool begins to ration them: a launch blocks its thread for milliseconds, and several at once
    /// must not wait for each other. Unused ones are never made.
    /// </summary>
    private const int MinThreads = 16;

    private readonly DaemonConfiguration _configuration;
    private readonly LoggerFactory _loggers;
    private readonly ILogger _logger;

    public DaemonProcess(DaemonConfiguration configuration)
    {
        _configuration = configuration;
        var filter = new LoggerFilterOptions { MinLevel = configuration.LogLevel };

        // Kestrel's own lines about connections are of use to its developers alone.
        filter.Rules.Add(new LoggerFilterRule(null, "Microsoft", LogLevel.Warning, null));
        _loggers = new LoggerFactory([new LogfmtLoggerProvider()], filter);
        _logger = _loggers.CreateLogger("daemon");
    }

    /// <summary>Runs until a signal asks for the end. Answers the exit code.</summary>
    public async Task<int> RunAsync()
    {
        Mono.Unix.Native.Syscall.umask((Mono.Unix.Native.FilePermissions)0x12); // 022, whatever the one who started us had
        ThreadPool.SetMinThreads(MinThreads, MinThreads);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void End(PosixSignalContext context)
        {
            context.Cancel = true;
            ended.TrySetResult();
        }

        using PosixSignalRegistration term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
        using PosixSignalRegistration hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, static context => context.Cancel = true);
        foreach (string name in _configuration.Unknown)
        {
            LogUnknown(name);
        }

        try
        {
            await using ContainerEngine engine = await ContainerEngine.OpenAsync(
                new EngineOptions { Root = _configuration.Root, Run = _configuration.Run, Registries = _configuration.Registries, DefaultBridge = _configuration.DefaultBridge, PublishAt = _configuration.PublishAt, HostGateways = _configuration.HostGateways },
                _loggers.CreateLogger("engine"),
                CancellationToken.None);
            await using var server = new ApiServer(DaemonSocket.Open(_configuration.Socket), new ApiRoutes(engine).HandleAsync, _loggers);
            await server.StartAsync(CancellationToken.None);
            ServiceNotifier.Send("READY=1");
            ServiceNotifier.TellStarter();
            LogReady(ServerHeader.Version, _configuration.Socket, _configuration.Root);
            await ended.Task;
            ServiceNotifier.Send("STOPPING=1");
            LogStopping();
            await server.StopAsync(s_patience);
            return 0;
        }
        catch (Exception exception) when (exception is BundtException or IOException or UnauthorizedAccessException)
        {
            LogFailed(BundtException.Reason(exception));
            return 1;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _loggers.Dispose();

    [LoggerMessage(Level = LogLevel.Information, Message = "bundtd {Version} listens on {Socket}, root {Root}")]
    private partial void LogReady(string version, string socket, string root);

    [LoggerMessage(Level = LogLevel.Information, Message = "stopping; containers go on")]
    private partial void LogStopping();

    [LoggerMessage(Level = LogLevel.Critical, Message = "{Reason}")]
    private partial void LogFailed(string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "daemon.json: \"{Name}\" means nothing to Bundt")]
    private partial void LogUnknown(string name);
}
