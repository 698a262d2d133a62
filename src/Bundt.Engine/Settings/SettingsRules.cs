using Bundt.Linux;
using Bundt.Linux.Capabilities;

namespace Bundt.Engine.Settings;

/// <summary>Checks what a container is asked to be, before anything is made. The texts are Docker's where Docker has one.</summary>
internal static class SettingsRules
{
    private static readonly HashSet<string> s_ulimits =
    [
        "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack",
    ];

    private static readonly HashSet<string> s_ipcSysctls =
    [
        "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced",
    ];

    /// <summary>Throws on what cannot be; answers warnings about what is done otherwise than asked.</summary>
    /// <exception cref="BundtException">InvalidArgument, NotFound (network).</exception>
    public static IReadOnlyList<string> Check(ContainerSettings settings, ResourceRules.Machine machine)
    {
        var warnings = new List<string>();
        ResourceRules.Check(settings.Resources, machine);
        CheckNamespaces(settings, warnings);
        CheckProcess(settings);
        CheckSysctls(settings);
        _ = SecurityOptions.Parse(settings.SecurityOpt);
        _ = LogSettings.From(settings);
        CheckCapabilities(settings.CapAdd, "CapAdd");
        CheckCapabilities(settings.CapDrop, "CapDrop");
        CheckRestart(settings, warnings);
        warnings.AddRange(UlimitRules.Warnings(settings.Ulimits));
        Require(settings.ShmSize >= 0, "SHM size can not be less than 0");
        Require(settings.OomScoreAdj is >= -1000 and <= 1000, $"Invalid value {settings.OomScoreAdj}, range for oom score adj is [-1000, 1000]");
        return warnings;
    }

    private static void CheckNamespaces(ContainerSettings settings, List<string> warnings)
    {
        Require(settings.IpcMode is "" or "private" or "host" or "none" or "shareable" || IsContainer(settings.IpcMode), $"invalid IPC mode: {settings.IpcMode}");
        Require(settings.PidMode is "" or "private" or "host" || IsContainer(settings.PidMode), $"invalid PID mode: {settings.PidMode}");
        Require(settings.UtsMode is "" or "private" or "host", $"invalid UTS mode: {settings.UtsMode}");
        Require(settings.CgroupnsMode is "" or "private" or "host", $"invalid cgroup namespace mode: {settings.CgroupnsMode}");
        _ = UserNamespaces.Parse(settings.UsernsMode);
        var owned = UserNamespaces.Parse(settings.UsernsMode) is not null;
        Require(!owned || !settings.Privileged, "privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode");
        Require(!owned || settings.PidMode != "host", "cannot share the host's PID namespace when user namespaces are enabled");
        Require(!owned || settings.NetworkMode != "host", "cannot share the host's network namespace when user namespaces are enabled");
        Require(settings.Hostname.Length == 0 || settings.UtsMode != "host", "conflicting options: hostname and the UTS mode");
        Require(settings.Hostname.Length == 0 || !IsContainer(settings.NetworkMode), "conflicting options: hostname and the network mode");
        Require(settings.Hostname.Length <= 64 && settings.Domainname.Length <= 64, $"invalid hostname: {settings.Hostname}: at most 64 bytes");
    }

    private static void CheckProcess(ContainerSettings settings)
    {
        foreach (var variable in settings.Env)
        {
            Require(variable.Length > 0 && variable[0] != '=' && !variable.Contains('\0', StringComparison.Ordinal), $"invalid environment variable: {variable}");
        }

        Require(
            settings.WorkingDir.Length == 0 || settings.WorkingDir[0] == '/',
            $"the working directory '{settings.WorkingDir}' is invalid, it needs to be an absolute path");
        foreach (var word in (IEnumerable<string>)[.. settings.Entrypoint ?? [], .. settings.Cmd ?? [], settings.WorkingDir, settings.User, settings.Hostname])
        {
            Require(!word.Contains('\0', StringComparison.Ordinal), "invalid argument: zero byte in a string");
        }

        if (settings.StopSignal is { } signal)
        {
            _ = Signals.Parse(signal);
        }

        foreach (var limit in settings.Ulimits)
        {
            Require(s_ulimits.Contains(limit.Name), $"invalid ulimit type: {limit.Name}");
            Require(
                limit.Hard == -1 || (limit.Soft != -1 && limit.Soft <= limit.Hard),
                $"ulimit soft limit must be less than or equal to hard limit: {limit.Soft} > {limit.Hard}");
        }
    }

    private static void CheckSysctls(ContainerSettings settings)
    {
        foreach (var (key, value) in settings.Sysctls)
        {
            var name = key.Replace('/', '.');
            var separate = name switch
            {
                _ when name.StartsWith("net.", StringComparison.Ordinal) => NetworkChoice.IsOwn(settings.NetworkMode),
                _ when s_ipcSysctls.Contains(name) || name.StartsWith("fs.mqueue.", StringComparison.Ordinal) =>
                    settings.IpcMode is "" or "private" or "none" or "shareable",
                "kernel.domainname" => settings.UtsMode != "host",
                _ => false,
            };
            Require(separate, $"sysctl \"{key}\" is not in a separate kernel namespace");
            Require(!name.Contains("..", StringComparison.Ordinal) && !value.Contains('\0', StringComparison.Ordinal), $"invalid sysctl \"{key}\"");
        }
    }

    private static void CheckCapabilities(IReadOnlyList<string> names, string member)
    {
        foreach (var name in names)
        {
            Require(
                name.Equals("ALL", StringComparison.OrdinalIgnoreCase) || CapabilityNames.TryParse(CapabilityChoice.Normalise(name), out _),
                $"invalid {member}: unknown capability: \"{CapabilityChoice.Normalise(name)}\"");
        }
    }

    private static void CheckRestart(ContainerSettings settings, List<string> warnings)
    {
        var (name, count) = settings.RestartPolicy;
        Require(
            name is "" or "no" or "always" or "on-failure" or "unless-stopped",
            $"invalid restart policy: unknown policy '{name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'");
        Require(count >= 0, "invalid restart policy: maximum retry count cannot be negative");
        Require(count == 0 || name == "on-failure", "invalid restart policy: maximum retry count can only be used with 'on-failure'");
        if (name is not ("" or "no"))
        {
            Require(!settings.AutoRemove, "can't create 'AutoRemove' container with restart policy");
            warnings.Add($"restart policies are not there yet: {name} is kept, but the container is not restarted by itself");
        }
    }

    private static bool IsContainer(string mode) => mode.StartsWith("container:", StringComparison.Ordinal) && mode.Length > "container:".Length;

    private static void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, otherwise);
        }
    }
}
