namespace Bundt.Runtime.Plans;

/// <summary>The options of a mount, sorted by who carries them out: mount attributes, propagation, the file system.</summary>
internal sealed class MountOptions
{
    private const ulong Rdonly = 0x1, Nosuid = 0x2, Nodev = 0x4, Noexec = 0x8, AtimeMask = 0x70, Noatime = 0x10, Strictatime = 0x20, Nodiratime = 0x80;
    private const ulong Nosymfollow = 0x200000;

    /// <summary>MOUNT_ATTR_RDONLY.</summary>
    public const ulong ReadOnly = Rdonly;

    /// <summary>MOUNT_ATTR_RDONLY, NOSUID, NODEV and NOEXEC: what a user namespace cannot take from the mounts it was given.</summary>
    public const ulong Protecting = Rdonly | Nosuid | Nodev | Noexec;

    /// <summary>MOUNT_ATTR_NOSYMFOLLOW.</summary>
    public const ulong NoSymlinks = Nosymfollow;

    /// <summary>MOUNT_ATTR_IDMAP.</summary>
    public const ulong IdMap = 0x100000;

    private MountOptions()
    {
    }

    /// <summary>MOUNT_ATTR_* to set on the mount itself.</summary>
    public ulong Set { get; private set; }

    /// <summary>MOUNT_ATTR_* to clear on the mount itself.</summary>
    public ulong Clear { get; private set; }

    /// <summary>MOUNT_ATTR_* to set on the mount and all below it ("rro").</summary>
    public ulong RecursiveSet { get; private set; }

    /// <summary>MOUNT_ATTR_* to clear on the mount and all below it ("rrw").</summary>
    public ulong RecursiveClear { get; private set; }

    /// <summary>MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE; 0: not asked for.</summary>
    public ulong Propagation { get; private set; }

    /// <summary>The propagation is for all mounts below too.</summary>
    public bool PropagationRecursive { get; private set; }

    /// <summary>The bind takes along what is mounted below its source.</summary>
    public bool BindRecursive { get; private set; }

    /// <summary>Ids are mapped: "idmap" (the mount itself) or "ridmap".</summary>
    public bool Mapped { get; private set; }

    /// <summary>Ids are mapped in all mounts below too.</summary>
    public bool MappedRecursive { get; private set; }

    /// <summary>The id map of "idmap=…" (crun's); null: that of the mount's mappings, or the container's.</summary>
    public string? Map { get; private set; }

    /// <summary>What is mounted there already gets these options.</summary>
    public bool Remount { get; private set; }

    /// <summary>A tmpfs begins with what it covers ("tmpcopyup").</summary>
    public bool CopyUp { get; private set; }

    /// <summary>A source that is a symbolic link is made anew at the destination (crun's "copy-symlink").</summary>
    public bool CopySymlink { get; private set; }

    /// <summary>A source that is a symbolic link is bound itself (crun's "src-nofollow").</summary>
    public bool SourceNoFollow { get; private set; }

    /// <summary>A destination that is a symbolic link is covered itself (crun's "dest-nofollow").</summary>
    public bool TargetNoFollow { get; private set; }

    /// <summary>What every file system knows of itself, not of its mounts (sync, lazytime …).</summary>
    public List<string> Common { get; } = [];

    /// <summary>What this very file system gets.</summary>
    public List<string> Data { get; } = [];

    /// <summary>Sorts options.</summary>
    /// <param name="options">As in config.json.</param>
    public static MountOptions Parse(IReadOnlyList<string> options)
    {
        var result = new MountOptions();
        for (var i = 0; i < options.Count; i++)
        {
            result.Add(options[i]);
        }

        if (((result.Set | result.Clear) & AtimeMask) != 0)
        {
            // A kind of access times is asked for as a whole.
            result.Clear |= Nodiratime & ~result.Set;
        }

        return result;
    }

    private void Add(string option)
    {
        switch (option)
        {
            case "" or "defaults" or "async" or "mand" or "nomand" or "loud" or "silent" or "nolazytime" or "iversion" or "noiversion" or "auto" or "noauto"
                or "nouser" or "bind":
                break;
            case "sync" or "dirsync" or "lazytime":
                Common.Add(option);
                break;
            case "rbind":
                BindRecursive = true;
                break;
            case "shared" or "slave" or "private" or "unbindable" or "rshared" or "rslave" or "rprivate" or "runbindable":
                PropagationRecursive = option.Length > 7 && option[0] == 'r' || option is "rslave" or "rshared";
                Propagation = option.TrimStart('r') switch
                {
                    "shared" => KernelFlags.Shared,
                    "slave" => KernelFlags.Slave,
                    "private" => KernelFlags.Private,
                    _ => KernelFlags.Unbindable,
                };
                break;
            case "idmap":
                Mapped = true;
                break;
            case "ridmap":
                Mapped = true;
                MappedRecursive = true;
                break;
            case "remount":
                Remount = true;
                break;
            case "tmpcopyup":
                CopyUp = true;
                break;
            case "copy-symlink":
                CopySymlink = true;
                break;
            case "src-nofollow":
                SourceNoFollow = true;
                break;
            case "dest-nofollow":
                TargetNoFollow = true;
                break;
            default:
                if (!Attribute(option) && !MapOption(option))
                {
                    Data.Add(option);
                }

                break;
        }
    }

    private bool MapOption(string option)
    {
        var equals = option.IndexOf('=', StringComparison.Ordinal);
        if (equals < 0 || option[..equals] is not ("idmap" or "ridmap"))
        {
            return false;
        }

        Mapped = true;
        MappedRecursive = option[0] == 'r';
        Map = option[(equals + 1)..];
        return true;
    }

    private bool Attribute(string option)
    {
        if (option is "atime" or "norelatime" or "nostrictatime")
        {
            // As mount(8): no wish for another kind of access times, which the mount then keeps.
            return true;
        }

        if (Flag(option, out var set, out var clear))
        {
            Set = Set & ~clear | set;
            Clear = Clear & ~set | clear;
            return true;
        }

        if (option.StartsWith('r') && Flag(option[1..], out set, out clear))
        {
            RecursiveSet = RecursiveSet & ~clear | set;
            RecursiveClear = RecursiveClear & ~set | clear;
            return true;
        }

        return false;
    }

    // The access time attributes are one field, which is cleared before it is set.
    private static bool Flag(string option, out ulong set, out ulong clear)
    {
        (set, clear, var known) = option switch
        {
            "ro" => (Rdonly, 0UL, true),
            "rw" => (0UL, Rdonly, true),
            "nosuid" => (Nosuid, 0UL, true),
            "suid" => (0UL, Nosuid, true),
            "nodev" => (Nodev, 0UL, true),
            "dev" => (0UL, Nodev, true),
            "noexec" => (Noexec, 0UL, true),
            "exec" => (0UL, Noexec, true),
            "nodiratime" => (Nodiratime, AtimeMask, true),
            "diratime" => (0UL, Nodiratime, true),
            "nosymfollow" => (Nosymfollow, 0UL, true),
            "symfollow" => (0UL, Nosymfollow, true),
            "relatime" => (0UL, AtimeMask, true),
            "noatime" => (Noatime, AtimeMask, true),
            "strictatime" => (Strictatime, AtimeMask, true),
            "atime" or "norelatime" or "nostrictatime" => (0UL, AtimeMask, true),
            _ => (0UL, 0UL, false),
        };
        return known;
    }
}
