using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Seccomp;

/// <summary>
/// Docker's default profile as a table (facts from moby/profiles seccomp/default.json, v0.2.3): what is not named here gets EPERM.
/// AF_ALG (38, CVE-2026-31431) and AF_VSOCK (40) sockets are refused; clone must not make namespaces without CAP_SYS_ADMIN, and clone3, whose
/// arguments a filter cannot see, says ENOSYS then, so that libc falls back to clone.
/// </summary>
internal static class DockerProfile
{
    private const string Allow = "SCMP_ACT_ALLOW";

    // CLONE_NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET.
    private const ulong NamespaceFlags = 0x7E020000;

    // Calls every process may make, by subject.
    private const string Always =
        // files and directories
        "access chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fadvise64 fadvise64_64 "
        + "fallocate fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync flock fstat fstat64 fstatat64 fstatfs "
        + "fstatfs64 fsync ftruncate ftruncate64 futimesat getcwd getdents getdents64 ioctl lchown lchown32 link linkat _llseek lseek lstat "
        + "lstat64 mkdir mkdirat mknod mknodat name_to_handle_at newfstatat open openat openat2 readlink readlinkat rename renameat renameat2 "
        + "rmdir stat stat64 statfs statfs64 statx symlink symlinkat sync sync_file_range syncfs truncate truncate64 umask unlink unlinkat "
        + "utime utimensat utimensat_time64 utimes statmount listmount cachestat "
        // extended attributes
        + "fgetxattr flistxattr fremovexattr fsetxattr getxattr getxattrat lgetxattr listxattr listxattrat llistxattr lremovexattr lsetxattr "
        + "removexattr removexattrat setxattr setxattrat "
        // reading and writing
        + "io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit pipe pipe2 pread64 preadv preadv2 pwrite64 "
        + "pwritev pwritev2 read readahead readv sendfile sendfile64 splice tee vmsplice write writev "
        // waiting for events
        + "epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 "
        + "fanotify_mark inotify_add_watch inotify_init inotify_init1 inotify_rm_watch _newselect poll ppoll ppoll_time64 pselect6 "
        + "pselect6_time64 select signalfd signalfd4 "
        // sockets (socket itself has conditions)
        + "accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg recvmmsg_time64 recvmsg send sendmmsg "
        + "sendmsg sendto setsockopt shutdown socketcall socketpair "
        // memory
        + "brk madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock mlock2 mlockall mmap mmap2 mprotect mremap mseal "
        + "msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect process_mrelease remap_file_pages "
        // processes and threads (clone and clone3 have conditions)
        + "execve execveat exit exit_group fork getpgid getpgrp getpid getppid getsid gettid get_robust_list get_thread_area kill "
        + "pidfd_open pidfd_send_signal prctl restart_syscall rseq seccomp set_robust_list set_thread_area set_tid_address setpgid setsid "
        + "tgkill tkill vfork wait4 waitid waitpid landlock_add_rule landlock_create_ruleset landlock_restrict_self uretprobe riscv_hwprobe "
        // identity
        + "capget capset getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getresgid getresgid32 getresuid "
        + "getresuid32 getuid getuid32 setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setregid setregid32 "
        + "setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setuid setuid32 "
        // signals
        + "pause rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 "
        + "rt_tgsigqueueinfo sigaltstack sigprocmask sigreturn "
        // scheduling and limits
        + "getcpu getpriority getrlimit getrusage ioprio_get ioprio_set prlimit64 sched_getaffinity sched_getattr sched_getparam "
        + "sched_get_priority_max sched_get_priority_min sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 "
        + "sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield setpriority setrlimit ugetrlimit "
        // time
        + "adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep "
        + "clock_nanosleep_time64 getitimer gettimeofday nanosleep setitimer time timer_create timer_delete timer_getoverrun timer_gettime "
        + "timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 "
        + "times "
        // System V and POSIX IPC, futexes
        + "futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake ipc mq_getsetattr mq_notify mq_open mq_timedreceive "
        + "mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop semtimedop "
        + "semtimedop_time64 shmat shmctl shmdt shmget "
        // the machine
        + "getrandom sysinfo uname";

    internal static SeccompProfile Create()
    {
        var rules = new List<ProfileRule>
        {
            Rule(Always),
            Rule("process_vm_readv process_vm_writev ptrace", includes: new ProfileGate([], [], new Version(4, 8))),
            Rule("socket", new SeccompArg(0, 38, 0, "SCMP_CMP_LT")),
            Rule("socket", new SeccompArg(0, 39, 0, "SCMP_CMP_EQ")),
            Rule("socket", new SeccompArg(0, 40, 0, "SCMP_CMP_GT")),
        };

        // Linux, uname26-like and short-inode variants of PER_LINUX32, and the question which personality it is.
        foreach (ulong persona in (ulong[])[0x0, 0x8, 0x20000, 0x20008, 0xffffffff])
        {
            rules.Add(Rule("personality", new SeccompArg(0, persona, 0, "SCMP_CMP_EQ")));
        }

        rules.AddRange(
        [
            Rule("sync_file_range2 swapcontext", includes: Arches("ppc64le")),
            Rule("arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls", includes: Arches("arm", "arm64")),
            Rule("arch_prctl", includes: Arches("amd64", "x32")),
            Rule("modify_ldt", includes: Arches("amd64", "x32", "x86")),
            Rule("s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr", includes: Arches("s390", "s390x")),
            Rule("riscv_flush_icache", includes: Arches("riscv64")),
            Rule("open_by_handle_at", includes: Capability("CAP_DAC_READ_SEARCH")),
            Rule(
                "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr lsm_list_modules "
                + "lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname "
                + "setns syslog umount umount2 unshare",
                includes: Capability("CAP_SYS_ADMIN")),
            new ProfileRule(
                new SeccompRule { Names = ["clone"], Action = Allow, Args = [new SeccompArg(0, NamespaceFlags, 0, "SCMP_CMP_MASKED_EQ")] },
                ProfileGate.None,
                new ProfileGate(["CAP_SYS_ADMIN"], ["s390", "s390x"], null)),
            new ProfileRule(
                new SeccompRule { Names = ["clone3"], Action = "SCMP_ACT_ERRNO", ErrnoRet = 38 },
                ProfileGate.None,
                Capability("CAP_SYS_ADMIN")),
            Rule("reboot", includes: Capability("CAP_SYS_BOOT")),
            Rule("chroot", includes: Capability("CAP_SYS_CHROOT")),
            Rule("delete_module init_module finit_module", includes: Capability("CAP_SYS_MODULE")),
            Rule("acct", includes: Capability("CAP_SYS_PACCT")),
            Rule("kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace", includes: Capability("CAP_SYS_PTRACE")),
            Rule("iopl ioperm", includes: Capability("CAP_SYS_RAWIO")),
            Rule("settimeofday stime clock_settime clock_settime64", includes: Capability("CAP_SYS_TIME")),
            Rule("vhangup", includes: Capability("CAP_SYS_TTY_CONFIG")),
            Rule("get_mempolicy mbind set_mempolicy set_mempolicy_home_node", includes: Capability("CAP_SYS_NICE")),
            Rule("syslog", includes: Capability("CAP_SYSLOG")),
            Rule("bpf", includes: Capability("CAP_BPF")),
            Rule("perf_event_open", includes: Capability("CAP_PERFMON")),
        ]);

        var subArchitectures = new Dictionary<string, IReadOnlyList<string>>
        {
            ["SCMP_ARCH_X86_64"] = ["SCMP_ARCH_X86", "SCMP_ARCH_X32"],
            ["SCMP_ARCH_AARCH64"] = ["SCMP_ARCH_ARM"],
        };
        return new SeccompProfile("SCMP_ACT_ERRNO", 1, [], [], subArchitectures, rules);
    }

    private static ProfileRule Rule(string names, SeccompArg? arg = null, ProfileGate? includes = null) => new(
        new SeccompRule { Names = names.Split(' ', StringSplitOptions.RemoveEmptyEntries), Action = Allow, Args = arg is null ? [] : [arg.Value] },
        includes ?? ProfileGate.None,
        ProfileGate.None);

    private static ProfileGate Arches(params string[] names) => new([], names, null);

    private static ProfileGate Capability(string name) => new([name], [], null);
}
