/* The one table of operations: what carries each out, who may, and what the validator has to check before anybody does.
 *
 * OPERATION(code, function, sections, checks)
 */

#define A_SLOT (1u << 0)     /* a is a slot */
#define A_OPTIONAL (1u << 1) /* a is a slot or -1 */
#define B_SLOT (1u << 2)
#define B_OPTIONAL (1u << 3)
#define S_STRING (1u << 4)   /* s is a string, not empty */
#define S_OPTIONAL (1u << 5) /* s is a string or 0 */
#define T_STRING (1u << 6)
#define T_BLOCK (1u << 7)    /* t,n is a block; n may be 0 */
#define T_STRINGS (1u << 8)  /* … of NUL-terminated strings */
#define X_SLOT (1u << 9)     /* x is a slot */
#define X_OPTIONAL (1u << 10) /* … or -1 */
#define Y_SLOT (1u << 11)
#define Y_OPTIONAL (1u << 12)
#define Z_OPTIONAL (1u << 13)
#define X_SLOTS_FROM_A (1u << 14) /* a, a+1, … x of them are slots */
#define VECTORS (1u << 15)        /* s: x strings, t: y strings */
#define BLOCK_MONITOR (1u << 16)  /* the block is a struct plan_monitor */
#define BLOCK_FILTER (1u << 17)   /* … struct sock_filter[] */
#define BLOCK_IDS (1u << 18)      /* … n uint32_t (n counts them, not bytes) */
#define CLONE_CHECKS (1u << 19)   /* x is a section, y has CLONE_NEW* only */

#define BY_SUPERVISOR (1u << SECTION_SUPERVISOR)
#define BY_JOINER (1u << SECTION_JOINER)
#define BY_INIT (1u << SECTION_INIT)
#define BY_ALL (BY_SUPERVISOR | BY_JOINER | BY_INIT)

#ifdef OPERATION
OPERATION(OP_OPEN, op_open, BY_ALL, A_OPTIONAL | S_STRING | B_SLOT)
OPERATION(OP_CLOSE, op_close, BY_ALL, A_SLOT)
OPERATION(OP_MKDIR, op_mkdir, BY_ALL, A_OPTIONAL | S_STRING)
OPERATION(OP_TOUCH, op_touch, BY_ALL, A_OPTIONAL | S_STRING | B_OPTIONAL)
OPERATION(OP_SYMLINK, op_symlink, BY_ALL, A_OPTIONAL | S_STRING | T_STRING)
OPERATION(OP_MKNOD, op_mknod, BY_ALL, A_OPTIONAL | S_STRING | B_OPTIONAL)
OPERATION(OP_WRITE, op_write, BY_ALL, A_OPTIONAL | S_STRING | T_BLOCK)
OPERATION(OP_WRITE_INIT, op_write_init, BY_SUPERVISOR, S_STRING | T_BLOCK)
OPERATION(OP_OPEN_INIT, op_open_init, BY_SUPERVISOR, S_STRING | B_SLOT)
OPERATION(OP_PIPE, op_pipe, BY_ALL, A_SLOT | B_SLOT)
OPERATION(OP_SOCKETPAIR, op_socketpair, BY_ALL, A_SLOT | B_SLOT)
OPERATION(OP_LISTEN, op_listen, BY_ALL, A_SLOT | S_STRING | B_SLOT)
OPERATION(OP_LOCK, op_lock, BY_ALL, A_SLOT)
OPERATION(OP_CHOWN, op_chown, BY_ALL, A_OPTIONAL | S_OPTIONAL)
OPERATION(OP_CHMOD, op_chmod, BY_ALL, A_OPTIONAL | S_OPTIONAL)

OPERATION(OP_MOUNT_FS, op_mount_fs, BY_ALL, A_OPTIONAL | S_STRING | T_STRINGS | B_SLOT)
OPERATION(OP_OVERLAY, op_overlay, BY_ALL, A_SLOT | X_SLOTS_FROM_A | S_OPTIONAL | T_STRINGS | Y_OPTIONAL | Z_OPTIONAL | B_SLOT)
OPERATION(OP_OPEN_TREE, op_open_tree, BY_ALL, A_OPTIONAL | S_OPTIONAL | B_SLOT)
OPERATION(OP_SETATTR, op_setattr, BY_ALL, A_SLOT | B_OPTIONAL)
OPERATION(OP_MOVE_MOUNT, op_move_mount, BY_ALL, A_SLOT | B_OPTIONAL | S_STRING)
OPERATION(OP_PROPAGATION, op_propagation, BY_ALL, S_STRING)
OPERATION(OP_PIVOT_ROOT, op_pivot_root, BY_ALL, A_SLOT)
OPERATION(OP_MASK, op_mask, BY_ALL, A_OPTIONAL | S_STRING | B_SLOT | Y_SLOT)
OPERATION(OP_READONLY, op_readonly, BY_ALL, A_OPTIONAL | S_STRING)
OPERATION(OP_UMOUNT, op_umount, BY_ALL, S_STRING)
OPERATION(OP_REMOUNT_ROOT_RO, op_remount_root_ro, BY_ALL, A_SLOT)

OPERATION(OP_CLONE, op_clone, BY_SUPERVISOR | BY_JOINER, A_OPTIONAL | B_OPTIONAL | CLONE_CHECKS)
OPERATION(OP_SETNS, op_setns, BY_ALL, A_SLOT)
OPERATION(OP_UNSHARE, op_unshare, BY_ALL, 0)
OPERATION(OP_SEND, op_send, BY_ALL, A_SLOT | B_OPTIONAL | T_BLOCK)
OPERATION(OP_RECV, op_recv, BY_ALL, A_SLOT | B_OPTIONAL)
OPERATION(OP_NOTIFY, op_notify, BY_ALL, 0)
OPERATION(OP_WAIT_GO, op_wait_go, BY_ALL, A_SLOT)
OPERATION(OP_WAIT_START, op_wait_start, BY_INIT, A_SLOT)
OPERATION(OP_SETSID, op_setsid, BY_ALL, 0)
OPERATION(OP_CTTY, op_ctty, BY_ALL, A_SLOT)
OPERATION(OP_PTY, op_pty, BY_ALL, A_OPTIONAL | B_SLOT | X_SLOT)
OPERATION(OP_STDIO, op_stdio, BY_ALL, A_OPTIONAL | B_OPTIONAL | X_OPTIONAL)
OPERATION(OP_LOOPBACK_UP, op_loopback_up, BY_ALL, 0)
OPERATION(OP_HOSTNAME, op_hostname, BY_ALL, S_OPTIONAL)
OPERATION(OP_DOMAINNAME, op_domainname, BY_ALL, S_OPTIONAL)
OPERATION(OP_RLIMIT, op_rlimit, BY_ALL, 0)
OPERATION(OP_OOM_SCORE_ADJ, op_oom_score_adj, BY_ALL, 0)
OPERATION(OP_KEYRING, op_keyring, BY_ALL, S_OPTIONAL)
OPERATION(OP_UMASK, op_umask, BY_ALL, 0)
OPERATION(OP_NICE, op_nice, BY_ALL, 0)
OPERATION(OP_IOPRIO, op_ioprio, BY_ALL, 0)
OPERATION(OP_AFFINITY, op_affinity, BY_ALL, T_BLOCK)
OPERATION(OP_PERSONALITY, op_personality, BY_ALL, 0)
OPERATION(OP_CAP_BOUNDING, op_cap_bounding, BY_ALL, 0)
OPERATION(OP_KEEPCAPS, op_keepcaps, BY_ALL, 0)
OPERATION(OP_GROUPS, op_groups, BY_ALL, BLOCK_IDS)
OPERATION(OP_SETGID, op_setgid, BY_ALL, 0)
OPERATION(OP_SETUID, op_setuid, BY_ALL, 0)
OPERATION(OP_CAPSET, op_capset, BY_ALL, 0)
OPERATION(OP_CAP_AMBIENT, op_cap_ambient, BY_ALL, 0)
OPERATION(OP_NO_NEW_PRIVS, op_no_new_privs, BY_ALL, 0)
OPERATION(OP_SECCOMP, op_seccomp, BY_JOINER | BY_INIT, BLOCK_FILTER | B_OPTIONAL)
OPERATION(OP_CHDIR, op_chdir, BY_ALL, S_STRING)
OPERATION(OP_DUMPABLE, op_dumpable, BY_ALL, 0)
OPERATION(OP_PDEATHSIG, op_pdeathsig, BY_ALL, 0)
OPERATION(OP_SUBREAPER, op_subreaper, BY_ALL, 0)
OPERATION(OP_NAME, op_name, BY_ALL, S_STRING)
OPERATION(OP_RESOLVE_EXEC, op_resolve_exec, BY_JOINER | BY_INIT, T_STRINGS)
OPERATION(OP_REAPER, op_reaper, BY_INIT, 0)
OPERATION(OP_EXEC, op_exec, BY_INIT, VECTORS)
OPERATION(OP_HANDOFF, op_handoff, BY_SUPERVISOR, 0)
OPERATION(OP_MONITOR, op_monitor, BY_SUPERVISOR, BLOCK_MONITOR)
OPERATION(OP_MONITOR_OPEN, op_monitor_open, BY_SUPERVISOR, BLOCK_MONITOR)

OPERATION(OP_SCHEDULER, op_scheduler, BY_ALL, T_BLOCK)
OPERATION(OP_MEMORY_POLICY, op_memory_policy, BY_ALL, T_BLOCK)
OPERATION(OP_OWN_STDIO, op_own_stdio, BY_ALL, 0)
OPERATION(OP_HOOK_STATE, op_hook_state, BY_INIT, T_BLOCK | B_SLOT)
OPERATION(OP_HOOK, op_hook, BY_INIT, VECTORS | A_SLOT | B_OPTIONAL)
OPERATION(OP_COPY_UP, op_copy_up, BY_ALL, A_OPTIONAL | S_STRING | B_SLOT)
OPERATION(OP_RECONFIGURE, op_reconfigure, BY_ALL, A_SLOT | T_STRINGS)
OPERATION(OP_USER_NAMESPACE, op_user_namespace, BY_ALL, S_STRING | T_STRING | B_SLOT)
#endif
