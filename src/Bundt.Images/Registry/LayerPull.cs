using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Bundt.Linux;
using Bundt.Oci.Distribution;

namespace Bundt.Images.Registry;

/// <summary>
/// Downloads and unpacks the layers of one image, several at once, each in one pass. The first failure stops the others; what has arrived is kept.
/// </summary>
/// <param name="intake">Where the layers go.</param>
/// <param name="sources">Where the blobs are to be had, best first.</param>
/// <param name="concurrency">Layers at once.</param>
/// <param name="progress">Told each step in Docker's words.</param>
internal sealed class LayerPull(ImageIntake intake, IReadOnlyList<(RegistryClient Client, string Repository)> sources, int concurrency, IProgress<PullProgress>? progress)
{
    /// <summary>Milliseconds between two reports of one layer: smooth for eyes, cheap for the stream.</summary>
    private const long ReportInterval = 100;

    /// <summary>Brings every layer in that is not there yet.</summary>
    /// <param name="layers">Blob and diffID, bottom first. The same layer may stand there twice.</param>
    /// <param name="cancellation">Stops.</param>
    public async Task RunAsync(IReadOnlyList<(Descriptor Blob, string DiffId)> layers, CancellationToken cancellation)
    {
        List<(Descriptor Blob, string DiffId)> missing = [];
        foreach ((Descriptor blob, string diffId) in layers.Distinct(s_sameLayer))
        {
            // Kept before it is looked for, so that no removal takes it away in between.
            intake.Keep(blob.Digest);
            intake.Keep(diffId);
            bool isThere = intake.Blobs.Contains(blob.Digest) && intake.Layers.Contains(diffId);
            Report(isThere ? "Already exists" : "Pulling fs layer", blob);
            if (!isThere)
            {
                missing.Add((blob, diffId));
            }
        }

        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using SemaphoreSlim slots = new(Math.Max(1, concurrency));
        Exception? first = null;
        await Task.WhenAll(missing.Select(layer => Task.Run(async () =>
        {
            try
            {
                await slots.WaitAsync(stop.Token).ConfigureAwait(false);
                try
                {
                    await BringAsync(layer.Blob, layer.DiffId, stop.Token).ConfigureAwait(false);
                }
                finally
                {
                    slots.Release();
                }
            }
            catch (Exception error)
            {
                // The first is the cause; those that follow only say that they were stopped.
                Interlocked.CompareExchange(ref first, error, null);
                await stop.CancelAsync().ConfigureAwait(false);
            }
        }, CancellationToken.None))).ConfigureAwait(false);
        if (first is not null)
        {
            cancellation.ThrowIfCancellationRequested();
            ExceptionDispatchInfo.Throw(FailureBehind(first) ?? first);
        }
    }

    private static readonly IEqualityComparer<(Descriptor Blob, string DiffId)> s_sameLayer =
        EqualityComparer<(Descriptor Blob, string DiffId)>.Create((a, b) => a.Blob.Digest == b.Blob.Digest && a.DiffId == b.DiffId, layer => layer.Blob.Digest.GetHashCode(StringComparison.Ordinal));

    private async Task BringAsync(Descriptor blob, string diffId, CancellationToken cancellation)
    {
        long resumedFrom = 0;
        try
        {
            await AddAsync(blob, diffId, sources, restart: false, offset => resumedFrom = offset, cancellation).ConfigureAwait(false);
        }
        catch (Exception error) when (IsWrongContent(error) && (resumedFrom > 0 || sources.Count > 1))
        {
            // The part from an earlier try does not fit, or a mirror changed the content: once more from the first byte, without that mirror.
            await AddAsync(blob, diffId, sources.Count > 1 ? [.. sources.Skip(1)] : sources, restart: true, static _ => { }, cancellation).ConfigureAwait(false);
        }

        Report("Pull complete", blob);
    }

    private async Task AddAsync(
        Descriptor blob, string diffId, IReadOnlyList<(RegistryClient Client, string Repository)> from, bool restart, Action<long> opened, CancellationToken cancellation)
    {
        long reported = 0;
        long at = 0;
        bool isComplete = false;
        await intake.AddLayerAsync(blob, diffId, (ingest, token) =>
        {
            if (restart)
            {
                ingest.Restart();
            }

            opened(ingest.Offset);
            progress?.Report(new PullProgress("Downloading", ContentDigest.ShortOf(blob.Digest), ingest.Offset, blob.Size));
            return Task.FromResult<Stream>(new ResumingBlobStream(from, blob, ingest.Offset, token));
        }, passed =>
        {
            long now = Stopwatch.GetTimestamp();
            if (passed >= blob.Size && !isComplete)
            {
                isComplete = true;
                Report("Verifying Checksum", blob);
                Report("Download complete", blob);
                progress?.Report(new PullProgress("Extracting", ContentDigest.ShortOf(blob.Digest), blob.Size, blob.Size));
            }
            else if (passed != at && Stopwatch.GetElapsedTime(reported, now).TotalMilliseconds >= ReportInterval)
            {
                reported = now;
                progress?.Report(new PullProgress("Downloading", ContentDigest.ShortOf(blob.Digest), passed, blob.Size));
            }

            at = passed;
        }, cancellation).ConfigureAwait(false);
    }

    private void Report(string status, Descriptor blob) => progress?.Report(new PullProgress(status, ContentDigest.ShortOf(blob.Digest)));

    /// <summary>Whether the bytes themselves are to blame, rather than the network, the disk or a cancellation.</summary>
    private static bool IsWrongContent(Exception error) => FailureBehind(error) is null
        && error is BundtException { Errno: Errno.None } failure
        && (failure.Phase, failure.Kind) is (Phase.Pull, FailureKind.Internal) or (Phase.Unpack, FailureKind.InvalidArgument);

    /// <summary>The registry's failure inside what the unpacker made of it: the network's cause, not the tar's, is what the user must hear.</summary>
    private static RegistryFailure? FailureBehind(Exception error)
    {
        for (Exception? cause = error; cause is not null; cause = cause.InnerException)
        {
            if (cause is RegistryFailure failure)
            {
                return failure;
            }
        }

        return null;
    }
}
