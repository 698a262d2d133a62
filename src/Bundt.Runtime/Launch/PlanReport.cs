using System.Buffers.Binary;
using System.Text;
using Bundt.Linux;
using Bundt.Linux.Processes;
using Bundt.Runtime.Plans;

namespace Bundt.Runtime.Launch;

/// <summary>The launcher's report (struct plan_report of native/plan.h).</summary>
internal sealed record PlanReport
{
    private const int Size = 680;

    /// <summary>How far init came.</summary>
    public PlanReportPhase Phase { get; private init; }

    /// <summary>An operation has failed.</summary>
    public bool Failed { get; private init; }

    /// <summary>Its index.</summary>
    public int Operation { get; private init; }

    /// <summary>The kernel's answer; None when a check failed.</summary>
    public Errno Errno { get; private init; }

    /// <summary>Which check failed.</summary>
    public PlanReportDetail Detail { get; private init; }

    /// <summary>Init's pid in our pid namespace; 0 before it was cloned.</summary>
    public int InitPid { get; init; }

    /// <summary>What the failure was about where the plan cannot know it.</summary>
    public string Text { get; private init; } = "";

    /// <summary>CLOCK_MONOTONIC in ns: launcher, clone, init, root, exec.</summary>
    public IReadOnlyList<ulong> Stamps { get; private init; } = [];

    /// <summary>Reads the first page of the plan's memory file.</summary>
    public static PlanReport Read(MemoryFile memory)
    {
        Span<byte> bytes = stackalloc byte[Size];
        bytes.Clear();
        memory.Read(bytes, 0);
        var text = bytes[168..];
        var end = text.IndexOf((byte)0);
        var stamps = new ulong[5];
        for (var i = 0; i < stamps.Length; i++)
        {
            stamps[i] = BinaryPrimitives.ReadUInt64LittleEndian(bytes[(40 + i * 8)..]);
        }

        return new PlanReport
        {
            Phase = (PlanReportPhase)Word(bytes, 1),
            Failed = Word(bytes, 2) != 0,
            Operation = Word(bytes, 4),
            Errno = (Errno)Word(bytes, 5),
            Detail = (PlanReportDetail)Word(bytes, 6),
            InitPid = Word(bytes, 7),
            Text = Printable(Encoding.UTF8.GetString(end < 0 ? text : text[..end])),
            Stamps = stamps,
        };
    }

    // A file system ends its word of the mount with a line end; and a hook may be the image's own program, which shall not write to the terminal of
    // whoever reads the error.
    private static string Printable(string text) =>
        string.Concat(text.TrimEnd().Select(c => char.IsControl(c) && c is not ('\n' or '\t') ? '?' : c));

    private static int Word(ReadOnlySpan<byte> bytes, int index) => BinaryPrimitives.ReadInt32LittleEndian(bytes[(index * 4)..]);
}
