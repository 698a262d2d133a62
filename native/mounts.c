/* Operations on mounts, all by descriptor: nothing is resolved twice (CVE-2021-30465, CVE-2025-31133, CVE-2025-52881).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#include "inroot.h"
#include "launcher.h"
#include "options.h"
#include "text.h"

#define EMPTY_BOTH (MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)

/* The mode of the directory that the block's first string names, as an option. */
static int apply_mode(struct party *party, int context, const struct plan_op *op)
{
    cleanup_close int directory = inroot_open(slot_fd(op->a), plan_string(party, op->t), O_PATH | O_DIRECTORY, 0, 0);
    if (directory == -ENOENT)
        return 0;
    if (directory < 0)
        return directory;
    struct stat status;
    long result = SYS(fstat, directory, &status);
    if (result < 0)
        return (int)result;
    char mode[5];
    for (int i = 0; i < 4; i++)
        mode[i] = (char)('0' + (status.st_mode >> (9 - 3 * i) & 7));
    mode[4] = '\0';
    return (int)SYS(fsconfig, context, FSCONFIG_SET_STRING, "mode", mode, 0);
}

int op_mount_fs(struct party *party, const struct plan_op *op)
{
    enum { MODE_OF_DIRECTORY = 1, OTHER_PID_NAMESPACE = 2 };
    cleanup_close int context = (int)SYS(fsopen, plan_string(party, op->s), FSOPEN_CLOEXEC);
    if (context < 0)
        return context;
    uint32_t skip = 0;
    int result = 0;
    if (op->flags & MODE_OF_DIRECTORY && op->n > 0) {
        skip = (uint32_t)strlen(plan_string(party, op->t)) + 1;
        result = apply_mode(party, context, op);
    }
    if (result == 0 && op->flags & OTHER_PID_NAMESPACE)
        result = (int)SYS(fsconfig, context, FSCONFIG_SET_FD, "pidns", 0, slot_fd((int64_t)op->y));
    if (result == 0)
        result = options_apply(party, context, op->t + skip, op->n - skip);
    return result < 0 ? result : slot_put(options_mount(party, context, (unsigned)op->x), op->b);
}

int op_open_tree(struct party *party, const struct plan_op *op)
{
    const unsigned flags = (unsigned)op->x | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH;
    if (op->s == 0)
        return slot_put((int)SYS(open_tree, slot_fd(op->a), "", flags), op->b);
    cleanup_close int path = inroot_open(slot_fd(op->a), plan_string(party, op->s), O_PATH, 0, 0);
    return path < 0 ? path : slot_put((int)SYS(open_tree, path, "", flags), op->b);
}

static int set_attributes(int fd, unsigned flags, const struct mount_attr *attributes)
{
    return (int)SYS(mount_setattr, fd, "", flags | AT_EMPTY_PATH, attributes, sizeof *attributes);
}

int op_setattr(struct party *party, const struct plan_op *op)
{
    (void)party;
    struct mount_attr attributes = {.attr_set = op->x, .attr_clr = op->y, .propagation = op->z};
    if (op->b >= 0) {
        attributes.attr_set |= MOUNT_ATTR_IDMAP;
        attributes.userns_fd = (unsigned)slot_fd(op->b);
    }
    return set_attributes(slot_fd(op->a), op->flags & 1 ? AT_RECURSIVE : 0, &attributes);
}

/* Says whether a refused move was refused for this: a directory goes onto a directory, anything else onto anything
 * else. */
static bool are_kinds_different(int source, int target)
{
    struct stat source_status;
    struct stat target_status;
    return SYS(fstat, source, &source_status) == 0 && SYS(fstat, target, &target_status) == 0 &&
           S_ISDIR(source_status.st_mode) != S_ISDIR(target_status.st_mode);
}

enum { SAME_KIND = 1, NO_LINKS = 2, ON_LINK = 4 }; /* flags of OP_MOVE_MOUNT */

/* Opens what a mount goes onto. An image's links may lead anywhere inside the root, but not into procfs: a mount there
 * fools the container's programs, and the runtime that trusts what it reads (CVE-2019-19921, CVE-2025-52881). */
static int open_target(struct party *party, int root, const char *path, unsigned flags)
{
    int target = inroot_open(root, path, O_PATH, 0, RESOLVE_NO_SYMLINKS);
    if (target != -ELOOP || flags & NO_LINKS)
        return target;
    target = inroot_open(root, path, O_PATH | (flags & ON_LINK ? O_NOFOLLOW : 0), 0, 0);
    if (target < 0)
        return target;
    struct statfs status;
    int result = (int)SYS(fstatfs, target, &status);
    if (result == 0 && status.f_type == PROC_SUPER_MAGIC)
        result = fail_check(party, DETAIL_INSIDE_PROC, 0);
    if (result == 0)
        return target;
    sys_close(target);
    return result;
}

int op_move_mount(struct party *party, const struct plan_op *op)
{
    cleanup_close int target = open_target(party, slot_fd(op->b), plan_string(party, op->s), op->flags);
    if (target < 0)
        return target;
    int result = (int)SYS(move_mount, slot_fd(op->a), "", target, "", EMPTY_BOTH);
    if (result < 0 && op->flags & SAME_KIND && are_kinds_different(slot_fd(op->a), target))
        return fail_check(party, DETAIL_NOT_A_DIRECTORY, ENOTDIR);
    return result;
}

int op_propagation(struct party *party, const struct plan_op *op)
{
    return (int)SYS(mount, 0, plan_string(party, op->s), 0, op->x, 0);
}

int op_pivot_root(struct party *party, const struct plan_op *op)
{
    enum { CHROOT = 1 };
    long result = SYS(fchdir, slot_fd(op->a));
    /* The old root is stacked on the new one, and "." reaches it: no directory for it is needed in the image. */
    if (result == 0)
        result = op->flags & CHROOT ? SYS(chroot, ".") : SYS(pivot_root, ".", ".");
    if (result == 0 && !(op->flags & CHROOT))
        result = SYS(umount2, ".", 2 /* MNT_DETACH */);
    if (result == 0)
        result = SYS(chdir, "/");
    report_stamp(party, STAMP_ROOT);
    return (int)result;
}

/* A detached clone of the tree at source, moved onto target. */
static int bind_clone(int source, unsigned flags, int target)
{
    cleanup_close int clone =
        (int)SYS(open_tree, source, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags);
    return clone < 0 ? clone : (int)SYS(move_mount, clone, "", target, "", EMPTY_BOTH);
}

/* The kernel's null device and nothing that calls itself so (CVE-2025-31133). */
static int check_null_device(struct party *party, int fd)
{
    struct stat status;
    long result = SYS(fstat, fd, &status);
    if (result < 0)
        return (int)result;
    return is_null_device(&status) ? 0 : fail_check(party, DETAIL_NOT_NULL_DEVICE, 0);
}

int op_mask(struct party *party, const struct plan_op *op)
{
    cleanup_close int target = inroot_open(slot_fd(op->a), plan_string(party, op->s), O_PATH, 0, 0);
    if (target == -ENOENT || target == -ENOTDIR)
        return 0;
    if (target < 0)
        return target;
    struct stat status;
    long result = SYS(fstat, target, &status);
    if (result < 0)
        return (int)result;
    if (!S_ISDIR(status.st_mode)) {
        result = check_null_device(party, slot_fd((int64_t)op->y));
        return result < 0 ? (int)result : bind_clone(slot_fd((int64_t)op->y), 0, target);
    }
    result = bind_clone(slot_fd(op->b), 0, target);
    if (result != -EINVAL)
        return (int)result;
    /* Detached mounts can be cloned since Linux 6.15. Before, the first directory gets the mount itself, and then it
     * can. */
    return (int)SYS(move_mount, slot_fd(op->b), "", target, "", EMPTY_BOTH);
}

int op_readonly(struct party *party, const struct plan_op *op)
{
    cleanup_close int target = inroot_open(slot_fd(op->a), plan_string(party, op->s), O_PATH, 0, 0);
    if (target == -ENOENT || target == -ENOTDIR)
        return 0;
    if (target < 0)
        return target;
    cleanup_close int clone =
        (int)SYS(open_tree, target, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    if (clone < 0)
        return clone;
    const struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};
    int result = set_attributes(clone, AT_RECURSIVE, &read_only);
    return result < 0 ? result : (int)SYS(move_mount, clone, "", target, "", EMPTY_BOTH);
}

int op_remount_root_ro(struct party *party, const struct plan_op *op)
{
    (void)party;
    const struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};
    return set_attributes(slot_fd(op->a), 0, &read_only);
}

int op_reconfigure(struct party *party, const struct plan_op *op)
{
    cleanup_close int context = (int)SYS(fspick, slot_fd(op->a), "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC);
    if (context < 0)
        return context;
    int result = options_apply(party, context, op->t, op->n);
    return result < 0 ? result : (int)SYS(fsconfig, context, FSCONFIG_CMD_RECONFIGURE, 0, 0, 0);
}
