/* Operations on descriptors and files. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/vfs.h>

#include "inroot.h"
#include "launcher.h"
#include "text.h"

int slot_put(int fd, int64_t slot)
{
    if (fd < 0)
        return fd;
    int result = sys_dup3(fd, slot_fd(slot), O_CLOEXEC);
    sys_close(fd);
    /* EBADF: a slot above the limit of open files. */
    return result == -EBADF ? -EMFILE : result < 0 ? result : 0;
}

int op_open(struct party *party, const struct plan_op *op)
{
    const struct open_how how = {.flags = op->x | O_CLOEXEC, .mode = op->y, .resolve = op->z};
    int fd;
    do
        fd = (int)SYS(openat2, op->a < 0 ? AT_FDCWD : slot_fd(op->a), plan_string(party, op->s), &how, sizeof how);
    while (fd == -EAGAIN || fd == -EINTR);
    return slot_put(fd, op->b);
}

int op_close(struct party *party, const struct plan_op *op)
{
    (void)party;
    return sys_close(slot_fd(op->a));
}

enum { FOLLOW_DANGLING = 1, KEEP_LINK = 2 }; /* flags of OP_MKDIR and OP_TOUCH */

/* path itself, or where its dangling links lead to, which `room` then holds. NULL: *error says why not. */
static const char *where_to_make(const struct plan_op *op, const char *path, char room[PATH_MAX], int *error)
{
    if (!(op->flags & FOLLOW_DANGLING))
        return path;
    *error = inroot_follow_dangling(slot_fd(op->a), path, room);
    return *error < 0 ? NULL : room;
}

static int make_directories(struct party *party, const struct plan_op *op)
{
    char room[PATH_MAX];
    int error = 0;
    const char *path = where_to_make(op, plan_string(party, op->s), room, &error);
    return path ? inroot_make_directories(slot_fd(op->a), path, (unsigned)op->x) : error;
}

int op_mkdir(struct party *party, const struct plan_op *op)
{
    if (op->y == 1)
        return make_directories(party, op);
    const char *path = plan_string(party, op->s);
    char name[NAME_MAX + 1];
    cleanup_close int parent = inroot_open_parent(slot_fd(op->a), path, name, false);
    if (parent < 0)
        return parent;
    int result = (int)SYS(mkdirat, parent, name, op->x);
    if (result != -EEXIST)
        return result;
    cleanup_close int existing = inroot_open(slot_fd(op->a), path, O_PATH | O_DIRECTORY, 0, 0);
    return existing < 0 ? existing : 0;
}

static int make_file(const struct plan_op *op, const char *path)
{
    char room[PATH_MAX];
    int error = 0;
    path = where_to_make(op, path, room, &error);
    if (!path)
        return error;
    char name[NAME_MAX + 1];
    cleanup_close int parent = inroot_open_parent(slot_fd(op->a), path, name, true);
    if (parent < 0)
        return parent;
    /* O_EXCL: a dangling link in this place is not followed. */
    cleanup_close int fd =
        sys_openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, (unsigned)op->x);
    return fd < 0 ? fd : 0;
}

int op_touch(struct party *party, const struct plan_op *op)
{
    struct stat status;
    if (op->b >= 0) {
        long result = SYS(fstat, slot_fd(op->b), &status);
        if (result < 0)
            return (int)result;
        if (S_ISDIR(status.st_mode))
            return make_directories(party, op);
    }
    const char *path = plan_string(party, op->s);
    cleanup_close int existing =
        inroot_open(slot_fd(op->a), path, O_PATH | (op->flags & KEEP_LINK ? O_NOFOLLOW : 0), 0, 0);
    if (existing == -ENOENT)
        return make_file(op, path);
    if (existing < 0)
        return existing;
    long result = SYS(fstat, existing, &status);
    return result < 0 ? (int)result : S_ISDIR(status.st_mode) ? -EISDIR : 0;
}

int op_symlink(struct party *party, const struct plan_op *op)
{
    char name[NAME_MAX + 1];
    cleanup_close int parent = inroot_open_parent(slot_fd(op->a), plan_string(party, op->s), name, true);
    if (parent < 0)
        return parent;
    int result = (int)SYS(symlinkat, plan_string(party, op->t), parent, name);
    return result == -EEXIST ? 0 : result;
}

/* What stands there must be the very device. */
static int check_node(int parent, const char *name, const struct plan_op *op)
{
    struct stat status;
    long result = SYS(newfstatat, parent, name, &status, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH);
    if (result < 0)
        return (int)result;
    bool same = (status.st_mode & S_IFMT) == (op->x & S_IFMT) &&
                (!(S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) || status.st_rdev == op->y);
    return same ? 0 : -EEXIST;
}

/* In a user namespace nodes cannot be made (EPERM): the host's goes onto an empty file. */
static int attach_node(int parent, const char *name, int node, const struct plan_op *op)
{
    if (check_node(node, "", op) != 0)
        return -ENODEV;
    const struct mount_attr harmless = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC};
    int result = (int)SYS(mount_setattr, node, "", AT_EMPTY_PATH, &harmless, sizeof harmless);
    if (result < 0)
        return result;
    cleanup_close int file = sys_openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0)
        return file;
    return (int)SYS(move_mount, node, "", file, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

int op_mknod(struct party *party, const struct plan_op *op)
{
    char name[NAME_MAX + 1];
    cleanup_close int parent = inroot_open_parent(slot_fd(op->a), plan_string(party, op->s), name, false);
    if (parent < 0)
        return parent;
    int result = (int)SYS(mknodat, parent, name, op->x, op->y);
    if (result == -EEXIST)
        return check_node(parent, name, op);
    if (result == -EPERM && op->b >= 0)
        return attach_node(parent, name, slot_fd(op->b), op);
    if (result < 0 || op->z == 0)
        return result;
    cleanup_close int node = sys_openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
    if (node < 0)
        return node;
    result = check_node(node, "", op);
    return result < 0 ? result : (int)SYS(fchownat, node, "", op->z >> 32, op->z & UINT32_MAX, AT_EMPTY_PATH);
}

int check_filesystem(struct party *party, int fd, long magic)
{
    struct statfs status;
    long result = SYS(fstatfs, fd, &status);
    if (result < 0)
        return (int)result;
    return (long)status.f_type == magic ? 0 : fail_check(party, DETAIL_WRONG_FILESYSTEM, 0);
}

/* One write(2): files of proc, sysfs and cgroup take their value whole or not at all. */
static int write_block(struct party *party, int fd, const struct plan_op *op)
{
    long written = sys_write(fd, plan_string(party, op->t), op->n);
    if (written < 0)
        return (int)written;
    return written == (long)op->n ? 0 : -EIO;
}

int op_write(struct party *party, const struct plan_op *op)
{
    enum { STRICT = 1, PROC = 2, CGROUP = 4 };
    const uint64_t resolve = op->flags & STRICT ? RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS : 0;
    cleanup_close int fd = inroot_open(slot_fd(op->a), plan_string(party, op->s), O_WRONLY | O_NOCTTY, 0, resolve);
    if (fd < 0)
        return fd;
    int result = 0;
    if (op->flags & PROC)
        result = check_filesystem(party, fd, PROC_SUPER_MAGIC);
    if (result == 0 && op->flags & CGROUP)
        result = check_filesystem(party, fd, CGROUP2_SUPER_MAGIC);
    return result < 0 ? result : write_block(party, fd, op);
}

int open_of_process(int pid, const char *name, int flags)
{
    char path[256];
    struct text text = TEXT_IN(path);
    text_add(&text, "/proc/");
    text_add_signed(&text, pid);
    text_add(&text, "/");
    text_add(&text, name);
    return text.overflow ? -ENAMETOOLONG : sys_openat(AT_FDCWD, path, flags | O_CLOEXEC, 0);
}

/* Init is our unreaped child: its pid cannot be another's. */
static int open_of_init(struct party *party, const char *name, int flags)
{
    int result = need_init(party);
    return result < 0 ? result : open_of_process(party->init_pid, name, flags);
}

int op_write_init(struct party *party, const struct plan_op *op)
{
    cleanup_close int fd = open_of_init(party, plan_string(party, op->s), O_WRONLY);
    if (fd < 0)
        return fd;
    int result = check_filesystem(party, fd, PROC_SUPER_MAGIC);
    return result < 0 ? result : write_block(party, fd, op);
}

int op_write_pid(struct party *party, const struct plan_op *op)
{
    int result = need_init(party);
    if (result < 0)
        return result;
    cleanup_close int fd = inroot_open(slot_fd(op->a), plan_string(party, op->s), O_WRONLY | O_NOCTTY, 0, 0);
    if (fd < 0)
        return fd;
    char number[24];
    struct text text = TEXT_IN(number);
    text_add_signed(&text, party->init_pid);
    long written = sys_write(fd, number, text.length);
    return written < 0 ? (int)written : 0;
}

int op_tell_pid(struct party *party, const struct plan_op *op)
{
    int result = need_init(party);
    if (result < 0)
        return result;
    const int32_t pid = party->init_pid;
    long written = sys_write(slot_fd(op->a), (const char *)&pid, sizeof pid);
    return written < 0 ? (int)written : 0;
}

int op_open_init(struct party *party, const struct plan_op *op)
{
    return slot_put(open_of_init(party, plan_string(party, op->s), (int)op->x), op->b);
}

/* Parks both; the first error wins. */
static int put_pair(const int fds[2], const struct plan_op *op)
{
    int first = slot_put(fds[0], op->a);
    int second = slot_put(fds[1], op->b);
    return first < 0 ? first : second;
}

int op_pipe(struct party *party, const struct plan_op *op)
{
    (void)party;
    int fds[2];
    int result = (int)SYS(pipe2, fds, op->x | O_CLOEXEC);
    if (result < 0)
        return result;
    if (op->y != 0)
        SYS(fcntl, fds[0], F_SETPIPE_SZ, op->y);
    return put_pair(fds, op);
}

int op_socketpair(struct party *party, const struct plan_op *op)
{
    (void)party;
    int fds[2];
    int result = (int)SYS(socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds);
    return result < 0 ? result : put_pair(fds, op);
}

int op_listen(struct party *party, const struct plan_op *op)
{
    const char *name = plan_string(party, op->s);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    /* Through the descriptor: the real path may be longer than the 107 bytes of sun_path. */
    struct text path = TEXT_IN(address.sun_path);
    text_add(&path, "/proc/self/fd/");
    text_add_signed(&path, slot_fd(op->a));
    text_add(&path, "/");
    text_add(&path, name);
    if (path.overflow)
        return -ENAMETOOLONG;
    int fd = (int)SYS(socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return fd;
    SYS(unlinkat, slot_fd(op->a), name, 0);
    /* The mode of an unbound socket becomes the mode of the file: no moment in which others may connect. */
    long result = SYS(fchmod, fd, op->x);
    if (result == 0)
        result = SYS(bind, fd, &address, sizeof address);
    if (result == 0)
        result = SYS(listen, fd, SOMAXCONN);
    if (result < 0) {
        sys_close(fd);
        return (int)result;
    }
    return slot_put(fd, op->b);
}

int op_lock(struct party *party, const struct plan_op *op)
{
    (void)party;
    const struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return (int)SYS(fcntl, slot_fd(op->a), F_OFD_SETLK, &lock);
}

int op_chown(struct party *party, const struct plan_op *op)
{
    if (op->s == 0)
        return (int)SYS(fchownat, slot_fd(op->a), "", op->x, op->y, AT_EMPTY_PATH);
    cleanup_close int fd = inroot_open(slot_fd(op->a), plan_string(party, op->s), O_PATH | O_NOFOLLOW, 0, 0);
    return fd < 0 ? fd : (int)SYS(fchownat, fd, "", op->x, op->y, AT_EMPTY_PATH);
}

/* chmod of whatever a descriptor stands for, O_PATH too. */
static int chmod_descriptor(struct party *party, int fd, unsigned mode)
{
    long result = SYS(fchmodat2, fd, "", mode, AT_EMPTY_PATH); /* Linux 6.6 */
    if (result != -ENOSYS)
        return (int)result;
    struct stat status;
    result = SYS(fstat, fd, &status);
    if (result < 0)
        return (int)result;
    if (S_ISLNK(status.st_mode))
        return -EOPNOTSUPP;
    cleanup_close int table = sys_openat(AT_FDCWD, "/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    if (table < 0)
        return table;
    result = check_filesystem(party, table, PROC_SUPER_MAGIC);
    if (result < 0)
        return (int)result;
    char name[16];
    struct text text = TEXT_IN(name);
    text_add_signed(&text, fd);
    return (int)SYS(fchmodat, table, name, mode);
}

int op_chmod(struct party *party, const struct plan_op *op)
{
    if (op->s == 0)
        return chmod_descriptor(party, slot_fd(op->a), (unsigned)op->x);
    cleanup_close int fd = inroot_open(slot_fd(op->a), plan_string(party, op->s), O_PATH | O_NOFOLLOW, 0, 0);
    return fd < 0 ? fd : chmod_descriptor(party, fd, (unsigned)op->x);
}
