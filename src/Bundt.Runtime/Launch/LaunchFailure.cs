using Bundt.Linux;
using Bundt.Runtime.Plans;

namespace Bundt.Runtime.Launch;

/// <summary>From a launcher's report to one clear sentence.</summary>
internal static class LaunchFailure
{
    internal static BundtException Describe(LaunchPlan plan, PlanReport report)
    {
        if (!report.Failed)
        {
            return new BundtException(
                FailureKind.Internal, Phase.Launch, "the launcher ended before the command was executed", "Something killed it; the kernel's log may say what.");
        }

        if (report.Detail == PlanReportDetail.BadPlan || report.Operation < 0 || report.Operation >= plan.Operations.Count)
        {
            return new BundtException(
                FailureKind.Internal, Phase.Launch, $"the launcher does not accept the plan (operation {report.Operation}, {report.Errno.Name()})",
                "bundt-launcher and this program are of different versions.");
        }

        return Describe(plan.Operations[report.Operation], report);
    }

    /// <summary>A failure of a known operation.</summary>
    internal static BundtException Describe(PlanOperation operation, PlanReport report) => operation.Code switch
    {
        PlanCode.ResolveExec or PlanCode.Exec => Command(operation, report),
        PlanCode.Chdir => WorkingDirectory(operation, report),
        PlanCode.Connect => new BundtException(
            FailureKind.InvalidArgument, Phase.Identity,
            $"failed to connect with seccomp agent specified in the seccomp profile: {operation.S}: {report.Errno.Describe()}"),
        PlanCode.Hook => Hook(operation.Subject!, report.Text.Length > 0 ? report.Text : report.Errno.Describe()),
        _ => Other(operation, report),
    };

    // The texts are runc's, as Docker's clients know them.
    private static BundtException Command(PlanOperation operation, PlanReport report)
    {
        var name = operation.Subject!;
        var path = report.Text.Length > 0 ? report.Text : name;
        if (report.Detail == PlanReportDetail.MissingInterpreter)
        {
            return new BundtException(
                FailureKind.CommandNotFound, Phase.Exec, $"exec {name}: no such file or directory",
                report.Text.Length > 0 ? $"The file exists; its interpreter {report.Text} does not." : "The file exists; its interpreter does not.");
        }

        return report.Errno switch
        {
            Errno.ENOENT or Errno.ENOTDIR when !name.Contains('/', StringComparison.Ordinal) =>
                new BundtException(FailureKind.CommandNotFound, Phase.Exec, $"exec: \"{name}\": executable file not found in $PATH"),
            Errno.ENOENT or Errno.ENOTDIR =>
                new BundtException(FailureKind.CommandNotFound, Phase.Exec, $"exec: \"{name}\": stat {path}: no such file or directory"),
            Errno.EISDIR => new BundtException(FailureKind.CommandNotExecutable, Phase.Exec, $"exec: \"{path}\": is a directory: permission denied"),
            Errno.EACCES or Errno.EPERM =>
                new BundtException(FailureKind.CommandNotExecutable, Phase.Exec, $"exec: \"{path}\": permission denied"),
            Errno.ENOEXEC => new BundtException(
                FailureKind.CommandNotExecutable, Phase.Exec, $"exec {name}: exec format error",
                "It is no program for this machine's architecture, or a script without a #! line."),
            var errno => new BundtException(Phase.Exec, "exec", path, errno, null, FailureKind.CommandNotExecutable),
        };
    }

    /// <summary>A hook that failed.</summary>
    /// <param name="hook">"createRuntime hook #0".</param>
    /// <param name="how">What became of it and what it said.</param>
    internal static BundtException Hook(string hook, string how) => new(FailureKind.Internal, Phase.Run, $"error running {hook}: {how}");

    private static BundtException WorkingDirectory(PlanOperation operation, PlanReport report)
    {
        if (report.Detail == PlanReportDetail.OutsideRoot)
        {
            return new BundtException(FailureKind.InvalidArgument, Phase.Exec, $"working directory \"{operation.S}\" is outside of the container's root");
        }

        return new BundtException(
            report.Errno == Errno.ENOENT ? FailureKind.CommandNotFound : FailureKind.CommandNotExecutable, Phase.Exec,
            $"chdir to cwd (\"{operation.S}\") failed: {report.Errno.Describe()}");
    }

    private static BundtException Other(PlanOperation operation, PlanReport report)
    {
        var verb = operation.Verb ?? PlanWords.Of(operation.Code);
        var subject = operation.Subject ?? operation.S;
        if (report.Detail != PlanReportDetail.None)
        {
            var where = subject is null ? "" : " " + subject;
            var (why, hint) = report.Detail switch
            {
                PlanReportDetail.NotNullDevice => ("the container's /dev/null is not the null device (1:3)", (string?)null),
                PlanReportDetail.PeerDied => ("the other side of the launch died", "The kernel's log may say why."),
                PlanReportDetail.WrongFileSystem => ("the file is not on the kernel's own file system", "Something is mounted over it."),
                PlanReportDetail.NotADirectory => ("source and target are not both directories or both files", null),
                PlanReportDetail.Aborted => ("the caller went away", null),
                PlanReportDetail.LabelNotSet => ($"the kernel says \"{report.Text}\"", "Something else was written in its place."),
                PlanReportDetail.InsideProc => ("a symbolic link of the image leads it into /proc", null),
                _ => ("a check failed", null),
            };
            return new BundtException(FailureKind.Internal, operation.Phase, $"{verb}{where}: {why}", hint);
        }

        if (operation.Refusal is not null && report.Errno == Errno.EPERM)
        {
            return new BundtException(FailureKind.InvalidArgument, operation.Phase, operation.Refusal);
        }

        if (report.Text.Length > 0)
        {
            subject = subject is null ? report.Text : $"{subject} ({report.Text})";
        }

        // Where no link is let through, one stands in the place of a directory that is the kernel's. The words are runc's.
        if (operation is { Code: PlanCode.Mkdir, Verb: not null } or { Code: PlanCode.MoveMount, Flags: 3 }
            && report.Errno is Errno.ELOOP or Errno.EEXIST or Errno.ENOTDIR)
        {
            return new BundtException(FailureKind.InvalidArgument, Phase.Mount, $"{verb} {subject}: it must be mounted on ordinary directory");
        }

        if (operation.Verb == OperationList.BindSource && report.Errno == Errno.ENOENT)
        {
            return new BundtException(
                FailureKind.InvalidArgument, Phase.Mount, $"bind source path does not exist: {operation.S}");
        }

        return new BundtException(operation.Phase, verb, subject, report.Errno, Hint(operation.Code, report.Errno));
    }

    private static string? Hint(PlanCode code, Errno errno) => (code, errno) switch
    {
        (PlanCode.Clone, Errno.ENOSPC) => "A limit in /proc/sys/user/max_*_namespaces is reached.",
        (PlanCode.Clone, Errno.EAGAIN) => "A limit on the number of processes is reached.",
        (PlanCode.Clone, Errno.EUSERS) => "User namespaces are nested too deeply.",
        (PlanCode.Clone, Errno.EPERM) => "Namespaces take CAP_SYS_ADMIN.",
        (PlanCode.Clone, Errno.EBUSY) => "The cgroup has controllers enabled for its children and takes no processes itself.",
        (PlanCode.Overlay, Errno.ENODEV) => "The kernel has no overlay file system: modprobe overlay.",
        (PlanCode.Overlay, Errno.ESTALE) => "The writable layer was mounted volatile before and not unmounted cleanly.",
        (PlanCode.Overlay, Errno.EINVAL) => "The kernel's log says which layer or option it refuses.",
        (PlanCode.Mkdir or PlanCode.MoveMount, Errno.ELOOP) => "A symbolic link stands in the place.",
        (PlanCode.MountFs, Errno.ENODEV) => "The kernel has no such file system.",
        (PlanCode.Setattr, Errno.EINVAL) => "The file system may not support id maps.",
        (PlanCode.Label, Errno.ENOENT) => "The profile may not be loaded.",
        (PlanCode.Capset, Errno.EPERM) => "An inheritable capability must be in the bounding set.",
        (PlanCode.Seccomp, Errno.EINVAL) => "The kernel does not accept the filter.",
        _ => null,
    };
}
