/* A user namespace for nothing but its map: an id-mapped mount wants one. */
#include <errno.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <signal.h>
#include <string.h>

#include "launcher.h"

/* Lives until it is killed, with us at the latest. */
_Noreturn static void hold(void)
{
    sys_prctl(PR_SET_PDEATHSIG, SIGKILL, 0);
    for (;;)
        SYS(ppoll, 0, 0, 0, 0, 0);
}

static int write_map(int pid, const char *name, const char *map)
{
    cleanup_close int fd = open_of_process(pid, name, O_WRONLY);
    if (fd < 0)
        return fd;
    const size_t length = strlen(map);
    long written = sys_write(fd, map, length);
    return written < 0 ? (int)written : (size_t)written == length ? 0 : -EIO;
}

int op_user_namespace(struct party *party, const struct plan_op *op)
{
    long pid = SYS(clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    if (pid < 0)
        return (int)pid;
    if (pid == 0)
        hold();
    int result = write_map((int)pid, "uid_map", plan_string(party, op->s));
    if (result == 0)
        result = write_map((int)pid, "gid_map", plan_string(party, op->t));
    if (result == 0)
        result = slot_put(open_of_process((int)pid, "ns/user", O_RDONLY), op->b);
    SYS(kill, pid, SIGKILL);
    SYS(wait4, pid, 0, 0, 0);
    return result;
}
