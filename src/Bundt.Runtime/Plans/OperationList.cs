using Bundt.Linux;
using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Plans;

/// <summary>The operations of one party, in order. Each method adds one and gives the fields of native/plan.h their names.</summary>
internal sealed class OperationList(PlanSection section)
{
    /// <summary>What a failure of <see cref="OpenBindSource"/> is called.</summary>
    public const string BindSource = "open the bind source";

    private readonly List<PlanOperation> _operations = new(64);

    public int Count => _operations.Count;

    /// <summary>The step that the next operations belong to, for errors.</summary>
    public Phase Phase { get; set; } = Phase.Launch;

    public void Append(OperationList others) => _operations.AddRange(others._operations);

    public void CopyTo(List<PlanOperation> target) => target.AddRange(_operations);

    /// <summary>Opens a path; with <paramref name="resolve"/> 0 a host path as it is, else openat2's RESOLVE flags.</summary>
    public void Open(int slot, int directory, string path, ulong flags, ulong resolve = 0) =>
        Add(new() { Code = PlanCode.Open, Section = section, A = directory, B = slot, S = path, X = flags, Z = resolve, Phase = Phase });

    /// <summary>Opens what a bind shows.</summary>
    public void OpenBindSource(int slot, string path, bool noFollow) =>
        Add(new()
        {
            Code = PlanCode.Open,
            Section = section,
            B = slot,
            S = path,
            X = KernelFlags.PathOnly | (noFollow ? KernelFlags.NoFollow : 0),
            Phase = Phase,
            Verb = BindSource,
        });

    public void Close(int slot) => Add(new() { Code = PlanCode.Close, Section = section, A = slot, Phase = Phase });

    /// <summary>Makes a directory and its parents; with <paramref name="followDangling"/> also where links in the root lead to nothing.</summary>
    public void Mkdir(int root, string path, uint mode, PlanTolerate tolerate = PlanTolerate.None, bool followDangling = false, string? verb = null) =>
        Add(new()
        {
            Code = PlanCode.Mkdir,
            Section = section,
            A = root,
            S = path,
            X = mode,
            Y = 1,
            Flags = followDangling ? (byte)1 : (byte)0,
            Tolerate = tolerate,
            Phase = Phase,
            Verb = verb,
        });

    public void Touch(int root, string path, uint mode) => Add(new() { Code = PlanCode.Touch, Section = section, A = root, S = path, X = mode, Phase = Phase });

    /// <summary>
    /// Makes an empty file or directory, as a mount is one, also where links in the root lead to nothing. With <paramref name="keepLink"/> a
    /// symbolic link in its place is as good as a file.
    /// </summary>
    public void MakeLike(int mount, int root, string path, bool keepLink) =>
        Add(new()
        {
            Code = PlanCode.Touch,
            Section = section,
            A = root,
            B = mount,
            S = path,
            X = 0x1ed,
            Flags = keepLink ? (byte)2 : (byte)1,
            Phase = Phase,
            Verb = "make mount point",
        });

    public void Symlink(int root, string path, string target) =>
        Add(new() { Code = PlanCode.Symlink, Section = section, A = root, S = path, T = target, Phase = Phase });

    public void Mknod(int root, string path, uint mode, ulong device, uint uid, uint gid, int hostNode, string subject) =>
        Add(new()
        {
            Code = PlanCode.Mknod,
            Section = section,
            A = root,
            B = hostNode,
            S = path,
            X = mode,
            Y = device,
            Z = (ulong)uid << 32 | gid,
            Phase = Phase,
            Subject = subject,
        });

    public void Chown(int root, string? path, uint uid, uint gid, string subject) =>
        Add(new() { Code = PlanCode.Chown, Section = section, A = root, S = path, X = uid, Y = gid, Phase = Phase, Subject = subject });

    public void Write(int root, string path, ReadOnlyMemory<byte> text, byte flags, PlanTolerate tolerate, string subject) =>
        Add(new()
        {
            Code = PlanCode.Write,
            Section = section,
            A = root,
            S = path,
            Block = text,
            Flags = flags,
            Tolerate = tolerate,
            Phase = Phase,
            Subject = subject,
        });

    /// <summary>Writes init's pid to a file.</summary>
    public void WritePid(int root, string path, string subject) =>
        Add(new() { Code = PlanCode.WritePid, Section = section, A = root, S = path, Phase = Phase, Subject = subject });

    public void WriteInit(string path, ReadOnlyMemory<byte> text, PlanTolerate tolerate = PlanTolerate.None) =>
        Add(new() { Code = PlanCode.WriteInit, Section = section, S = path, Block = text, Tolerate = tolerate, Phase = Phase });

    public void OpenInit(int slot, string path, ulong flags) =>
        Add(new() { Code = PlanCode.OpenInit, Section = section, B = slot, S = path, X = flags, Phase = Phase });

    public void Pipe(int read, int write, ulong flags, ulong size) =>
        Add(new() { Code = PlanCode.Pipe, Section = section, A = read, B = write, X = flags, Y = size, Phase = Phase });

    public void Socketpair(int first, int second) => Add(new() { Code = PlanCode.Socketpair, Section = section, A = first, B = second, Phase = Phase });

    public void Listen(int directory, string name, uint mode, int slot) =>
        Add(new() { Code = PlanCode.Listen, Section = section, A = directory, B = slot, S = name, X = mode, Phase = Phase });

    /// <summary>A new mount.</summary>
    /// <param name="slot">Gets it.</param>
    /// <param name="type">The file system.</param>
    /// <param name="options">Its options, "name=value" or "name".</param>
    /// <param name="attributes">MOUNT_ATTR_*.</param>
    /// <param name="subject">What it is for, in errors.</param>
    /// <param name="pidNamespace">Slot of the pid namespace that a procfs shows; -1: the party's own.</param>
    public void MountFs(int slot, string type, IReadOnlyList<string> options, ulong attributes, string subject, int pidNamespace = -1) =>
        Add(new()
        {
            Code = PlanCode.MountFs,
            Section = section,
            B = slot,
            S = type,
            Strings = options,
            X = attributes,
            Y = pidNamespace < 0 ? 0 : (ulong)pidNamespace,
            Flags = (byte)(pidNamespace < 0 ? 0 : 2),
            Phase = Phase,
            Verb = "mount " + type,
            Subject = subject,
        });

    /// <summary>A tmpfs that has the mode of the directory that it will cover, if there is one.</summary>
    public void MountTmpfsLike(int slot, int root, string path, IReadOnlyList<string> options, ulong attributes, string subject) =>
        Add(new()
        {
            Code = PlanCode.MountFs,
            Section = section,
            A = root,
            B = slot,
            S = "tmpfs",
            Strings = [path, .. options],
            X = attributes,
            Flags = 1,
            Phase = Phase,
            Verb = "mount tmpfs",
            Subject = subject,
        });

    /// <summary>Copies a directory of the root into a detached mount.</summary>
    public void CopyUp(int mount, int root, string path) => Add(new() { Code = PlanCode.CopyUp, Section = section, A = root, B = mount, S = path, Phase = Phase });

    /// <summary>Gives a mounted file system other options.</summary>
    public void Reconfigure(int mount, IReadOnlyList<string> options, string subject) =>
        Add(new() { Code = PlanCode.Reconfigure, Section = section, A = mount, Strings = options, Phase = Phase, Subject = subject });

    /// <summary>Makes a user namespace that exists for nothing but its map.</summary>
    public void UserNamespace(int slot, string uids, string gids) =>
        Add(new() { Code = PlanCode.UserNamespace, Section = section, B = slot, S = uids, T = gids, Phase = Phase, Subject = "for the ids of a mount" });

    public void Overlay(int slot, int firstLower, int lowers, int upper, int work, IReadOnlyList<string> options, string mountPoint) =>
        Add(new()
        {
            Code = PlanCode.Overlay,
            Section = section,
            A = firstLower,
            B = slot,
            X = (ulong)lowers,
            Y = (ulong)(long)upper,
            Z = (ulong)(long)work,
            Strings = options,
            S = mountPoint,
            Phase = Phase,
            Verb = "mount overlay",
            Subject = "/",
        });

    public void OpenTree(int slot, int directory, string? path, ulong flags, string subject, PlanTolerate tolerate = PlanTolerate.None) =>
        Add(new()
        {
            Code = PlanCode.OpenTree,
            Section = section,
            A = directory,
            B = slot,
            S = path,
            X = flags,
            Tolerate = tolerate,
            Phase = Phase,
            Verb = "bind",
            Subject = subject,
        });

    public void Setattr(int slot, ulong set, ulong clear, ulong propagation, int userNamespace, bool recursive, string subject) =>
        Add(new()
        {
            Code = PlanCode.Setattr,
            Section = section,
            A = slot,
            B = userNamespace,
            X = set,
            Y = clear,
            Z = propagation,
            Flags = recursive ? (byte)1 : (byte)0,
            Phase = Phase,
            Verb = userNamespace >= 0 ? "map the ids of" : "set mount options of",
            Subject = subject,
        });

    /// <summary>
    /// Attaches a mount; with <paramref name="noLinks"/> no symbolic link may be on the way, with <paramref name="onLink"/> the last one is covered.
    /// </summary>
    public void MoveMount(int mount, int root, string path, bool sameKind, string verb, bool noLinks = false, bool onLink = false) =>
        Add(new()
        {
            Code = PlanCode.MoveMount,
            Section = section,
            A = mount,
            B = root,
            S = path,
            Flags = (byte)((sameKind ? 1 : 0) | (noLinks ? 2 : 0) | (onLink ? 4 : 0)),
            Phase = Phase,
            Verb = verb,
        });

    public void Propagation(string path, ulong flags) => Add(new() { Code = PlanCode.Propagation, Section = section, S = path, X = flags, Phase = Phase });

    public void PivotRoot(int root) => Add(new() { Code = PlanCode.PivotRoot, Section = section, A = root, Phase = Phase, Subject = "/" });

    /// <summary>Enters a root without taking the old one away.</summary>
    public void Chroot(int root) => Add(new() { Code = PlanCode.PivotRoot, Section = section, A = root, Flags = 1, Phase = Phase, Verb = "chroot", Subject = "/" });

    /// <summary>Takes all mounts of a type of file system away, as far as they may be taken away.</summary>
    public void UnmountAll(string type) =>
        Add(new() { Code = PlanCode.Umount, Section = section, S = type, X = KernelFlags.Detach, Flags = 1, Phase = Phase, Verb = "unmount all of" });

    /// <summary>Takes the mount on a path away, and what is mounted below; no symbolic link may be on the way.</summary>
    public void UnmountAt(int root, string path)
    {
        var slash = path.LastIndexOf('/');
        Add(new()
        {
            Code = PlanCode.UnmountAt,
            Section = section,
            A = root,
            S = slash <= 0 ? "/" : path[..slash],
            T = path[(slash + 1)..],
            X = KernelFlags.Detach,
            Phase = Phase,
            Subject = path,
        });
    }

    public void Mask(int root, string path, int emptyDirectory, int nullDevice) =>
        Add(new() { Code = PlanCode.Mask, Section = section, A = root, B = emptyDirectory, S = path, Y = (ulong)(long)nullDevice, Phase = Phase });

    public void Readonly(int root, string path) => Add(new() { Code = PlanCode.Readonly, Section = section, A = root, S = path, Phase = Phase });

    public void RemountRootReadonly(int root) => Add(new() { Code = PlanCode.RemountRootRo, Section = section, A = root, Phase = Phase, Subject = "/" });

    /// <summary>Starts the next party; with <paramref name="plain"/> by a call that filters let through.</summary>
    public void Clone(PlanSection next, ulong flags, int cgroup, bool sibling, bool plain = false) =>
        Add(new()
        {
            Code = PlanCode.Clone,
            Section = section,
            A = cgroup,
            X = (ulong)next,
            Y = flags,
            Flags = (byte)((sibling ? 1 : 0) | (plain ? 2 : 0)),
            Phase = Phase,
        });

    public void Setns(int slot, ulong flags, string subject) =>
        Add(new() { Code = PlanCode.Setns, Section = section, A = slot, X = flags, Phase = Phase, Subject = subject });

    public void Unshare(ulong flags) => Add(new() { Code = PlanCode.Unshare, Section = section, X = flags, Phase = Phase });

    public void Send(int rendezvous, PlanToken token, int slot = -1) =>
        Add(new() { Code = PlanCode.Send, Section = section, A = rendezvous, B = slot, X = (ulong)token, Phase = Phase });

    public void SendText(int socket, ReadOnlyMemory<byte> text, int slot, string subject) =>
        Add(new() { Code = PlanCode.Send, Section = section, A = socket, B = slot, Block = text, Phase = Phase, Subject = subject });

    public void Receive(int rendezvous, PlanToken token, int slot = -1) =>
        Add(new() { Code = PlanCode.Recv, Section = section, A = rendezvous, B = slot, X = (ulong)token, Phase = Phase });

    public void WaitStart(int fifo) => Add(new() { Code = PlanCode.WaitStart, Section = section, A = fifo, Phase = Phase });

    public void Simple(PlanCode code, ulong value = 0) => Add(new() { Code = code, Section = section, X = value, Phase = Phase });

    public void ControllingTerminal(int slot) => Add(new() { Code = PlanCode.Ctty, Section = section, A = slot, Phase = Phase });

    public void Pty(int root, int master, int slave, ConsoleSize size, uint owner, bool keepLineEnds) =>
        Add(new()
        {
            Code = PlanCode.Pty,
            Section = section,
            A = root,
            B = master,
            X = (ulong)slave,
            Y = (ulong)size.Height << 16 | (uint)size.Width,
            Z = owner,
            Flags = keepLineEnds ? (byte)1 : (byte)0,
            Phase = Phase,
            Subject = "/dev/pts/ptmx",
        });

    public void Stdio(int stdin, int stdout, int stderr) =>
        Add(new() { Code = PlanCode.Stdio, Section = section, A = stdin, B = stdout, X = (ulong)(long)stderr, Phase = Phase });

    public void Named(PlanCode code, string text) => Add(new() { Code = code, Section = section, S = text, Phase = Phase });

    public void Keyring(string? name) => Add(new() { Code = PlanCode.Keyring, Section = section, S = name, Phase = Phase });

    public void Rlimit(int resource, ulong soft, ulong hard, string name) =>
        Add(new() { Code = PlanCode.Rlimit, Section = section, X = (ulong)resource, Y = soft, Z = hard, Phase = Phase, Subject = name });

    public void Affinity(ReadOnlyMemory<byte> mask, PlanTolerate tolerate) =>
        Add(new() { Code = PlanCode.Affinity, Section = section, Block = mask, Tolerate = tolerate, Phase = Phase });

    public void Scheduler(ReadOnlyMemory<byte> attributes, string policy, string? refusal) =>
        Add(new() { Code = PlanCode.Scheduler, Section = section, Block = attributes, Phase = Phase, Subject = policy, Refusal = refusal });

    /// <summary>Connects to a unix stream socket; a name after "@" is abstract.</summary>
    public void Connect(int slot, string path) => Add(new() { Code = PlanCode.Connect, Section = section, B = slot, S = path, Phase = Phase });

    /// <summary>Loads a filter; with <paramref name="listener"/> the supervisor can fetch its listener.</summary>
    public void Seccomp(ReadOnlyMemory<byte> filter, ulong flags, bool listener) => Block(PlanCode.Seccomp, filter, listener ? (byte)1 : (byte)0, flags);

    /// <summary>Sends init's listener with a message in which its pid is filled in at two places.</summary>
    public void SendListener(int socket, ReadOnlyMemory<byte> message, int pidAt, int otherPidAt) =>
        Add(new()
        {
            Code = PlanCode.SendListener,
            Section = section,
            A = socket,
            Block = message,
            Y = (ulong)pidAt,
            Z = (ulong)otherPidAt,
            Phase = Phase,
            Subject = "to the seccomp agent",
        });

    /// <summary>Writes a security label below /proc/self/attr and reads it back.</summary>
    public void Label(int attributes, string file, string label, string what) =>
        Add(new() { Code = PlanCode.Label, Section = section, A = attributes, S = file, T = label, Phase = Phase, Verb = "apply " + what, Subject = label });

    /// <summary>Changes to an AppArmor profile with the next execve.</summary>
    public void Profile(int attributes, string profile) =>
        Add(new()
        {
            Code = PlanCode.Label,
            Section = section,
            A = attributes,
            S = "apparmor/exec",
            T = profile,
            Flags = 1,
            Phase = Phase,
            Verb = "apply apparmor profile",
            Subject = profile,
        });

    /// <summary>Gives 0, 1 and 2 to the process's user, who may want to open them again.</summary>
    public void OwnStdio(uint uid, uint gid) => Add(new() { Code = PlanCode.OwnStdio, Section = section, X = uid, Y = gid, Phase = Phase });

    public void Block(PlanCode code, ReadOnlyMemory<byte> block, byte flags = 0, ulong x = 0, uint count = 0) =>
        Add(new() { Code = code, Section = section, Block = block, Flags = flags, X = x, Count = count, Phase = Phase });

    public void Capset(ulong effective, ulong permitted, ulong inheritable) =>
        Add(new() { Code = PlanCode.Capset, Section = section, X = effective, Y = permitted, Z = inheritable, Phase = Phase });

    public void Chdir(string path, bool unlessDone = false, PlanTolerate tolerate = PlanTolerate.None) =>
        Add(new() { Code = PlanCode.Chdir, Section = section, S = path, Flags = unlessDone ? (byte)2 : (byte)0, Tolerate = tolerate, Phase = Phase });

    public void ResolveExec(IReadOnlyList<string> candidates, string name) =>
        Add(new() { Code = PlanCode.ResolveExec, Section = section, Strings = candidates, Phase = Phase.Exec, Subject = name });

    public void Exec(IReadOnlyList<string> argv, IReadOnlyList<string> environment) =>
        Add(new() { Code = PlanCode.Exec, Section = section, Strings = argv, Environment = environment, Phase = Phase.Exec, Subject = argv[0] });

    /// <summary>Tells C# over the status pipe that its word is waited for, and waits.</summary>
    public void AskToGoOn(int go)
    {
        Simple(PlanCode.Notify, PlanFormat.NoticeMounted);
        WaitGo(go, isEarly: true);
    }

    /// <summary>Waits for C#'s word on a pipe.</summary>
    /// <param name="go">The pipe.</param>
    /// <param name="isEarly">There may be no init yet.</param>
    public void WaitGo(int go, bool isEarly = false) =>
        Add(new() { Code = PlanCode.WaitGo, Section = section, A = go, Flags = (byte)(isEarly ? 1 : 0), Phase = Phase });

    /// <summary>An empty memory file in a slot.</summary>
    public void Memory(int slot) => Add(new() { Code = PlanCode.Memory, Section = section, B = slot, Phase = Phase });

    /// <summary>The state that hooks read from their stdin.</summary>
    /// <param name="slot">The <see cref="Memory"/>.</param>
    /// <param name="state">JSON.</param>
    /// <param name="pidAt">Where ten bytes of it become init's own pid.</param>
    public void HookState(int slot, ReadOnlyMemory<byte> state, int pidAt) =>
        Add(new() { Code = PlanCode.HookState, Section = section, B = slot, Block = state, Y = (ulong)pidAt, Phase = Phase });

    /// <summary>A hook in the container's namespaces.</summary>
    /// <param name="state">Slot of its stdin.</param>
    /// <param name="hook">Which.</param>
    /// <param name="environment">Its environment.</param>
    /// <param name="directory">Slot of its working directory; -1: where we are.</param>
    /// <param name="subject">"startContainer hook #0".</param>
    public void Hook(int state, RuntimeHook hook, IReadOnlyList<string> environment, int directory, string subject) =>
        Add(new()
        {
            Code = PlanCode.Hook,
            Section = section,
            A = state,
            B = directory,
            Strings = [hook.Path, .. hook.Args.Count > 0 ? hook.Args : [hook.Path]],
            Environment = environment,
            Z = (ulong)(hook.Timeout ?? 0) * 1000,
            Phase = Phase,
            Subject = subject,
        });

    /// <summary>Closes all slots that no operation to come needs, its own or init's.</summary>
    /// <param name="alsoPlan">The plan, too, of which its memory is enough.</param>
    public void CloseUnneeded(bool alsoPlan) =>
        Add(new() { Code = PlanCode.CloseUnneeded, Section = section, Flags = (byte)(alsoPlan ? 1 : 0), Phase = Phase });

    /// <summary>Tells init's pid by a pipe that only the supervisor has.</summary>
    public void TellPid(int slot) => Add(new() { Code = PlanCode.TellPid, Section = section, A = slot, Phase = Phase });

    private void Add(PlanOperation operation) => _operations.Add(operation);
}
