using Microsoft.Extensions.Logging;

namespace Bundt.Engine;

/// <summary>What the engine logs.</summary>
internal static partial class EngineLog
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "container {Id}: damaged record, only removal helps: {Reason}")]
    public static partial void Damaged(this ILogger logger, string id, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "container {Id}: damaged state.json, begun anew: {Reason}")]
    public static partial void DamagedState(this ILogger logger, string id, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "volume {Name}: damaged record, labels are lost: {Reason}")]
    public static partial void DamagedVolume(this ILogger logger, string name, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "network {Name}: damaged record, left as it is: {Reason}")]
    public static partial void DamagedNetwork(this ILogger logger, string name, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "somebody has changed our rules of the packet filter, and they could not be restored")]
    public static partial void RulesNotRestored(this ILogger logger, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "network {Name}: its bridge cannot be had")]
    public static partial void NetworkDown(this ILogger logger, string name, Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "container {Id}: adopted as {Status}")]
    public static partial void Adopted(this ILogger logger, string id, ContainerStatus status);

    [LoggerMessage(Level = LogLevel.Information, Message = "container {Id}: half-made, removed")]
    public static partial void HalfMade(this ILogger logger, string id);

    [LoggerMessage(Level = LogLevel.Warning, Message = "container {Id}: its monitor was killed, the container goes on")]
    public static partial void MonitorLost(this ILogger logger, string id);

    [LoggerMessage(Level = LogLevel.Warning, Message = "container {Id}: {What}")]
    public static partial void Trouble(this ILogger logger, string id, string what, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "trash: {Name} could not be removed")]
    public static partial void NotRemoved(this ILogger logger, string name, Exception exception);

    [LoggerMessage(
        Level = LogLevel.Debug,
        Message = "container {Id}: started; us from the beginning: prepared {Prepared}, launcher {Launcher}, clone {Clone}, init {Init}, root {Root}, exec {Exec}, seen {Seen}")]
    public static partial void Started(this ILogger logger, string id, long prepared, long launcher, long clone, long init, long root, long exec, long seen);

    [LoggerMessage(Level = LogLevel.Debug, Message = "container {Id}: its end was known {Microseconds} us after it")]
    public static partial void Ended(this ILogger logger, string id, long microseconds);

    [LoggerMessage(Level = LogLevel.Information, Message = "removed leftover {What}")]
    public static partial void Leftover(this ILogger logger, string what);

    [LoggerMessage(Level = LogLevel.Warning, Message = "leftover {What} could not be removed")]
    public static partial void LeftoverStays(this ILogger logger, string what, Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "name servers of the host: {Servers}")]
    public static partial void HostResolvers(this ILogger logger, string servers);

    [LoggerMessage(Level = LogLevel.Warning, Message = "name servers of the host: {Path} is not readable: {Reason}")]
    public static partial void HostResolversUnknown(this ILogger logger, string path, string reason);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "network {Network}: no names are answered, the name server cannot have port 53 of {Address} ({Reason}); containers ask the host's resolvers. Which program has it: ss -lnptu sport = :53")]
    public static partial void NoNameServer(this ILogger logger, string network, string address, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "network {Network}: the name server met a failure and goes on")]
    public static partial void NameServerTrouble(this ILogger logger, string network, Exception exception);
}
