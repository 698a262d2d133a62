using Bundt.Linux;
using Bundt.Oci.Runtime;

namespace Bundt.RuntimeCli.Commands;

/// <summary>update and events.</summary>
internal static class LimitCommands
{
    public static readonly string[] UpdateOptions =
    [
        "resources|r=", "memory=", "memory-reservation=", "memory-swap=", "kernel-memory=", "kernel-memory-tcp=", "cpu-share=", "cpu-shares=", "cpu-quota=",
        "cpu-period=", "cpu-burst=", "cpu-idle=", "cpu-rt-period=", "cpu-rt-runtime=", "cpuset-cpus=", "cpuset-mems=", "blkio-weight=", "pids-limit=",
        "l3-cache-schema=", "mem-bw-schema=", "help|h",
    ];

    public static int Update(Invocation invocation, CommandOptions options)
    {
        var container = invocation.Open(options);
        if (options.Value("l3-cache-schema") is not null || options.Value("mem-bw-schema") is not null)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, "Intel RDT: the container was created without linux.intelRdt");
        }

        container.Update(options.Value("resources") is { } file ? Read(file) : FromOptions(options));
        return 0;
    }

    public static int Events(Invocation invocation, CommandOptions options) => throw CommandOptions.Usage("events");

    private static LinuxResources Read(string file)
    {
        try
        {
            if (file != "-")
            {
                return RuntimeConfigReader.ReadResources(File.ReadAllBytes(file));
            }

            using var input = new MemoryStream();
            using var stdin = Console.OpenStandardInput();
            stdin.CopyTo(input);
            return RuntimeConfigReader.ReadResources(input.ToArray());
        }
        catch (FormatException e)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"resources: {e.Message}", null, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"cannot read {file}: {BundtException.Reason(e)}", null, e);
        }
    }

    private static LinuxResources FromOptions(CommandOptions options) => new()
    {
        Memory = new MemoryResources
        {
            Limit = options.Number("memory", -1),
            Reservation = options.Number("memory-reservation", -1),
            Swap = options.Number("memory-swap", -1),
        },
        Cpu = new CpuResources
        {
            Shares = (ulong?)(options.Number("cpu-share", 0) ?? options.Number("cpu-shares", 0)),
            Quota = options.Number("cpu-quota", -1),
            Period = (ulong?)options.Number("cpu-period", 0),
            Burst = (ulong?)options.Number("cpu-burst", 0),
            Idle = options.Number("cpu-idle", 0, 1),
            RealtimePeriod = (ulong?)options.Number("cpu-rt-period", 0),
            RealtimeRuntime = options.Number("cpu-rt-runtime"),
            Cpus = options.Value("cpuset-cpus"),
            Mems = options.Value("cpuset-mems"),
        },
        BlockIo = options.Number("blkio-weight", 0, 1000) is { } weight ? new BlockIoResources { Weight = (int)weight } : null,
        PidsLimit = options.Number("pids-limit", -1),
    };
}
