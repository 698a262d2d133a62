/* Operations on sessions, terminals and stdio. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <asm/termbits.h>
#include <asm/ioctls.h>
#include <sys/vfs.h>

#include "inroot.h"
#include "launcher.h"

/* struct winsize as the kernel has it; termbits and libc's termios cannot be included together. */
struct window_size {
    unsigned short rows, columns, width, height;
};

int op_setsid(struct party *party, const struct plan_op *op)
{
    (void)party, (void)op;
    int result = (int)SYS(setsid, 0);
    return result < 0 ? result : 0;
}

int op_ctty(struct party *party, const struct plan_op *op)
{
    (void)party;
    return (int)SYS(ioctl, slot_fd(op->a), TIOCSCTTY, 0);
}

/* The slave comes from the master itself (TIOCGPTPEER): a path to it could lead anywhere (CVE-2025-52565). */
static int open_slave(int master, const struct plan_op *op)
{
    int unlocked = 0;
    long result = SYS(ioctl, master, TIOCSPTLCK, &unlocked);
    if (result < 0)
        return (int)result;
    if (op->y != 0) {
        const struct window_size size = {.rows = (unsigned short)(op->y >> 16), .columns = (unsigned short)op->y};
        result = SYS(ioctl, master, TIOCSWINSZ, &size);
        if (result < 0)
            return (int)result;
    }
    return (int)SYS(ioctl, master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

/* Before anybody writes: a line feed stays one. */
static long keep_line_ends(int slave)
{
    struct termios settings;
    long result = SYS(ioctl, slave, TCGETS, &settings);
    if (result < 0)
        return result;
    settings.c_oflag &= ~(tcflag_t)ONLCR;
    return SYS(ioctl, slave, TCSETS, &settings);
}

int op_pty(struct party *party, const struct plan_op *op)
{
    int master = inroot_open(slot_fd(op->a), "dev/pts/ptmx", O_RDWR | O_NOCTTY, 0, 0);
    if (master < 0)
        return master;
    struct statfs status;
    long result = SYS(fstatfs, master, &status);
    if (result == 0 && status.f_type != DEVPTS_SUPER_MAGIC)
        result = fail_check(party, DETAIL_WRONG_FILESYSTEM, 0);
    if (result < 0) {
        sys_close(master);
        return (int)result;
    }
    int slave = open_slave(master, op);
    if (slave >= 0 && op->flags & 1)
        result = keep_line_ends(slave);
    if (result == 0 && slave >= 0 && op->z != 0)
        result = SYS(fchown, slave, op->z, -1);
    int parked_slave = slot_put(slave, (int64_t)op->x);
    int parked_master = slot_put(master, op->b);
    if (result < 0)
        return (int)result;
    return parked_slave < 0 ? parked_slave : parked_master;
}

int op_stdio(struct party *party, const struct plan_op *op)
{
    (void)party;
    const int64_t slots[3] = {op->a, op->b, (int64_t)op->x};
    for (int i = 0; i < 3; i++) {
        if (slots[i] < 0)
            continue;
        int result = sys_dup3(slot_fd(slots[i]), i, 0);
        if (result < 0)
            return result;
    }
    return 0;
}

/* What nobody but the host's root can have is not refused to a container's user: he just cannot open it again. */
static bool is_ungivable(long result) { return result == -EPERM || result == -EROFS || result == -EINVAL; }

int op_own_stdio(struct party *party, const struct plan_op *op)
{
    (void)party;
    for (int fd = 0; fd <= 2; fd++) {
        struct stat status;
        long result = SYS(fstat, fd, &status);
        if (result < 0)
            return (int)result;
        if (is_null_device(&status) || (status.st_uid == op->x && status.st_gid == op->y))
            continue;
        result = SYS(fchown, fd, op->x, op->y);
        if (result < 0 && !is_ungivable(result))
            return (int)result;
    }
    return 0;
}

static bool is_null(int fd)
{
    struct stat status;
    return SYS(fstat, fd, &status) == 0 && is_null_device(&status);
}

/* The caller's is a file of a mount that the container does not have: it would show the host's, and keep a checkpoint
 * from being taken. */
int op_own_null(struct party *party, const struct plan_op *op)
{
    (void)party, (void)op;
    cleanup_close int own = sys_openat(AT_FDCWD, "/dev/null", O_RDWR | O_NOCTTY | O_CLOEXEC, 0);
    if (own < 0 || !is_null(own))
        return 0;
    for (int fd = 0; fd <= 2; fd++) {
        int result = is_null(fd) ? sys_dup3(own, fd, 0) : 0;
        if (result < 0)
            return result;
    }
    return 0;
}
