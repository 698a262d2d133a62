using System.Buffers;

namespace Bundt.Oci.Runtime;

/// <summary>Reads "linux.resources".</summary>
internal static class ResourcesReader
{
    private static readonly SearchValues<char> s_sizeLetters = SearchValues.Create("0123456789KMGTB");

    internal static LinuxResources? Read(ref FieldReader reader)
    {
        if (!reader.BeginObject())
        {
            return null;
        }

        var resources = new LinuxResources();
        while (reader.NextField())
        {
            if (reader.Is("devices"u8))
            {
                resources = resources with { Devices = ReadDevices(ref reader) };
            }
            else if (reader.Is("memory"u8))
            {
                resources = resources with { Memory = ReadMemory(ref reader) };
            }
            else if (reader.Is("cpu"u8))
            {
                resources = resources with { Cpu = ReadCpu(ref reader) };
            }
            else if (reader.Is("pids"u8))
            {
                resources = resources with { PidsLimit = ReadPids(ref reader) };
            }
            else if (reader.Is("blockIO"u8))
            {
                resources = resources with { BlockIo = ReadBlockIo(ref reader) };
            }
            else if (reader.Is("hugepageLimits"u8))
            {
                resources = resources with { HugepageLimits = ReadHugepages(ref reader) };
            }
            else if (reader.Is("network"u8))
            {
                resources = resources with { Network = ReadNetwork(ref reader) };
            }
            else if (reader.Is("rdma"u8))
            {
                resources = resources with { Rdma = ReadRdma(ref reader) };
            }
            else if (reader.Is("unified"u8))
            {
                resources = resources with { Unified = reader.GetStringMap() };
            }
            else
            {
                reader.Skip();
            }
        }

        return resources;
    }

    private static List<DeviceCgroupRule> ReadDevices(ref FieldReader reader)
    {
        var rules = new List<DeviceCgroupRule>();
        if (!reader.BeginArray())
        {
            return rules;
        }

        while (reader.NextElement())
        {
            if (!reader.BeginObject())
            {
                throw reader.Error("must be an object, not null");
            }

            var allow = false;
            var type = 'a';
            long? major = null, minor = null;
            var access = "rwm";
            while (reader.NextField())
            {
                if (reader.Is("allow"u8))
                {
                    allow = reader.GetBoolean() ?? false;
                }
                else if (reader.Is("type"u8))
                {
                    var text = reader.GetString();
                    type = text switch
                    {
                        null or "" or "a" => 'a',
                        "b" => 'b',
                        "c" or "u" => 'c',
                        _ => throw reader.Error($"must be a, b or c, not \"{text}\""),
                    };
                }
                else if (reader.Is("major"u8))
                {
                    major = reader.GetInteger(-1, uint.MaxValue);
                }
                else if (reader.Is("minor"u8))
                {
                    minor = reader.GetInteger(-1, uint.MaxValue);
                }
                else if (reader.Is("access"u8))
                {
                    access = reader.GetString() ?? access;
                    if (access.AsSpan().ContainsAnyExcept("rwm"))
                    {
                        throw reader.Error($"must consist of r, w and m, not \"{access}\"");
                    }
                }
                else
                {
                    reader.Skip();
                }
            }

            rules.Add(new DeviceCgroupRule(allow, type, major is < 0 ? null : major, minor is < 0 ? null : minor, access.Length == 0 ? "rwm" : access));
        }

        return rules;
    }

    private static MemoryResources? ReadMemory(ref FieldReader reader)
    {
        if (!reader.BeginObject())
        {
            return null;
        }

        var memory = new MemoryResources();
        while (reader.NextField())
        {
            if (reader.Is("limit"u8))
            {
                memory = memory with { Limit = reader.GetInteger() };
            }
            else if (reader.Is("reservation"u8))
            {
                memory = memory with { Reservation = reader.GetInteger() };
            }
            else if (reader.Is("swap"u8))
            {
                memory = memory with { Swap = reader.GetInteger() };
            }
            else if (reader.Is("kernel"u8))
            {
                memory = memory with { Kernel = reader.GetInteger() };
            }
            else if (reader.Is("kernelTCP"u8))
            {
                memory = memory with { KernelTcp = reader.GetInteger() };
            }
            else if (reader.Is("swappiness"u8))
            {
                memory = memory with { Swappiness = reader.GetUnsigned() };
            }
            else if (reader.Is("disableOOMKiller"u8))
            {
                memory = memory with { DisableOomKiller = reader.GetBoolean() };
            }
            else if (reader.Is("useHierarchy"u8))
            {
                memory = memory with { UseHierarchy = reader.GetBoolean() };
            }
            else if (reader.Is("checkBeforeUpdate"u8))
            {
                memory = memory with { CheckBeforeUpdate = reader.GetBoolean() };
            }
            else
            {
                reader.Skip();
            }
        }

        return memory;
    }

    private static CpuResources? ReadCpu(ref FieldReader reader)
    {
        if (!reader.BeginObject())
        {
            return null;
        }

        var cpu = new CpuResources();
        while (reader.NextField())
        {
            if (reader.Is("shares"u8))
            {
                cpu = cpu with { Shares = reader.GetUnsigned() };
            }
            else if (reader.Is("quota"u8))
            {
                cpu = cpu with { Quota = reader.GetInteger() };
            }
            else if (reader.Is("burst"u8))
            {
                cpu = cpu with { Burst = reader.GetUnsigned() };
            }
            else if (reader.Is("period"u8))
            {
                cpu = cpu with { Period = reader.GetUnsigned() };
            }
            else if (reader.Is("realtimeRuntime"u8))
            {
                cpu = cpu with { RealtimeRuntime = reader.GetInteger() };
            }
            else if (reader.Is("realtimePeriod"u8))
            {
                cpu = cpu with { RealtimePeriod = reader.GetUnsigned() };
            }
            else if (reader.Is("cpus"u8))
            {
                cpu = cpu with { Cpus = reader.GetString() };
            }
            else if (reader.Is("mems"u8))
            {
                cpu = cpu with { Mems = reader.GetString() };
            }
            else if (reader.Is("idle"u8))
            {
                cpu = cpu with { Idle = reader.GetInteger(0, 1) };
            }
            else
            {
                reader.Skip();
            }
        }

        return cpu;
    }

    private static long? ReadPids(ref FieldReader reader)
    {
        if (!reader.BeginObject())
        {
            return null;
        }

        long? limit = null;
        while (reader.NextField())
        {
            if (reader.Is("limit"u8))
            {
                limit = reader.GetInteger();
            }
            else
            {
                reader.Skip();
            }
        }

        return limit;
    }

    private static BlockIoResources? ReadBlockIo(ref FieldReader reader)
    {
        if (!reader.BeginObject())
        {
            return null;
        }

        var block = new BlockIoResources();
        while (reader.NextField())
        {
            if (reader.Is("weight"u8))
            {
                block = block with { Weight = reader.GetInteger32(0, ushort.MaxValue) };
            }
            else if (reader.Is("leafWeight"u8))
            {
                block = block with { LeafWeight = reader.GetInteger32(0, ushort.MaxValue) };
            }
            else if (reader.Is("weightDevice"u8))
            {
                block = block with { WeightDevices = ReadWeightDevices(ref reader) };
            }
            else if (reader.Is("throttleReadBpsDevice"u8))
            {
                block = block with { ThrottleReadBps = ReadThrottleDevices(ref reader) };
            }
            else if (reader.Is("throttleWriteBpsDevice"u8))
            {
                block = block with { ThrottleWriteBps = ReadThrottleDevices(ref reader) };
            }
            else if (reader.Is("throttleReadIOPSDevice"u8))
            {
                block = block with { ThrottleReadIops = ReadThrottleDevices(ref reader) };
            }
            else if (reader.Is("throttleWriteIOPSDevice"u8))
            {
                block = block with { ThrottleWriteIops = ReadThrottleDevices(ref reader) };
            }
            else
            {
                reader.Skip();
            }
        }

        return block;
    }

    private static List<WeightDevice> ReadWeightDevices(ref FieldReader reader)
    {
        var devices = new List<WeightDevice>();
        if (!reader.BeginArray())
        {
            return devices;
        }

        while (reader.NextElement())
        {
            if (!reader.BeginObject())
            {
                throw reader.Error("must be an object, not null");
            }

            long major = 0, minor = 0;
            int? weight = null, leaf = null;
            while (reader.NextField())
            {
                if (reader.Is("major"u8))
                {
                    major = reader.GetInteger(0, uint.MaxValue) ?? 0;
                }
                else if (reader.Is("minor"u8))
                {
                    minor = reader.GetInteger(0, uint.MaxValue) ?? 0;
                }
                else if (reader.Is("weight"u8))
                {
                    weight = reader.GetInteger32(0, ushort.MaxValue);
                }
                else if (reader.Is("leafWeight"u8))
                {
                    leaf = reader.GetInteger32(0, ushort.MaxValue);
                }
                else
                {
                    reader.Skip();
                }
            }

            devices.Add(new WeightDevice(major, minor, weight, leaf));
        }

        return devices;
    }

    private static List<ThrottleDevice> ReadThrottleDevices(ref FieldReader reader)
    {
        var devices = new List<ThrottleDevice>();
        if (!reader.BeginArray())
        {
            return devices;
        }

        while (reader.NextElement())
        {
            if (!reader.BeginObject())
            {
                throw reader.Error("must be an object, not null");
            }

            long major = 0, minor = 0;
            ulong rate = 0;
            while (reader.NextField())
            {
                if (reader.Is("major"u8))
                {
                    major = reader.GetInteger(0, uint.MaxValue) ?? 0;
                }
                else if (reader.Is("minor"u8))
                {
                    minor = reader.GetInteger(0, uint.MaxValue) ?? 0;
                }
                else if (reader.Is("rate"u8))
                {
                    rate = reader.GetUnsigned() ?? 0;
                }
                else
                {
                    reader.Skip();
                }
            }

            devices.Add(new ThrottleDevice(major, minor, rate));
        }

        return devices;
    }

    private static List<HugepageLimit> ReadHugepages(ref FieldReader reader)
    {
        var limits = new List<HugepageLimit>();
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

            string? size = null;
            ulong limit = 0;
            while (reader.NextField())
            {
                if (reader.Is("pageSize"u8))
                {
                    size = reader.GetString();
                }
                else if (reader.Is("limit"u8))
                {
                    limit = reader.GetUnsigned() ?? 0;
                }
                else
                {
                    reader.Skip();
                }
            }

            // It becomes part of a file's name below the cgroup.
            if (string.IsNullOrEmpty(size) || size.AsSpan().ContainsAnyExcept(s_sizeLetters))
            {
                throw reader.Error($"pageSize \"{size}\" is no size such as 2MB");
            }

            limits.Add(new HugepageLimit(size, limit));
        }

        return limits;
    }

    private static NetworkResources? ReadNetwork(ref FieldReader reader)
    {
        if (!reader.BeginObject())
        {
            return null;
        }

        uint? classId = null;
        var priorities = new Dictionary<string, uint>();
        while (reader.NextField())
        {
            if (reader.Is("classID"u8))
            {
                classId = reader.GetUnsigned32();
            }
            else if (reader.Is("priorities"u8))
            {
                if (!reader.BeginArray())
                {
                    continue;
                }

                while (reader.NextElement())
                {
                    if (!reader.BeginObject())
                    {
                        throw reader.Error("must be an object, not null");
                    }

                    string? name = null;
                    uint priority = 0;
                    while (reader.NextField())
                    {
                        if (reader.Is("name"u8))
                        {
                            name = reader.GetString();
                        }
                        else if (reader.Is("priority"u8))
                        {
                            priority = reader.GetUnsigned32() ?? 0;
                        }
                        else
                        {
                            reader.Skip();
                        }
                    }

                    priorities[name ?? throw reader.Error("name is missing")] = priority;
                }
            }
            else
            {
                reader.Skip();
            }
        }

        return new NetworkResources { ClassId = classId, Priorities = priorities };
    }

    private static Dictionary<string, RdmaLimit> ReadRdma(ref FieldReader reader)
    {
        var limits = new Dictionary<string, RdmaLimit>();
        if (!reader.BeginObject())
        {
            return limits;
        }

        while (reader.NextEntry())
        {
            var device = reader.FieldName();
            uint? handles = null, objects = null;
            if (reader.BeginObject())
            {
                while (reader.NextField())
                {
                    if (reader.Is("hcaHandles"u8))
                    {
                        handles = reader.GetUnsigned32();
                    }
                    else if (reader.Is("hcaObjects"u8))
                    {
                        objects = reader.GetUnsigned32();
                    }
                    else
                    {
                        reader.Skip();
                    }
                }
            }

            limits[device] = new RdmaLimit(handles, objects);
        }

        return limits;
    }
}
