using System.Text;

namespace Bundt.Engine.Monitors;

/// <summary>What a monitor writes when init has ended: the file `exit`.</summary>
/// <param name="Status">0 to 255, 128+n for a signal.</param>
/// <param name="OomKills">Kills counted in memory.events.</param>
/// <param name="Started">When init was let go.</param>
/// <param name="Finished">When it ended.</param>
/// <param name="StartFailed">The command was never executed.</param>
/// <param name="Errno">Why, if the start failed.</param>
internal sealed record ExitRecord(int Status, long OomKills, DateTimeOffset Started, DateTimeOffset Finished, bool StartFailed, int Errno)
{
    public const string FileName = "exit";

    /// <summary>Under this name the monitor writes it before it is renamed (native/record.c).</summary>
    public const string ReservedName = "exit.new";

    /// <summary>The record in a container's or exec's directory, or null. It is renamed into place, so it is there as a whole or not at all.</summary>
    public static ExitRecord? Read(string directory) => TextRecord.Read(Path.Combine(directory, FileName)) is { } record ? From(record) : null;

    /// <summary>The record as the monitor tells it to who is attached.</summary>
    public static ExitRecord Parse(ReadOnlySpan<byte> text) => From(TextRecord.Parse(Encoding.UTF8.GetString(text)));

    private static ExitRecord From(TextRecord record) => new(
        (int)record.Number("status"),
        record.Number("oom-kill"),
        UnixTime.FromNanoseconds(record.Number("started")),
        UnixTime.FromNanoseconds(record.Number("finished")),
        record.Number("start-failed") == 1,
        (int)record.Number("error"));
}
