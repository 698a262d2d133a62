/* Operations that take privileges away. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <time.h>

#include "launcher.h"
#include "text.h"

#define MAX_CAPABILITIES 64

/* The three sets of a process as the kernel packs them. */
struct capability_sets {
    struct __user_cap_data_struct low;
    struct __user_cap_data_struct high;
};

static struct __user_cap_header_struct own_header(void)
{
    return (struct __user_cap_header_struct){.version = _LINUX_CAPABILITY_VERSION_3};
}

int op_cap_bounding(struct party *party, const struct plan_op *op)
{
    (void)party;
    for (unsigned capability = 0; capability < MAX_CAPABILITIES; capability++) {
        if (op->x >> capability & 1)
            continue;
        int result = sys_prctl(PR_CAPBSET_DROP, capability, 0);
        if (result == -EINVAL)
            break; /* beyond the last one that this kernel knows */
        if (result < 0)
            return result;
    }
    return 0;
}

int op_keepcaps(struct party *party, const struct plan_op *op)
{
    (void)party;
    return sys_prctl(PR_SET_KEEPCAPS, op->x, 0);
}

/* "deny" in /proc/self/setgroups: an unprivileged user namespace, where the call can only fail. */
static bool are_groups_denied(void)
{
    char word[8];
    return text_read_file(AT_FDCWD, "/proc/self/setgroups", word, sizeof word) > 0 && word[0] == 'd';
}

int op_groups(struct party *party, const struct plan_op *op)
{
    int result = (int)SYS(setgroups, op->n, plan_string(party, op->t));
    return result == -EPERM && op->flags & 1 && are_groups_denied() ? 0 : result;
}

/* To the kernel 2^32-1 says "leave it as it is": whoever asks for it would go on as root. */
static bool is_id(uint64_t id) { return id < UINT32_MAX; }

int op_setgid(struct party *party, const struct plan_op *op)
{
    if (!is_id(op->x))
        return -EINVAL;
    return keep_dumpable(party, (int)SYS(setresgid, op->x, op->x, op->x));
}

int op_setuid(struct party *party, const struct plan_op *op)
{
    if (!is_id(op->x))
        return -EINVAL;
    return keep_dumpable(party, (int)SYS(setresuid, op->x, op->x, op->x));
}

int op_capset(struct party *party, const struct plan_op *op)
{
    (void)party;
    struct __user_cap_header_struct header = own_header();
    struct capability_sets own;
    int result = (int)SYS(capget, &header, &own);
    if (result < 0)
        return result;
    const uint64_t held = (uint64_t)own.high.permitted << 32 | own.low.permitted;
    const uint64_t permitted = op->y & held;
    const uint64_t effective = op->x & permitted;
    const uint64_t inheritable = op->z & held;
    const struct capability_sets wanted = {
        .low = {(uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable},
        .high = {(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32)},
    };
    return (int)SYS(capset, &header, &wanted);
}

int op_cap_ambient(struct party *party, const struct plan_op *op)
{
    (void)party;
    for (unsigned capability = 0; capability < MAX_CAPABILITIES; capability++) {
        if (!(op->x >> capability & 1))
            continue;
        int result = (int)SYS(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, (unsigned long)capability, 0L, 0L);
        /* EPERM: not both permitted and inheritable, because the process lacks it. */
        if (result < 0 && result != -EPERM && result != -EINVAL)
            return result;
    }
    return 0;
}

int op_no_new_privs(struct party *party, const struct plan_op *op)
{
    (void)party, (void)op;
    return sys_prctl(PR_SET_NO_NEW_PRIVS, 1, 0);
}

/* Names the listener, and waits until the supervisor has it. By loads and stores alone: from here on any call may wait
 * for an agent that does not have the listener yet. */
static int announce_listener(struct party *party, int listener)
{
    int32_t *const shared = &party->plan.report->listener;
    __atomic_store_n(shared, (int32_t)listener, __ATOMIC_RELEASE);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now); /* in the vdso: no system call */
    const time_t give_up = now.tv_sec + 10;
    while (__atomic_load_n(shared, __ATOMIC_ACQUIRE) != LISTENER_TAKEN) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec > give_up)
            return -ETIMEDOUT;
    }
    return 0;
}

int op_seccomp(struct party *party, const struct plan_op *op)
{
    enum { LISTENER = 1 };
    const struct sock_fprog program = {
        .len = (unsigned short)(op->n / sizeof(struct sock_filter)),
        .filter = (struct sock_filter *)(uintptr_t)plan_string(party, op->t),
    };
    unsigned flags = (unsigned)op->x;
    if (op->flags & LISTENER)
        flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
    int result = (int)SYS(seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
    if (result <= 0)
        return result;
    return announce_listener(party, result);
}
