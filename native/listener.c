/* The listener of a filter (seccomp_unotify(2)), handed to an agent: from init, which may do nothing any more that the
 * filter could ask the agent about, by way of the supervisor. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "launcher.h"
#include "text.h"

#define DIGITS 10 /* of the pid in a message */

/* A path is reached through a descriptor: it may be longer than the 107 bytes of sun_path. */
static int connect_path(int socket, const char *path)
{
    cleanup_close int file = sys_openat(AT_FDCWD, path, O_PATH | O_CLOEXEC, 0);
    if (file < 0)
        return file;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct text text = TEXT_IN(address.sun_path);
    text_add(&text, "/proc/self/fd/");
    text_add_signed(&text, file);
    return (int)SYS(connect, socket, &address, sizeof address);
}

static int connect_abstract(int socket, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const size_t length = strlen(name);
    if (length >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    memcpy(address.sun_path + 1, name, length);
    return (int)SYS(connect, socket, &address, offsetof(struct sockaddr_un, sun_path) + 1 + length);
}

int op_connect(struct party *party, const struct plan_op *op)
{
    int fd = (int)SYS(socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    const char *path = plan_string(party, op->s);
    int result = path[0] == '@' ? connect_abstract(fd, path + 1) : connect_path(fd, path);
    if (result < 0) {
        sys_close(fd);
        return result;
    }
    return slot_put(fd, op->b);
}

/* Looks for the listener at short intervals: init cannot wake anybody with a call that its own filter may stop. */
static int wait_for_listener(struct party *party)
{
    for (;;) {
        const int fd = __atomic_load_n(&party->plan.report->listener, __ATOMIC_ACQUIRE);
        if (fd > 0)
            return fd;
        struct pollfd init = {.fd = party->init_pidfd, .events = POLLIN};
        struct timespec pause = {.tv_nsec = 200000};
        if (SYS(ppoll, &init, 1, &pause, 0, 0) > 0)
            return fail_check(party, DETAIL_PEER_DIED, 0);
    }
}

static void put_pid(char *place, int pid)
{
    char digits[24];
    struct text number = TEXT_IN(digits);
    text_add_signed(&number, pid);
    while (number.length < DIGITS)
        text_add(&number, " ");
    memcpy(place, digits, DIGITS);
}

static int send_with_descriptor(int socket, char *message, size_t length, int fd)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    memset(&control, 0, sizeof control);
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    struct iovec data = {.iov_base = message, .iov_len = length};
    const struct msghdr header = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.room};
    long sent = SYS(sendmsg, socket, &header, MSG_NOSIGNAL);
    return sent < 0 ? (int)sent : (size_t)sent == length ? 0 : -EIO;
}

int op_send_listener(struct party *party, const struct plan_op *op)
{
    static char message[PLAN_MAX_MESSAGE];
    if (op->n > sizeof message || op->n < DIGITS || op->y > op->n - DIGITS || op->z > op->n - DIGITS)
        return -EINVAL;
    int result = need_init(party);
    if (result < 0)
        return result;
    const int number = wait_for_listener(party);
    if (number < 0)
        return number;
    cleanup_close int listener = (int)SYS(pidfd_getfd, party->init_pidfd, number, 0);
    if (listener < 0)
        return listener;
    __atomic_store_n(&party->plan.report->listener, LISTENER_TAKEN, __ATOMIC_RELEASE);
    memcpy(message, plan_string(party, op->t), op->n);
    put_pid(message + op->y, party->init_pid);
    put_pid(message + op->z, party->init_pid);
    return send_with_descriptor(slot_fd(op->a), message, op->n, listener);
}
