using Bundt.Linux;

namespace Bundt.Engine.Launch;

/// <summary>
/// Prepared containers for the images that were run last. Half of what a start costs is the file system's: directories, the overlay, mount
/// points. None of it depends on what the user asks for, so it is done between the starts.
/// </summary>
internal sealed class PreparedContainers(EngineServices services) : IAsyncDisposable
{
    /// <summary>Of one kind: one for the next start, one for the start after it while the first is being replaced.</summary>
    private const int MostOfAKind = 2;

    /// <summary>Of all kinds; the oldest makes room.</summary>
    private const int Most = 6;

    /// <summary>A long-lived container's successor is made when its own start is over and done with.</summary>
    private static readonly TimeSpan s_delay = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private readonly List<PreparedContainer> _ready = [];
    private readonly HashSet<(string ImageId, bool Volatile)> _wanted = [];
    private bool _filling;

    /// <summary>Counts the times that all was let go of: what was begun before is not kept.</summary>
    private int _clearings;
    private bool _ended;

    /// <summary>Completes when what was wanted at the last <see cref="Fill"/> has been made.</summary>
    public Task Filled { get; private set; } = Task.CompletedTask;

    /// <summary>One that fits, or null. It is the caller's.</summary>
    public PreparedContainer? Take(string imageId, bool isVolatile)
    {
        lock (_lock)
        {
            var at = _ready.FindIndex(p => p.ImageId == imageId && p.Volatile == isVolatile);
            if (at < 0)
            {
                return null;
            }

            var taken = _ready[at];
            _ready.RemoveAt(at);
            return taken;
        }
    }

    /// <summary>A container of this kind was started: another one may follow. It is made soon, or at the next <see cref="Fill"/>.</summary>
    public void Want(string imageId, bool isVolatile)
    {
        if (!services.Processes.MountsAhead)
        {
            return;
        }

        lock (_lock)
        {
            if (_ended || !_wanted.Add((imageId, isVolatile)))
            {
                return;
            }
        }

        _ = Task.Delay(s_delay).ContinueWith(_ => Fill(), TaskScheduler.Default);
    }

    /// <summary>Makes what is wanted, in the background.</summary>
    public void Fill()
    {
        lock (_lock)
        {
            if (_filling || _ended || _wanted.Count == 0)
            {
                return;
            }

            _filling = true;
            Filled = Task.Run(FillAsync);
        }
    }

    /// <summary>Lets go of all, for instance because an image is being removed.</summary>
    public void Clear()
    {
        List<PreparedContainer> released;
        lock (_lock)
        {
            _clearings++;
            _wanted.Clear();
            released = [.. _ready];
            _ready.Clear();
        }

        released.ForEach(Discard);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            _ended = true;
            _wanted.Clear();
        }

        await Filled.ConfigureAwait(false);
        Clear();
    }

    private async Task FillAsync()
    {
        while (Next() is var (imageId, isVolatile, count, clearings))
        {
            try
            {
                while (count-- > 0 && await PreparedContainer.MakeAsync(services, imageId, isVolatile).ConfigureAwait(false) is { } made)
                {
                    Keep(made, clearings);
                }
            }
            catch (Exception e) when (e is BundtException or IOException or UnauthorizedAccessException)
            {
                // The next start makes everything itself, and says what is wrong.
            }
        }
    }

    private (string ImageId, bool Volatile, int Count, int Clearings)? Next()
    {
        lock (_lock)
        {
            foreach (var kind in _wanted)
            {
                _wanted.Remove(kind);
                return (kind.ImageId, kind.Volatile, MostOfAKind - _ready.Count(p => (p.ImageId, p.Volatile) == kind), _clearings);
            }

            _filling = false;
            return null;
        }
    }

    private void Keep(PreparedContainer made, int clearings)
    {
        List<PreparedContainer> surplus = [];
        lock (_lock)
        {
            if (_ended || clearings != _clearings)
            {
                surplus.Add(made);
            }
            else
            {
                _ready.Add(made);
                while (_ready.Count > Most)
                {
                    surplus.Add(_ready[0]);
                    _ready.RemoveAt(0);
                }
            }
        }

        surplus.ForEach(Discard);
    }

    private void Discard(PreparedContainer prepared)
    {
        prepared.Dispose();
        services.Trash.Take(services.Paths.Container(prepared.Id));
    }
}
