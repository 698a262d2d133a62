/* Operations that set one attribute of the process or of one of its namespaces. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/keyctl.h>
#include <linux/magic.h>
#include <linux/prctl.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/vfs.h>

#include "inroot.h"
#include "launcher.h"
#include "text.h"

int op_loopback_up(struct party *party, const struct plan_op *op)
{
    (void)party, (void)op;
    /* Any socket reaches the interfaces of its network namespace; this kind is the cheapest. */
    cleanup_close int fd = (int)SYS(socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    const struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    return (int)SYS(ioctl, fd, SIOCSIFFLAGS, &request);
}

int op_hostname(struct party *party, const struct plan_op *op)
{
    const char *name = plan_string(party, op->s);
    return (int)SYS(sethostname, name, strlen(name));
}

int op_domainname(struct party *party, const struct plan_op *op)
{
    const char *name = plan_string(party, op->s);
    return (int)SYS(setdomainname, name, strlen(name));
}

/* Opens a file of /proc/self, which the container's root has by now. What an image put there could lead the write to
 * another file of a procfs elsewhere (CVE-2025-52881): /proc must be a procfs's own root, and nothing may be mounted on
 * the way below it. */
static int open_of_self(struct party *party, const char *name)
{
    enum { PROC_ROOT_INODE = 1 };
    cleanup_close int proc = inroot_open(-1, "/proc", O_PATH | O_DIRECTORY, 0, RESOLVE_NO_SYMLINKS);
    if (proc < 0)
        return proc == -ELOOP ? fail_check(party, DETAIL_WRONG_FILESYSTEM, 0) : proc;
    struct stat status;
    int result = check_filesystem(party, proc, PROC_SUPER_MAGIC);
    if (result == 0)
        result = (int)SYS(fstat, proc, &status);
    if (result < 0)
        return result;
    if (status.st_ino != PROC_ROOT_INODE)
        return fail_check(party, DETAIL_WRONG_FILESYSTEM, 0);
    return inroot_open(proc, name, O_WRONLY, 0, RESOLVE_NO_XDEV);
}

int op_oom_score_adj(struct party *party, const struct plan_op *op)
{
    cleanup_close int fd = open_of_self(party, "self/oom_score_adj");
    if (fd < 0)
        return fd;
    char number[24];
    struct text text = TEXT_IN(number);
    text_add_signed(&text, (int64_t)op->x);
    long result = sys_write(fd, number, text.length);
    return result < 0 && result != -EACCES ? (int)result : 0;
}

int op_keyring(struct party *party, const struct plan_op *op)
{
    const char *name = op->s != 0 ? plan_string(party, op->s) : NULL;
    int result = (int)SYS(keyctl, KEYCTL_JOIN_SESSION_KEYRING, name);
    return result >= 0 || result == -ENOSYS || result == -EDQUOT ? 0 : result;
}

int op_umask(struct party *party, const struct plan_op *op)
{
    party->umask_set = true;
    SYS(umask, op->x);
    return 0;
}

int op_personality(struct party *party, const struct plan_op *op)
{
    (void)party;
    int result = (int)SYS(personality, op->x);
    return result < 0 ? result : 0;
}

int op_dumpable(struct party *party, const struct plan_op *op)
{
    party->dumpable = op->x == 1;
    return sys_prctl(PR_SET_DUMPABLE, op->x, 0);
}

int op_pdeathsig(struct party *party, const struct plan_op *op)
{
    (void)party;
    return sys_prctl(PR_SET_PDEATHSIG, op->x, 0);
}

int op_subreaper(struct party *party, const struct plan_op *op)
{
    (void)party;
    return sys_prctl(PR_SET_CHILD_SUBREAPER, op->x, 0);
}

int op_name(struct party *party, const struct plan_op *op)
{
    return sys_prctl(PR_SET_NAME, (unsigned long)plan_string(party, op->s), 0);
}
