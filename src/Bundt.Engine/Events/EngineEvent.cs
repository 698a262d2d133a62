namespace Bundt.Engine;

/// <summary>One event, in Docker's words.</summary>
public sealed record EngineEvent(DateTimeOffset Time, string Type, string Action, string ActorId, IReadOnlyDictionary<string, string> Attributes);
