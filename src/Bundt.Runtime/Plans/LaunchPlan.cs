namespace Bundt.Runtime.Plans;

/// <summary>A compiled plan: operations in order and the descriptors that the launcher is given. Immutable; making one has no side effect.</summary>
/// <param name="Operations">The operations.</param>
/// <param name="Inputs">Which slots are passed open.</param>
/// <param name="Preserve">Descriptors 3 and up that are the container's own.</param>
/// <param name="SlotNames">What each slot is, for printing.</param>
public sealed record LaunchPlan(
    IReadOnlyList<PlanOperation> Operations,
    IReadOnlyList<PlanInput> Inputs,
    int Preserve,
    IReadOnlyList<string> SlotNames)
{
    /// <summary>What the config asks for and the container will not have, one sentence each: the caller's to tell.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>The slot of an input; -1 if the plan does not use it.</summary>
    public int SlotOf(PlanInputKind kind)
    {
        foreach (var input in Inputs)
        {
            if (input.Kind == kind)
            {
                return input.Slot;
            }
        }

        return -1;
    }

    /// <summary>The binary form (native/plan.h), from the header on.</summary>
    public byte[] Encode() => PlanEncoder.Encode(this);

    /// <summary>One line per operation, for people.</summary>
    public string Print() => PlanPrinter.Print(this);
}
