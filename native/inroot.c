#include "inroot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "kernel.h"
#include "text.h"

/* openat2 gives up with EAGAIN when something is renamed anywhere while it looks at "..": a hostile container can do
 * that for ever. */
#define ATTEMPTS 256

static int open_how(int dir, const char *path, const struct open_how *how)
{
    for (int attempt = 0;; attempt++) {
        int fd = (int)SYS(openat2, dir, path, how, sizeof *how);
        if (fd != -EAGAIN || attempt == ATTEMPTS)
            return fd;
    }
}

int inroot_open(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
    const struct open_how how = {
        .flags = flags | O_CLOEXEC,
        .mode = mode,
        .resolve = resolve | RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };
    if (dir >= 0)
        return open_how(dir, path, &how);
    cleanup_close int root = sys_openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    return root < 0 ? root : open_how(root, path, &how);
}

/* Opens one component, which must be a real directory, of an open directory. */
static int open_child(int parent, const char *name)
{
    const struct open_how how = {
        .flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
    };
    return open_how(parent, name, &how);
}

/* Opens the directory that is the first `length` bytes of path, making what is missing component by component. Each
 * prefix is resolved from dir again, so that "..", and links on the way, mean what they mean to the kernel. The result
 * belongs to the caller. */
static int open_or_make(int dir, char *path, size_t length, unsigned mode)
{
    int current = inroot_open(dir, "/", O_PATH | O_DIRECTORY, 0, 0);
    for (size_t start = 0; current >= 0 && start < length;) {
        size_t end = start;
        while (end < length && path[end] != '/')
            end++;
        if (end > start) {
            size_t rest = end;
            while (rest < length && path[rest] == '/')
                rest++;
            const char kept = path[end];
            path[end] = '\0';
            int next = inroot_open(dir, path, O_PATH | O_DIRECTORY, 0, 0);
            if (next == -ENOENT) {
                int made = (int)SYS(mkdirat, current, path + start, rest == length ? mode : 0755U);
                /* EEXIST: somebody was faster, or it is a dangling link, which open_child refuses. */
                next = made == 0 || made == -EEXIST ? open_child(current, path + start) : made;
            }
            path[end] = kept;
            sys_close(current);
            current = next;
        }
        start = end + 1;
    }
    return current;
}

int inroot_make_directories(int dir, const char *path, unsigned mode)
{
    cleanup_close int existing = inroot_open(dir, path, O_PATH | O_DIRECTORY, 0, 0);
    if (existing != -ENOENT)
        return existing < 0 ? existing : 0;
    char copy[PATH_MAX];
    const size_t length = strlen(path);
    if (length >= sizeof copy)
        return -ENAMETOOLONG;
    memcpy(copy, path, length + 1);
    cleanup_close int fd = open_or_make(dir, copy, length, mode);
    return fd < 0 ? fd : 0;
}

int inroot_open_parent(int dir, const char *path, char *name, int make_parents)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    size_t start = length;
    while (start > 0 && path[start - 1] != '/')
        start--;
    const size_t name_length = length - start;
    if (name_length > NAME_MAX || start >= PATH_MAX)
        return -ENAMETOOLONG;
    memcpy(name, path + start, name_length);
    name[name_length] = '\0';
    if (name_length == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return -EINVAL;

    char parent[PATH_MAX];
    memcpy(parent, path, start);
    parent[start] = '\0';
    int fd = inroot_open(dir, start == 0 ? "/" : parent, O_PATH | O_DIRECTORY, 0, 0);
    if (fd != -ENOENT || !make_parents)
        return fd;
    return open_or_make(dir, parent, start, 0755);
}

/* path = directory of the link that ends at `end` + target + rest; an absolute target needs no directory. */
static int splice_link(char *path, size_t end, const char *target)
{
    size_t start = end;
    while (start > 0 && path[start - 1] != '/')
        start--;
    char spliced[PATH_MAX];
    struct text text = TEXT_IN(spliced);
    if (target[0] != '/') {
        const char kept = path[start];
        path[start] = '\0';
        text_add(&text, path);
        path[start] = kept;
    }
    text_add(&text, target);
    text_add(&text, path + end);
    if (text.overflow)
        return -ENAMETOOLONG;
    memcpy(path, spliced, text.length + 1);
    return 0;
}

/* If the first `end` bytes of path are a link that leads to nothing, replaces it. Returns 1 then, 0 if not, -ENOENT
 * where nothing is there at all. */
static int follow_one(int dir, char *path, size_t end)
{
    const char kept = path[end];
    path[end] = '\0';
    cleanup_close int fd = inroot_open(dir, path, O_PATH | O_NOFOLLOW, 0, 0);
    cleanup_close int followed = fd < 0 ? fd : inroot_open(dir, path, O_PATH, 0, 0);
    path[end] = kept;
    if (fd < 0)
        return fd;
    if (followed != -ENOENT)
        return followed < 0 ? followed : 0;
    char target[PATH_MAX];
    long length = SYS(readlinkat, fd, "", target, sizeof target - 1);
    if (length < 0)
        return (int)length;
    target[length] = '\0';
    int result = splice_link(path, end, target);
    return result < 0 ? result : 1;
}

int inroot_follow_dangling(int dir, const char *path, char *result)
{
    enum { MOST_LINKS = 40 }; /* the kernel's own limit */
    const size_t length = strlen(path);
    if (length >= PATH_MAX)
        return -ENAMETOOLONG;
    memcpy(result, path, length + 1);
    size_t end = 0;
    for (int links = 0; links <= MOST_LINKS;) {
        while (result[end] == '/')
            end++;
        if (result[end] == '\0')
            return 0;
        while (result[end] != '/' && result[end] != '\0')
            end++;
        int replaced = follow_one(dir, result, end);
        if (replaced == -ENOENT)
            return 0;
        if (replaced < 0)
            return replaced;
        if (replaced > 0) {
            links++;
            end = 0;
        }
    }
    return -ELOOP;
}
