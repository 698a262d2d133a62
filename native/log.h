/* The container's log: frames (monitor.h) in files that are rotated. */
#ifndef BUNDT_LOG_H
#define BUNDT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log {
    int directory;
    int fd; /* -1: could not be opened (yet) */
    uint32_t files;
    uint64_t limit; /* bytes per file; 0: no log */
    uint64_t size;  /* of the current file: whole frames */
    uint64_t rotations;
    uint64_t dropped;     /* bytes that no file took */
    uint64_t unannounced; /* of these, not yet told by a note */
    int error;            /* why, positive errno */
};

enum log_stream { LOG_STDOUT = 1, LOG_STDERR = 2, LOG_NOTE = 3 };

/* Opens the log for appending. clean: the last writer ended in order; otherwise a torn frame at the end is looked for
 * and cut. */
void log_open(struct log *log, int directory, uint64_t limit, uint32_t files, bool clean);

/* Writes one frame. What cannot be written is counted and dropped: a full disk must not stop the container. */
void log_write(struct log *log, enum log_stream stream, const void *data, size_t length);

/* Writes the note about what was dropped, if the disk takes it. */
void log_flush_note(struct log *log);

/* Removes the oldest of the rotated files, for something more important. False: there is none. */
bool log_sacrifice(struct log *log);

#endif
