using System.Collections.Concurrent;
using System.Security.Cryptography;
using Bundt.Linux;
using Bundt.Linux.Files;

namespace Bundt.Engine;

/// <summary>
/// Deletion in two steps: a rename into ROOT/trash, which is at once and whole, and a sweeper in the background that empties it.
/// What a crash leaves there is swept at the next start.
/// </summary>
internal sealed class Trash
{
    private readonly string _path;
    private readonly Action<string, Exception> _failed;
    private readonly ConcurrentDictionary<string, Task> _sweeps = new();

    /// <summary>Opens the trash and begins to sweep what lies in it.</summary>
    /// <param name="path">The trash directory, on the file system of what it takes.</param>
    /// <param name="failed">Told of what could not be removed; the next start tries again.</param>
    public Trash(string path, Action<string, Exception> failed)
    {
        _path = path;
        _failed = failed;
        Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        foreach (var left in Directory.EnumerateFileSystemEntries(path))
        {
            Sweep(Path.GetFileName(left), Task.CompletedTask);
        }
    }

    /// <summary>Takes a directory away. Nothing happens if it is not there.</summary>
    /// <param name="directory">Host path.</param>
    /// <param name="first">To be waited for before the tree is removed: a monitor that still uses it.</param>
    public void Take(string directory, Task? first = null)
    {
        var name = Path.GetFileName(directory) + "." + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));
        try
        {
            Directory.Move(directory, Path.Combine(_path, name));
        }
        catch (DirectoryNotFoundException)
        {
            return;
        }

        Sweep(name, first ?? Task.CompletedTask);
    }

    /// <summary>Completes when all that was taken so far is gone.</summary>
    public Task Emptied() => Task.WhenAll(_sweeps.Values);

    private void Sweep(string name, Task first)
    {
        // The task that Emptied waits for is known before it begins to run, so it removes itself from the list only after it was put there.
        var begin = new TaskCompletionSource();
        _sweeps[name] = SweepAsync(name, Task.WhenAll(begin.Task, first));
        begin.SetResult();
    }

    private async Task SweepAsync(string name, Task first)
    {
        await first.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        try
        {
            using var trash = DirectoryFd.OpenHost(_path);
            trash.RemoveTree(name);
        }
        catch (BundtException e)
        {
            _failed(name, e);
        }
        finally
        {
            _sweeps.TryRemove(name, out _);
        }
    }
}
