using Bundt.Engine.Containers;
using Bundt.Linux;

namespace Bundt.Engine.Volumes;

/// <summary>One mount as the user wrote it, checked but not resolved: no volume and no directory has been touched.</summary>
internal sealed record VolumeSpec
{
    /// <summary>The record that the container will keep; source and volume name are still those the user gave.</summary>
    public required MountRecord Mount { get; init; }

    /// <summary>Do not fill an empty volume from the image.</summary>
    public bool NoCopy { get; init; }

    /// <summary>Labels of a volume that is made.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();
}

/// <summary>Reads -v, --mount and --tmpfs by Docker's rules (moby volume/mounts/linux_parser.go), with its texts.</summary>
internal static class VolumeSpecParser
{
    private static readonly HashSet<string> s_propagations = ["private", "rprivate", "shared", "rshared", "slave", "rslave"];

    /// <summary>"source:target[:options]", "name:target[:options]" or "target".</summary>
    /// <exception cref="BundtException">InvalidArgument.</exception>
    public static VolumeSpec ParseBind(string text)
    {
        var parts = text.Split(':');
        if (parts.Length > 3 || parts.Any(p => p.Length == 0))
        {
            throw Invalid($"invalid volume specification: '{text}'");
        }

        if (parts.Length == 1)
        {
            return ParseAnonymous(parts[0]);
        }

        // "name:mode" without a target cannot be told from a target: docker decides the same way.
        var (source, target, mode) = (parts[0], parts[1], parts.Length == 3 ? parts[2] : "");
        CheckTarget(target, text);
        var isPath = source[0] == '/';
        if (!isPath && !VolumeName.IsValid(source))
        {
            throw Invalid(
                $"invalid volume specification: '{text}': \"{source}\" includes invalid characters for a local volume name, only "
                + "\"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute path");
        }

        var options = ParseMode(mode, isPath, text);
        return new VolumeSpec
        {
            NoCopy = options.NoCopy,
            Mount = new MountRecord
            {
                Type = isPath ? "bind" : "volume",
                Source = isPath ? Clean(source) : "",
                Volume = isPath ? null : source,
                Destination = Clean(target),
                ReadOnly = options.ReadOnly,
                Mode = mode,
                Propagation = options.Propagation,
                CreateSource = isPath,
            },
        };
    }

    /// <summary>An anonymous volume at a path.</summary>
    public static VolumeSpec ParseAnonymous(string target)
    {
        CheckTarget(target, target);
        return new VolumeSpec { Mount = new MountRecord { Type = "volume", Destination = Clean(target), Anonymous = true } };
    }

    /// <summary>--mount.</summary>
    /// <exception cref="BundtException">InvalidArgument.</exception>
    public static VolumeSpec ParseMount(MountSettings mount)
    {
        BundtException Wrong(string why) => Invalid($"invalid mount config for type \"{mount.Type}\": {why}");

        if (mount.Target.Length == 0)
        {
            throw Wrong("field Target must not be empty");
        }

        CheckTarget(mount.Target, mount.Target);
        if (mount.Propagation.Length > 0 && !s_propagations.Contains(mount.Propagation))
        {
            throw Wrong($"invalid propagation mode: {mount.Propagation}");
        }

        var record = new MountRecord
        {
            Type = mount.Type,
            Destination = Clean(mount.Target),
            ReadOnly = mount.ReadOnly,
            Propagation = mount.Propagation,
        };
        switch (mount.Type)
        {
            case "bind":
                if (string.IsNullOrEmpty(mount.Source))
                {
                    throw Wrong("field Source must not be empty");
                }

                if (mount.Source[0] != '/')
                {
                    throw Wrong($"invalid mount path: '{mount.Source}' mount path must be absolute");
                }

                return new VolumeSpec
                {
                    Mount = record with { Source = Clean(mount.Source), CreateSource = mount.CreateMountpoint, NonRecursive = mount.NonRecursive },
                };
            case "volume":
                if (!string.IsNullOrEmpty(mount.Source) && !VolumeName.IsValid(mount.Source))
                {
                    throw Wrong($"\"{mount.Source}\" includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed");
                }

                return new VolumeSpec
                {
                    NoCopy = mount.NoCopy,
                    Labels = mount.VolumeDriverLabels ?? new Dictionary<string, string>(),
                    Mount = record with { Volume = string.IsNullOrEmpty(mount.Source) ? null : mount.Source, Anonymous = string.IsNullOrEmpty(mount.Source) },
                };
            case "tmpfs":
                if (!string.IsNullOrEmpty(mount.Source))
                {
                    throw Wrong("field Source must not be specified");
                }

                return new VolumeSpec { Mount = record with { TmpfsOptions = [.. TmpfsOptions(mount)] } };
            default:
                throw Invalid($"mount type unknown: \"{mount.Type}\"");
        }
    }

    /// <summary>--tmpfs: the user's options replace the defaults noexec, nosuid, nodev.</summary>
    public static VolumeSpec ParseTmpfs(string target, string options)
    {
        CheckTarget(target, target);
        var given = options.Split(',', StringSplitOptions.RemoveEmptyEntries);
        var merged = new List<string> { "noexec", "nosuid", "nodev" };
        foreach (var option in given)
        {
            var opposite = option.StartsWith("no", StringComparison.Ordinal) ? option[2..] : "no" + option;
            merged.RemoveAll(m => m == opposite || m == option);
            merged.Add(option);
        }

        return new VolumeSpec
        {
            Mount = new MountRecord { Type = "tmpfs", Destination = Clean(target), Mode = options, ReadOnly = given.Contains("ro"), TmpfsOptions = merged },
        };
    }

    /// <summary>All mounts of a container; the more particular wish wins over an anonymous volume of the same path.</summary>
    /// <param name="settings">What the user asked for.</param>
    /// <param name="volumes">Paths of anonymous volumes, those of the image included.</param>
    /// <exception cref="BundtException">InvalidArgument: malformed, or two mounts at one path.</exception>
    public static IReadOnlyList<VolumeSpec> ParseAll(ContainerSettings settings, IReadOnlyList<string> volumes)
    {
        var specs = new List<VolumeSpec>();
        foreach (var spec in (IEnumerable<VolumeSpec>)
            [
                .. settings.Binds.Select(ParseBind),
                .. settings.Mounts.Where(m => !m.Inherited).Select(ParseMount),
                .. settings.Tmpfs.Select(t => ParseTmpfs(t.Key, t.Value)),
            ])
        {
            if (specs.Any(s => s.Mount.Destination == spec.Mount.Destination))
            {
                throw Invalid($"Duplicate mount point: {spec.Mount.Destination}");
            }

            specs.Add(spec);
        }

        // Of several containers that have something at one path, the last one's counts.
        foreach (var spec in settings.Mounts.Where(m => m.Inherited).Reverse().Select(ParseMount))
        {
            if (!specs.Any(s => s.Mount.Destination == spec.Mount.Destination))
            {
                specs.Add(spec);
            }
        }

        foreach (var path in volumes)
        {
            var spec = ParseAnonymous(path.StartsWith('/') ? path : "/" + path);
            if (!specs.Any(s => s.Mount.Destination == spec.Mount.Destination))
            {
                specs.Add(spec);
            }
        }

        return specs;
    }

    private static (bool ReadOnly, bool NoCopy, string Propagation) ParseMode(string mode, bool isPath, string text)
    {
        var (readOnly, noCopy, propagation) = (false, false, "");
        foreach (var option in mode.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            switch (option)
            {
                case "ro":
                    readOnly = true;
                    break;
                case "rw" or "z" or "Z" or "copy" or "consistent" or "cached" or "delegated":
                    break;
                case "nocopy" when !isPath:
                    noCopy = true;
                    break;
                case var _ when isPath && s_propagations.Contains(option) && propagation.Length == 0:
                    propagation = option;
                    break;
                default:
                    throw Invalid($"invalid volume specification: '{text}': invalid mode: {mode}");
            }
        }

        return (readOnly, noCopy, propagation);
    }

    private static IEnumerable<string> TmpfsOptions(MountSettings mount)
    {
        foreach (var option in (string[])["noexec", "nosuid", "nodev"])
        {
            yield return option;
        }

        if (mount.TmpfsSize > 0)
        {
            yield return $"size={mount.TmpfsSize}";
        }

        if (mount.TmpfsMode > 0)
        {
            yield return $"mode={Convert.ToString(mount.TmpfsMode, 8)}";
        }

        if (mount.ReadOnly)
        {
            yield return "ro";
        }
    }

    private static void CheckTarget(string target, string text)
    {
        if (!target.StartsWith('/'))
        {
            throw Invalid($"invalid volume specification: '{text}': invalid mount path: '{target}' mount path must be absolute");
        }

        if (Clean(target) == "/")
        {
            throw Invalid($"invalid volume specification: '{text}': invalid specification: destination can't be '/'");
        }

        if (target.Contains('\0', StringComparison.Ordinal))
        {
            throw Invalid("invalid mount path: zero byte in a string");
        }
    }

    /// <summary>An absolute path without ".", ".." and doubled slashes (by text alone, as Docker does).</summary>
    private static string Clean(string path)
    {
        var names = new List<string>();
        foreach (var name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (name == "..")
            {
                names.RemoveRange(Math.Max(0, names.Count - 1), Math.Min(1, names.Count));
            }
            else if (name != ".")
            {
                names.Add(name);
            }
        }

        return "/" + string.Join('/', names);
    }

    private static BundtException Invalid(string text) => new(FailureKind.InvalidArgument, Phase.Request, text);
}
