/* Where the parties meet: tokens and descriptors over socket pairs, the status pipe, and the word of C# to go on. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "launcher.h"

/* A message's buffer for one descriptor, aligned as the kernel wants it. */
union one_descriptor {
    struct cmsghdr header;
    char room[CMSG_SPACE(sizeof(int))];
};

int op_send(struct party *party, const struct plan_op *op)
{
    uint64_t token = op->x;
    struct iovec data = {.iov_base = &token, .iov_len = sizeof token};
    if (op->n > 0)
        data = (struct iovec){.iov_base = (void *)(uintptr_t)plan_string(party, op->t), .iov_len = op->n};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
    union one_descriptor control;
    if (op->b >= 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = &control;
        message.msg_controllen = sizeof control.room;
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(int));
        const int fd = slot_fd(op->b);
        memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    }
    long sent = SYS(sendmsg, slot_fd(op->a), &message, MSG_NOSIGNAL);
    if (sent == -EPIPE || sent == -ECONNRESET)
        return fail_check(party, DETAIL_PEER_DIED, 0);
    return sent < 0 ? (int)sent : (size_t)sent == data.iov_len ? 0 : -EIO;
}

/* Waits until fd can be read. The supervisor sees init's death too: init may be dead while a copy of its end lives on.
 */
static int wait_readable(struct party *party, int fd)
{
    const bool watch_init = party->section == SECTION_SUPERVISOR && (party->init_pid > 0 || party->joiner > 0);
    if (!watch_init)
        return 0;
    struct pollfd fds[2] = {{.fd = fd, .events = POLLIN}, {.fd = party->init_pidfd, .events = POLLIN}};
    long result;
    do
        result = SYS(ppoll, fds, 2, 0, 0, 0);
    while (result == -EINTR);
    if (result < 0)
        return (int)result;
    return fds[0].revents != 0 ? 0 : fail_check(party, DETAIL_PEER_DIED, 0);
}

int op_recv(struct party *party, const struct plan_op *op)
{
    int result = wait_readable(party, slot_fd(op->a));
    if (result < 0)
        return result;
    uint64_t token = 0;
    struct iovec data = {.iov_base = &token, .iov_len = sizeof token};
    union one_descriptor control;
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.room};
    long received;
    do
        received = SYS(recvmsg, slot_fd(op->a), &message, MSG_CMSG_CLOEXEC);
    while (received == -EINTR);
    if (received == 0 || received == -ECONNRESET)
        return fail_check(party, DETAIL_PEER_DIED, 0);
    if (received < 0)
        return (int)received;

    int fd = -1;
    if (message.msg_controllen >= CMSG_LEN(sizeof(int)) && control.header.cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(&control.header), sizeof fd);
    if (received != (long)sizeof token || token != op->x || (fd >= 0) != (op->b >= 0)) {
        if (fd >= 0)
            sys_close(fd);
        return -EPROTO;
    }
    return fd >= 0 ? slot_put(fd, op->b) : 0;
}

int op_notify(struct party *party, const struct plan_op *op)
{
    (void)party;
    const char byte = (char)op->x;
    long written = sys_write(slot_fd(SLOT_STATUS), &byte, 1);
    return written < 0 ? (int)written : 0;
}

/* One byte; its end of file means that nobody will ever send it. */
static int wait_byte(struct party *party, int fd)
{
    int result = wait_readable(party, fd);
    if (result < 0)
        return result;
    char byte;
    long length;
    do
        length = sys_read(fd, &byte, 1);
    while (length == -EINTR);
    if (length == 0)
        return fail_check(party, DETAIL_ABORTED, 0);
    return length < 0 ? (int)length : 0;
}

int op_wait_go(struct party *party, const struct plan_op *op)
{
    enum { EARLY = 1 };
    if (party->joiner > 0 && !(op->flags & EARLY)) {
        int result = need_init(party);
        if (result < 0)
            return result;
    }
    return wait_byte(party, slot_fd(op->a));
}

static void keep(uint32_t *words, int64_t slot)
{
    if (slot >= 0 && slot < PLAN_MAX_SLOTS)
        words[slot / 32] |= 1u << (slot % 32);
}

/* Slots from first to last. The container's filter may be in force already, and refuse a call that is younger than its
 * profile. */
static void close_slots(int64_t first, int64_t last)
{
    if (SYS(close_range, slot_fd(first), slot_fd(last), 0) == 0)
        return;
    for (int64_t slot = first; slot <= last; slot++)
        sys_close(slot_fd(slot));
}

/* Closes all slots but those that are needed and those that a later operation of the party's, or of init's, names. */
static void close_others(const struct party *party, const struct plan_op *op, uint32_t *needed)
{
    for (const struct plan_op *next = op + 1; next < party->plan.ops + party->plan.header->op_count; next++) {
        if (next->section == party->section || next->section == SECTION_INIT) {
            keep(needed, next->a);
            keep(needed, next->b);
        }
    }
    uint32_t from = 0;
    for (uint32_t slot = 0; slot <= PLAN_MAX_SLOTS; slot++) {
        if (slot < PLAN_MAX_SLOTS && !(needed[slot / 32] >> (slot % 32) & 1u))
            continue;
        if (from < slot)
            close_slots(from, (int64_t)slot - 1);
        from = slot + 1;
    }
}

int op_close_unneeded(struct party *party, const struct plan_op *op)
{
    enum { ALSO_PLAN = 1 };
    uint32_t needed[PLAN_MAX_SLOTS / 32 + 1] = {0};
    keep(needed, SLOT_STATUS);
    if (!(op->flags & ALSO_PLAN))
        keep(needed, SLOT_PLAN);
    close_others(party, op, needed);
    return 0;
}

_Noreturn static void end_by(int signal)
{
    SYS(exit_group, 128 + signal);
    __builtin_unreachable();
}

/* The kernel keeps from the first process of a pid namespace what it has no handler for: while it waits, whoever asks
 * it to end shall not have to kill it. */
static void on_end_signals(void (*handler)(int))
{
    static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    const struct sigaction action = {.sa_handler = handler};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &action, NULL);
}

/* Who looks into a container that waits for its start, an exec with CAP_SYS_PTRACE, finds no way to the host in it: of
 * all slots only the plan, which the starter reads the report from, the fifo and those that a later operation names
 * stay open (CVE-2024-21626). */
int op_wait_start(struct party *party, const struct plan_op *op)
{
    report_phase(party, PHASE_WAITING);
    uint32_t needed[PLAN_MAX_SLOTS / 32 + 1] = {0};
    keep(needed, SLOT_PLAN);
    keep(needed, op->a);
    close_others(party, op, needed);
    if (SYS(getpid, 0) != 1)
        return wait_byte(party, slot_fd(op->a));
    on_end_signals(end_by);
    const int result = wait_byte(party, slot_fd(op->a));
    on_end_signals(SIG_DFL);
    return result;
}
