using Bundt.Daemon.Json;
using Bundt.Daemon.Server;
using Bundt.Engine;

namespace Bundt.Daemon.Routes;

/// <summary>The filters of the event stream (moby daemon/events/filter.go).</summary>
internal sealed class EventFilter
{
    private readonly Filters _filters;

    private EventFilter(Filters filters) => _filters = filters;

    /// <summary>The filters of a request.</summary>
    public static EventFilter Of(ApiRequest request) => new(Filters.Of(
        request, "type", "event", "container", "image", "network", "volume", "daemon", "label", "scope", "plugin", "service", "node", "secret", "config"));

    /// <summary>Whether an event satisfies all of them.</summary>
    public bool Matches(EngineEvent happened) => _filters.IsEmpty
        || (_filters.Any("type", type => type == happened.Type)
            && _filters.Any("event", action => action == happened.Action || happened.Action.StartsWith(action + ":", StringComparison.Ordinal))
            && _filters.Any("scope", static scope => scope == "local")
            && _filters.MatchLabels(happened.Attributes)
            && MatchesActor("container", happened)
            && MatchesActor("network", happened)
            && MatchesActor("volume", happened)
            && MatchesActor("daemon", happened)
            && MatchesImage(happened));

    /// <summary>Docker's line for an event; the first members are what it was before API 1.22 and what clients still read.</summary>
    public static EventLine ToLine(EngineEvent happened) => new()
    {
        Status = happened.Type is "container" or "image" ? happened.Action : null,
        Id = happened.Type is "container" or "image" ? happened.ActorId : null,
        From = happened.Type == "container" && happened.Attributes.TryGetValue("image", out string? image) ? image : null,
        Type = happened.Type,
        Action = happened.Action,
        Actor = new EventActor(happened.ActorId, happened.Attributes),
        Time = happened.Time.ToUnixTimeSeconds(),
        TimeNano = GoTime.UnixNanoseconds(happened.Time),
    };

    /// <summary>By prefix of the id, or by name, in events of any type: a network's events name their container.</summary>
    private bool MatchesActor(string key, EngineEvent happened) => _filters.Any(
        key,
        wanted => happened.Type == key
            ? happened.ActorId.StartsWith(wanted, StringComparison.Ordinal) || Attribute(happened, "name") == wanted.TrimStart('/')
            : Attribute(happened, key).StartsWith(wanted, StringComparison.Ordinal) && wanted.Length > 0);

    private bool MatchesImage(EngineEvent happened) => _filters.Any(
        "image",
        wanted => happened.ActorId == wanted || IsName(Attribute(happened, "image"), wanted) || (happened.Type == "image" && IsName(Attribute(happened, "name"), wanted)));

    private static bool IsName(string name, string wanted) => name == wanted || name.Split(':')[0] == wanted;

    private static string Attribute(EngineEvent happened, string key) => happened.Attributes.TryGetValue(key, out string? value) ? value : "";
}
