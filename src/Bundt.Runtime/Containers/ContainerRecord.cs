using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Bundt.Linux;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Launch;
using Bundt.Runtime.Plans;

namespace Bundt.Runtime.Containers;

/// <summary>What is kept of an OCI container: the file state.json of its directory. What can be derived is not in it.</summary>
public sealed record ContainerRecord
{
    /// <summary>Version of the specification.</summary>
    public required string OciVersion { get; init; }

    /// <summary>The container's id.</summary>
    public required string Id { get; init; }

    /// <summary>Its first process, as the creator's pid namespace numbers it.</summary>
    public int Pid { get; init; }

    /// <summary>Field 22 of its /proc/PID/stat: a later process of the same pid is another one.</summary>
    public ulong StartTime { get; init; }

    /// <summary>Absolute path of the bundle.</summary>
    public required string Bundle { get; init; }

    /// <summary>Absolute path of the root filesystem.</summary>
    public required string Rootfs { get; init; }

    /// <summary>When it was created.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>Its cgroup.</summary>
    public required CgroupPlace Cgroup { get; init; }

    /// <summary>Whether it has a pid namespace of its own, so that all its processes end with the first.</summary>
    public bool OwnPidNamespace { get; init; }

    /// <summary>Whether its config has hooks.</summary>
    public bool HasHooks { get; init; }

    /// <summary>Whether its config has a process: without one it can be created, but not started.</summary>
    public bool HasProcess { get; init; } = true;

    /// <summary>The config's annotations.</summary>
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = new Dictionary<string, string>();

    /// <summary>That of a container about to be created: without a process, and with the cgroup that it asks for.</summary>
    internal static ContainerRecord New(string id, RuntimeConfig config, CreateOptions options) => new()
    {
        OciVersion = config.OciVersion,
        Id = id,
        Bundle = options.Bundle,
        Rootfs = Path.GetFullPath(
            config.Root?.Path ?? throw new BundtException(FailureKind.InvalidArgument, Phase.Request, "root is missing from the config"), options.Bundle),
        Created = DateTimeOffset.UtcNow,
        Cgroup = CgroupPlace.From(options.CgroupDriver, config.Linux?.CgroupsPath, id),
        OwnPidNamespace = config.Linux?.Namespaces.Any(ns => ns is { Type: NamespaceType.Pid, Path: null }) ?? false,
        HasHooks = config.Hooks is { IsEmpty: false },
        HasProcess = config.Process is not null,
        Annotations = config.Annotations,
    };

    /// <summary>The record as JSON.</summary>
    public byte[] Encode() => Write(json =>
    {
        Common(json, Pid, null);
        json.WriteNumber("startTime", StartTime);
        json.WriteString("cgroup", Cgroup.ToString());
        json.WriteBoolean("ownPidNamespace", OwnPidNamespace);
        json.WriteBoolean("hooks", HasHooks);
        json.WriteBoolean("process", HasProcess);
    });

    /// <summary>What the state command prints.</summary>
    public byte[] Describe(ContainerStatus status) => Write(json => WriteState(json, status, ""));

    /// <summary>The same as one element of the list command's array.</summary>
    public void WriteListed(Utf8JsonWriter json, ContainerStatus status, string owner)
    {
        json.WriteStartObject();
        WriteState(json, status, owner);
        json.WriteEndObject();
    }

    /// <summary>What a hook outside of the container reads from its stdin.</summary>
    /// <param name="status">"creating", "created", "running" or "stopped".</param>
    public byte[] DescribeForHook(string status) => Write(json => Common(json, Pid, status));

    /// <summary>The same for a hook inside, which gets the pid in its own pid namespace.</summary>
    internal HookState DescribeForHooks(string status)
    {
        const int Placeholder = 1_000_000_000;
        var json = (this with { Pid = Placeholder }).DescribeForHook(status);
        return new HookState(json, json.AsSpan().IndexOf("\"pid\": 1000000000"u8) + "\"pid\": ".Length);
    }

    /// <summary>Reads a record.</summary>
    /// <exception cref="FormatException">It is damaged.</exception>
    public static ContainerRecord Decode(ReadOnlySpan<byte> json)
    {
        var reader = new FieldReader(json);
        string? version = null, id = null, bundle = null, rootfs = null, created = null;
        CgroupPlace? cgroup = null;
        var pid = 0;
        ulong start = 0;
        bool ownPids = false, hooks = false, process = true;
        IReadOnlyDictionary<string, string> annotations = new Dictionary<string, string>();
        reader.BeginObject();
        while (reader.NextField())
        {
            if (reader.Is("ociVersion"u8))
            {
                version = reader.GetString();
            }
            else if (reader.Is("id"u8))
            {
                id = reader.GetString();
            }
            else if (reader.Is("pid"u8))
            {
                pid = reader.GetInteger32(1) ?? 0;
            }
            else if (reader.Is("startTime"u8))
            {
                start = reader.GetUnsigned() ?? 0;
            }
            else if (reader.Is("bundle"u8))
            {
                bundle = reader.GetString();
            }
            else if (reader.Is("rootfs"u8))
            {
                rootfs = reader.GetString();
            }
            else if (reader.Is("created"u8))
            {
                created = reader.GetString();
            }
            else if (reader.Is("cgroup"u8))
            {
                cgroup = CgroupPlace.Parse(reader.GetString() ?? "");
            }
            else if (reader.Is("ownPidNamespace"u8))
            {
                ownPids = reader.GetBoolean() ?? false;
            }
            else if (reader.Is("hooks"u8))
            {
                hooks = reader.GetBoolean() ?? false;
            }
            else if (reader.Is("process"u8))
            {
                process = reader.GetBoolean() ?? true;
            }
            else if (reader.Is("annotations"u8))
            {
                annotations = reader.GetStringMap();
            }
            else
            {
                reader.Skip();
            }
        }

        if (id is null || pid == 0 || bundle is null || cgroup is null
            || !DateTimeOffset.TryParse(created, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
        {
            throw new FormatException("state.json lacks id, pid, bundle, created or cgroup");
        }

        return new ContainerRecord
        {
            OciVersion = version ?? "1.2.0",
            Id = id,
            Pid = pid,
            StartTime = start,
            Bundle = bundle,
            Rootfs = rootfs ?? "",
            Created = time,
            Cgroup = cgroup,
            OwnPidNamespace = ownPids,
            HasHooks = hooks,
            HasProcess = process,
            Annotations = annotations,
        };
    }

    private static byte[] Write(Action<Utf8JsonWriter> content)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            json.WriteStartObject();
            content(json);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private void WriteState(Utf8JsonWriter json, ContainerStatus status, string owner) =>
        Common(json, status == ContainerStatus.Stopped ? 0 : Pid, status.ToString().ToLowerInvariant(), owner);

    private void Common(Utf8JsonWriter json, int pid, string? status, string owner = "")
    {
        json.WriteString("ociVersion", OciVersion);
        json.WriteString("id", Id);
        json.WriteNumber("pid", pid);
        if (status is not null)
        {
            json.WriteString("status", status);
        }

        json.WriteString("bundle", Bundle);
        json.WriteString("rootfs", Rootfs);
        json.WriteString("created", Created.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffffff", CultureInfo.InvariantCulture) + "00Z");
        json.WriteString("owner", owner);
        if (Annotations.Count > 0)
        {
            json.WriteStartObject("annotations");
            foreach (var (name, value) in Annotations)
            {
                json.WriteString(name, value);
            }

            json.WriteEndObject();
        }
    }
}
