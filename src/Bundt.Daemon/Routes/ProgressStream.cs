using System.Globalization;
using System.IO.Pipelines;
using System.Threading.Channels;
using Bundt.Daemon.Json;
using Bundt.Daemon.Server;
using Bundt.Images;
using Bundt.Linux;

namespace Bundt.Daemon.Routes;

/// <summary>
/// The progress of a pull or load as docker's JSON lines. Nothing is sent before there is something to tell: until then a failure is a real
/// HTTP status; after it, a line of the stream.
/// </summary>
internal sealed class ProgressStream : IProgress<PullProgress>
{
    /// <summary>How often the bytes of one layer are told.</summary>
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(100);

    private readonly Channel<PullProgress> _steps = Channel.CreateUnbounded<PullProgress>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Dictionary<string, (string Status, long Time)> _told = [];

    /// <inheritdoc/>
    public void Report(PullProgress value) => _steps.Writer.TryWrite(value);

    /// <summary>Runs the work and tells its progress.</summary>
    /// <param name="request">Whom to tell.</param>
    /// <param name="work">The work; reports to this stream.</param>
    /// <param name="wanted">Which steps are told.</param>
    /// <param name="last">Lines for the end, made of the work's result.</param>
    public async Task RunAsync<T>(ApiRequest request, Func<IProgress<PullProgress>, Task<T>> work, Func<PullProgress, bool> wanted, Func<T, IEnumerable<ProgressLine>> last)
    {
        Task<T> working = CloseAfterAsync(work(this));
        PipeWriter? output = null;
        PullProgress? held = null;
        await foreach (PullProgress step in _steps.Reader.ReadAllAsync(CancellationToken.None))
        {
            if (request.IsClientGone || !wanted(step) || !IsDue(step))
            {
                continue;
            }

            if (output is null && held is null && step.Status.StartsWith("Pulling from", StringComparison.Ordinal))
            {
                held = step; // said before the registry has answered
                continue;
            }

            if (output is null)
            {
                output = await request.BeginAsync("application/json");
                if (held is not null)
                {
                    ApiRequest.WriteJsonLine(output, ToLine(held), ApiJson.Wire.ProgressLine);
                }
            }

            ApiRequest.WriteJsonLine(output, ToLine(step), ApiJson.Wire.ProgressLine);
            if (!_steps.Reader.TryPeek(out _))
            {
                await output.FlushAsync(request.Aborted);
            }
        }

        T result;
        try
        {
            result = await working;
        }
        catch (BundtException failure) when (output is not null)
        {
            string message = ErrorAnswer.Describe(failure).Body.Message;
            ApiRequest.WriteJsonLine(output, new ProgressLine { ErrorDetail = new ProgressError(message), Error = message }, ApiJson.Wire.ProgressLine);
            await output.FlushAsync(request.Aborted);
            return;
        }

        if (output is null)
        {
            output = await request.BeginAsync("application/json");
            if (held is not null)
            {
                ApiRequest.WriteJsonLine(output, ToLine(held), ApiJson.Wire.ProgressLine);
            }
        }

        foreach (ProgressLine line in last(result))
        {
            ApiRequest.WriteJsonLine(output, line, ApiJson.Wire.ProgressLine);
        }

        await output.FlushAsync(request.Aborted);
    }

    /// <summary>One step as a line.</summary>
    public static ProgressLine ToLine(PullProgress step) => new()
    {
        Status = step.Status,
        ProgressDetail = step.Id is null ? null : new ProgressDetail { Current = step.Current, Total = step.Total },
        Progress = step.Total > 0 && step.Current > 0 ? Bar(step.Current, step.Total) : null,
        Id = step.Id,
    };

    private static string Bar(long current, long total)
    {
        // moby pkg/jsonmessage: 50 characters
        int filled = (int)Math.Clamp(current * 50 / total, 0, 50);
        return $"[{new string('=', filled)}{(filled < 50 ? ">" : "")}{new string(' ', Math.Max(0, 50 - filled - (filled < 50 ? 1 : 0)))}]  {Size(current)}/{Size(total)}";
    }

    private static string Size(long bytes)
    {
        // docker/go-units HumanSize: four significant digits, powers of 1000
        ReadOnlySpan<string> units = ["B", "kB", "MB", "GB", "TB"];
        double value = bytes;
        int unit = 0;
        while (value >= 1000 && unit < units.Length - 1)
        {
            value /= 1000;
            unit++;
        }

        return value.ToString(value >= 1000 ? "0" : value >= 100 ? "0.#" : value >= 10 ? "0.##" : "0.###", CultureInfo.InvariantCulture) + units[unit];
    }

    private async Task<T> CloseAfterAsync<T>(Task<T> work)
    {
        try
        {
            return await work;
        }
        finally
        {
            _steps.Writer.Complete();
        }
    }

    /// <summary>A new status is always told, more bytes of the same one from time to time.</summary>
    private bool IsDue(PullProgress step)
    {
        if (step.Id is null)
        {
            return true;
        }

        long now = Environment.TickCount64;
        if (step.Total > 0 && step.Current < step.Total
            && _told.TryGetValue(step.Id, out (string Status, long Time) told) && told.Status == step.Status && now - told.Time < s_interval.TotalMilliseconds)
        {
            return false;
        }

        _told[step.Id] = (step.Status, now);
        return true;
    }
}
