namespace Bundt.Engine.Monitors;

/// <summary>What a monitor says of itself in the file `monitor`.</summary>
internal sealed record MonitorRecord(int MonitorPid, ulong MonitorStart, string BootId, int InitPid, ulong InitStart, DateTimeOffset Started)
{
    public const string FileName = "monitor";

    /// <summary>The record in a container's or exec's directory; null when there is none or it is not complete: init was not let go then.</summary>
    public static MonitorRecord? Read(string directory) =>
        TextRecord.Read(Path.Combine(directory, FileName)) is { IsComplete: true } record
            ? new MonitorRecord(
                (int)record.Number("monitor-pid"),
                (ulong)record.Number("monitor-start"),
                record.Text("boot-id"),
                (int)record.Number("init-pid"),
                (ulong)record.Number("init-start"),
                UnixTime.FromNanoseconds(record.Number("started")))
            : null;
}
