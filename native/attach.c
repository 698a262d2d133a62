#include "attach.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "kernel.h"
#include "text.h"

/* struct winsize as the kernel has it. */
struct window_size {
    unsigned short rows, columns, width, height;
};

void attach_put_header(char *to, uint8_t type, uint32_t length)
{
    const struct monitor_header header = {
        .type = type,
        .length = {(uint8_t)(length >> 24), (uint8_t)(length >> 16), (uint8_t)(length >> 8), (uint8_t)length},
    };
    memcpy(to, &header, sizeof header);
}

static uint32_t message_length(const struct client *client)
{
    const uint8_t *length = client->header + offsetof(struct monitor_header, length);
    return (uint32_t)length[0] << 24 | (uint32_t)length[1] << 16 | (uint32_t)length[2] << 8 | length[3];
}

/* --- sending --- */

static void hang_up(struct client *client)
{
    client->hung_up = true;
    client->behind = false;
}

/* Sends what the client lacks of the current message. True if it took something. */
static bool push(struct client *client, const struct message *message)
{
    long sent = SYS(sendto, client->fd, message->bytes + client->sent, message->length - client->sent,
                    MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0);
    if (sent == -EAGAIN)
        return false;
    if (sent < 0) {
        hang_up(client);
        return true;
    }
    client->sent += (uint32_t)sent;
    client->behind = client->sent < message->length;
    return true;
}

void attach_broadcast(struct attach *attach, uint8_t flags)
{
    for (unsigned i = 0; i < attach->count; i++) {
        struct client *client = &attach->clients[i];
        if (client->hung_up || (flags != 0 && !(client->attached & flags)))
            continue;
        client->sent = 0;
        client->behind = true;
        push(client, &attach->message);
    }
}

bool attach_is_behind(const struct attach *attach)
{
    for (unsigned i = 0; i < attach->count; i++)
        if (attach->clients[i].behind)
            return true;
    return false;
}

void attach_drop_slow(struct attach *attach)
{
    for (unsigned i = 0; i < attach->count; i++)
        if (attach->clients[i].behind)
            hang_up(&attach->clients[i]);
}

/* A short message outside of the stream. A client that has no room for it reads nothing at all: it is given up. */
static void send_text(struct client *client, uint8_t type, const char *text)
{
    char buffer[1024];
    const size_t length = strlen(text);
    if (length > sizeof buffer - sizeof(struct monitor_header))
        return;
    attach_put_header(buffer, type, (uint32_t)length);
    memcpy(buffer + sizeof(struct monitor_header), text, length);
    const size_t total = length + sizeof(struct monitor_header);
    if (SYS(sendto, client->fd, buffer, total, MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0) != (long)total)
        hang_up(client);
}

/* --- clients come and go --- */

static void set_attached(struct attach *attach, struct client *client, uint8_t flags)
{
    char text[256] = "";
    attach->describe(attach->context, text, sizeof text);
    client->attached = flags & (ATTACH_STDIN | ATTACH_STDOUT | ATTACH_STDERR);
    send_text(client, MSG_ATTACHED, text);
}

void attach_add(struct attach *attach, int fd, uint8_t flags)
{
    if (attach->count == ATTACH_MAX_CLIENTS) {
        sys_close(fd);
        return;
    }
    struct client *client = &attach->clients[attach->count++];
    *client = (struct client){.fd = fd, .receives = true};
    send_text(client, MSG_HELLO, attach->hello);
    if (flags != 0)
        set_attached(attach, client, flags);
}

/* vanished: nobody has said that this was all. The daemon between us and who types was killed, and the next one goes on. */
static void end_stdin(struct attach *attach, struct client *client, bool vanished)
{
    if (!(client->attached & ATTACH_STDIN))
        return;
    client->attached &= (uint8_t)~ATTACH_STDIN;
    if (vanished && attach->input->stdin_once)
        return;
    unsigned others = 0;
    for (unsigned i = 0; i < attach->count; i++)
        others += (attach->clients[i].attached & ATTACH_STDIN) != 0;
    input_end_of_client(attach->input, others);
}

static void remove_client(struct attach *attach, struct client *client)
{
    end_stdin(attach, client, true);
    /* Unread data would turn the peer's end of file into a reset. */
    char rest[1024];
    while (SYS(recvfrom, client->fd, rest, sizeof rest, MSG_DONTWAIT, 0, 0) > 0)
        ;
    sys_close(client->fd);
    *client = attach->clients[--attach->count];
}

void attach_close(struct attach *attach, bool all)
{
    for (unsigned i = attach->count; i-- > 0;)
        if (all || attach->clients[i].hung_up || !attach->clients[i].behind)
            remove_client(attach, &attach->clients[i]);
}

/* --- receiving --- */

static bool is_stdin_payload(const struct client *client)
{
    return client->header_got == sizeof client->header && client->header[0] == MSG_STDIN &&
           client->attached & ATTACH_STDIN;
}

/* A whole message is there: its payload's first bytes are in client->payload. */
static void carry_out(struct attach *attach, struct client *client)
{
    const uint8_t *payload = client->payload;
    const uint32_t length = message_length(client);
    switch (client->header[0]) {
    case MSG_ATTACH:
        if (length >= 1 && client->attached == 0 && !client->behind)
            set_attached(attach, client, payload[0]);
        break;
    case MSG_STDIN_CLOSE:
        end_stdin(attach, client, false);
        break;
    case MSG_RESIZE:
        if (length >= 4 && attach->terminal >= 0) {
            const struct window_size size = {
                .rows = (unsigned short)(payload[0] << 8 | payload[1]),
                .columns = (unsigned short)(payload[2] << 8 | payload[3]),
            };
            SYS(ioctl, attach->terminal, TIOCSWINSZ, &size);
        }
        break;
    default: /* MSG_WAIT needs nothing: everybody is told of the end. Unknown ones are passed over */
        break;
    }
    client->header_got = 0;
    client->payload_got = 0;
}

/* Reads some of the payload. Returns what recv returned. */
static long receive_payload(struct attach *attach, struct client *client)
{
    const uint32_t length = message_length(client);
    const uint32_t wanted = length - client->payload_got;
    struct input *input = attach->input;
    long got;
    if (is_stdin_payload(client)) {
        const uint32_t room = wanted < MONITOR_MAX_MESSAGE ? wanted : MONITOR_MAX_MESSAGE;
        got = SYS(recvfrom, client->fd, input->buffer, room, MSG_DONTWAIT, 0, 0);
        if (got > 0)
            input_accept(input, (size_t)got);
    } else {
        char scratch[4096];
        got = SYS(recvfrom, client->fd, scratch, wanted < sizeof scratch ? wanted : sizeof scratch, MSG_DONTWAIT, 0, 0);
        for (long i = 0; i < got && client->payload_got + (uint32_t)i < sizeof client->payload; i++)
            client->payload[client->payload_got + (uint32_t)i] = (uint8_t)scratch[i];
    }
    if (got > 0)
        client->payload_got += (uint32_t)got;
    return got;
}

/* Takes one piece off the socket. Returns what recv returned: 0 end of file, -EAGAIN nothing now. */
static long receive_piece(struct attach *attach, struct client *client)
{
    if (client->header_got < sizeof client->header) {
        long got = SYS(recvfrom, client->fd, client->header + client->header_got,
                       sizeof client->header - client->header_got, MSG_DONTWAIT, 0, 0);
        if (got <= 0)
            return got;
        client->header_got = (uint8_t)(client->header_got + got);
        if (client->header_got == sizeof client->header && message_length(client) == 0)
            carry_out(attach, client);
        return got;
    }
    long got = receive_payload(attach, client);
    if (got > 0 && client->payload_got == message_length(client))
        carry_out(attach, client);
    return got;
}

/* Its next bytes are for stdin, which is not ready for them. */
static bool is_paused(const struct attach *attach, const struct client *client)
{
    return input_is_busy(attach->input) && is_stdin_payload(client);
}

/* Closed in both directions, not only the one to us. */
static bool has_vanished(int fd)
{
    struct pollfd entry = {.fd = fd};
    return SYS(ppoll, &entry, 1, &(struct timespec){0}, 0, 0) > 0 && entry.revents & (POLLHUP | POLLERR);
}

/* Receives until the socket is empty, stdin is full or, so that nobody starves the others, for a while. False: the
 * client is gone. */
static bool receive(struct attach *attach, struct client *client)
{
    for (int pieces = 0; pieces < 16 && !is_paused(attach, client); pieces++) {
        long got = receive_piece(attach, client);
        if (got == -EAGAIN)
            return true;
        if (got == 0 && !client->hung_up) {
            client->receives = false; /* it may have closed only its side */
            end_stdin(attach, client, has_vanished(client->fd));
            return true;
        }
        if (got <= 0)
            return false;
    }
    return true;
}

/* --- polling --- */

unsigned attach_poll(const struct attach *attach, struct pollfd *fds)
{
    for (unsigned i = 0; i < attach->count; i++) {
        const struct client *client = &attach->clients[i];
        const bool paused = is_paused(attach, client);
        fds[i] = (struct pollfd){
            /* A client that has hung up polls ready for ever: it is left out while stdin is not ready for its last
               words. */
            .fd = paused && client->hung_up ? -1 : client->fd,
            .events = (short)((client->receives && !paused ? POLLIN : 0) | (client->behind ? POLLOUT : 0)),
        };
    }
    fds[attach->count] = (struct pollfd){
        .fd = attach->count < ATTACH_MAX_CLIENTS ? attach->listener : -1,
        .events = POLLIN,
    };
    return attach->count + 1;
}

static void accept_clients(struct attach *attach)
{
    while (attach->count < ATTACH_MAX_CLIENTS) {
        int fd = (int)SYS(accept4, attach->listener, 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            return;
        attach_add(attach, fd, 0);
    }
}

bool attach_handle(struct attach *attach, const struct pollfd *fds, unsigned count)
{
    bool progress = false;
    /* Backwards: removing one moves the last one, which has been seen by then, into its place. */
    for (unsigned i = count - 1; i-- > 0;) {
        struct client *client = &attach->clients[i];
        const short events = fds[i].revents;
        if (events & POLLOUT && client->behind)
            progress |= push(client, &attach->message);
        if (events & (POLLHUP | POLLERR | POLLNVAL))
            hang_up(client);
        bool alive = true;
        if (client->receives && (events & POLLIN || client->hung_up))
            alive = receive(attach, client);
        if (!alive || (client->hung_up && !client->receives))
            remove_client(attach, client);
    }
    if (fds[count - 1].revents & POLLIN)
        accept_clients(attach);
    return progress;
}
