using Bundt.Linux;

namespace Bundt.Engine.Settings;

/// <summary>Docker's rules for limits (moby daemon/daemon_unix.go, verifyPlatformContainerResources), with its texts.</summary>
internal static class ResourceRules
{
    /// <summary>6 MiB: below that no container starts.</summary>
    public const long SmallestMemory = 6 << 20;

    /// <summary>What the machine has, for checks that need it.</summary>
    /// <param name="Cpus">Number of CPUs.</param>
    /// <param name="CpuList">Online CPUs ("0-1").</param>
    /// <param name="MemoryNodes">Memory nodes ("0").</param>
    internal sealed record Machine(int Cpus, string CpuList, string MemoryNodes)
    {
        /// <summary>This one.</summary>
        public static Machine Own { get; } = new(
            Environment.ProcessorCount,
            ReadOr("/sys/devices/system/cpu/online", "0"),
            ReadOr("/sys/devices/system/node/online", "0"));

        private static string ReadOr(string path, string otherwise)
        {
            try
            {
                return File.ReadAllText(path).Trim();
            }
            catch (IOException)
            {
                return otherwise;
            }
        }
    }

    /// <summary>Throws on the first rule that is broken.</summary>
    /// <exception cref="BundtException">InvalidArgument.</exception>
    public static void Check(ResourceSettings r, Machine machine)
    {
        Require(r.Memory is 0 or >= SmallestMemory, "Minimum memory limit allowed is 6MB");
        Require(r.MemorySwap <= 0 || r.Memory > 0, "You should always set the Memory limit when using Memoryswap limit, see usage");
        Require(r.MemorySwap is 0 or -1 || r.MemorySwap >= r.Memory, "Minimum memoryswap limit should be larger than memory limit, see usage");
        Require(r.MemorySwap >= -1, $"Invalid memoryswap: {r.MemorySwap}");
        Require(r.MemoryReservation is 0 or >= SmallestMemory, "Minimum memory reservation allowed is 6MB");
        Require(
            r.Memory == 0 || r.MemoryReservation <= r.Memory,
            "Minimum memory limit can not be less than memory reservation limit, see usage");

        Require(r.NanoCpus == 0 || r.CpuPeriod == 0, "Conflicting options: Nano CPUs and CPU Period cannot both be set");
        Require(r.NanoCpus == 0 || r.CpuQuota == 0, "Conflicting options: Nano CPUs and CPU Quota cannot both be set");
        Require(
            r.NanoCpus == 0 || (r.NanoCpus >= 10_000_000 && r.NanoCpus <= machine.Cpus * 1_000_000_000L),
            $"Range of CPUs is from 0.01 to {machine.Cpus}.00, as there are only {machine.Cpus} CPUs available");
        Require(r.CpuShares >= 0, $"invalid CPU shares ({r.CpuShares}): value must be a positive integer");
        Require(
            r.CpuPeriod is 0 or (>= 1000 and <= 1_000_000),
            "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
        Require(r.CpuQuota is <= 0 or >= 1000, "CPU cfs quota can not be less than 1ms (i.e. 1000)");

        CheckList(r.CpusetCpus, machine.CpuList, "cpuset cpus", "CPUs");
        CheckList(r.CpusetMems, machine.MemoryNodes, "cpuset mems", "memory nodes");
        Require(r.BlkioWeight is 0 or (>= 10 and <= 1000), "Range of blkio weight is from 10 to 1000");
    }

    private static void CheckList(string wanted, string available, string what, string plural)
    {
        if (wanted.Length == 0)
        {
            return;
        }

        var numbers = NumberList.Parse(wanted);
        Require(numbers is not null, $"Invalid value {wanted} for {what}");
        Require(
            NumberList.Parse(available) is not { } there || numbers!.IsSubsetOf(there),
            $"Requested {plural} are not available - requested {wanted}, available: {available}");
    }

    private static void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, otherwise);
        }
    }
}
