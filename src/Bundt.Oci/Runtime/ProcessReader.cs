namespace Bundt.Oci.Runtime;

/// <summary>Reads the "process" member.</summary>
internal static class ProcessReader
{
    // runc's and Docker's. 2^32-1 would be worse than none: to the kernel it says "leave the id as it is".
    private const long MaxId = int.MaxValue;

    internal static RuntimeProcess? Read(ref FieldReader reader)
    {
        if (!reader.BeginObject())
        {
            return null;
        }

        bool terminal = false, noNewPrivileges = false;
        ConsoleSize? consoleSize = null;
        var cwd = "/";
        IReadOnlyList<string> args = [], env = [];
        ProcessUser? user = null;
        ProcessCapabilities? capabilities = null;
        IReadOnlyList<ProcessRlimit> rlimits = [];
        string? apparmor = null, selinux = null;
        int? oomScoreAdj = null;
        ProcessScheduler? scheduler = null;
        ProcessIoPriority? ioPriority = null;
        ExecCpuAffinity? affinity = null;
        while (reader.NextField())
        {
            if (reader.Is("terminal"u8))
            {
                terminal = reader.GetBoolean() ?? false;
            }
            else if (reader.Is("consoleSize"u8))
            {
                consoleSize = ReadConsoleSize(ref reader);
            }
            else if (reader.Is("cwd"u8))
            {
                cwd = reader.GetString();
                if (cwd is null || !cwd.StartsWith('/'))
                {
                    throw reader.Error("must be an absolute path");
                }
            }
            else if (reader.Is("env"u8))
            {
                env = reader.GetStrings();
            }
            else if (reader.Is("args"u8))
            {
                args = reader.GetStrings();
            }
            else if (reader.Is("user"u8))
            {
                user = ReadUser(ref reader);
            }
            else if (reader.Is("capabilities"u8))
            {
                capabilities = ReadCapabilities(ref reader);
            }
            else if (reader.Is("rlimits"u8))
            {
                rlimits = ReadRlimits(ref reader);
            }
            else if (reader.Is("noNewPrivileges"u8))
            {
                noNewPrivileges = reader.GetBoolean() ?? false;
            }
            else if (reader.Is("apparmorProfile"u8))
            {
                apparmor = NullIfEmpty(reader.GetString());
            }
            else if (reader.Is("selinuxLabel"u8))
            {
                selinux = NullIfEmpty(reader.GetString());
            }
            else if (reader.Is("oomScoreAdj"u8))
            {
                oomScoreAdj = reader.GetInteger32(-1000, 1000);
            }
            else if (reader.Is("scheduler"u8))
            {
                scheduler = ReadScheduler(ref reader);
            }
            else if (reader.Is("ioPriority"u8))
            {
                ioPriority = ReadIoPriority(ref reader);
            }
            else if (reader.Is("execCPUAffinity"u8))
            {
                affinity = ReadAffinity(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }

        return new RuntimeProcess
        {
            Terminal = terminal,
            ConsoleSize = consoleSize,
            Cwd = cwd,
            Env = env,
            Args = args,
            User = user ?? new ProcessUser(),
            Capabilities = capabilities,
            Rlimits = rlimits,
            NoNewPrivileges = noNewPrivileges,
            ApparmorProfile = apparmor,
            SelinuxLabel = selinux,
            OomScoreAdj = oomScoreAdj,
            Scheduler = scheduler,
            IoPriority = ioPriority,
            ExecCpuAffinity = affinity,
        };
    }

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private static ConsoleSize? ReadConsoleSize(ref FieldReader reader)
    {
        if (!reader.BeginObject())
        {
            return null;
        }

        int height = 0, width = 0;
        while (reader.NextField())
        {
            if (reader.Is("height"u8))
            {
                height = reader.GetInteger32(0, ushort.MaxValue) ?? 0;
            }
            else if (reader.Is("width"u8))
            {
                width = reader.GetInteger32(0, ushort.MaxValue) ?? 0;
            }
            else
            {
                reader.Skip();
            }
        }

        return new ConsoleSize(height, width);
    }

    private static ProcessUser? ReadUser(ref FieldReader reader)
    {
        if (!reader.BeginObject())
        {
            return null;
        }

        uint uid = 0, gid = 0;
        uint? umask = null;
        IReadOnlyList<uint> groups = [];
        while (reader.NextField())
        {
            if (reader.Is("uid"u8))
            {
                uid = (uint)(reader.GetInteger(0, MaxId) ?? 0);
            }
            else if (reader.Is("gid"u8))
            {
                gid = (uint)(reader.GetInteger(0, MaxId) ?? 0);
            }
            else if (reader.Is("umask"u8))
            {
                umask = (uint?)reader.GetInteger(0, 0x1ff);
            }
            else if (reader.Is("additionalGids"u8))
            {
                groups = ReadGids(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }

        return new ProcessUser { Uid = uid, Gid = gid, Umask = umask, AdditionalGids = groups };
    }

    private static List<uint> ReadGids(ref FieldReader reader)
    {
        var gids = new List<uint>();
        if (reader.BeginArray())
        {
            while (reader.NextElement())
            {
                gids.Add((uint)(reader.GetInteger(0, MaxId) ?? throw reader.Error("must be a number, not null")));
            }
        }

        return gids;
    }

    private static ProcessCapabilities? ReadCapabilities(ref FieldReader reader)
    {
        if (!reader.BeginObject())
        {
            return null;
        }

        var sets = new ProcessCapabilities();
        while (reader.NextField())
        {
            if (reader.Is("bounding"u8))
            {
                sets = sets with { Bounding = reader.GetStrings() };
            }
            else if (reader.Is("effective"u8))
            {
                sets = sets with { Effective = reader.GetStrings() };
            }
            else if (reader.Is("inheritable"u8))
            {
                sets = sets with { Inheritable = reader.GetStrings() };
            }
            else if (reader.Is("permitted"u8))
            {
                sets = sets with { Permitted = reader.GetStrings() };
            }
            else if (reader.Is("ambient"u8))
            {
                sets = sets with { Ambient = reader.GetStrings() };
            }
            else
            {
                reader.Skip();
            }
        }

        return sets;
    }

    private static List<ProcessRlimit> ReadRlimits(ref FieldReader reader)
    {
        var limits = new List<ProcessRlimit>();
        if (!reader.BeginArray())
        {
            return limits;
        }

        while (reader.NextElement())
        {
            if (!reader.BeginObject())
            {
                throw reader.Error("must be an object, not null");
            }

            string? type = null;
            ulong soft = 0, hard = 0;
            while (reader.NextField())
            {
                if (reader.Is("type"u8))
                {
                    type = reader.GetString();
                }
                else if (reader.Is("soft"u8))
                {
                    soft = reader.GetUnsigned() ?? 0;
                }
                else if (reader.Is("hard"u8))
                {
                    hard = reader.GetUnsigned() ?? 0;
                }
                else
                {
                    reader.Skip();
                }
            }

            type ??= "";
            if (limits.Exists(limit => limit.Type == type))
            {
                throw reader.Error($"{type} is given twice");
            }

            limits.Add(new ProcessRlimit(type, soft, hard));
        }

        return limits;
    }

    private static ProcessScheduler? ReadScheduler(ref FieldReader reader)
    {
        if (!reader.BeginObject())
        {
            return null;
        }

        string? policy = null;
        int nice = 0, priority = 0;
        IReadOnlyList<string> flags = [];
        ulong? runtime = null, deadline = null;
        ulong period = 0;
        while (reader.NextField())
        {
            if (reader.Is("policy"u8))
            {
                policy = reader.GetString();
            }
            else if (reader.Is("nice"u8))
            {
                nice = reader.GetInteger32() ?? 0;
            }
            else if (reader.Is("priority"u8))
            {
                priority = reader.GetInteger32() ?? 0;
            }
            else if (reader.Is("flags"u8))
            {
                flags = reader.GetStrings();
            }
            else if (reader.Is("runtime"u8))
            {
                runtime = reader.GetUnsigned();
            }
            else if (reader.Is("deadline"u8))
            {
                deadline = reader.GetUnsigned();
            }
            else if (reader.Is("period"u8))
            {
                period = reader.GetUnsigned() ?? 0;
            }
            else
            {
                reader.Skip();
            }
        }

        return new ProcessScheduler
        {
            Policy = string.IsNullOrEmpty(policy) ? throw reader.Error("policy is missing") : policy,
            Nice = nice,
            Priority = priority,
            Flags = flags,
            Runtime = runtime,
            Deadline = deadline,
            Period = period,
        };
    }

    private static ProcessIoPriority? ReadIoPriority(ref FieldReader reader)
    {
        if (!reader.BeginObject())
        {
            return null;
        }

        string? ioClass = null;
        var priority = 0;
        while (reader.NextField())
        {
            if (reader.Is("class"u8))
            {
                ioClass = reader.GetString();
            }
            else if (reader.Is("priority"u8))
            {
                priority = reader.GetInteger32(0, 7) ?? 0;
            }
            else
            {
                reader.Skip();
            }
        }

        return new ProcessIoPriority(ioClass ?? throw reader.Error("class is missing"), priority);
    }

    private static ExecCpuAffinity? ReadAffinity(ref FieldReader reader)
    {
        if (!reader.BeginObject())
        {
            return null;
        }

        string? initial = null, final = null;
        while (reader.NextField())
        {
            if (reader.Is("initial"u8))
            {
                initial = NullIfEmpty(reader.GetString());
            }
            else if (reader.Is("final"u8))
            {
                final = NullIfEmpty(reader.GetString());
            }
            else
            {
                reader.Skip();
            }
        }

        return new ExecCpuAffinity(initial, final);
    }
}
