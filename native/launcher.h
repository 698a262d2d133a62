/* What the launcher's files share: the plan as it lies in memory, and the party that executes it. */
#ifndef BUNDT_LAUNCHER_H
#define BUNDT_LAUNCHER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "kernel.h"
#include "plan.h"

/* A validated plan, mapped shared with C# and with every party. */
struct plan {
    struct plan_report *report;
    const struct plan_header *header;
    const struct plan_op *ops;
    const char *data;
    size_t mapped; /* bytes of the mapping that begins at the report */
};

/* One of the processes that walk the list. The child of OP_CLONE gets a copy. */
struct party {
    struct plan plan;
    enum plan_section section;
    uint32_t detail; /* enum report_detail of the operation at work */
    int joiner;      /* pid, supervisor only; 0: none, or reaped */
    int init_pid;    /* supervisor only; 0: not yet */
    int init_pidfd;  /* supervisor only; -1: not yet */
    bool umask_set;
    bool in_directory;      /* an OP_CHDIR has succeeded */
    bool dumpable;          /* as OP_DUMPABLE wants it */
    const char *executable; /* what OP_RESOLVE_EXEC picked */
};

/* The result of an operation that failed a check of ours, with nothing that errno could say. Out of errno's range. */
#define FAILED_CHECK (-5000)

static inline int slot_fd(int64_t slot) { return slot < 0 ? -1 : PLAN_FD_BASE + (int)slot; }

/* Offset 0 is "none" and reads as "": the data begin with a NUL. */
static inline const char *plan_string(const struct party *party, uint32_t offset) { return party->plan.data + offset; }

/* Notes why a check failed; error is a positive errno or 0. */
static inline int fail_check(struct party *party, enum report_detail detail, int error)
{
    party->detail = detail;
    return error != 0 ? -error : FAILED_CHECK;
}

/* Whether it is the kernel's null device, and nothing that calls itself so. */
static inline bool is_null_device(const struct stat *status)
{
    return S_ISCHR(status->st_mode) && status->st_rdev == makedev(1, 3);
}

/* Parks a fresh descriptor in a slot (close-on-exec); a negative fd is passed through as the error that it is. */
int slot_put(int fd, int64_t slot);

/* plan.c */
/* Maps the plan and checks all of it: afterwards no offset, count or slot in it can lead outside. Returns 0, -errno or
 * FAILED_CHECK. */
int plan_map(int fd, struct plan *plan);
int plan_validate(const void *memory, size_t size, struct plan *plan);

/* report.c */
void report_failure(struct party *party, uint32_t op, int result);
void report_text(struct party *party, const char *text);
void report_phase(struct party *party, enum report_phase phase);
void report_stamp(struct party *party, enum report_stamp stamp);

/* interpret.c */
/* Executes the operations of the party's section. Returns only when one failed or the list has ended. */
int interpret(struct party *party);
/* Ends a party after a failure; the supervisor takes init with it. */
_Noreturn void party_abort(struct party *party);

/* process.c */
/* A change of credentials sets the process dumpable where the sysctl fs.suid_dumpable says so: sets it back. Returns
 * result. */
int keep_dumpable(const struct party *party, int result);
/* Makes sure that init's pid and pidfd are known to the supervisor, waiting for the joiner's end. */
int need_init(struct party *party);

typedef int operation(struct party *party, const struct plan_op *op);

/* files.c */
operation op_write_pid, op_open, op_close, op_mkdir, op_touch, op_symlink, op_mknod, op_write, op_write_init, op_open_init, op_pipe,
    op_socketpair, op_listen, op_lock, op_chown, op_chmod;
/* Opens /proc/<pid>/name, which is an unreaped child's. */
int open_of_process(int pid, const char *name, int flags);
/* mounts.c, unmount.c, overlay.c, copyup.c */
operation op_mount_fs, op_overlay, op_open_tree, op_setattr, op_move_mount, op_propagation, op_pivot_root, op_mask,
    op_readonly, op_umount, op_unmount_at, op_remount_root_ro, op_reconfigure, op_copy_up;
/* Whether a file lies on the file system that it should, and not on what somebody has mounted over it:
 * DETAIL_WRONG_FILESYSTEM. */
int check_filesystem(struct party *party, int fd, long magic);
/* label.c */
operation op_label;
/* listener.c */
operation op_connect, op_send_listener;
/* userns.c */
operation op_user_namespace;
/* process.c, rendezvous.c */
operation op_clone, op_setns, op_unshare, op_send, op_recv, op_notify, op_wait_go, op_wait_start,
    op_close_unneeded, op_handoff, op_tell_pid;
/* terminal.c */
operation op_setsid, op_ctty, op_pty, op_stdio, op_own_null, op_own_stdio;
/* settings.c */
operation op_loopback_up, op_hostname, op_domainname, op_oom_score_adj, op_keyring, op_umask, op_personality,
    op_dumpable, op_pdeathsig, op_subreaper, op_name;
/* scheduling.c */
operation op_rlimit, op_nice, op_ioprio, op_affinity, op_scheduler, op_memory_policy;
/* identity.c */
operation op_cap_bounding, op_keepcaps, op_groups, op_setgid, op_setuid, op_capset, op_cap_ambient, op_no_new_privs,
    op_seccomp;
/* command.c, reaper.c */
operation op_chdir, op_resolve_exec, op_exec, op_reaper;
/* hooks.c */
operation op_memory, op_hook_state, op_hook;
/* monitor.c */
operation op_monitor_open, op_monitor;
/* The supervisor gives up after OP_MONITOR_OPEN: whoever finds the record `monitor` shall find how it ended, too. */
void monitor_abandon(const struct party *party, int init_status);

#endif
