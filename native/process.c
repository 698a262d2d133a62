/* Operations that start the parties and their namespaces. */
#include <errno.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <signal.h>
#include <sys/wait.h>

#include "launcher.h"

int need_init(struct party *party)
{
    if (party->init_pid == 0 && party->joiner > 0) {
        SYS(wait4, party->joiner, 0, 0, 0);
        party->joiner = 0;
        const int pid = __atomic_load_n(&party->plan.report->init_pid, __ATOMIC_ACQUIRE);
        /* Init has the report in its memory, and may be in a container whose root can look into it: only a child of
         * ours is believed. */
        if (pid > 0 && SYS(waitid, P_PID, pid, 0, WEXITED | WNOHANG | WNOWAIT, 0) == 0)
            party->init_pid = pid;
    }
    if (party->init_pid == 0)
        return fail_check(party, DETAIL_PEER_DIED, 0);
    if (party->init_pidfd < 0) {
        int pidfd = (int)SYS(pidfd_open, party->init_pid, 0);
        if (pidfd < 0)
            return pidfd;
        party->init_pidfd = pidfd;
    }
    return 0;
}

/* The child's way: it walks the list from the beginning, and never returns to its parent's. */
_Noreturn static void become(struct party *party, enum plan_section section)
{
    party->section = section;
    party->joiner = 0;
    party->init_pid = 0;
    party->init_pidfd = -1;
    if (section == SECTION_INIT) {
        report_phase(party, PHASE_SETUP);
        report_stamp(party, STAMP_INIT);
    } else {
        /* Until there is init, the joiner stands for it: hooks look for the container's namespaces there. */
        __atomic_store_n(&party->plan.report->init_pid, (int32_t)SYS(getpid, 0), __ATOMIC_RELEASE);
    }
    const uint64_t by_default[4] = {0};
    SYS(rt_sigaction, SIGPIPE, by_default, 0, sizeof(uint64_t));
    int result = interpret(party);
    SYS(exit_group, result < 0 ? 1 : 0);
    __builtin_unreachable();
}

/* The raw calls: libc's fork would run handlers and locks that this process has no use for. */
static long start_next(const struct plan_op *op, int *pidfd)
{
    enum { SIBLING = 1, PLAIN = 2 };
    if (op->flags & PLAIN)
        return SYS(clone, SIGCHLD | (op->flags & SIBLING ? CLONE_PARENT : 0), 0, 0, 0, 0);
    struct clone_args args = {
        .flags = op->y | CLONE_PIDFD,
        .pidfd = (uint64_t)(uintptr_t)pidfd,
        .exit_signal = SIGCHLD,
    };
    if (op->flags & SIBLING) {
        args.flags |= CLONE_PARENT; /* the exit signal is then the joiner's own */
        args.exit_signal = 0;
    }
    size_t size = CLONE_ARGS_SIZE_VER0;
    if (op->a >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (unsigned)slot_fd(op->a);
        size = CLONE_ARGS_SIZE_VER2;
    }
    return SYS(clone3, &args, size);
}

int op_clone(struct party *party, const struct plan_op *op)
{
    int pidfd = -1;
    long pid = start_next(op, &pidfd);
    if (pid < 0)
        return (int)pid;
    if (pid == 0)
        become(party, (enum plan_section)op->x);

    report_stamp(party, STAMP_CLONE);
    if (op->x == SECTION_JOINER) {
        party->joiner = (int)pid;
    } else {
        __atomic_store_n(&party->plan.report->init_pid, (int32_t)pid, __ATOMIC_RELEASE);
        party->init_pid = (int)pid;
    }
    if (op->b >= 0) {
        int result = sys_dup3(pidfd, slot_fd(op->b), O_CLOEXEC);
        if (result < 0)
            return result;
    }
    if (op->x == SECTION_INIT && party->section == SECTION_SUPERVISOR)
        party->init_pidfd = pidfd;
    else if (pidfd >= 0)
        sys_close(pidfd);
    return 0;
}

int keep_dumpable(const struct party *party, int result)
{
    sys_prctl(PR_SET_DUMPABLE, party->dumpable, 0);
    return result;
}

int op_setns(struct party *party, const struct plan_op *op)
{
    return keep_dumpable(party, (int)SYS(setns, slot_fd(op->a), op->x));
}

int op_unshare(struct party *party, const struct plan_op *op)
{
    int result = (int)SYS(unshare, op->x);
    return op->x & CLONE_NEWUSER ? keep_dumpable(party, result) : result;
}

int op_handoff(struct party *party, const struct plan_op *op)
{
    (void)op;
    int result = need_init(party);
    if (result < 0)
        return result;
    SYS(exit_group, 0);
    __builtin_unreachable();
}
