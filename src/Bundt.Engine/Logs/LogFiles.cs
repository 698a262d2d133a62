using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Engine.Logs;

/// <summary>
/// The files of a rotated log: `stdio.log` is written, `stdio.log.1` is the one before it, and so on. Rotation renames them under a
/// reader's eyes, so a set is opened as of one moment: it counts only if the newest file is still the same afterwards.
/// </summary>
internal static class LogFiles
{
    private const string Name = "stdio.log";

    public static string Current(string directory) => Path.Combine(directory, Name);

    /// <summary>Opens all files there are, oldest first; empty when nothing was logged yet.</summary>
    public static List<SafeFileHandle> OpenAll(string directory) => Open(directory, null);

    /// <summary>
    /// Opens the files that came after the given one, oldest first; empty when it is still the one that is written. If the rotation has
    /// thrown the given one away, all that are left came after it.
    /// </summary>
    public static List<SafeFileHandle> OpenAfter(string directory, SafeFileHandle last) => Open(directory, last);

    private static List<SafeFileHandle> Open(string directory, SafeFileHandle? last)
    {
        while (true)
        {
            var files = new List<SafeFileHandle>();
            for (var number = 0; TryOpen(directory, number) is { } file; number++)
            {
                if (last is not null && FileIdentity.Of(file) == FileIdentity.Of(last))
                {
                    file.Dispose();
                    break;
                }

                files.Add(file);
            }

            // The set's newest file must still bear the current name: else a rotation came between, and a file may be missing or doubled.
            // An inode that is held open is not used again, so equal identities mean the same file.
            var newest = files.Count > 0 ? files[0] : last;
            using var again = TryOpen(directory, 0);
            if (newest is null ? again is null : again is not null && FileIdentity.Of(again) == FileIdentity.Of(newest))
            {
                files.Reverse();
                return files;
            }

            if (again is null && files.Count == 0)
            {
                // The log is gone altogether (removal): nothing comes after.
                return files;
            }

            files.ForEach(f => f.Dispose());
        }
    }

    private static SafeFileHandle? TryOpen(string directory, int number)
    {
        var path = Current(directory) + (number == 0 ? "" : "." + number.ToString(CultureInfo.InvariantCulture));
        try
        {
            return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.None);
        }
        catch (IOException e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }
}
