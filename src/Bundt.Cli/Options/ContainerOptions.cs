using CommandLine;

namespace Bundt.Cli.Options;

/// <summary>What a container is to be: the options that <c>run</c> and <c>create</c> share.</summary>
internal abstract class ContainerOptions
{
    [Option('a', "attach", MetaValue = "list", HelpText = "Attach to STDIN, STDOUT or STDERR")]
    public IEnumerable<string> Attach { get; set; } = [];

    [Option("add-host", MetaValue = "list", HelpText = "Add a custom host-to-IP mapping (host:ip)")]
    public IEnumerable<string> AddHost { get; set; } = [];

    [Option("annotation", MetaValue = "list", HelpText = "Add an annotation to the container (passed through to the OCI configuration)")]
    public IEnumerable<string> Annotation { get; set; } = [];

    [Option("blkio-weight", MetaValue = "int", HelpText = "Block IO weight (relative), between 10 and 1000, or 0 to disable")]
    public int? BlkioWeight { get; set; }

    [Option("cap-add", MetaValue = "list", HelpText = "Add Linux capabilities")]
    public IEnumerable<string> CapAdd { get; set; } = [];

    [Option("cap-drop", MetaValue = "list", HelpText = "Drop Linux capabilities")]
    public IEnumerable<string> CapDrop { get; set; } = [];

    [Option("cgroup-parent", MetaValue = "string", HelpText = "Optional parent cgroup for the container")]
    public string? CgroupParent { get; set; }

    [Option("cgroupns", MetaValue = "string", HelpText = "Cgroup namespace to use (host|private)")]
    public string? Cgroupns { get; set; }

    [Option("cidfile", MetaValue = "string", HelpText = "Write the container ID to the file")]
    public string? Cidfile { get; set; }

    [Option("cpu-period", MetaValue = "int", HelpText = "Limit CPU CFS (Completely Fair Scheduler) period, in microseconds")]
    public long? CpuPeriod { get; set; }

    [Option("cpu-quota", MetaValue = "int", HelpText = "Limit CPU CFS (Completely Fair Scheduler) quota, in microseconds")]
    public long? CpuQuota { get; set; }

    [Option('c', "cpu-shares", MetaValue = "int", HelpText = "CPU shares (relative weight)")]
    public long? CpuShares { get; set; }

    [Option("cpus", MetaValue = "decimal", HelpText = "Number of CPUs")]
    public string? Cpus { get; set; }

    [Option("cpuset-cpus", MetaValue = "string", HelpText = "CPUs in which to allow execution (0-3, 0,1)")]
    public string? CpusetCpus { get; set; }

    [Option("cpuset-mems", MetaValue = "string", HelpText = "MEMs in which to allow execution (0-3, 0,1)")]
    public string? CpusetMems { get; set; }

    [Option("device", MetaValue = "list", HelpText = "Add a host device to the container")]
    public IEnumerable<string> Device { get; set; } = [];

    [Option("device-cgroup-rule", MetaValue = "list", HelpText = "Add a rule to the cgroup allowed devices list")]
    public IEnumerable<string> DeviceCgroupRule { get; set; } = [];

    [Option("dns", MetaValue = "list", HelpText = "Set custom DNS servers")]
    public IEnumerable<string> Dns { get; set; } = [];

    [Option("dns-option", MetaValue = "list", HelpText = "Set DNS options")]
    public IEnumerable<string> DnsOption { get; set; } = [];

    [Option("dns-opt", MetaValue = "list", HelpText = "Set DNS options", Hidden = true)]
    public IEnumerable<string> DnsOpt { get; set; } = [];

    [Option("dns-search", MetaValue = "list", HelpText = "Set custom DNS search domains")]
    public IEnumerable<string> DnsSearch { get; set; } = [];

    [Option("domainname", MetaValue = "string", HelpText = "Container NIS domain name")]
    public string? Domainname { get; set; }

    [Option("entrypoint", MetaValue = "string", HelpText = "Overwrite the default ENTRYPOINT of the image")]
    public string? Entrypoint { get; set; }

    [Option('e', "env", MetaValue = "list", HelpText = "Set environment variables")]
    public IEnumerable<string> Env { get; set; } = [];

    [Option("env-file", MetaValue = "list", HelpText = "Read in a file of environment variables")]
    public IEnumerable<string> EnvFile { get; set; } = [];

    [Option("expose", MetaValue = "list", HelpText = "Expose a port or a range of ports")]
    public IEnumerable<string> Expose { get; set; } = [];

    [Option("group-add", MetaValue = "list", HelpText = "Add additional groups to join")]
    public IEnumerable<string> GroupAdd { get; set; } = [];

    [Option("health-cmd", MetaValue = "string", HelpText = "Command to run to check health")]
    public string? HealthCmd { get; set; }

    [Option("health-interval", MetaValue = "duration", HelpText = "Time between running the check (ms|s|m|h)")]
    public string? HealthInterval { get; set; }

    [Option("health-retries", MetaValue = "int", HelpText = "Consecutive failures needed to report unhealthy")]
    public int? HealthRetries { get; set; }

    [Option("health-start-interval", MetaValue = "duration", HelpText = "Time between running the check during the start period (ms|s|m|h)")]
    public string? HealthStartInterval { get; set; }

    [Option("health-start-period", MetaValue = "duration", HelpText = "Time to initialize before the retries are counted (ms|s|m|h)")]
    public string? HealthStartPeriod { get; set; }

    [Option("health-timeout", MetaValue = "duration", HelpText = "Maximum time to allow one check to run (ms|s|m|h)")]
    public string? HealthTimeout { get; set; }

    [Option('h', "hostname", MetaValue = "string", HelpText = "Container host name")]
    public string? Hostname { get; set; }

    [Option("init", HelpText = "Run an init inside the container that forwards signals and reaps processes")]
    public bool? Init { get; set; }

    [Option('i', "interactive", HelpText = "Keep STDIN open even if not attached")]
    public bool Interactive { get; set; }

    [Option("ip", MetaValue = "string", HelpText = "IPv4 address (e.g., 172.30.100.104)")]
    public string? Ip { get; set; }

    [Option("ip6", MetaValue = "string", HelpText = "IPv6 address (e.g., 2001:db8::33)")]
    public string? Ip6 { get; set; }

    [Option("ipc", MetaValue = "string", HelpText = "IPC mode to use")]
    public string? Ipc { get; set; }

    [Option('l', "label", MetaValue = "list", HelpText = "Set meta data on a container")]
    public IEnumerable<string> Label { get; set; } = [];

    [Option("label-file", MetaValue = "list", HelpText = "Read in a line delimited file of labels")]
    public IEnumerable<string> LabelFile { get; set; } = [];

    [Option("link", MetaValue = "list", HelpText = "Add link to another container")]
    public IEnumerable<string> Link { get; set; } = [];

    [Option("log-driver", MetaValue = "string", HelpText = "Logging driver for the container")]
    public string? LogDriver { get; set; }

    [Option("log-opt", MetaValue = "list", HelpText = "Log driver options")]
    public IEnumerable<string> LogOpt { get; set; } = [];

    [Option("mac-address", MetaValue = "string", HelpText = "Container MAC address (e.g., 92:d0:c6:0a:29:33)")]
    public string? MacAddress { get; set; }

    [Option('m', "memory", MetaValue = "bytes", HelpText = "Memory limit")]
    public string? Memory { get; set; }

    [Option("memory-reservation", MetaValue = "bytes", HelpText = "Memory soft limit")]
    public string? MemoryReservation { get; set; }

    [Option("memory-swap", MetaValue = "bytes", HelpText = "Swap limit equal to memory plus swap: '-1' to enable unlimited swap")]
    public string? MemorySwap { get; set; }

    [Option("memory-swappiness", MetaValue = "int", HelpText = "Tune container memory swappiness (0 to 100)")]
    public int? MemorySwappiness { get; set; }

    [Option("mount", MetaValue = "mount", HelpText = "Attach a filesystem mount to the container")]
    public IEnumerable<string> Mount { get; set; } = [];

    [Option("name", MetaValue = "string", HelpText = "Assign a name to the container")]
    public string? Name { get; set; }

    [Option("network", MetaValue = "network", HelpText = "Connect a container to a network (none, host, container:NAME, or one of your own)")]
    public IEnumerable<string> Network { get; set; } = [];

    [Option("net", MetaValue = "network", HelpText = "Connect a container to a network", Hidden = true)]
    public IEnumerable<string> Net { get; set; } = [];

    [Option("network-alias", MetaValue = "list", HelpText = "Add network-scoped alias for the container")]
    public IEnumerable<string> NetworkAlias { get; set; } = [];

    [Option("net-alias", MetaValue = "list", HelpText = "Add network-scoped alias for the container", Hidden = true)]
    public IEnumerable<string> NetAlias { get; set; } = [];

    [Option("no-healthcheck", HelpText = "Disable any container-specified HEALTHCHECK")]
    public bool NoHealthcheck { get; set; }

    [Option("oom-kill-disable", HelpText = "Disable OOM Killer")]
    public bool OomKillDisable { get; set; }

    [Option("oom-score-adj", MetaValue = "int", HelpText = "Tune host's OOM preferences (-1000 to 1000)")]
    public int? OomScoreAdj { get; set; }

    [Option("pid", MetaValue = "string", HelpText = "PID namespace to use")]
    public string? Pid { get; set; }

    [Option("pids-limit", MetaValue = "int", HelpText = "Tune container pids limit (set -1 for unlimited)")]
    public long? PidsLimit { get; set; }

    [Option("platform", MetaValue = "string", HelpText = "Set platform if the image is multi-platform capable")]
    public string? Platform { get; set; }

    [Option("privileged", HelpText = "Give extended privileges to this container")]
    public bool Privileged { get; set; }

    [Option('p', "publish", MetaValue = "list", HelpText = "Publish a container's port(s) to the host")]
    public IEnumerable<string> Publish { get; set; } = [];

    [Option('P', "publish-all", HelpText = "Publish all exposed ports to random ports")]
    public bool PublishAll { get; set; }

    [Option("pull", MetaValue = "string", HelpText = "Pull image before running (\"always\", \"missing\", \"never\") (default \"missing\")")]
    public string? Pull { get; set; }

    [Option('q', "quiet", HelpText = "Suppress the pull output")]
    public bool Quiet { get; set; }

    [Option("read-only", HelpText = "Mount the container's root filesystem as read only")]
    public bool ReadOnly { get; set; }

    [Option("restart", MetaValue = "string", HelpText = "Restart policy to apply when a container exits")]
    public string? Restart { get; set; }

    [Option("rm", HelpText = "Automatically remove the container and its anonymous volumes when it exits")]
    public bool Rm { get; set; }

    [Option("runtime", MetaValue = "string", HelpText = "Runtime to use for this container")]
    public string? Runtime { get; set; }

    [Option("security-opt", MetaValue = "list", HelpText = "Security Options")]
    public IEnumerable<string> SecurityOpt { get; set; } = [];

    [Option("shm-size", MetaValue = "bytes", HelpText = "Size of /dev/shm")]
    public string? ShmSize { get; set; }

    [Option("stop-signal", MetaValue = "string", HelpText = "Signal to stop the container")]
    public string? StopSignal { get; set; }

    [Option("stop-timeout", MetaValue = "int", HelpText = "Timeout (in seconds) to stop a container")]
    public int? StopTimeout { get; set; }

    [Option("storage-opt", MetaValue = "list", HelpText = "Storage driver options for the container")]
    public IEnumerable<string> StorageOpt { get; set; } = [];

    [Option("sysctl", MetaValue = "map", HelpText = "Sysctl options")]
    public IEnumerable<string> Sysctl { get; set; } = [];

    [Option("tmpfs", MetaValue = "list", HelpText = "Mount a tmpfs directory")]
    public IEnumerable<string> Tmpfs { get; set; } = [];

    [Option('t', "tty", HelpText = "Allocate a pseudo-TTY")]
    public bool Tty { get; set; }

    [Option("ulimit", MetaValue = "ulimit", HelpText = "Ulimit options")]
    public IEnumerable<string> Ulimit { get; set; } = [];

    [Option('u', "user", MetaValue = "string", HelpText = "Username or UID (format: <name|uid>[:<group|gid>])")]
    public string? User { get; set; }

    [Option("userns", MetaValue = "string", HelpText = "User namespace to use (host, auto)")]
    public string? Userns { get; set; }

    [Option("uts", MetaValue = "string", HelpText = "UTS namespace to use")]
    public string? Uts { get; set; }

    [Option('v', "volume", MetaValue = "list", HelpText = "Bind mount a volume")]
    public IEnumerable<string> Volume { get; set; } = [];

    [Option("volumes-from", MetaValue = "list", HelpText = "Mount volumes from the specified container(s)")]
    public IEnumerable<string> VolumesFrom { get; set; } = [];

    [Option('w', "workdir", MetaValue = "string", HelpText = "Working directory inside the container")]
    public string? Workdir { get; set; }

    [Value(0, MetaName = "IMAGE")]
    public string Image { get; set; } = "";

    [Value(1, MetaName = "COMMAND")]
    public IEnumerable<string> Arguments { get; set; } = [];
}
