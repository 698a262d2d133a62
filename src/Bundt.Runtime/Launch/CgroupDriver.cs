namespace Bundt.Runtime.Launch;

/// <summary>Who makes the cgroup of an OCI container (--cgroup-manager, --systemd-cgroup).</summary>
public enum CgroupDriver
{
    /// <summary>This program, as a directory of the cgroup v2 hierarchy.</summary>
    Cgroupfs,
    /// <summary>systemd, as a transient scope that it is asked for over D-Bus.</summary>
    Systemd,
    /// <summary>Nobody: the container lives in the cgroup of its creator, without limits of its own.</summary>
    Disabled,
}
