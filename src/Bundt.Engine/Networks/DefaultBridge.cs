namespace Bundt.Engine;

/// <summary>What the default network, "bridge", is asked to be.</summary>
/// <param name="Name">The interface. It is made when the first container needs it.</param>
/// <param name="Address">Its address and the length of its network's prefix ("172.17.0.1/16"); null: chosen once, and kept.</param>
public sealed record DefaultBridge(string Name = DefaultBridge.DefaultName, string? Address = null)
{
    /// <summary>The interface's name where nobody says another one.</summary>
    public const string DefaultName = "bundt0";
}
