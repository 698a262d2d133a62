using System.Globalization;
using System.Text;
using Bundt.Linux;
using Bundt.Linux.Files;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Plans;

namespace Bundt.Runtime.Spec;

/// <summary>
/// A user's home for the variable HOME: that of the passwd file which the process will see, "/" when there is none of the user's. The file is
/// the container's own: whatever it is made to be, it is read as data, in small pieces, and not for long.
/// </summary>
internal static class HomeDirectory
{
    private const string Fallback = "/";
    private const string Passwd = "/etc/passwd";
    private const int MaxBytes = 4 << 20;
    private const int LongestLine = 32 << 10;

    /// <summary>In a container that does not run yet: what its config mounts over the file, or over the directory it is in, is what counts.</summary>
    public static string OfNew(uint uid, string rootfs, string bundle, IReadOnlyList<RuntimeMount> mounts)
    {
        for (var i = mounts.Count - 1; i >= 0; i--)
        {
            var target = Path.GetFullPath("/" + mounts[i].Destination).TrimEnd('/');
            if (target != Passwd && !Passwd.StartsWith(target + "/", StringComparison.Ordinal) || MountOptions.Parse(mounts[i].Options) is { Remount: true } or { CopyUp: true })
            {
                continue;
            }

            if (!MountPlan.IsBind(mounts[i]) || mounts[i].Source is not { } source)
            {
                return Fallback;
            }

            // The mount follows the host's links to its source; those inside it stay inside.
            source = Path.GetFullPath(source, bundle);
            return target == Passwd ? Find(uid, "/", source) : Find(uid, source, Passwd[target.Length..]);
        }

        return Find(uid, rootfs, Passwd);
    }

    /// <summary>In a running container, as its first process sees it.</summary>
    public static string OfRunning(uint uid, int init) => Find(uid, $"/proc/{init}/root", Passwd);

    private static string Find(uint uid, string root, string path)
    {
        try
        {
            using var directory = DirectoryFd.OpenHost(root);
            using var file = directory.OpenRegular(path);

            // The kernel's own files say length 0; some of them, such as kmsg, make a reader wait.
            return RandomAccess.GetLength(file) == 0 ? Fallback : Find(uid, file) is { Length: > 0 } home ? home : Fallback;
        }
        catch (Exception e) when (e is BundtException or IOException or UnauthorizedAccessException)
        {
            // No file, or none that could be read: nobody has a home in it.
            return Fallback;
        }
    }

    private static string? Find(uint uid, Microsoft.Win32.SafeHandles.SafeFileHandle file)
    {
        var buffer = new byte[2 * LongestLine];
        var kept = 0;
        for (var position = 0; position < MaxBytes;)
        {
            var count = RandomAccess.Read(file, buffer.AsSpan(kept, LongestLine), position);
            position += count;
            var text = buffer.AsSpan(0, kept + count);
            for (var end = text.IndexOf((byte)'\n'); end >= 0 || count == 0 && !text.IsEmpty; end = text.IndexOf((byte)'\n'))
            {
                if (HomeIn(end < 0 ? text : text[..end], uid) is { } home)
                {
                    return home;
                }

                text = end < 0 ? [] : text[(end + 1)..];
            }

            if (count == 0)
            {
                return null;
            }

            // Of a line without end only so much is kept that it cannot be taken for a good one.
            kept = Math.Min(text.Length, LongestLine);
            text[..kept].CopyTo(buffer);
        }

        return null;
    }

    // name:password:uid:gid:comment:home:shell. Damaged lines are nobody's; a NUL would end the variable, and begin another.
    private static string? HomeIn(ReadOnlySpan<byte> line, uint uid)
    {
        if (line.Length >= LongestLine || line.Contains((byte)0))
        {
            return null;
        }

        var index = 0;
        foreach (var field in line.Split((byte)':'))
        {
            switch (index++)
            {
                case 0 when line[field].IsEmpty:
                case 2 when !(uint.TryParse(line[field], NumberStyles.None, CultureInfo.InvariantCulture, out var id) && id == uid):
                    return null;
                case 5:
                    return Encoding.UTF8.GetString(line[field]);
                default:
                    break;
            }
        }

        return null;
    }
}
