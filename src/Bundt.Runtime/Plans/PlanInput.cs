namespace Bundt.Runtime.Plans;

/// <summary>A descriptor that the launcher is given open.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Slot">Where the plan expects it.</param>
public readonly record struct PlanInput(PlanInputKind Kind, int Slot);
