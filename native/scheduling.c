/* Operations on what a process may use of the machine, and when. The supervisor does some of them to init: in a user
 * namespace init has no right to. */
#include <errno.h>
#include <sys/resource.h>

#include "launcher.h"

/* Whom an operation is for: 0, the party itself, or init's pid. */
static int subject(struct party *party)
{
    if (party->section != SECTION_SUPERVISOR)
        return 0;
    int result = need_init(party);
    return result < 0 ? result : party->init_pid;
}

int op_rlimit(struct party *party, const struct plan_op *op)
{
    const int pid = subject(party);
    if (pid < 0)
        return pid;
    struct rlimit limit = {.rlim_cur = op->y, .rlim_max = op->z};
    int result = (int)SYS(prlimit64, pid, op->x, &limit, 0);
    if (result != -EPERM)
        return result;
    /* Root without CAP_SYS_RESOURCE may not raise a hard limit: as far as it goes, then. */
    struct rlimit own;
    result = (int)SYS(prlimit64, pid, op->x, 0, &own);
    if (result < 0)
        return result;
    limit.rlim_max = limit.rlim_max > own.rlim_max ? own.rlim_max : limit.rlim_max;
    limit.rlim_cur = limit.rlim_cur > limit.rlim_max ? limit.rlim_max : limit.rlim_cur;
    return (int)SYS(prlimit64, pid, op->x, &limit, 0);
}

int op_nice(struct party *party, const struct plan_op *op)
{
    (void)party;
    return (int)SYS(setpriority, PRIO_PROCESS, 0, (int64_t)op->x);
}

int op_ioprio(struct party *party, const struct plan_op *op)
{
    const int pid = subject(party);
    return pid < 0 ? pid : (int)SYS(ioprio_set, 1 /* IOPRIO_WHO_PROCESS */, pid, op->x);
}

int op_affinity(struct party *party, const struct plan_op *op)
{
    return (int)SYS(sched_setaffinity, 0, op->n, plan_string(party, op->t));
}

int op_scheduler(struct party *party, const struct plan_op *op)
{
    const int pid = subject(party);
    if (pid < 0)
        return pid;
    /* The kernel reads as many bytes as the structure itself says. */
    const struct {
        uint32_t size;
    } *attributes = (const void *)plan_string(party, op->t);
    if (op->n < sizeof *attributes || attributes->size > op->n)
        return -EINVAL;
    return (int)SYS(sched_setattr, pid, attributes, 0);
}

int op_memory_policy(struct party *party, const struct plan_op *op)
{
    const char *nodes = op->n > 0 ? plan_string(party, op->t) : 0;
    /* The kernel counts one bit less than it is told. */
    return (int)SYS(set_mempolicy, op->x, nodes, op->n > 0 ? (uint64_t)op->n * 8 + 1 : 0);
}
