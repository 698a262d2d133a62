namespace Bundt.Oci.Runtime;

/// <summary>Reads config.json of a bundle. Unknown fields are passed over, as the specification asks ("Extensibility").</summary>
public static class RuntimeConfigReader
{
    /// <summary>Reads a whole config.</summary>
    /// <exception cref="FormatException">One sentence that begins with the field's path.</exception>
    public static RuntimeConfig Read(ReadOnlySpan<byte> json)
    {
        var reader = new FieldReader(json);
        string? version = null;
        RuntimeProcess? process = null;
        RuntimeRoot? root = null;
        string? hostname = null, domainname = null;
        IReadOnlyList<RuntimeMount> mounts = [];
        RuntimeHooks? hooks = null;
        IReadOnlyDictionary<string, string>? annotations = null;
        LinuxConfig? linux = null;

        if (!reader.BeginObject())
        {
            throw reader.Error("must be an object, not null");
        }

        while (reader.NextField())
        {
            if (reader.Is("ociVersion"u8))
            {
                version = reader.GetString();
                CheckVersion(ref reader, version);
            }
            else if (reader.Is("process"u8))
            {
                process = ProcessReader.Read(ref reader);
            }
            else if (reader.Is("root"u8))
            {
                root = ReadRoot(ref reader);
            }
            else if (reader.Is("hostname"u8))
            {
                hostname = reader.GetString();
            }
            else if (reader.Is("domainname"u8))
            {
                domainname = reader.GetString();
            }
            else if (reader.Is("mounts"u8))
            {
                mounts = ReadMounts(ref reader);
            }
            else if (reader.Is("hooks"u8))
            {
                hooks = ReadHooks(ref reader);
            }
            else if (reader.Is("annotations"u8))
            {
                annotations = reader.GetStringMap();
            }
            else if (reader.Is("linux"u8))
            {
                linux = LinuxReader.Read(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }

        if (version is null)
        {
            throw reader.Error("ociVersion is missing");
        }

        reader.End();
        return new RuntimeConfig
        {
            OciVersion = version,
            Process = process,
            Root = root,
            Hostname = hostname,
            Domainname = domainname,
            Mounts = mounts,
            Hooks = hooks,
            Annotations = annotations ?? new Dictionary<string, string>(),
            Linux = linux,
        };
    }

    /// <summary>Reads a "process" object alone (exec --process FILE).</summary>
    /// <exception cref="FormatException">One sentence that begins with the field's path.</exception>
    public static RuntimeProcess ReadProcess(ReadOnlySpan<byte> json)
    {
        var reader = new FieldReader(json);
        var process = ProcessReader.Read(ref reader) ?? throw reader.Error("must be an object, not null");
        reader.End();
        return process;
    }

    /// <summary>Reads a "mounts" array alone (mounts add FILE).</summary>
    /// <exception cref="FormatException">One sentence that begins with the field's path.</exception>
    public static IReadOnlyList<RuntimeMount> ReadMounts(ReadOnlySpan<byte> json)
    {
        var reader = new FieldReader(json);
        var mounts = ReadMounts(ref reader);
        reader.End();
        return mounts;
    }

    /// <summary>Reads a "linux.resources" object alone (update --resources FILE).</summary>
    /// <exception cref="FormatException">One sentence that begins with the field's path.</exception>
    public static LinuxResources ReadResources(ReadOnlySpan<byte> json)
    {
        var reader = new FieldReader(json);
        var resources = ResourcesReader.Read(ref reader) ?? throw reader.Error("must be an object, not null");
        reader.End();
        return resources;
    }

    /// <summary>Reads a "linux.seccomp" object alone.</summary>
    /// <exception cref="FormatException">One sentence that begins with the field's path.</exception>
    public static LinuxSeccomp ReadSeccomp(ReadOnlySpan<byte> json)
    {
        var reader = new FieldReader(json);
        var seccomp = SeccompReader.Read(ref reader) ?? throw reader.Error("must be an object, not null");
        reader.End();
        return seccomp;
    }

    // Versions 1.x are compatible with each other; so are the release candidates of 1.0 that some tools still write.
    private static void CheckVersion(ref FieldReader reader, string? version)
    {
        if (version is null || !version.StartsWith("1.", StringComparison.Ordinal))
        {
            throw reader.Error($"version \"{version}\" is not supported, only 1.x is");
        }
    }

    private static RuntimeRoot? ReadRoot(ref FieldReader reader)
    {
        if (!reader.BeginObject())
        {
            return null;
        }

        string? path = null;
        var isReadonly = false;
        while (reader.NextField())
        {
            if (reader.Is("path"u8))
            {
                path = reader.GetString();
            }
            else if (reader.Is("readonly"u8))
            {
                isReadonly = reader.GetBoolean() ?? false;
            }
            else
            {
                reader.Skip();
            }
        }

        return string.IsNullOrEmpty(path)
            ? throw reader.Error("path is missing")
            : new RuntimeRoot { Path = path, Readonly = isReadonly };
    }

    private static List<RuntimeMount> ReadMounts(ref FieldReader reader)
    {
        var mounts = new List<RuntimeMount>();
        if (!reader.BeginArray())
        {
            return mounts;
        }

        while (reader.NextElement())
        {
            if (!reader.BeginObject())
            {
                throw reader.Error("must be an object, not null");
            }

            string? destination = null, type = null, source = null;
            IReadOnlyList<string> options = [];
            IReadOnlyList<IdMapping> uids = [], gids = [];
            while (reader.NextField())
            {
                if (reader.Is("destination"u8))
                {
                    destination = reader.GetString();
                }
                else if (reader.Is("type"u8))
                {
                    type = reader.GetString();
                }
                else if (reader.Is("source"u8))
                {
                    source = reader.GetString();
                }
                else if (reader.Is("options"u8))
                {
                    options = reader.GetStrings();
                }
                else if (reader.Is("uidMappings"u8))
                {
                    uids = LinuxReader.ReadMappings(ref reader);
                }
                else if (reader.Is("gidMappings"u8))
                {
                    gids = LinuxReader.ReadMappings(ref reader);
                }
                else
                {
                    reader.Skip();
                }
            }

            mounts.Add(new RuntimeMount
            {
                Destination = string.IsNullOrEmpty(destination) ? throw reader.Error("destination is missing") : destination,
                Type = type,
                Source = source,
                Options = options,
                UidMappings = uids,
                GidMappings = gids,
            });
        }

        return mounts;
    }

    private static RuntimeHooks? ReadHooks(ref FieldReader reader)
    {
        if (!reader.BeginObject())
        {
            return null;
        }

        var hooks = new RuntimeHooks();
        while (reader.NextField())
        {
            if (reader.Is("prestart"u8))
            {
                hooks = hooks with { Prestart = ReadHookList(ref reader) };
            }
            else if (reader.Is("createRuntime"u8))
            {
                hooks = hooks with { CreateRuntime = ReadHookList(ref reader) };
            }
            else if (reader.Is("createContainer"u8))
            {
                hooks = hooks with { CreateContainer = ReadHookList(ref reader) };
            }
            else if (reader.Is("startContainer"u8))
            {
                hooks = hooks with { StartContainer = ReadHookList(ref reader) };
            }
            else if (reader.Is("poststart"u8))
            {
                hooks = hooks with { Poststart = ReadHookList(ref reader) };
            }
            else if (reader.Is("poststop"u8))
            {
                hooks = hooks with { Poststop = ReadHookList(ref reader) };
            }
            else
            {
                reader.Skip();
            }
        }

        return hooks;
    }

    private static List<RuntimeHook> ReadHookList(ref FieldReader reader)
    {
        var hooks = new List<RuntimeHook>();
        if (!reader.BeginArray())
        {
            return hooks;
        }

        while (reader.NextElement())
        {
            if (!reader.BeginObject())
            {
                throw reader.Error("must be an object, not null");
            }

            string? path = null;
            IReadOnlyList<string> args = [];
            IReadOnlyList<string>? env = null;
            long? timeout = null;
            while (reader.NextField())
            {
                if (reader.Is("path"u8))
                {
                    path = reader.GetString();
                }
                else if (reader.Is("args"u8))
                {
                    args = reader.GetStrings();
                }
                else if (reader.Is("env"u8))
                {
                    env = reader.GetStrings();
                }
                else if (reader.Is("timeout"u8))
                {
                    timeout = reader.GetInteger(1);
                }
                else
                {
                    reader.Skip();
                }
            }

            if (path is null || !path.StartsWith('/'))
            {
                throw reader.Error("path must be absolute");
            }

            hooks.Add(new RuntimeHook { Path = path, Args = args, Env = env, Timeout = timeout });
        }

        return hooks;
    }
}
