namespace Bundt.Runtime.Plans;

/// <summary>The constants of native/plan.h; a test compares the two.</summary>
public static class PlanFormat
{
    /// <summary>The bytes "BUNDTPLN".</summary>
    public const ulong Magic = 0x4e4c5054444e5542;

    /// <summary>PLAN_VERSION.</summary>
    public const uint Version = 1;

    /// <summary>Slot n is descriptor FdBase + n of the launcher.</summary>
    public const int FdBase = 200;

    /// <summary>PLAN_MAX_SLOTS.</summary>
    public const int MaxSlots = 4096;

    /// <summary>Slots from here on are for mounts alone, of which there may be any number: the header cannot say of them that they are passed open.</summary>
    public const int FirstFarSlot = 400;

    /// <summary>PLAN_MAX_MESSAGE in bytes: what the agent of a filter is told.</summary>
    public const int MaxMessage = 1 << 20;

    /// <summary>PLAN_MAX_OPS.</summary>
    public const int MaxOperations = 16384;

    /// <summary>PLAN_MAX_SIZE in bytes.</summary>
    public const int MaxSize = 8 << 20;

    /// <summary>The plan starts here in the memfd; before it lies the report.</summary>
    public const int Offset = 4096;

    /// <summary>sizeof(struct plan_header).</summary>
    public const int HeaderSize = 96;

    /// <summary>sizeof(struct plan_op).</summary>
    public const int OperationSize = 56;

    /// <summary>The byte in the status pipe that says: the container is mounted, and the supervisor waits for the word to go on.</summary>
    public const byte NoticeMounted = 1;

    /// <summary>SLOT_PLAN.</summary>
    public const int SlotPlan = 0;

    /// <summary>SLOT_STATUS.</summary>
    public const int SlotStatus = 1;

    /// <summary>SLOT_FIRST_FREE.</summary>
    public const int SlotFirstFree = 2;
}
