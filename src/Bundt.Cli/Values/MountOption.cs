using System.Globalization;
using Bundt.Cli.CommandLine;

namespace Bundt.Cli.Values;

/// <summary>A <c>--mount type=…,source=…,target=…</c>.</summary>
internal sealed record MountOption
{
    /// <summary>"volume" where none is given.</summary>
    public string Type { get; private set; } = "volume";

    /// <summary>Host path or volume name.</summary>
    public string Source { get; private set; } = "";

    /// <summary>Path in the container.</summary>
    public string Target { get; private set; } = "";

    /// <summary>Read-only.</summary>
    public bool ReadOnly { get; private set; }

    /// <summary>"rprivate" … or "".</summary>
    public string Propagation { get; private set; } = "";

    /// <summary>bind-recursive=disabled, or bind-nonrecursive.</summary>
    public bool NonRecursive { get; private set; }

    /// <summary>bind-create-src.</summary>
    public bool CreateSource { get; private set; }

    /// <summary>volume-nocopy.</summary>
    public bool NoCopy { get; private set; }

    /// <summary>volume-subpath.</summary>
    public string Subpath { get; private set; } = "";

    /// <summary>volume-label.</summary>
    public Dictionary<string, string> Labels { get; } = [];

    /// <summary>volume-driver.</summary>
    public string Driver { get; private set; } = "";

    /// <summary>volume-opt.</summary>
    public Dictionary<string, string> DriverOptions { get; } = [];

    /// <summary>tmpfs-size in bytes.</summary>
    public long TmpfsSize { get; private set; }

    /// <summary>tmpfs-mode.</summary>
    public int TmpfsMode { get; private set; }

    /// <summary>Reads one.</summary>
    /// <exception cref="UsageException">It is none; in docker's words.</exception>
    public static MountOption Parse(string text)
    {
        var mount = new MountOption();
        bool bind = false;
        bool volume = false;
        bool tmpfs = false;
        foreach (string field in Fields(text))
        {
            int equals = field.IndexOf('=', StringComparison.Ordinal);
            string key = (equals < 0 ? field : field[..equals]).ToLowerInvariant();
            string value = equals < 0 ? "" : field[(equals + 1)..];
            if (equals < 0 && key is not ("readonly" or "ro" or "volume-nocopy" or "bind-nonrecursive" or "bind-create-src"))
            {
                throw Invalid(text, $"invalid field '{field}' must be a key=value pair");
            }

            bind |= key.StartsWith("bind-", StringComparison.Ordinal);
            volume |= key.StartsWith("volume-", StringComparison.Ordinal);
            tmpfs |= key.StartsWith("tmpfs-", StringComparison.Ordinal);
            mount.Set(text, key, value, equals >= 0);
        }

        if (mount.Target.Length == 0)
        {
            throw Invalid(text, "target is required");
        }

        if (mount.Type is not ("bind" or "volume" or "tmpfs"))
        {
            throw Invalid(text, $"unsupported mount type: {mount.Type}");
        }

        string? stray = volume && mount.Type != "volume" ? "volume" : bind && mount.Type != "bind" ? "bind" : tmpfs && mount.Type != "tmpfs" ? "tmpfs" : null;
        if (stray is not null)
        {
            throw Invalid(text, $"cannot mix '{stray}-*' options with mount type '{mount.Type}'");
        }

        if (mount.Type == "bind" && mount.Source.StartsWith('.'))
        {
            mount.Source = Path.GetFullPath(mount.Source);
        }

        return mount;
    }

    private void Set(string text, string key, string value, bool hasValue)
    {
        switch (key)
        {
            case "type":
                Type = value.ToLowerInvariant();
                break;
            case "source" or "src":
                Source = value;
                break;
            case "target" or "dst" or "destination":
                Target = value;
                break;
            case "readonly" or "ro":
                ReadOnly = Truth(text, key, value, hasValue);
                break;
            case "bind-propagation":
                Propagation = value.ToLowerInvariant();
                break;
            case "bind-nonrecursive":
                NonRecursive = Truth(text, key, value, hasValue);
                break;
            case "bind-recursive":
                NonRecursive = value == "disabled" || (value is "enabled" or "writable" or "readonly" ? false : throw Invalid(text, $"invalid value for {key}: {value} (must be \"enabled\", \"disabled\", \"writable\", or \"readonly\")"));
                break;
            case "bind-create-src":
                CreateSource = Truth(text, key, value, hasValue);
                break;
            case "volume-nocopy":
                NoCopy = Truth(text, key, value, hasValue);
                break;
            case "volume-subpath":
                Subpath = value;
                break;
            case "volume-label":
                Pair(Labels, value);
                break;
            case "volume-driver":
                Driver = value;
                break;
            case "volume-opt":
                Pair(DriverOptions, value);
                break;
            case "tmpfs-size":
                TmpfsSize = Sizes.TryParse(value, out long size) ? size : throw Invalid(text, $"invalid value for {key}: {value}");
                break;
            case "tmpfs-mode":
                TmpfsMode = Octal(value) ?? throw Invalid(text, $"invalid value for {key}: {value}");
                break;
            case "consistency":
                break;
            default:
                throw Invalid(text, $"unexpected key '{key}' in '{(hasValue ? key + "=" + value : key)}'");
        }
    }

    private static int? Octal(string value)
    {
        int mode = 0;
        foreach (char digit in value)
        {
            if (digit is < '0' or > '7' || mode > 0xfff)
            {
                return null;
            }

            mode = (mode << 3) | (digit - '0');
        }

        return value.Length == 0 ? null : mode;
    }

    private static bool Truth(string text, string key, string value, bool hasValue) =>
        !hasValue || (OptionValues.TryTruth(value, out bool truth) ? truth : throw Invalid(text, $"invalid value for {key}: {value}"));

    private static void Pair(Dictionary<string, string> map, string value)
    {
        int equals = value.IndexOf('=', StringComparison.Ordinal);
        map[equals < 0 ? value : value[..equals]] = equals < 0 ? "" : value[(equals + 1)..];
    }

    // One line of CSV: a field in double quotes may hold commas.
    private static List<string> Fields(string text)
    {
        List<string> fields = [];
        var field = new System.Text.StringBuilder();
        bool quoted = false;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '"')
            {
                if (quoted && i + 1 < text.Length && text[i + 1] == '"')
                {
                    _ = field.Append('"');
                    i++;
                }
                else
                {
                    quoted = !quoted;
                }
            }
            else if (text[i] == ',' && !quoted)
            {
                fields.Add(field.ToString());
                _ = field.Clear();
            }
            else
            {
                _ = field.Append(text[i]);
            }
        }

        fields.Add(field.ToString());
        return fields;
    }

    private static UsageException Invalid(string text, string why) => new(string.Create(CultureInfo.InvariantCulture, $"invalid argument \"{text}\" for \"--mount\" flag: {why}"));
}
