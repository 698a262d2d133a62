/* The monitor: what the launcher becomes after it has started a container or an exec for the daemon.
 *
 * It owns the stdio pipes or the pty, writes the rotated log, serves attach on a unix socket, reaps the container's init and
 * writes the exit record before it exits. It needs nothing from the daemon while it works. A daemon of any later version must
 * understand what a running monitor says and has written: everything below is versioned and only ever extended.
 */
#ifndef BUNDT_MONITOR_H
#define BUNDT_MONITOR_H

#include <stdint.h>

#define MONITOR_VERSION 1

/* The block of OP_MONITOR. Slots are -1 where there is none. */
struct plan_monitor {
    uint32_t version;
    uint32_t flags;           /* enum monitor_flags */
    int32_t directory;        /* the container's (or exec's) state directory: files `monitor`, `exit`, `stdio.log`, `stdio.log.1` … */
    int32_t lock;             /* -1: the monitor opens the file `monitor` itself, takes an OFD write lock on it and writes into it. A slot must be a
                                 descriptor that nobody else holds: an OFD lock lives as long as any duplicate of its descriptor */
    int32_t listener;         /* listening unix stream socket (OP_LISTEN) */
    int32_t stdin_write;      /* write end of the container's stdin, or the pty's master in all three */
    int32_t stdout_read;
    int32_t stderr_read;
    int32_t client;           /* a connected socket: a client attached from the first byte on (as if MSG_ATTACH client_flags had been sent) */
    int32_t root;             /* O_PATH descriptor of the overlay's root: closed only after the exit has been reported (its release may sync the upper file system) */
    int32_t cgroup;           /* the container's cgroup directory: memory.events is read at the end; cgroup.kill if MONITOR_KILL_CGROUP */
    uint32_t client_flags;    /* enum attach_flags */
    uint64_t log_size;        /* bytes per file before it is rotated; 0: no log at all */
    uint32_t log_files;       /* how many files are kept, the current one included */
    uint32_t reserved;
};

enum monitor_flags {
    MONITOR_TTY = 1,
    MONITOR_OPEN_STDIN = 2,   /* stdin stays open while nobody is attached; without it, it is closed when no client is attached to it (any more) */
    MONITOR_STDIN_ONCE = 4,   /* the first attached client that ends its stdin closes the container's, one that vanishes (a killed daemon) does not.
                                 Never a terminal's */
    MONITOR_REMOVE = 8,       /* --rm: the exit record is not fsynced */
    MONITOR_KILL_CGROUP = 16, /* init shares the host's pid namespace: kill what it leaves behind */
    MONITOR_EXEC = 32,        /* an exec: its exit is reported when the process dies, even if a descendant holds the pipe */
};

/* Messages on a monitor socket, both ways: 8 bytes header, then `length` bytes.
 * From the monitor, types 1 and 2 are exactly Docker's multiplexed stream frames. Both sides pass over types that they do not know. */
struct monitor_header {
    uint8_t type;
    uint8_t zero[3];
    uint8_t length[4]; /* big endian, at most MONITOR_MAX_MESSAGE */
};

#define MONITOR_MAX_MESSAGE 65536

enum monitor_message {
    /* monitor to client */
    MSG_STDOUT = 1,      /* also everything of a tty */
    MSG_STDERR = 2,
    MSG_HELLO = 16,      /* first on every connection: the text of the file `monitor` */
    MSG_EXIT = 17,       /* last on every connection: the text of the file `exit`. Then the monitor closes. An end of file without it: the client
                            came too late (read `exit`), or the monitor was killed */
    MSG_ATTACHED = 18,   /* answer to MSG_ATTACH, before any output: text, `stdout N`, `stderr N`: where in the log (struct log_position) the
                            output that follows begins. Without a log, where since this monitor began */
    /* client to monitor */
    MSG_ATTACH = 32,     /* 1 byte, enum attach_flags. Output from this moment on */
    MSG_STDIN = 33,      /* passed over unless attached with ATTACH_STDIN */
    MSG_STDIN_CLOSE = 34,
    MSG_RESIZE = 35,     /* u16 rows, u16 columns, big endian */
    MSG_WAIT = 36,       /* no payload: MSG_EXIT, please */
};

enum attach_flags { ATTACH_STDIN = 1, ATTACH_STDOUT = 2, ATTACH_STDERR = 4 };

/* Log frames in `stdio.log`: one per read(2) from the container, byte-exact. Little endian. */
struct log_frame {
    uint64_t time_ns;    /* CLOCK_REALTIME when it was read */
    uint32_t length;     /* bytes that follow */
    uint8_t stream;      /* enum log_stream. Others are passed over */
    uint8_t reserved;
    uint16_t magic;      /* LOG_FRAME_MAGIC: a torn frame at the end of a file is recognised and cut */
};

enum log_stream {
    LOG_STDOUT = 1,
    LOG_STDERR = 2,
    LOG_NOTE = 3,        /* the monitor's own: "4096 bytes dropped: No space left on device\n" */
    LOG_POSITION = 4,    /* a struct log_position */
};

/* How many bytes each stream has brought before this point, in all of the container's lives, dropped ones included: a place in the log that stays
 * the same when files are rotated away. It stands first in every file but the log's very first, behind each note, and last when a monitor has ended
 * in order. */
struct log_position {
    uint64_t out;
    uint64_t err;
};

#define LOG_FRAME_MAGIC 0xb10c

/* Text files, one `key value` per line, unknown keys are passed over.
 * `monitor`: version, monitor-pid, monitor-start (field 22 of /proc/PID/stat), boot-id, init-pid, init-start, started (CLOCK_REALTIME ns).
 *            Complete when its last line is `end`. Written before init is let go.
 * `exit`:    version, status (0..255, 128+n for a signal), signal (0 or n), core (0|1), oom-kill (kills counted in memory.events, 0 without the
 *            controller), started, finished (CLOCK_REALTIME ns), log-dropped (bytes), log-size (bytes of `stdio.log`), start-failed (1: the command was never executed; the launch
 *            report says why, here only `error` (errno), `detail` and `op` of it are kept). Written as `exit.new` and renamed into place, last line `end`.
 *            An `exit` of an earlier life is removed before `monitor` is written. Who starts the next life may put it aside as `exit.last`
 *            before: where its log-size is right, the log is not walked through.
 *
 * A start that fails after `monitor` was written leaves an `exit` with start-failed, whether the monitor served already or not.
 *
 * A client that is attached and does not read is waited for, while the container runs. After the end it has 10 s from its last progress. */

#endif
