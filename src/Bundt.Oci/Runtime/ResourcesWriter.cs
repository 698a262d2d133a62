using System.Text.Json;

namespace Bundt.Oci.Runtime;

/// <summary>Writes "linux.resources".</summary>
internal static class ResourcesWriter
{
    internal static void Write(Utf8JsonWriter json, LinuxResources resources)
    {
        json.WriteStartObject("resources");
        RuntimeConfigWriter.List(json, "devices", resources.Devices, (writer, rule) =>
        {
            writer.WriteStartObject();
            writer.WriteBoolean("allow", rule.Allow);
            writer.WriteString("type", rule.Type.ToString());
            RuntimeConfigWriter.Number(writer, "major", rule.Major);
            RuntimeConfigWriter.Number(writer, "minor", rule.Minor);
            writer.WriteString("access", rule.Access);
            writer.WriteEndObject();
        });
        if (resources.Memory is { } memory)
        {
            Memory(json, memory);
        }

        if (resources.Cpu is { } cpu)
        {
            Cpu(json, cpu);
        }

        if (resources.PidsLimit is { } pids)
        {
            json.WriteStartObject("pids");
            json.WriteNumber("limit", pids);
            json.WriteEndObject();
        }

        if (resources.BlockIo is { } block)
        {
            BlockIo(json, block);
        }

        RuntimeConfigWriter.List(json, "hugepageLimits", resources.HugepageLimits, (writer, limit) =>
        {
            writer.WriteStartObject();
            writer.WriteString("pageSize", limit.PageSize);
            writer.WriteNumber("limit", limit.Limit);
            writer.WriteEndObject();
        });
        if (resources.Network is { } network)
        {
            json.WriteStartObject("network");
            RuntimeConfigWriter.Number(json, "classID", network.ClassId);
            RuntimeConfigWriter.List(json, "priorities", [.. network.Priorities], (writer, priority) =>
            {
                writer.WriteStartObject();
                writer.WriteString("name", priority.Key);
                writer.WriteNumber("priority", priority.Value);
                writer.WriteEndObject();
            });
            json.WriteEndObject();
        }

        if (resources.Rdma.Count > 0)
        {
            json.WriteStartObject("rdma");
            foreach (var (device, limit) in resources.Rdma)
            {
                json.WriteStartObject(device);
                RuntimeConfigWriter.Number(json, "hcaHandles", limit.HcaHandles);
                RuntimeConfigWriter.Number(json, "hcaObjects", limit.HcaObjects);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        RuntimeConfigWriter.Map(json, "unified", resources.Unified);
        json.WriteEndObject();
    }

    private static void Memory(Utf8JsonWriter json, MemoryResources memory)
    {
        json.WriteStartObject("memory");
        RuntimeConfigWriter.Number(json, "limit", memory.Limit);
        RuntimeConfigWriter.Number(json, "reservation", memory.Reservation);
        RuntimeConfigWriter.Number(json, "swap", memory.Swap);
        RuntimeConfigWriter.Number(json, "kernel", memory.Kernel);
        RuntimeConfigWriter.Number(json, "kernelTCP", memory.KernelTcp);
        Unsigned(json, "swappiness", memory.Swappiness);
        Truth(json, "disableOOMKiller", memory.DisableOomKiller);
        Truth(json, "useHierarchy", memory.UseHierarchy);
        Truth(json, "checkBeforeUpdate", memory.CheckBeforeUpdate);
        json.WriteEndObject();
    }

    private static void Cpu(Utf8JsonWriter json, CpuResources cpu)
    {
        json.WriteStartObject("cpu");
        Unsigned(json, "shares", cpu.Shares);
        RuntimeConfigWriter.Number(json, "quota", cpu.Quota);
        Unsigned(json, "burst", cpu.Burst);
        Unsigned(json, "period", cpu.Period);
        RuntimeConfigWriter.Number(json, "realtimeRuntime", cpu.RealtimeRuntime);
        Unsigned(json, "realtimePeriod", cpu.RealtimePeriod);
        RuntimeConfigWriter.Text(json, "cpus", cpu.Cpus);
        RuntimeConfigWriter.Text(json, "mems", cpu.Mems);
        RuntimeConfigWriter.Number(json, "idle", cpu.Idle);
        json.WriteEndObject();
    }

    private static void BlockIo(Utf8JsonWriter json, BlockIoResources block)
    {
        json.WriteStartObject("blockIO");
        RuntimeConfigWriter.Number(json, "weight", block.Weight);
        RuntimeConfigWriter.Number(json, "leafWeight", block.LeafWeight);
        RuntimeConfigWriter.List(json, "weightDevice", block.WeightDevices, (writer, device) =>
        {
            writer.WriteStartObject();
            writer.WriteNumber("major", device.Major);
            writer.WriteNumber("minor", device.Minor);
            RuntimeConfigWriter.Number(writer, "weight", device.Weight);
            RuntimeConfigWriter.Number(writer, "leafWeight", device.LeafWeight);
            writer.WriteEndObject();
        });
        Throttle(json, "throttleReadBpsDevice", block.ThrottleReadBps);
        Throttle(json, "throttleWriteBpsDevice", block.ThrottleWriteBps);
        Throttle(json, "throttleReadIOPSDevice", block.ThrottleReadIops);
        Throttle(json, "throttleWriteIOPSDevice", block.ThrottleWriteIops);
        json.WriteEndObject();
    }

    private static void Throttle(Utf8JsonWriter json, string name, IReadOnlyList<ThrottleDevice> devices) =>
        RuntimeConfigWriter.List(json, name, devices, (writer, device) =>
        {
            writer.WriteStartObject();
            writer.WriteNumber("major", device.Major);
            writer.WriteNumber("minor", device.Minor);
            writer.WriteNumber("rate", device.Rate);
            writer.WriteEndObject();
        });

    private static void Unsigned(Utf8JsonWriter json, string name, ulong? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, number);
        }
    }

    private static void Truth(Utf8JsonWriter json, string name, bool? value)
    {
        if (value is { } truth)
        {
            json.WriteBoolean(name, truth);
        }
    }
}
