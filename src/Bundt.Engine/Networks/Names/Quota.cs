namespace Bundt.Engine.Networks.Names;

/// <summary>So many at once and no more. Nobody waits: who gets none is told so.</summary>
/// <param name="limit">How many.</param>
internal sealed class Quota(int limit)
{
    private int _taken;

    /// <summary>Takes one, to be given back by <see cref="Give"/>, or says that there is none left.</summary>
    public bool TryTake()
    {
        if (Interlocked.Increment(ref _taken) <= limit)
        {
            return true;
        }

        Give();
        return false;
    }

    public void Give() => Interlocked.Decrement(ref _taken);
}
