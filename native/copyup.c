/* tmpcopyup: a tmpfs begins with what it covers. The directory may hold anything that an image, or a container that
 * runs in it right now, put there: every name is one component below an open directory, and no link is followed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/xattr.h>

#include "inroot.h"
#include "launcher.h"

#define DEEPEST 128 /* directories: each has a frame on the stack */
#define CHUNK (1 << 20)

/* The kernel's struct linux_dirent64. */
struct entry {
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

static int copy_directory(int from, int to, int depth);

static bool is_unknown_attribute(long result) { return result == -EOPNOTSUPP || result == -EPERM || result == -EACCES; }

/* What the tmpfs has no place for, or a user namespace no right to, is left out. */
static int copy_attributes(int from, int to)
{
    char names[4096];
    long length = SYS(flistxattr, from, names, sizeof names);
    if (length < 0)
        return length == -EOPNOTSUPP || length == -ERANGE ? 0 : (int)length;
    for (const char *name = names; name < names + length; name += strlen(name) + 1) {
        char value[4096];
        long size = SYS(fgetxattr, from, name, value, sizeof value);
        if (size < 0)
            continue;
        long result = SYS(fsetxattr, to, name, value, size, 0);
        if (result < 0 && !is_unknown_attribute(result))
            return (int)result;
    }
    return 0;
}

/* The owner before the mode: a change of owner takes the set-id bits away. */
static int copy_metadata(int from, int to, const struct stat *status)
{
    long result = SYS(fchown, to, status->st_uid, status->st_gid);
    if (result == 0)
        result = copy_attributes(from, to);
    if (result == 0)
        result = SYS(fchmod, to, status->st_mode & 07777);
    const struct timespec times[2] = {status->st_atim, status->st_mtim};
    return result < 0 ? (int)result : (int)SYS(utimensat, to, 0, times, 0);
}

static int copy_content(int from, int to)
{
    for (;;) {
        long sent = SYS(sendfile, to, from, 0, CHUNK);
        if (sent <= 0)
            return (int)sent;
    }
}

static int copy_file(int from, int to, const char *name)
{
    cleanup_close int source = sys_openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
    if (source < 0)
        return source;
    struct stat status;
    long result = SYS(fstat, source, &status);
    if (result < 0)
        return (int)result;
    if (!S_ISREG(status.st_mode))
        return -EAGAIN; /* it was one a moment ago */
    cleanup_close int target = sys_openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (target < 0)
        return target;
    result = copy_content(source, target);
    return result < 0 ? (int)result : copy_metadata(source, target, &status);
}

static int copy_subdirectory(int from, int to, const char *name, int depth)
{
    cleanup_close int source = sys_openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (source < 0)
        return source;
    struct stat status;
    long result = SYS(fstat, source, &status);
    if (result == 0)
        result = SYS(mkdirat, to, name, 0700);
    if (result < 0)
        return (int)result;
    cleanup_close int target = sys_openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (target < 0)
        return target;
    result = copy_directory(source, target, depth + 1);
    return result < 0 ? (int)result : copy_metadata(source, target, &status);
}

static int copy_link(int from, int to, const char *name)
{
    char target[PATH_MAX];
    long length = SYS(readlinkat, from, name, target, sizeof target - 1);
    if (length < 0)
        return (int)length;
    target[length] = '\0';
    return (int)SYS(symlinkat, target, to, name);
}

static int copy_entry(int from, int to, const char *name, int depth)
{
    struct stat status;
    long result = SYS(newfstatat, from, name, &status, AT_SYMLINK_NOFOLLOW);
    if (result < 0)
        return (int)result;
    if (S_ISDIR(status.st_mode))
        return copy_subdirectory(from, to, name, depth);
    if (S_ISREG(status.st_mode))
        return copy_file(from, to, name);
    result = S_ISLNK(status.st_mode) ? copy_link(from, to, name)
                                     : (int)SYS(mknodat, to, name, status.st_mode, status.st_rdev);
    if (result < 0)
        return (int)result;
    return (int)SYS(fchownat, to, name, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW);
}

static int copy_directory(int from, int to, int depth)
{
    if (depth > DEEPEST)
        return -ENAMETOOLONG;
    _Alignas(struct entry) char buffer[4096];
    for (;;) {
        long length = SYS(getdents64, from, buffer, sizeof buffer);
        if (length <= 0)
            return (int)length;
        for (long at = 0; at < length;) {
            const struct entry *entry = (const void *)(buffer + at);
            at += entry->length;
            if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0)
                continue;
            int result = copy_entry(from, to, entry->name, depth);
            if (result < 0)
                return result;
        }
    }
}

int op_copy_up(struct party *party, const struct plan_op *op)
{
    cleanup_close int from = inroot_open(slot_fd(op->a), plan_string(party, op->s), O_RDONLY | O_DIRECTORY, 0, 0);
    if (from == -ENOENT)
        return 0;
    if (from < 0)
        return from;
    const int to = slot_fd(op->b);
    struct stat source;
    struct stat target;
    long result = SYS(fstat, from, &source);
    if (result == 0)
        result = SYS(fstat, to, &target);
    if (result == 0 && target.st_uid == 0 && target.st_gid == 0)
        result = SYS(fchownat, to, "", source.st_uid, source.st_gid, AT_EMPTY_PATH);
    return result < 0 ? (int)result : copy_directory(from, to, 0);
}
