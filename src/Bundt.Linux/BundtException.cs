using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Bundt.Linux;

/// <summary>What kind of failure it is, for those who must choose an HTTP status or an exit code.</summary>
public enum FailureKind
{
    /// <summary>Ours or the kernel's: HTTP 500, exit code 125.</summary>
    Internal,
    /// <summary>The request is malformed or contradicts itself: HTTP 400, 125.</summary>
    InvalidArgument,
    /// <summary>The named object does not exist: HTTP 404, 125.</summary>
    NotFound,
    /// <summary>The object's state or another object stands in the way: HTTP 409, 125.</summary>
    Conflict,
    /// <summary>There is nothing to do (start of a running, stop of a stopped container): HTTP 304.</summary>
    NotModified,
    /// <summary>Not allowed to anyone: HTTP 403, 125.</summary>
    Forbidden,
    /// <summary>Credentials are missing or were refused: HTTP 401, 125.</summary>
    Unauthorized,
    /// <summary>Something outside is not there (registry down): HTTP 503, 125.</summary>
    Unavailable,
    /// <summary>Not offered: HTTP 501, 125.</summary>
    NotImplemented,
    /// <summary>The container's command does not exist in it: HTTP 400 at start, exit code 127.</summary>
    CommandNotFound,
    /// <summary>The container's command cannot be executed: HTTP 400 at start, exit code 126.</summary>
    CommandNotExecutable,
}

/// <summary>The step of a container's or an image's life in which something failed.</summary>
public enum Phase
{
    /// <summary>Arguments, references, configuration.</summary>
    Request,
    /// <summary>Finding an image, a container, a name.</summary>
    Resolve,
    /// <summary>Talking to a registry.</summary>
    Pull,
    /// <summary>Unpacking a layer.</summary>
    Unpack,
    /// <summary>Reading or writing the image store or an archive.</summary>
    Store,
    /// <summary>Namespaces, clone, launcher.</summary>
    Launch,
    /// <summary>Root filesystem, mounts, devices.</summary>
    Mount,
    /// <summary>Control groups and limits.</summary>
    Cgroup,
    /// <summary>Interfaces, addresses, rules.</summary>
    Network,
    /// <summary>Ids, capabilities, seccomp, labels.</summary>
    Identity,
    /// <summary>Executing the command.</summary>
    Exec,
    /// <summary>A running container: signals, streams, exit.</summary>
    Run,
    /// <summary>Removal.</summary>
    Remove,
    /// <summary>The daemon's own records.</summary>
    State,
}

/// <summary>
/// The one exception of Bundt: a failure that names its phase, the operation, what it was done to, the kernel's error and a way out.
/// It reaches the user whole: <see cref="Exception.Message"/> is one line "operation path: reason (ERRNO)", followed by the hint.
/// </summary>
public sealed class BundtException : Exception
{
    /// <summary>A failure without an errno.</summary>
    /// <param name="kind">The class of the failure.</param>
    /// <param name="phase">When it happened.</param>
    /// <param name="what">One clear sentence fragment: what failed and why ("no such image: foo:latest").</param>
    /// <param name="hint">What the user can do about it, or null.</param>
    /// <param name="inner">The cause, if there is one.</param>
    public BundtException(FailureKind kind, Phase phase, string what, string? hint = null, Exception? inner = null)
        : base(Compose(what, null, Errno.None, hint), inner)
    {
        Kind = kind;
        Phase = phase;
        Operation = what;
        Hint = hint;
    }

    /// <summary>A failed system call or launch operation.</summary>
    /// <param name="phase">When it happened.</param>
    /// <param name="operation">What was tried ("mount proc", "openat2").</param>
    /// <param name="path">On what, or null.</param>
    /// <param name="errno">The kernel's answer.</param>
    /// <param name="hint">What the user can do about it, or null.</param>
    /// <param name="kind">The class of the failure.</param>
    public BundtException(Phase phase, string operation, string? path, Errno errno, string? hint = null, FailureKind kind = FailureKind.Internal)
        : base(Compose(operation, path, errno, hint))
    {
        Kind = kind;
        Phase = phase;
        Operation = operation;
        Path = path;
        Errno = errno;
        Hint = hint;
    }

    /// <summary>The class of the failure.</summary>
    public FailureKind Kind { get; }

    /// <summary>When it happened.</summary>
    public Phase Phase { get; }

    /// <summary>What was tried.</summary>
    public string Operation { get; }

    /// <summary>On what, or null.</summary>
    public string? Path { get; }

    /// <summary>The kernel's answer; <see cref="Errno.None"/> when the failure is not a system call's.</summary>
    public Errno Errno { get; }

    /// <summary>A way out, or null.</summary>
    public string? Hint { get; }

    /// <summary>The error of the system call that has just failed on this thread (SetLastError P/Invokes).</summary>
    public static BundtException Last(Phase phase, string operation, string? path = null, string? hint = null) =>
        new(phase, operation, path, (Errno)Marshal.GetLastPInvokeError(), hint);

    /// <summary>
    /// Why a call of the framework failed, in the words of the kernel: the programs leave the framework's own texts out
    /// (UseSystemResourceKeys), its messages are names of resources there.
    /// </summary>
    public static string Reason(Exception failure) => failure switch
    {
        FileNotFoundException or DirectoryNotFoundException => Errno.ENOENT.Describe(),
        UnauthorizedAccessException => Errno.EACCES.Describe(),
        PathTooLongException => Errno.ENAMETOOLONG.Describe(),
        OutOfMemoryException => Errno.ENOMEM.Describe(),
        // What the runtime has no class of its own for bears the errno.
        IOException { HResult: > 0 and < 4096 } => ((Errno)failure.HResult).Describe(),
        JsonException { LineNumber: { } line } json => $"not readable at line {line + 1}, byte {json.BytePositionInLine}",
        _ => failure.Message,
    };

    private static string Compose(string operation, string? path, Errno errno, string? hint)
    {
        var text = new StringBuilder(operation);
        if (path is not null)
        {
            text.Append(' ').Append(path);
        }

        if (errno != Errno.None)
        {
            text.Append(": ").Append(errno.Describe()).Append(" (").Append(errno.Name()).Append(')');
        }

        if (hint is not null)
        {
            text.Append(". ").Append(hint);
        }

        return text.ToString();
    }
}
