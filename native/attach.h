/* The monitor's socket: clients that watch the container's output, send it input, resize its terminal, or wait for its
 * end. */
#ifndef BUNDT_ATTACH_H
#define BUNDT_ATTACH_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "input.h"
#include "monitor.h"

#define ATTACH_MAX_CLIENTS 64

struct client {
    int fd;
    uint8_t attached; /* enum attach_flags */
    bool receives;    /* false: it has ended its side */
    bool hung_up;     /* nobody reads what we send */
    bool behind;      /* has not yet taken all of the current message */
    uint32_t sent;    /* bytes of the current message */
    /* The message at its socket's front: */
    uint8_t header[8];
    uint8_t header_got;
    uint8_t payload[8]; /* the first bytes of a short message */
    uint32_t payload_got;
};

/* The message that is being sent to all whom it concerns; the next one waits until everybody has it. */
struct message {
    char *bytes; /* header and payload */
    uint32_t length;
};

struct attach {
    int listener;
    int terminal; /* for MSG_RESIZE; -1 */
    struct input *input;
    const char *hello; /* text of the file `monitor` */
    /* Fills the text of MSG_ATTACHED. */
    void (*describe)(void *context, char *buffer, size_t size);
    void *context;
    struct message message;
    unsigned count;
    struct client clients[ATTACH_MAX_CLIENTS];
};

/* Takes a connected socket; flags as if MSG_ATTACH had been sent, 0: none. */
void attach_add(struct attach *attach, int fd, uint8_t flags);

/* Fills one entry per client and one for the listener (count + 1 in all). */
unsigned attach_poll(const struct attach *attach, struct pollfd *fds);
/* Does what poll found; fds as attach_poll filled them. True if a client that was behind took something. */
bool attach_handle(struct attach *attach, const struct pollfd *fds, unsigned count);

/* Begins to send attach->message to the clients that have any of flags (0: to all). */
void attach_broadcast(struct attach *attach, uint8_t flags);
/* Somebody has not yet taken the whole message. */
bool attach_is_behind(const struct attach *attach);
/* Gives up clients that are behind. */
void attach_drop_slow(struct attach *attach);
/* Closes those who have everything (all: also those who have not). */
void attach_close(struct attach *attach, bool all);

void attach_put_header(char *to, uint8_t type, uint32_t length);

#endif
