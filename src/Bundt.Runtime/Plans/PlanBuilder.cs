namespace Bundt.Runtime.Plans;

/// <summary>
/// Collects a plan. The parties' operations are collected apart, because only the order within a party counts: what the supervisor does
/// before it starts the next party, what it does afterwards, the joiner's and init's.
/// </summary>
internal sealed class PlanBuilder
{
    private const int NearMountSlots = 250;

    private readonly List<string> _slots = ["plan", "status"];
    private readonly List<string> _farSlots = [];
    private readonly List<PlanInput> _inputs = [];

    public PlanBuilder()
    {
        Prepare = new OperationList(PlanSection.Supervisor);
        Start = new OperationList(PlanSection.Supervisor);
        Supervise = new OperationList(PlanSection.Supervisor);
        Joiner = new OperationList(PlanSection.Joiner);
        Init = new OperationList(PlanSection.Init);
    }

    /// <summary>The supervisor before it starts the next party: what init inherits.</summary>
    public OperationList Prepare { get; }

    /// <summary>The supervisor's start of the next party.</summary>
    public OperationList Start { get; }

    /// <summary>The supervisor after the clone.</summary>
    public OperationList Supervise { get; }

    /// <summary>The joiner.</summary>
    public OperationList Joiner { get; }

    /// <summary>Init.</summary>
    public OperationList Init { get; }

    /// <summary>Descriptors 3 and up that are the container's own.</summary>
    public int Preserve { get; set; }

    /// <summary>What the config asks for and the container will not have.</summary>
    public List<string> Warnings { get; } = [];

    /// <summary>A new slot.</summary>
    /// <param name="name">What it will be, for printing.</param>
    public int NewSlot(string name)
    {
        _slots.Add(name);
        return _slots.Count <= PlanFormat.FirstFarSlot ? _slots.Count - 1 : throw TooMany(PlanFormat.FirstFarSlot);
    }

    /// <summary>A new slot for one of any number of mounts.</summary>
    /// <param name="name">What it will be, for printing.</param>
    public int NewMountSlot(string name)
    {
        // The near ones serve nearly every container: the launcher's table of descriptors stays small.
        if (_slots.Count < NearMountSlots)
        {
            return NewSlot(name);
        }

        _farSlots.Add(name);
        return PlanFormat.FirstFarSlot + _farSlots.Count is var end && end <= PlanFormat.MaxSlots ? end - 1 : throw TooMany(PlanFormat.MaxSlots);
    }

    /// <summary>The slot of a descriptor that the launcher is given.</summary>
    public int Input(PlanInputKind kind)
    {
        var slot = NewSlot(kind.ToString());
        _inputs.Add(new PlanInput(kind, slot));
        return slot;
    }

    /// <summary>The plan.</summary>
    public LaunchPlan Build()
    {
        var operations = new List<PlanOperation>(Prepare.Count + Start.Count + Supervise.Count + Joiner.Count + Init.Count);
        Prepare.CopyTo(operations);
        Start.CopyTo(operations);
        Joiner.CopyTo(operations);
        Supervise.CopyTo(operations);
        Init.CopyTo(operations);
        if (_farSlots.Count > 0)
        {
            _slots.AddRange([.. Enumerable.Repeat("", PlanFormat.FirstFarSlot - _slots.Count), .. _farSlots]);
        }

        return new LaunchPlan(operations, _inputs, Preserve, _slots) { Warnings = Warnings };
    }

    private static Linux.BundtException TooMany(int most) => new(
        Linux.FailureKind.InvalidArgument, Linux.Phase.Request, $"the container needs more than {most} descriptors to be set up: too many layers and mounts");
}
