namespace Bundt.Engine.Networks;

/// <summary>`NETWORK.json`: what a network was asked to be, with its subnets chosen.</summary>
internal sealed record NetworkRecord
{
    public const int CurrentVersion = 1;

    public int Version { get; init; } = CurrentVersion;

    public required string Id { get; init; }

    public required DateTimeOffset Created { get; init; }

    public required NetworkRequest Settings { get; init; }

    /// <summary>With the texts of what was chosen where the settings name nothing.</summary>
    public required IReadOnlyList<SubnetRequest> Subnets { get; init; }
}
