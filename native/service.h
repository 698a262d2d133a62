/* The monitor at work: what monitor.c, output.c and ending.c share. */
#ifndef BUNDT_SERVICE_H
#define BUNDT_SERVICE_H

#include "attach.h"
#include "input.h"
#include "launcher.h"
#include "log.h"
#include "monitor.h"
#include "record.h"

/* Milliseconds, and one size. */
enum {
    IDLE_MS = 1000,         /* after this long without output the buffers' pages go back */
    RESERVE_MS = 100,       /* until the room for the exit record is taken, with --rm */
    SLOW_CLIENT_MS = 10000, /* what a client that takes nothing gets after the end */
    LEFTOVER_MS = 1000,     /* for processes in init's cgroup that were killed */
    TERMINAL_RETRY_MS = 50, /* nobody has the pty's slave open, but somebody may again */
    LEFTOVER_RETRY_MS = 5,
    TERMINAL_REST = 1 << 20, /* more than the kernel buffers of a terminal's output */
};

/* One of the container's output streams. */
struct stream {
    int fd; /* -1: over */
    enum log_stream log_stream;
    uint8_t attach_flag;
    uint64_t total;
    int64_t rest; /* bytes that may still be read after the end */
    bool hung;    /* a terminal without a slave: polled by time only */
};

struct monitor {
    struct plan_monitor settings;
    const struct plan_report *report;
    int init_pid;
    int init_status;
    bool init_ended;
    uint64_t started;
    uint64_t deadline_ms; /* of the wait for leftovers after the end */
    uint64_t patience_ms; /* until when slow clients are waited for after the end; 0: none is */
    bool buffers_used;
    int signals;
    int record;             /* the locked file `monitor` */
    int reserved;           /* `exit.new`, or -1 */
    uint64_t reserve_at_ms; /* when to make it; 0: it has been tried */
    struct stream out[2];
    struct log log;
    struct input input;
    struct attach attach;
    char hello[512];
};

enum read_result { READ_DATA, READ_NOTHING, READ_OVER };

/* output.c */
extern char output_buffer[]; /* attach->message.bytes */
extern char input_buffer[];
/* Takes one piece of a stream, into the log and to the clients. */
enum read_result take_output(struct monitor *self, struct stream *stream);
void end_stream(struct monitor *self, struct stream *stream);
/* Returns the pages of both buffers to the kernel. */
void give_back_buffers(struct monitor *self);

/* ending.c */
/* Reaps whatever has ended; init's end begins ours. */
void reap_children(struct monitor *self);
/* Init is dead, so everything that it wrote can be read now. What holds a pipe beyond this (a process outside of the
 * container, an exec's descendant) is not waited for. False: not yet finished. */
bool drain(struct monitor *self);
/* Writes the exit record of a start that failed before there was anything to serve. */
void abandon(struct monitor *self);
/* Record, announcement, farewell. */
_Noreturn void finish(struct monitor *self);

uint64_t monotonic_ms(void);

/* Milliseconds until then, not negative. */
static inline int64_t ms_until(uint64_t deadline)
{
    const uint64_t now = monotonic_ms();
    return now < deadline ? (int64_t)(deadline - now) : 0;
}

#endif
