namespace Bundt.Engine.Monitors;

/// <summary>Types of messages on a monitor's socket (native/monitor.h, enum monitor_message).</summary>
internal enum MonitorMessage : byte
{
    Stdout = 1,
    Stderr = 2,
    Hello = 16,
    Exit = 17,
    Attached = 18,
    Attach = 32,
    Stdin = 33,
    StdinClose = 34,
    Resize = 35,
    Wait = 36,
}
