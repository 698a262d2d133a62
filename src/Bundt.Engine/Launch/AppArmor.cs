using Bundt.Engine.Settings;
using Bundt.Linux;
using Bundt.Linux.Processes;

namespace Bundt.Engine.Launch;

/// <summary>
/// The AppArmor profile of the engine's containers, where AppArmor is enabled: "bundt-default", unless the user asks for another one. It is compiled and
/// loaded before the first container that needs it starts; the kernel keeps it for later daemons.
/// </summary>
internal static class AppArmor
{
    public const string Unconfined = "unconfined";

    private const string DefaultProfile = "bundt-default";
    private const string Enabled = "/sys/module/apparmor/parameters/enabled";
    private const string Loaded = "/sys/kernel/security/apparmor/profiles";

    // What Docker's default profile does, in words of our own. An access that a "deny" names stays denied whatever else is allowed: /proc/sys is
    // closed letter by letter, for all but kernel/shm*.
    private const string Policy = """
        profile bundt-default flags=(attach_disconnected,mediate_deleted) {
          network,
          capability,
          file,
          umount,
          deny mount,

          # The engine's signals, and those of the container's processes among themselves.
          signal (receive) peer=unconfined,
          signal (send, receive) peer=bundt-default,
          ptrace (trace, read, tracedby, readby) peer=bundt-default,

          # Nothing of /proc is written but what belongs to a process, and the limits of shared memory.
          deny /proc/* w,
          deny /proc/[a-rt-zA-Z_]*/** w,
          deny /proc/s[a-xzA-Z_]*/** w,
          deny /proc/sy[a-rt-zA-Z_]*/** w,
          deny /proc/sysv*/** w,
          deny /proc/sys/[a-jl-zA-Z_]** w,
          deny /proc/sys/kernel/[a-rt-zA-Z_]** w,
          deny /proc/sys/kernel/s[a-gi-zA-Z_]** w,
          deny /proc/sys/kernel/sh[a-ln-zA-Z_]** w,
          deny /proc/sysrq-trigger rwklx,
          deny /proc/kcore rwklx,

          # Nor anything of /sys but cgroups.
          deny /sys/[a-eg-zA-Z_]*/** wklx,
          deny /sys/f[a-rt-zA-Z_]*/** wklx,
          deny /sys/fs/[abd-zA-Z_]*/** wklx,
          deny /sys/fs/c[a-fh-zA-Z_]*/** wklx,
          deny /sys/firmware/** rwklx,
          deny /sys/devices/virtual/powercap/** rwklx,
          deny /sys/kernel/security/** rwklx,
        }

        """;

    private static readonly string[] s_parsers = ["/sbin/apparmor_parser", "/usr/sbin/apparmor_parser"];

    private static readonly Lazy<string?> s_parser = new(() => Array.Find(s_parsers, File.Exists) ?? HelperProgram.Find("apparmor_parser"));

    // As for Docker, AppArmor without its parser is none.
    private static readonly Lazy<bool> s_supported = new(() => File.Exists(Enabled) && File.ReadAllText(Enabled).StartsWith('Y') && s_parser.Value is not null);

    private static readonly Lock s_loading = new();
    private static volatile bool s_loaded;

    /// <summary>Whether containers are confined by AppArmor here.</summary>
    public static bool IsSupported => s_supported.Value;

    /// <summary>The profile that a container runs under; "" where AppArmor is not supported and none was asked for.</summary>
    public static string ProfileOf(ContainerSettings settings, SecurityOptions security) => ProfileOf(settings, security, IsSupported);

    internal static string ProfileOf(ContainerSettings settings, SecurityOptions security, bool supported) =>
        !string.IsNullOrEmpty(security.Apparmor) ? security.Apparmor
        : !supported ? ""
        : settings.Privileged ? Unconfined
        : DefaultProfile;

    /// <summary>What stands in a config for a profile: no container of ours is confined before it is.</summary>
    public static string? InConfig(string profile) => profile is "" or Unconfined ? null : profile;

    /// <summary>Makes sure that the default profile is there if this is it. The first call compiles it (0.1 s), the others cost nothing.</summary>
    /// <exception cref="BundtException">It cannot be loaded.</exception>
    public static void Provide(string profile)
    {
        if (profile != DefaultProfile || !IsSupported || s_loaded)
        {
            return;
        }

        lock (s_loading)
        {
            if (s_loaded)
            {
                return;
            }

            // A daemon of another version may have left another policy under this name: it is replaced.
            var (code, _) = HelperProgram.Ask(s_parser.Value!, ["apparmor_parser", "--replace", "--skip-cache"], Policy);
            if (code != 0 && !IsLoaded())
            {
                throw new BundtException(
                    FailureKind.Internal, Phase.Identity, $"AppArmor is enabled, but the profile {DefaultProfile} could not be loaded (apparmor_parser: exit code {code})",
                    "The daemon's log has what it said; --security-opt apparmor=unconfined does without.");
            }

            s_loaded = true;
        }
    }

    private static bool IsLoaded() =>
        File.Exists(Loaded) && File.ReadLines(Loaded).Any(line => line.StartsWith(DefaultProfile + " (", StringComparison.Ordinal));
}
