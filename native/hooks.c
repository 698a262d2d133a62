/* Hooks that run in the container's namespaces: createContainer before the pivot, startContainer behind it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/memfd.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "launcher.h"
#include "text.h"

#define SAID 400 /* bytes of a failed hook's output that are reported */

int op_memory(struct party *party, const struct plan_op *op)
{
    (void)party;
    int fd = (int)SYS(memfd_create, "hook-state", MFD_CLOEXEC);
    return fd < 0 ? fd : slot_put(fd, op->b);
}

int op_hook_state(struct party *party, const struct plan_op *op)
{
    enum { DIGITS = 10 };
    if (op->y > op->n || op->n - op->y < DIGITS)
        return -EINVAL;
    const int fd = slot_fd(op->b);
    char digits[24];
    struct text number = TEXT_IN(digits);
    text_add_signed(&number, (int64_t)SYS(getpid, 0));
    while (number.length < DIGITS)
        text_add(&number, " ");
    long written = SYS(pwrite64, fd, plan_string(party, op->t), op->n, 0L);
    if (written == (long)op->n)
        written = SYS(pwrite64, fd, digits, (long)DIGITS, op->y);
    return written < 0 ? (int)written : 0;
}

/* The program in its own process; never returns. */
_Noreturn static void execute(const struct party *party, const struct plan_op *op, int output)
{
    const char **words = (const char **)SYS(mmap, 0, (op->x + op->y + 2) * sizeof *words, PROT_READ | PROT_WRITE,
                                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if ((uintptr_t)words > (uintptr_t)-4096)
        SYS(exit_group, 127);
    const char *word = plan_string(party, op->s);
    const char *path = word;
    const char **next = words;
    for (uint64_t i = 0; i < op->x; i++, word += strlen(word) + 1)
        if (i > 0)
            *next++ = word;
    *next++ = NULL;
    const char **environment = next;
    word = plan_string(party, op->t);
    for (uint64_t i = 0; i < op->y; i++, word += strlen(word) + 1)
        *next++ = word;
    *next = NULL;

    SYS(lseek, slot_fd(op->a), 0, SEEK_SET);
    sys_dup3(slot_fd(op->a), 0, 0);
    sys_dup3(output, 1, 0);
    sys_dup3(output, 2, 0);
    SYS(close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
    int result = op->b < 0 ? 0 : (int)SYS(fchdir, slot_fd(op->b));
    if (result == 0)
        result = (int)SYS(execve, path, words, environment);
    char why[64];
    struct text text = TEXT_IN(why);
    text_add(&text, "execve: errno ");
    text_add_signed(&text, -result);
    sys_write(2, why, text.length);
    SYS(exit_group, 127);
    __builtin_unreachable();
}

/* Waits for the child; true when the time was up, and it was killed. */
static bool wait_for(int pid, int pidfd, uint64_t timeout_ms, int *status)
{
    bool late = false;
    if (timeout_ms > 0 && pidfd >= 0) {
        struct pollfd poll = {.fd = pidfd, .events = POLLIN};
        struct timespec left = {.tv_sec = (time_t)(timeout_ms / 1000), .tv_nsec = (long)(timeout_ms % 1000) * 1000000};
        late = SYS(ppoll, &poll, 1, &left, 0, 0) == 0; /* the kernel subtracts what an interruption took */
        if (late)
            SYS(pidfd_send_signal, pidfd, SIGKILL, 0, 0);
    }
    while (SYS(wait4, pid, status, 0, 0) == -EINTR)
        ;
    return late;
}

static void explain(struct party *party, int status, bool late, int output)
{
    char room[SAID + 64];
    struct text text = TEXT_IN(room);
    if (late) {
        text_add(&text, "it was killed at its timeout");
    } else if (WIFSIGNALED(status)) {
        text_add(&text, "it was killed by signal ");
        text_add_signed(&text, WTERMSIG(status));
        if (WTERMSIG(status) == SIGSYS)
            text_add(&text, " (bad system call)");
    } else {
        text_add(&text, "exit status ");
        text_add_signed(&text, WEXITSTATUS(status));
    }
    char said[SAID];
    long length = SYS(pread64, output, said, sizeof said - 1, 0L);
    if (length > 0) {
        said[length] = '\0';
        text_add(&text, ": ");
        text_add(&text, said);
    }
    report_text(party, room);
}

int op_hook(struct party *party, const struct plan_op *op)
{
    cleanup_close int output = (int)SYS(memfd_create, "hook-output", MFD_CLOEXEC);
    if (output < 0)
        return output;
    int pid = (int)SYS(clone, SIGCHLD, 0, 0, 0, 0);
    if (pid < 0)
        return pid;
    if (pid == 0)
        execute(party, op, output);
    cleanup_close int pidfd = (int)SYS(pidfd_open, pid, 0);
    int status = 0;
    const bool late = wait_for(pid, pidfd, op->z, &status);
    if (!late && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    explain(party, status, late, output);
    return fail_check(party, DETAIL_HOOK_FAILED, 0);
}
