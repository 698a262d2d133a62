using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Bundt.Linux;
using Bundt.Linux.Files;
using Bundt.Runtime.Launch;

namespace Bundt.Runtime.Spec;

/// <summary>
/// A container's passwd and group files, read as data. Damaged lines are passed over: an entry whose id is no number in range names nobody
/// (read as 0, as some do, it would name root).
/// </summary>
public sealed class UserDatabase
{
    /// <summary>The highest id Docker accepts.</summary>
    public const uint MaxId = int.MaxValue;

    private const int MaxBytes = 10 << 20;
    private const int CachedImages = 256;

    // Layers do not change, so the files of an image are read once, as long as the container has none of its own.
    private static readonly ConcurrentDictionary<string, UserDatabase> s_images = new(StringComparer.Ordinal);

    private readonly List<PasswdEntry> _users = [];
    private readonly List<GroupEntry> _groups = [];

    private UserDatabase()
    {
    }

    /// <summary>A container without the files: only numbers resolve.</summary>
    public static UserDatabase Empty { get; } = new();

    /// <summary>Reads the two files' contents; empty for a missing file.</summary>
    public static UserDatabase Parse(ReadOnlySpan<byte> passwd, ReadOnlySpan<byte> group)
    {
        var database = new UserDatabase();
        foreach (var range in passwd.Split((byte)'\n'))
        {
            var fields = Encoding.UTF8.GetString(passwd[range]).Split(':');
            if (fields.Length >= 4 && fields[0].Length > 0 && TryId(fields[2], out var uid) && TryId(fields[3], out var gid))
            {
                database._users.Add(new PasswdEntry(fields[0], uid, gid, fields.Length > 5 ? fields[5] : ""));
            }
        }

        foreach (var range in group.Split((byte)'\n'))
        {
            var fields = Encoding.UTF8.GetString(group[range]).Split(':');
            if (fields.Length >= 3 && fields[0].Length > 0 && TryId(fields[2], out var gid))
            {
                var members = fields.Length > 3 ? fields[3].Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) : [];
                database._groups.Add(new GroupEntry(fields[0], gid, members));
            }
        }

        return database;
    }

    /// <summary>Reads the files of a container through its layers, without mounting anything: regular files of at most 10 MiB.</summary>
    /// <param name="upper">Host directory of the container's writable layer.</param>
    /// <param name="lowers">Host directories of its image's layers, topmost first.</param>
    /// <exception cref="BundtException">One of the files is longer.</exception>
    public static UserDatabase Load(string upper, IReadOnlyList<string> lowers)
    {
        if (HasOwnFiles(upper))
        {
            return Load([upper, .. lowers]);
        }

        var key = string.Join('\0', lowers);
        if (s_images.TryGetValue(key, out var known))
        {
            return known;
        }

        var database = Load(lowers);
        if (s_images.Count >= CachedImages)
        {
            s_images.Clear();
        }

        s_images[key] = database;
        return database;
    }

    /// <summary>Resolves what a user wrote: "", "name", "uid", "name:group", "uid:gid" …; a number is never looked up as a name.</summary>
    /// <param name="user">The user; empty is root.</param>
    /// <param name="groupAdd">Further groups, names or numbers.</param>
    /// <exception cref="BundtException">InvalidArgument: no such user or group, or a number out of range.</exception>
    public ResolvedUser Resolve(string user, IReadOnlyList<string> groupAdd)
    {
        var colon = user.IndexOf(':');
        var userPart = colon < 0 ? user : user[..colon];
        var groupPart = colon < 0 ? "" : user[(colon + 1)..];

        uint uid = 0;
        PasswdEntry? entry;
        if (userPart.Length == 0)
        {
            entry = _users.Find(e => e.Uid == 0);
        }
        else if (IsNumber(userPart))
        {
            uid = Number(userPart);
            entry = _users.Find(e => e.Uid == uid);
        }
        else
        {
            entry = _users.Find(e => e.Name == userPart) ?? throw new BundtException(
                FailureKind.InvalidArgument, Phase.Identity, $"unable to find user {userPart}: no matching entries in passwd file");
            uid = entry.Uid;
        }

        var gid = entry?.Gid ?? 0;
        var groups = new List<uint>();
        if (groupPart.Length > 0)
        {
            gid = ResolveGroup(groupPart);
            groups.Add(gid);
        }
        else
        {
            groups.Add(gid);
            if (entry is not null)
            {
                foreach (var group in _groups)
                {
                    if (Array.IndexOf(group.Members, entry.Name) >= 0)
                    {
                        AddOnce(groups, group.Gid);
                    }
                }
            }
        }

        foreach (var group in groupAdd)
        {
            AddOnce(groups, ResolveGroup(group));
        }

        return new ResolvedUser(uid, gid, groups, entry is { Home.Length: > 0 } ? entry.Home : "/");
    }

    // A plain /etc with neither file in it: the mount points of /etc/hosts and its like make one in nearly every container.
    private static bool HasOwnFiles(string upper)
    {
        using var root = DirectoryFd.OpenHost(upper);
        return root.TryStat("etc") is { } etc
            && (etc.Type != FileType.Directory
                || root.TryStat("etc/passwd") is not null
                || root.TryStat("etc/group") is not null
                || root.GetXattr("etc", "trusted.overlay.opaque") is not null);
    }

    private static UserDatabase Load(IReadOnlyList<string> layers)
    {
        using var root = LayeredRoot.Open(layers);
        return Parse(root.Read("etc/passwd", MaxBytes), root.Read("etc/group", MaxBytes));
    }

    private uint ResolveGroup(string group)
    {
        if (IsNumber(group))
        {
            return Number(group);
        }

        return _groups.Find(e => e.Name == group)?.Gid ?? throw new BundtException(
            FailureKind.InvalidArgument, Phase.Identity, $"unable to find group {group}: no matching entries in group file");
    }

    private static void AddOnce(List<uint> groups, uint gid)
    {
        if (!groups.Contains(gid))
        {
            groups.Add(gid);
        }
    }

    private static bool IsNumber(string text)
    {
        var digits = text.StartsWith('-') ? text.AsSpan(1) : text;
        return digits.Length > 0 && !digits.ContainsAnyExceptInRange('0', '9');
    }

    private static uint Number(string text) =>
        TryId(text, out var id) ? id : throw new BundtException(
            FailureKind.InvalidArgument, Phase.Identity, $"invalid id {text}: uids and gids must be in range 0-{MaxId}");

    private static bool TryId(string text, out uint id) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out id) && id <= MaxId;

    private sealed record PasswdEntry(string Name, uint Uid, uint Gid, string Home);

    private sealed record GroupEntry(string Name, uint Gid, string[] Members);
}
