/* The launch plan: the wire format between Bundt.Runtime (which compiles it) and bundt-launcher (which executes it).
 *
 * C# decides, C executes. A plan is a flat, versioned list of fixed-size operations for three parties, the sections:
 *   SUPERVISOR  the launcher itself, outside every namespace of the container; stays as the monitor, or exits (hand-off)
 *   JOINER      a short-lived child that enters existing namespaces (exec, pid or user namespaces joined by path)
 *   INIT        the process that becomes the container's command
 * Each party walks the list in order and executes the operations of its own section. OP_CLONE in the supervisor's (or the
 * joiner's) section starts the next party, which inherits all slots as they are at that moment.
 *
 * Slots are descriptors that the plan names: slot n is descriptor PLAN_FD_BASE + n, out of the way of stdio and of preserved
 * descriptors. At start the launcher closes every descriptor from 3 up that is neither a slot set in plan_header.open_slots nor preserved.
 * All integers are little endian. bundt-launcher is executed with the plan's memfd in slot 0 and the status pipe's write end in slot 1.
 *
 * What a compiler of plans has to know of the kernel:
 *  - clone3(CLONE_NEWCGROUP | CLONE_INTO_CGROUP) roots the new cgroup namespace in the *parent's* cgroup (copy_cgroup_ns looks at current):
 *    init makes its cgroup namespace by OP_UNSHARE instead.
 *  - Before Linux 6.15 only attached mounts of the caller's own mount namespace can be cloned (open_tree) or mounted onto: attach the root
 *    first; then the same slot is the attached root. Host nodes for binds by init are opened in init's section, before the pivot.
 *  - An overlay's lowers may be idmapped, upper and work may not: the supervisor's uid 0 has no id in the map, overlayfs cannot make
 *    its work directory (EOVERFLOW) and mounts read-only (OP_OVERLAY then fails with EROFS). They are chowned to the mapped root instead,
 *    and hold the host's ids.
 *  - An exec needs no joiner: OP_SETNS(CLONE_NEWPID) in the supervisor moves only its children; init joins the rest itself by one OP_SETNS.
 *    A joiner is needed where new namespaces must be owned by a joined user namespace, and where the pid namespace must be entered last:
 *    whoever has CAP_SYS_PTRACE there (and no user namespace) sees the host through /proc/INIT/root as long as init has not left it.
 *  - A descriptor inherited over OP_CLONE shares its open file description: an end of file on a rendezvous or pipe is only seen once both
 *    parties have closed the other's end. (The supervisor's waits look at init's pidfd too, so that they never hang.)
 *
 * The launcher itself sets umask 0 (what OP_EXEC changes to 022 where no OP_UMASK came), default signal dispositions, an empty signal mask
 * and cwd "/". Everything else that is inherited (rlimits, nice, ioprio, affinity, oom_score_adj, keyring, session) is the plan's to set.
 *
 * The constants are mirrored in src/Bundt.Runtime/Plans/PlanFormat.cs; a test compares the two.
 */
#ifndef BUNDT_PLAN_H
#define BUNDT_PLAN_H

#include <stdint.h>

#define PLAN_MAGIC UINT64_C(0x4e4c5054444e5542) /* the bytes "BUNDTPLN" */
#define PLAN_VERSION 1
#define PLAN_FD_BASE 200
#define PLAN_MAX_SLOTS 4096   /* 127 overlay layers, bind mounts, and room */
#define PLAN_MAX_PASSED 512   /* slots that may be passed open */
#define PLAN_MAX_OPS 16384
#define PLAN_MAX_SIZE (8u << 20)
#define PLAN_MAX_MESSAGE 1048576 /* bytes of what the agent of a filter is told (OP_SEND_LISTENER) */
#define PLAN_OFFSET 4096      /* the plan starts on the memfd's second page; the first is the report */

enum { SLOT_PLAN = 0, SLOT_STATUS = 1, SLOT_FIRST_FREE = 2 };

enum plan_section { SECTION_SUPERVISOR = 0, SECTION_JOINER = 1, SECTION_INIT = 2 };

/* First page of the memfd, mapped shared by every party and read by C# with pread: errors travel so that no seccomp
 * filter and no closed descriptor can silence them. The wake-up is the status pipe's end of file. */
struct plan_report {
    uint32_t version;        /* PLAN_VERSION, written by the launcher once it has accepted the plan */
    uint32_t phase;          /* enum report_phase, written by init */
    uint32_t failed;         /* 1 once an operation has failed; the first failure wins (compare-and-swap) */
    uint32_t section;        /* of the failed operation */
    uint32_t op;             /* its index in the list */
    int32_t error;           /* errno; 0 with `detail` set: a check failed without an errno (see enum report_detail) */
    uint32_t detail;
    int32_t init_pid;        /* as the supervisor's pid namespace sees it; 0 before OP_CLONE */
    int32_t supervisor_pid;
    int32_t listener;        /* init's descriptor of its filter's listener, once it has one; then LISTENER_TAKEN */
    uint64_t stamps[16];     /* CLOCK_MONOTONIC ns by enum report_stamp, for the start timeline */
    char text[512];          /* what the failure was about, where the plan cannot know it (a candidate path, an interpreter) */
};

enum { LISTENER_TAKEN = -1 };

enum report_phase { PHASE_NONE = 0, PHASE_SETUP = 1, PHASE_WAITING = 2 /* at OP_WAIT_START */, PHASE_EXEC = 3 /* execve was called */ };
enum report_detail { DETAIL_NONE = 0, DETAIL_BAD_PLAN = 1, DETAIL_NOT_NULL_DEVICE = 2, DETAIL_ABORTED = 3 /* end of file instead of go */,
                     DETAIL_PEER_DIED = 4, DETAIL_WRONG_FILESYSTEM = 5, DETAIL_MISSING_INTERPRETER = 6, DETAIL_NOT_A_DIRECTORY = 7,
                     DETAIL_OUTSIDE_ROOT = 8 /* getcwd is not below / */,
                     DETAIL_INSIDE_PROC = 9 /* a link led a mount there */,
                     DETAIL_HOOK_FAILED = 10 /* how, and what it said, is in report.text */,
                     DETAIL_LABEL_NOT_SET = 11 /* the kernel says another one than was written, which is in report.text */ };
enum report_stamp { STAMP_LAUNCHER = 0, STAMP_CLONE = 1, STAMP_INIT = 2, STAMP_ROOT = 3, STAMP_EXEC = 4 };

struct plan_header {
    uint64_t magic;
    uint32_t version;
    uint32_t size;           /* of header, operations and data together */
    uint32_t op_count;       /* operations follow the header immediately */
    uint32_t data_size;      /* data follow the operations; offset 0 of it is a NUL byte, so that offset 0 means "none" */
    uint32_t preserve;       /* descriptors 3 .. 3+preserve-1 are the container's (OCI --preserve-fds, LISTEN_FDS) */
    uint32_t slot_words;     /* ignored beyond PLAN_MAX_PASSED/32 */
    uint32_t open_slots[16]; /* bit set: the parent passed this slot open */
};

/* Errors that an operation may meet and pass over (the list goes on with the next operation). */
enum plan_tolerate { TOLERATE_ENOENT = 1 /* and ENOTDIR */, TOLERATE_EPERM = 2 /* and EACCES, EROFS */, TOLERATE_EINVAL = 4 /* and ENOSYS, EOPNOTSUPP */,
                     TOLERATE_EEXIST = 8, TOLERATE_EBUSY = 16 };

struct plan_op {
    uint16_t code;      /* enum plan_code */
    uint8_t section;    /* enum plan_section */
    uint8_t flags;      /* by operation */
    uint32_t tolerate;  /* enum plan_tolerate */
    int32_t a, b;       /* slots; -1: none. As a directory, -1 is the current root "/" */
    uint32_t s, t;      /* offsets into the data: NUL-terminated strings, or a block of `n` bytes at t; 0: none */
    uint32_t n;         /* length of the block at t, or a count */
    uint32_t reserved;
    uint64_t x, y, z;   /* flags, modes, ids, values */
};

/* Paths marked "in root" are resolved by openat2 below the directory slot with RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS (a leading
 * slash is the slot's root). Host paths given by the user as policy (bind sources) are opened plainly by OP_OPEN with z = 0. */
enum plan_code {
    /* Descriptors and files */
    OP_OPEN = 1,        /* openat2(a, s, flags x, mode y, resolve z) -> slot b. O_CLOEXEC is added */
    OP_CLOSE,           /* slot a */
    OP_MKDIR,           /* s in root a, mode x; y = 1: parents too (0755), and with flags 1 where links in root a lead to nothing, there. An existing
                           directory is not an error */
    OP_TOUCH,           /* an empty regular file s in root a, mode x, parents 0755; an existing non-directory is not an error. flags 1: also where links
                           lead to nothing, there; flags 2: a link in the last place is an existing non-directory. b: if the mount in slot b is a
                           directory, OP_MKDIR in its place, with parents */
    OP_SYMLINK,         /* s in root a -> target t; existing is not an error */
    OP_MKNOD,           /* s in root a, mode x (with type), device y (makedev), owner z = uid<<32|gid; an existing node must be that very device,
                           else EEXIST. EPERM (user namespace): the host's node, a detached mount in slot b, when b is given; it must be that very device,
                           else ENODEV */
    OP_WRITE,           /* block t,n to file s in root a (-1: the process's own root), O_WRONLY; flags 1: resolve also with NO_XDEV and NO_SYMLINKS;
                           flags 2: the file must lie on procfs (else DETAIL_WRONG_FILESYSTEM), flags 4: on cgroup2. One write(2) */
    OP_WRITE_INIT,      /* supervisor: block t,n to /proc/<init>/s (uid_map, gid_map, setgroups, oom_score_adj) */
    OP_OPEN_INIT,       /* supervisor: /proc/<init>/s (ns/user, ns/net, …) opened with flags x -> slot b */
    OP_PIPE,            /* pipe2(x) -> read slot a, write slot b; y: F_SETPIPE_SZ when not 0 (failure to grow is passed over) */
    OP_SOCKETPAIR,      /* AF_UNIX SOCK_SEQPACKET pair -> a, b (the rendezvous between supervisor and init) */
    OP_LISTEN,          /* unix stream socket bound to name s below directory slot a, mode x, listening -> slot b */
    OP_LOCK,            /* OFD write lock on slot a (F_OFD_SETLK) */
    OP_CHOWN,           /* s in root a (0: the slot itself) to uid x, gid y, no symlink followed */
    OP_CHMOD,           /* s in root a (0: the slot itself) to mode x */

    /* Mounts. A detached mount is a slot that OP_MOVE_MOUNT attaches */
    OP_MOUNT_FS = 32,   /* fsopen(s), one option per NUL-terminated "key" or "key=value" in block t,n ("source=…" included), fsmount with
                           attributes x (MOUNT_ATTR_*) -> slot b. Where fsopen is not to be had, EINVAL names the option in report.text. flags 1: the
                           block's first string is no option but a path in root a: where a directory is there, its mode is an option "mode=…". flags 2: the
                           procfs of the pid namespace in slot y, not of the own (Linux 6.18) */
    OP_OVERLAY,         /* overlay; lowers are the x slots a, a+1, … (topmost first), block t,n as in OP_MOUNT_FS for further options;
                           y: upper slot or -1, z: work slot or -1, reserved: attributes (MOUNT_ATTR_*) -> slot b, a detached mount. `lowerdir+`
                           where known, else one mount(2) with /proc/self/fd/N lowers on the host's directory s in a throw-away mount
                           namespace, cloned out of it: the result is the same, and in any section */
    OP_OPEN_TREE,       /* open_tree(a, s in root a, or a itself if s = 0, flags x) -> slot b; the path is opened O_PATH in root first */
    OP_SETATTR,         /* mount_setattr on slot a: set x, clear y, propagation z (MS_*), userns slot b (idmap), flags 1: AT_RECURSIVE */
    OP_MOVE_MOUNT,      /* detached slot a onto s in root b; the target is opened O_PATH in root. flags 1: a refusal because one is a directory and
                           the other is not says so: DETAIL_NOT_A_DIRECTORY; flags 2: ELOOP where a symbolic link is on the way;
                           flags 4: the last one is not followed but covered. Links that lead into procfs: DETAIL_INSIDE_PROC */
    OP_PROPAGATION,     /* mount(NULL, s, NULL, x, NULL) on the process's own mount namespace: x = MS_REC | MS_SLAVE … */
    OP_PIVOT_ROOT,      /* fchdir(a), pivot_root(".", "."), umount2(".", MNT_DETACH), chdir("/"). flags 1: chroot(".") in place of the two in the
                           middle, for a mount namespace that keeps its root */
    OP_MASK,            /* s in root a: a directory gets a clone of the empty read-only directory mount in slot b (from OP_MOUNT_FS, still
                           detached: where the kernel cannot clone it yet, the first masked directory gets it itself), any other file a bind
                           of the null device in slot y (attached: opened in root), verified to be char 1:3. ENOENT, ENOTDIR are passed over */
    OP_READONLY,        /* s in root a bound onto itself, recursively read-only. ENOENT is passed over */
    OP_UMOUNT,          /* umount2(s, x). flags 1: all mounts of the file system type s, but those that the kernel keeps (EINVAL: locked to others) */
    OP_REMOUNT_ROOT_RO, /* mount_setattr(a, RDONLY) on the root mount itself, not recursively */

    /* Processes and namespaces */
    OP_CLONE = 64,      /* starts the next party (section x): clone3 with CLONE_NEW* flags y; a: cgroup slot (CLONE_INTO_CGROUP) or -1;
                           b: slot for the child's pidfd or -1; flags 1: CLONE_PARENT (in the joiner's section): the child of a joiner
                           becomes the supervisor's (or, with hand-off, the caller's); flags 2: by clone(2), which a filter that is loaded already lets through
                           rather than clone3 (no namespaces, cgroup, pidfd). The supervisor goes on at once; what needs init
                           (…_INIT, WAIT_GO, HANDOFF, MONITOR) first waits for the joiner's end. The child walks the list from its beginning */
    OP_SETNS,           /* setns(a, flags x); a is a namespace fd or a pidfd */
    OP_UNSHARE,         /* unshare(x) */
    OP_SEND,            /* token x over rendezvous a, with slot b's descriptor unless -1. n > 0: the block t,n is sent instead of the token (a
                           console socket, a pidfd socket) */
    OP_RECV,            /* expects token x on rendezvous a; a descriptor that comes along -> slot b. End of file: DETAIL_PEER_DIED */
    OP_NOTIFY,          /* one byte x into the status pipe */
    OP_WAIT_GO,         /* one byte from slot a; end of file: DETAIL_ABORTED, init is killed. flags 1: there may be no init yet, the joiner is at work */
    OP_WAIT_START,      /* init: PHASE_WAITING, closes the status pipe and all other slots but the plan and those that a later operation of its has in
                           a or b, then one byte from slot a (a fifo opened read-write) */
    OP_SETSID,
    OP_CTTY,            /* TIOCSCTTY on slot a */
    OP_PTY,             /* posix_openpt in root a's "dev/pts/ptmx" (checked to be devpts) -> master in slot b, slave (TIOCGPTPEER) in slot x;
                           y = rows<<16|cols, 0: leave; z: owner uid of the slave; flags 1: line feeds stay line feeds (no ONLCR) */
    OP_STDIO,           /* slots a, b and x become 0, 1 and 2; -1 leaves the caller's */
    OP_LOOPBACK_UP,
    OP_HOSTNAME,        /* sethostname(s) */
    OP_DOMAINNAME,
    OP_RLIMIT,          /* prlimit(resource x, soft y, hard z); above our own hard limit without CAP_SYS_RESOURCE: cut to it. Supervisor: init's */
    OP_OOM_SCORE_ADJ,   /* x as a signed number; EACCES (lower than ours without the capability) is passed over */
    OP_KEYRING,         /* a new session keyring named s; ENOSYS, EDQUOT are passed over */
    OP_UMASK,           /* x */
    OP_NICE,            /* x as a signed number */
    OP_IOPRIO,          /* x = class << 13 | level. Supervisor: init's */
    OP_AFFINITY,        /* block t,n: the mask, least significant byte first */
    OP_PERSONALITY,     /* x */
    OP_CAP_BOUNDING,    /* drops from the bounding set what x lacks */
    OP_KEEPCAPS,        /* prctl(PR_SET_KEEPCAPS, x) */
    OP_GROUPS,          /* setgroups: n gids (u32) at t; flags 1: skip when setgroups is denied in this user namespace */
    OP_SETGID, OP_SETUID, /* setresgid / setresuid to x */
    OP_CAPSET,          /* effective x, permitted y, inheritable z; what the process lacks is left out */
    OP_CAP_AMBIENT,     /* raises what x holds */
    OP_NO_NEW_PRIVS,
    OP_SECCOMP,         /* block t,n: struct sock_filter[]; flags x (SECCOMP_FILTER_FLAG_*); flags 1: with a listener, which stays in init, close-on-exec
                           and without a slot (no call behind the filter is sure to return), is named in report.listener, and is waited with until
                           the supervisor has taken it. In init only */
    OP_CHDIR,           /* s in the process's own root; then getcwd must give a path below "/" (CVE-2024-21626). flags 1: create it if missing (0755, root's);
                           flags 2: nothing where an earlier one has succeeded */
    OP_DUMPABLE,        /* prctl(PR_SET_DUMPABLE, x) */
    OP_PDEATHSIG,
    OP_SUBREAPER,
    OP_NAME,            /* prctl(PR_SET_NAME, s): what ps shows while it starts */
    OP_RESOLVE_EXEC,    /* block t,n: candidate paths, NUL-terminated each; picks the first that is an executable regular file. Error: EACCES if any
                           candidate existed, else ENOENT; report.text = the path */
    OP_REAPER,          /* --init: forks; the child goes on with the list, the parent reaps, forwards signals and exits as the child did. Best before
                           OP_SETSID and OP_CTTY (the command then leads the session, not the reaper) and before OP_SECCOMP */
    OP_EXEC,            /* argv at s (count x), envp at t (count y): NUL-terminated strings, one after the other. Executes what OP_RESOLVE_EXEC picked.
                           ENOENT of an existing file: DETAIL_MISSING_INTERPRETER with the interpreter's name in report.text */
    OP_HANDOFF,         /* supervisor: exit 0 now that init lives */
    OP_MONITOR,         /* supervisor, its last: block t,n is a struct plan_monitor (monitor.h). Closes the status pipe and serves until the end */
    OP_MONITOR_OPEN,    /* supervisor, optional, before OP_MONITOR (the same block): removes an old `exit`, locks and writes the file `monitor`.
                           Between OP_CLONE and the OP_SEND that lets init go, so that the record precedes the command */

    /* Only where a config asks for it */
    OP_SCHEDULER,       /* sched_setattr: block t,n is a struct sched_attr. Supervisor: init's */
    OP_MEMORY_POLICY,   /* set_mempolicy: mode and flags x; block t,n: the nodes, least significant byte first, a multiple of eight bytes, may be empty */
    OP_OWN_STDIO,       /* 0, 1 and 2 to owner uid x, gid y, but for the null device; what cannot be given (EPERM, EROFS, EINVAL) stays */
    OP_OWN_NULL,        /* of 0, 1 and 2 those that are the null device become the own root's /dev/null, where that is one */
    OP_MEMORY,          /* a new, empty memory file in slot b, for OP_HOOK_STATE */
    OP_HOOK_STATE,      /* block t,n, the container's state as JSON, into the memory file in slot b; the ten bytes at y become the process's own pid,
                           padded with spaces */
    OP_HOOK,            /* init: runs a hook to its end: x strings at s, the path and argv; envp at t (count y); stdin is slot a, from its start; in
                           the directory in slot b, unless -1;
                           z: ms until it is killed, 0: none. Its output is not seen unless it fails: DETAIL_HOOK_FAILED */
    OP_COPY_UP,         /* all that is in the directory s in root a, into the mount in slot b: owners, modes, times, extended attributes. ENOENT: nothing.
                           The mount's root gets the directory's owner unless it has one that is not 0:0 */
    OP_RECONFIGURE,     /* the file system of the mount in slot a gets the options of block t,n (fspick) */
    OP_USER_NAMESPACE,  /* a user namespace with uid_map s and gid_map t, of a process that has ended -> slot b */
    OP_CONNECT,         /* a unix stream socket connected to path s (after "@": an abstract name) -> slot b */
    OP_SEND_LISTENER,   /* supervisor: waits for report.listener and sends that descriptor of init's over socket a, with block t,n, in which ten bytes at y
                           and at z become init's pid, padded with spaces */
    OP_LABEL,           /* t into file s below the directory in slot a, which must be on procfs, and read back: else DETAIL_LABEL_NOT_SET. flags 1: an AppArmor
                           profile for the next execve ("exec t"); where s is not there, into the file "exec" of kernels before 5.8 */
    OP_WRITE_PID,       /* supervisor: init's pid as text to file s in root a */
    OP_CLOSE_UNNEEDED,  /* joiner: closes all slots but the status pipe, the plan (flags 1: that, too) and those that a later operation of its or of
                           init's has in a or b */
    OP_UNMOUNT_AT,      /* init: umount2(t, x | UMOUNT_NOFOLLOW) in directory s in root a, with no symbolic link on the way. Leaves the party in there */
    OP_TELL_PID,        /* supervisor: init's pid, an int32_t, into slot a, which init does not have: the report is not to be believed, since others may
                           write into init's memory */
};

#endif
