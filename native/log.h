/* The container's log: frames (monitor.h) in files that are rotated. */
#ifndef BUNDT_LOG_H
#define BUNDT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "monitor.h"

struct log {
    int directory;
    int fd; /* -1: could not be opened (yet) */
    uint32_t files;
    uint64_t limit; /* bytes per file; 0: no log */
    uint64_t size;  /* of the current file: whole frames */
    struct log_position position; /* what the log tells of: its bytes, and the dropped ones that a note has told of */
    struct log_position untold;   /* dropped bytes that no note has told of yet */
    uint64_t dropped;             /* bytes that no file took */
    int error;                    /* why, positive errno */
};

/* Opens the log for appending, if there is one: a file is made by the first frame. What a killed writer has left torn
 * at its end is cut. */
void log_open(struct log *log, int directory, uint64_t limit, uint32_t files);

/* Notes the position at the end, so that the next writer need not look for it. */
void log_close(struct log *log);

/* What has been read from the container, logged or not. */
struct log_position log_position(const struct log *log);

/* Writes one frame. What cannot be written is counted and dropped: a full disk must not stop the container. */
void log_write(struct log *log, enum log_stream stream, const void *data, size_t length);

/* Writes the note about what was dropped, if the disk takes it. */
void log_flush_note(struct log *log);

/* Removes the oldest of the rotated files, for something more important. False: there is none. */
bool log_sacrifice(struct log *log);

#endif
