/* --init: the container's first process, which reaps orphans and passes signals on, with the command as its child. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/wait.h>

#include "launcher.h"

/* Signals come one by one out of the queue; none has a handler. Blocked ones reach even the first process of a pid
 * namespace. */
static int next_signal(siginfo_t *info)
{
    const uint64_t all = ~UINT64_C(0);
    long signal;
    do
        signal = SYS(rt_sigtimedwait, &all, info, 0, sizeof all);
    while (signal == -EINTR || signal == -EAGAIN);
    return (int)signal;
}

/* Reaps whatever has ended. Returns the command's exit status once it is among them, else -1. */
static int reap(long command)
{
    for (;;) {
        int status = 0;
        long pid = SYS(wait4, -1, &status, WNOHANG, 0);
        if (pid <= 0)
            return -1;
        if (pid == command)
            return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
}

/* It lives as long as the container, in front of its filter and with what loading that needs (CAP_SYS_ADMIN): all that
 * it keeps is the right to pass signals on to a command that has changed its user. */
static void shed_rights(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct kill_only[2] = {{.effective = 1U << CAP_KILL, .permitted = 1U << CAP_KILL}};
    const struct __user_cap_data_struct none[2] = {{0}};
    if (SYS(capset, &header, kill_only) < 0)
        SYS(capset, &header, none);
    sys_prctl(PR_SET_NO_NEW_PRIVS, 1, 0);
}

#if defined(__x86_64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_X86_64
#else
#define OWN_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#define ALLOW_CALL(name)                                                                                               \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* The container's own filter is not yet loaded, and may refuse what is needed here. With CAP_SYS_PTRACE the container
 * can make this process do anything: what it cannot do is more than these four calls. */
static void confine(void)
{
    static const struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCHITECTURE, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        ALLOW_CALL(rt_sigtimedwait),
        ALLOW_CALL(wait4),
        ALLOW_CALL(kill),
        ALLOW_CALL(exit_group),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    };
    const struct sock_fprog program = {
        .len = sizeof filter / sizeof *filter,
        .filter = (struct sock_filter *)(uintptr_t)filter,
    };
    SYS(seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

_Noreturn static void serve(const struct party *party, long command)
{
    shed_rights();
    SYS(close_range, 3, ~0U, 0); /* the status pipe above all: its end of file says that the command runs */
    SYS(munmap, party->plan.report, party->plan.mapped); /* shared with the monitor, which believes the report */
    sys_prctl(PR_SET_NAME, (unsigned long)"bundt-init", 0);
    confine();
    int status = -1;
    while (status < 0) {
        siginfo_t info;
        int signal = next_signal(&info);
        if (signal == SIGCHLD)
            status = reap(command);
        else if (signal > 0 && info.si_code <= 0)
            /* The kernel's own (a terminal's SIGINT) go to the whole foreground group, the command included. */
            SYS(kill, command, signal);
    }
    SYS(exit_group, status);
    __builtin_unreachable();
}

int op_reaper(struct party *party, const struct plan_op *op)
{
    (void)op;
    const uint64_t all = ~UINT64_C(0);
    const uint64_t none = 0;
    SYS(rt_sigprocmask, SIG_SETMASK, &all, 0, sizeof all);
    long pid = SYS(clone, SIGCHLD, 0, 0, 0, 0); /* not clone3, which a filter cannot look into and so refuses */
    if (pid > 0)
        serve(party, pid);
    SYS(rt_sigprocmask, SIG_SETMASK, &none, 0, sizeof none);
    return pid < 0 ? (int)pid : 0;
}
