#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdbool.h>

#include "clone.h"

#define LAST_SIGNAL 64
#define CHILD_STACK 16384

/* Lives on the parent's stack, which waits while the child shares its memory. */
struct child {
    const struct bundt_spawn *spec;
    bool enter_cgroup; /* the kernel could not do it at birth */
    int error;         /* positive errno of what failed */
};

/* The kernel's own struct sigaction; all zero is the default disposition. */
struct default_action {
    uint64_t words[4];
};

static long enter_cgroup(int directory)
{
    cleanup_close int fd = sys_openat(directory, "cgroup.procs", O_WRONLY | O_CLOEXEC, 0);
    return fd < 0 ? fd : sys_write(fd, "0", 1);
}

static bool is_later_target_source(const struct bundt_spawn *spec, uint32_t done, int target)
{
    for (uint32_t i = done; i < spec->fd_count; i++)
        if (spec->fds[i].source == target && spec->fds[i].target != target)
            return true;
    return false;
}

/* Puts every descriptor where it belongs. A source that stands where another shall go is first copied to above all of
 * them: the copies of entry i stand at base + i. */
static long place_descriptors(const struct bundt_spawn *spec)
{
    int base = 3;
    for (uint32_t i = 0; i < spec->fd_count; i++) {
        base = spec->fds[i].source >= base ? spec->fds[i].source + 1 : base;
        base = spec->fds[i].target >= base ? spec->fds[i].target + 1 : base;
    }
    bool overlap = false;
    for (uint32_t i = 0; i < spec->fd_count && !overlap; i++)
        overlap = is_later_target_source(spec, i + 1, spec->fds[i].target);
    for (uint32_t i = 0; i < spec->fd_count && overlap; i++) {
        long result = sys_dup3(spec->fds[i].source, base + (int)i, O_CLOEXEC);
        if (result < 0)
            return result;
    }
    for (uint32_t i = 0; i < spec->fd_count; i++) {
        const int source = overlap ? base + (int)i : spec->fds[i].source;
        const int target = spec->fds[i].target;
        long result = source == target ? SYS(fcntl, target, F_SETFD, 0) : sys_dup3(source, target, 0);
        if (result < 0)
            return result;
    }
    return 0;
}

static long prepare_child(const struct child *child)
{
    const struct bundt_spawn *spec = child->spec;
    long result = 0;
    if (child->enter_cgroup)
        result = enter_cgroup(spec->cgroup_fd);
    if (result >= 0 && spec->flags & BUNDT_SPAWN_SETSID)
        result = SYS(setsid, 0);
    if (result >= 0 && spec->cwd)
        result = SYS(chdir, spec->cwd);
    if (result >= 0)
        result = SYS(close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
    if (result >= 0)
        result = place_descriptors(spec);
    return result;
}

/* Runs in the child, on memory shared with the parent: system calls and nothing else, and no signal handler of the
 * parent's may run. */
static int run_child(void *argument)
{
    struct child *child = argument;
    static const struct default_action by_default = {{0}};
    for (int signal = 1; signal <= LAST_SIGNAL; signal++)
        SYS(rt_sigaction, signal, &by_default, 0, sizeof(uint64_t));
    long result = prepare_child(child);
    if (result >= 0) {
        const uint64_t none = 0;
        SYS(rt_sigprocmask, SIG_SETMASK, &none, 0, sizeof none);
        const struct bundt_spawn *spec = child->spec;
        result = SYS(execveat, spec->exe_fd, "", spec->argv, spec->envp, AT_EMPTY_PATH);
    }
    child->error = (int)-result;
    return 127;
}

/* Birth in the cgroup costs no migration; a kernel or a seccomp policy that cannot leaves it to the child. */
static long clone_child(struct child *child, char *stack, int *pidfd)
{
    struct clone_args args = {
        .flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD,
        .pidfd = (uint64_t)(uintptr_t)pidfd,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)stack,
        .stack_size = CHILD_STACK,
    };
    if (child->spec->cgroup_fd < 0)
        return clone_call(&args, CLONE_ARGS_SIZE_VER0, run_child, child);
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = (uint64_t)(unsigned)child->spec->cgroup_fd;
    long pid = clone_call(&args, CLONE_ARGS_SIZE_VER2, run_child, child);
    if (pid != -ENOSYS && pid != -E2BIG && pid != -EINVAL)
        return pid;
    child->enter_cgroup = true;
    args.flags &= ~(uint64_t)CLONE_INTO_CGROUP;
    return clone_call(&args, CLONE_ARGS_SIZE_VER0, run_child, child);
}

int bundt_spawn(const struct bundt_spawn *spec, int *pidfd_out)
{
    if (spec->fd_count > BUNDT_SPAWN_MAX_FDS)
        return -EINVAL;
    _Alignas(16) char stack[CHILD_STACK];
    const uint64_t all = ~UINT64_C(0);
    uint64_t kept = 0;
    struct child child = {.spec = spec};
    int pidfd = -1;
    SYS(rt_sigprocmask, SIG_SETMASK, &all, &kept, sizeof all);
    long pid = clone_child(&child, stack, &pidfd);
    SYS(rt_sigprocmask, SIG_SETMASK, &kept, 0, sizeof kept);
    if (pid < 0)
        return (int)pid;
    if (child.error != 0) {
        SYS(wait4, pid, 0, 0, 0);
        sys_close(pidfd);
        return -child.error;
    }
    *pidfd_out = pidfd;
    return (int)pid;
}
