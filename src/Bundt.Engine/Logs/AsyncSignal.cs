namespace Bundt.Engine.Logs;

/// <summary>A bell: rung any number of times, it wakes the one who waits once.</summary>
internal sealed class AsyncSignal
{
    private TaskCompletionSource _rung = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when the bell has been rung since the last <see cref="Reset"/>.</summary>
    public Task Rung => Volatile.Read(ref _rung).Task;

    public void Ring() => Volatile.Read(ref _rung).TrySetResult();

    /// <summary>To be called before looking for what the bell announces.</summary>
    public void Reset()
    {
        if (_rung.Task.IsCompleted)
        {
            Volatile.Write(ref _rung, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }
    }
}
