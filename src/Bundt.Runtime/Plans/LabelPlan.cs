using Bundt.Linux;

namespace Bundt.Runtime.Plans;

/// <summary>
/// What the kernel's security modules shall call the process once it executes: an AppArmor profile, an SELinux label. Both are written below
/// /proc/self/attr of the procfs that the launcher was started with: whatever a container has on its /proc cannot catch the write (CVE-2019-16884).
/// </summary>
internal static class LabelPlan
{
    private const string Unconfined = "unconfined";

    /// <summary>Opens the directory while the process still sees the host's procfs.</summary>
    internal static void Open(PlanScope scope)
    {
        Check(scope);
        if (Profile(scope) is not null || scope.Process.SelinuxLabel is not null)
        {
            scope.Attributes = scope.Plan.NewSlot("attributes");
            scope.Preparing.Open(scope.Attributes, -1, "/proc/self/attr", KernelFlags.PathOnly | KernelFlags.Directory);
        }
    }

    /// <summary>The label of the keys that the process makes, so that it can read its own session keyring.</summary>
    internal static void LabelKeys(PlanScope scope)
    {
        if (scope.Process.SelinuxLabel is { } label)
        {
            scope.Preparing.Label(scope.Attributes, "keycreate", label, "selinux label");
        }
    }

    /// <summary>What takes effect with the execve.</summary>
    internal static void LabelCommand(PlanScope scope, OperationList list)
    {
        if (scope.Process.SelinuxLabel is { } label)
        {
            list.Label(scope.Attributes, "exec", label, "selinux label");
        }

        if (Profile(scope) is { } profile)
        {
            list.Profile(scope.Attributes, profile);
        }

        if (scope.Attributes >= 0)
        {
            list.Close(scope.Attributes);
        }
    }

    // Where AppArmor is off, nothing is confined anyway: crun runs such a container, too.
    private static string? Profile(PlanScope scope) => scope.Process.ApparmorProfile is { } profile && scope.Host.HasApparmor() ? profile : null;

    private static void Check(PlanScope scope)
    {
        if (scope.Process.ApparmorProfile is not (null or Unconfined) && !scope.Host.HasApparmor())
        {
            scope.Plan.Warnings.Add($"process.apparmorProfile: apparmor not enabled: the process is not confined by {scope.Process.ApparmorProfile}");
        }

        if (scope.Process.SelinuxLabel is not null && !scope.Host.HasSelinux())
        {
            throw PlanScope.Invalid("process.selinuxLabel: selinux label is specified in config, but selinux is disabled or not supported");
        }
    }
}
