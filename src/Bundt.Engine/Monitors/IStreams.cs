namespace Bundt.Engine.Monitors;

/// <summary>Where an attachment's streams come from: a connection of its own, or a share of the first one.</summary>
internal interface IStreams : IDisposable
{
    /// <summary>
    /// The next output, null at the end. The bytes are valid until the next call. A frame of the stream <see cref="MonitorMessage.Attached"/>
    /// stands before the first output and says where it begins.
    /// </summary>
    ValueTask<OutputFrame?> ReadAsync(CancellationToken cancellation);

    /// <summary>Sends a message. A monitor that is gone takes it without an error: nobody is left to read it.</summary>
    ValueTask SendAsync(MonitorMessage type, ReadOnlyMemory<byte> payload, CancellationToken cancellation);
}
