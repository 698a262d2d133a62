using Bundt.Engine;

namespace Bundt.Daemon.Routes;

/// <summary>Events that only the API's side can know of.</summary>
internal static class Events
{
    /// <summary>A container's attributes in docker's words: labels, image and name.</summary>
    public static IReadOnlyDictionary<string, string> Attributes(Container container) =>
        new Dictionary<string, string>(container.Effective.Labels) { ["image"] = container.Settings.Image, ["name"] = container.Name };

    /// <summary>An event of an image.</summary>
    public static void PublishImage(ContainerEngine engine, string action, string id, string name) => engine.Events.Publish(
        new EngineEvent(DateTimeOffset.UtcNow, "image", action, id, new Dictionary<string, string> { ["name"] = name }));
}
