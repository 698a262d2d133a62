/* Starts a program from a multithreaded, managed process without running any of its code in the child.
 *
 * The child shares the parent's memory (CLONE_VM | CLONE_VFORK) until it executes: no page table is copied, which for a
 * .NET process costs 2 ms. It runs a fixed sequence of system calls, with every signal blocked.
 */
#ifndef BUNDT_SPAWN_H
#define BUNDT_SPAWN_H

#include <stdint.h>

/* One descriptor of the child. Sources may be targets of others; a source may be its own target. */
struct bundt_spawn_fd {
    int32_t source; /* in the parent */
    int32_t target; /* in the child, without close-on-exec */
};

enum bundt_spawn_flags {
    BUNDT_SPAWN_SETSID = 1, /* a session of its own */
};

/* 48 bytes on 64-bit machines, no padding. */
struct bundt_spawn {
    int32_t exe_fd; /* the program: execveat(exe_fd, "", …, AT_EMPTY_PATH). May be O_CLOEXEC (not for #! scripts) */
    int32_t cgroup_fd;                /* a cgroup v2 directory the child is born in; -1: the parent's */
    uint32_t flags;                   /* enum bundt_spawn_flags */
    uint32_t fd_count;                /* at most BUNDT_SPAWN_MAX_FDS */
    const struct bundt_spawn_fd *fds; /* every descriptor from 3 up that is not a target is closed by the execve; 0, 1
                                         and 2 stay as they are unless they are targets */
    const char *const *argv;          /* NULL-terminated, as envp. Nothing of the parent's environment is added */
    const char *const *envp;
    const char *cwd; /* NULL: the parent's */
};

#define BUNDT_SPAWN_MAX_FDS 512

/* Returns the child's pid and its pidfd (close-on-exec) in *pidfd_out once it has executed the program, or -errno
 * (execve's own included) with nothing left behind: no child, no descriptor. The child has default signal dispositions
 * and an empty mask. */
__attribute__((visibility("default"))) int bundt_spawn(const struct bundt_spawn *spec, int *pidfd_out);

#endif
