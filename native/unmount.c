/* Taking mounts away. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>

#include "inroot.h"
#include "launcher.h"
#include "text.h"

#define LARGEST (4 << 20) /* bytes of a mount table */

/* "\040" and the like, in place (proc(5), mountinfo). */
static void unescape(char *path)
{
    char *to = path;
    for (const char *from = path; *from != '\0';) {
        if (from[0] == '\\' && from[1] != '\0' && from[2] != '\0' && from[3] != '\0') {
            *to++ = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
            from += 4;
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
}

/* The mount point of one line, if the line is about such a file system; the line is cut up. */
static char *mount_point_of(char *line, const char *type)
{
    char *dash = strstr(line, " - ");
    const size_t length = strlen(type);
    if (!dash || strncmp(dash + 3, type, length) != 0 || dash[3 + length] != ' ')
        return NULL;
    char *field = line;
    for (int before = 0; field && before < 4; before++) {
        field = strchr(field, ' ');
        field = field ? field + 1 : NULL;
    }
    char *end = field ? strchr(field, ' ') : NULL;
    if (!end)
        return NULL;
    *end = '\0';
    unescape(field);
    return field;
}

static int unmount_lines(char *table, const char *type, uint64_t flags)
{
    for (char *line = table; line && *line != '\0';) {
        char *next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        const char *path = mount_point_of(line, type);
        int result = path ? (int)SYS(umount2, path, flags) : 0;
        if (result < 0 && result != -EINVAL && result != -ENOENT)
            return result;
        line = next;
    }
    return 0;
}

static long read_whole(int fd, char *buffer, size_t size)
{
    size_t length = 0;
    while (length < size - 1) {
        long got = sys_read(fd, buffer + length, size - 1 - length);
        if (got < 0)
            return got;
        if (got == 0) {
            buffer[length] = '\0';
            return (long)length;
        }
        length += (size_t)got;
    }
    return -EFBIG;
}

static int unmount_all(const char *type, uint64_t flags)
{
    cleanup_close int fd = sys_openat(AT_FDCWD, "/proc/self/mountinfo", O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    long memory = SYS(mmap, 0, LARGEST, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory < 0 && memory > -4096)
        return (int)memory;
    long result = read_whole(fd, (char *)memory, LARGEST);
    if (result >= 0)
        result = unmount_lines((char *)memory, type, flags);
    SYS(munmap, memory, LARGEST);
    return (int)result;
}

int op_umount(struct party *party, const struct plan_op *op)
{
    enum { ALL_OF_TYPE = 1 };
    const char *what = plan_string(party, op->s);
    return op->flags & ALL_OF_TYPE ? unmount_all(what, op->x) : (int)SYS(umount2, what, op->x);
}

/* A container that runs may put a link in the way at any time, to have another of its mounts, a mask, taken away. */
int op_unmount_at(struct party *party, const struct plan_op *op)
{
    cleanup_close int directory =
        inroot_open(slot_fd(op->a), plan_string(party, op->s), O_PATH | O_DIRECTORY, 0, RESOLVE_NO_SYMLINKS);
    if (directory < 0)
        return directory;
    int result = (int)SYS(fchdir, directory);
    return result < 0 ? result : (int)SYS(umount2, plan_string(party, op->t), op->x | UMOUNT_NOFOLLOW);
}
