using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Engine.Logs;

/// <summary>
/// The files of a rotated log: `stdio.log` is written, `stdio.log.1` is the one before it, and so on. Rotation renames them one by one under
/// a reader's eyes, and a monitor that is killed while it does, or finds no room for a new file, leaves a number out for good. So a set is
/// opened as of one moment: it counts only if every number stands for the same file when all are looked at once more.
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
            var files = OpenNumbered(directory);
            var again = OpenNumbered(directory);
            var same = files.Select(Identity).SequenceEqual(again.Select(Identity));
            again.ForEach(file => file.Handle.Dispose());
            if (!same)
            {
                files.ForEach(file => file.Handle.Dispose());
                continue;
            }

            // An inode that is held open is not used again, so equal identities mean the same file.
            var known = last is null ? -1 : files.FindIndex(file => FileIdentity.Of(file.Handle) == FileIdentity.Of(last));
            var newer = known < 0 ? files : files[..known];
            files.Except(newer).ToList().ForEach(file => file.Handle.Dispose());
            newer.Reverse();
            return newer.ConvertAll(file => file.Handle);
        }
    }

    private static (int Number, FileIdentity File) Identity((int Number, SafeFileHandle Handle) file) => (file.Number, FileIdentity.Of(file.Handle));

    /// <summary>Newest first.</summary>
    private static List<(int Number, SafeFileHandle Handle)> OpenNumbered(string directory)
    {
        var files = new List<(int, SafeFileHandle)>();
        var highest = HighestNumber(directory);
        for (var number = 0; number <= highest; number++)
        {
            if (TryOpen(directory, number) is { } file)
            {
                files.Add((number, file));
            }
        }

        return files;
    }

    private static int HighestNumber(string directory)
    {
        var highest = 0;
        try
        {
            foreach (var path in Directory.EnumerateFiles(directory, Name + ".*"))
            {
                if (int.TryParse(path.AsSpan(path.LastIndexOf('.') + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                {
                    highest = Math.Max(highest, number);
                }
            }
        }
        catch (DirectoryNotFoundException)
        {
            // The container is being removed.
        }

        return highest;
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
