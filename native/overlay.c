/* Overlay roots: the newest way the kernel knows, in one place. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/vfs.h>

#include "clone.h"
#include "launcher.h"
#include "options.h"
#include "text.h"

/* "/proc/self/fd/N" */
static void add_fd_path(struct text *text, int fd)
{
    text_add(text, "/proc/self/fd/");
    text_add_signed(text, fd);
}

/* Since Linux 6.13 (by descriptor) or 6.7 (by path). Anything else answers EINVAL, at the latest when the superblock is
 * made. */
static int set_layer(int context, const char *key, int fd, bool by_descriptor)
{
    if (by_descriptor)
        return (int)SYS(fsconfig, context, FSCONFIG_SET_FD, key, 0, fd);
    char path[32];
    struct text text = TEXT_IN(path);
    add_fd_path(&text, fd);
    return (int)SYS(fsconfig, context, FSCONFIG_SET_STRING, key, path, 0);
}

static int mount_by_context(struct party *party, const struct plan_op *op, bool by_descriptor)
{
    cleanup_close int context = (int)SYS(fsopen, "overlay", FSOPEN_CLOEXEC);
    if (context < 0)
        return context;
    int result = 0;
    for (int64_t i = 0; i < (int64_t)op->x && result == 0; i++)
        result = set_layer(context, "lowerdir+", slot_fd(op->a + i), by_descriptor);
    if (result == 0 && (int64_t)op->y >= 0)
        result = set_layer(context, "upperdir", slot_fd((int64_t)op->y), by_descriptor);
    if (result == 0 && (int64_t)op->z >= 0)
        result = set_layer(context, "workdir", slot_fd((int64_t)op->z), by_descriptor);
    if (result == 0)
        result = options_apply(party, context, op->t, op->n);
    return result < 0 ? result : slot_put(options_mount(party, context, op->reserved), op->b);
}

/* Before Linux 6.7: one mount(2), whose options fit into a page. It takes layers from the caller's own mount namespace
 * alone (clone_private_mount), and it would show in it; so a child that shares our memory and descriptors does it in a
 * throw-away one, where each layer is opened again by its path, or attached if it is a detached (idmapped) mount. The
 * result is cloned out as a detached mount. */

#define SOURCE "source="

struct old_overlay {
    struct party *party;
    const struct plan_op *op;
    int result;
};

/* The path of what a descriptor stands for, in this process's mount namespace. */
static int path_of(int fd, char *path, size_t size)
{
    char link[32];
    struct text text = TEXT_IN(link);
    add_fd_path(&text, fd);
    long length = SYS(readlinkat, AT_FDCWD, link, path, size - 1);
    if (length >= 0)
        path[length] = '\0';
    return length < 0 ? (int)length : 0;
}

/* Binds what stands at path under a short name, if it is what fd stands for: the path itself may be too long, and may
 * contain the ':' and ',' that separate options. */
static int bind_as(int fd, const char *path, const char *name)
{
    cleanup_close int tree = (int)SYS(open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0)
        return tree;
    struct stat meant;
    struct stat found;
    long result = SYS(fstat, fd, &meant);
    if (result == 0)
        result = SYS(fstat, tree, &found);
    if (result == 0 && (meant.st_dev != found.st_dev || meant.st_ino != found.st_ino))
        result = -ESTALE;
    return result < 0 ? (int)result : (int)SYS(move_mount, tree, "", AT_FDCWD, name, MOVE_MOUNT_F_EMPTY_PATH);
}

static int add_lower(int fd, unsigned number, struct text *options)
{
    char name[16];
    struct text text = TEXT_IN(name);
    text_add_number(&text, number);
    text_add(options, number > 0 ? ":" : "");
    text_add(options, name);
    long result = SYS(mkdirat, AT_FDCWD, name, 0700);
    if (result == 0)
        result = SYS(move_mount, fd, "", AT_FDCWD, name, MOVE_MOUNT_F_EMPTY_PATH);
    if (result != -EINVAL)
        return (int)result;
    char path[PATH_MAX]; /* not a detached mount */
    result = path_of(fd, path, sizeof path);
    return result < 0 ? (int)result : bind_as(fd, path, name);
}

/* Upper and work must be of one mount, so they are not bound but named, with what separates options escaped. */
static int add_writable(const char *key, int fd, struct text *options)
{
    char path[PATH_MAX];
    int result = path_of(fd, path, sizeof path);
    if (result < 0)
        return result;
    text_add(options, key);
    for (const char *at = path; *at != '\0'; at++) {
        const char escaped[] = {'\\', *at, '\0'};
        text_add(options, strchr("\\,:", *at) ? escaped : escaped + 1);
    }
    return 0;
}

static int build_options(struct party *party, const struct plan_op *op, struct text *options)
{
    int result = 0;
    text_add(options, "lowerdir=");
    for (unsigned i = 0; i < op->x && result == 0; i++)
        result = add_lower(slot_fd(op->a + (int64_t)i), i, options);
    if (result == 0 && (int64_t)op->y >= 0)
        result = add_writable(",upperdir=", slot_fd((int64_t)op->y), options);
    if (result == 0 && (int64_t)op->z >= 0)
        result = add_writable(",workdir=", slot_fd((int64_t)op->z), options);
    const char *end = plan_string(party, op->t) + op->n;
    for (const char *option = plan_string(party, op->t); option < end; option += strlen(option) + 1) {
        if (strncmp(option, SOURCE, strlen(SOURCE)) == 0)
            continue; /* an argument of its own in mount(2) */
        text_add(options, ",");
        text_add(options, option);
    }
    return result == 0 && options->overflow ? -E2BIG : result;
}

static int mount_in_private_namespace(struct party *party, const struct plan_op *op)
{
    char page[4096];
    struct text options = TEXT_IN(page);
    const char *scratch = op->s != 0 ? plan_string(party, op->s) : "/tmp";
    long result = SYS(mount, 0, "/", 0, MS_REC | MS_SLAVE, 0);
    if (result == 0)
        result = SYS(mount, "tmpfs", scratch, "tmpfs", 0, "mode=700");
    if (result == 0)
        result = SYS(chdir, scratch);
    if (result == 0)
        result = SYS(mkdirat, AT_FDCWD, "root", 0700);
    if (result == 0)
        result = build_options(party, op, &options);
    if (result == 0)
        result = SYS(mount, "overlay", "root", "overlay", 0, page);
    if (result < 0)
        return (int)result;
    int tree = (int)SYS(open_tree, AT_FDCWD, "root", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    const struct mount_attr attributes = {.attr_set = op->reserved};
    if (tree >= 0 && op->reserved != 0)
        result = SYS(mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes);
    int parked = slot_put(tree, op->b);
    return result < 0 ? (int)result : parked;
}

static int run_old_overlay(void *argument)
{
    struct old_overlay *old = argument;
    old->result = mount_in_private_namespace(old->party, old->op);
    return 0;
}

static int mount_the_old_way(struct party *party, const struct plan_op *op)
{
    _Alignas(16) static char stack[32768];
    struct old_overlay old = {.party = party, .op = op, .result = -ECHILD};
    const struct clone_args args = {
        .flags = CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_NEWNS,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)stack,
        .stack_size = sizeof stack,
    };
    long pid = clone_call(&args, sizeof args, run_old_overlay, &old);
    if (pid < 0)
        return (int)pid;
    SYS(wait4, pid, 0, 0, 0);
    return old.result;
}

/* What a kernel says of a parameter, or of a type of parameter, that it does not know; legacy contexts (6.1) the
 * second. */
static bool is_unknown(int result) { return result == -EINVAL || result == -EOPNOTSUPP; }

/* overlayfs that cannot work in its work directory mounts read-only, with a line in the kernel's log and no error. */
static int check_writable(struct party *party, int mount)
{
    struct statfs status;
    long result = SYS(fstatfs, mount, &status);
    if (result < 0)
        return (int)result;
    if (!(status.f_flags & 1 /* ST_RDONLY */))
        return 0;
    report_text(party, "the kernel could not use the work directory and made the overlay read-only (its log says why)");
    return -EROFS;
}

int op_overlay(struct party *party, const struct plan_op *op)
{
    int result = mount_by_context(party, op, true);
    if (is_unknown(result))
        result = mount_by_context(party, op, false);
    if (is_unknown(result))
        result = mount_the_old_way(party, op);
    if (result < 0)
        return result;
    report_text(party, ""); /* what the newer ways said */
    return (int64_t)op->y >= 0 ? check_writable(party, slot_fd(op->b)) : 0;
}
