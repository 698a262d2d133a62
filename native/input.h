/* The container's standard input: what clients send, and when it is closed. */
#ifndef BUNDT_INPUT_H
#define BUNDT_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct input {
    int fd; /* the pipe's write end or the pty's master; -1: closed */
    bool terminal;
    bool open_stdin;    /* MONITOR_OPEN_STDIN */
    bool stdin_once;    /* MONITOR_STDIN_ONCE */
    bool close_pending; /* as soon as what is buffered has been written */
    char *buffer;       /* of MONITOR_MAX_MESSAGE bytes */
    size_t start;       /* of what is not yet written */
    size_t end;
};

static inline bool input_is_busy(const struct input *input) { return input->start < input->end; }

/* `length` bytes stand at the buffer's start: writes what the container takes now. */
void input_accept(struct input *input, size_t length);
void input_flush(struct input *input);

/* A client that was attached to stdin has ended its own; others: how many are left. */
void input_end_of_client(struct input *input, unsigned others);
/* Nobody reads it any more. */
void input_close(struct input *input);

#endif
