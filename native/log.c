#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

#include "kernel.h"
#include "record.h"
#include "text.h"

_Static_assert(sizeof(struct log_frame) == 16, "frames have no padding");

#define NAME "stdio.log"

/* A frame that tells the position. */
struct marker {
    struct log_frame frame;
    struct log_position position;
};

_Static_assert(sizeof(struct marker) == 32, "a marker is its frame and its payload");

static void open_file(struct log *log, int create)
{
    log->fd = sys_openat(log->directory, NAME, O_RDWR | create | O_NOFOLLOW | O_CLOEXEC, 0640);
    log->size = 0;
    struct stat status;
    if (log->fd >= 0 && SYS(fstat, log->fd, &status) == 0)
        log->size = (uint64_t)status.st_size;
}

static struct log_frame frame_of(enum log_stream stream, size_t length)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (struct log_frame){
        .time_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec,
        .length = (uint32_t)length,
        .stream = (uint8_t)stream,
        .magic = LOG_FRAME_MAGIC,
    };
}

static struct marker marker_of(struct log_position position)
{
    return (struct marker){.frame = frame_of(LOG_POSITION, sizeof position), .position = position};
}

static bool is_marker(const struct log_frame *frame)
{
    return frame->magic == LOG_FRAME_MAGIC && frame->stream == LOG_POSITION &&
           frame->length == sizeof(struct log_position);
}

static void advance(struct log_position *position, enum log_stream stream, size_t length)
{
    if (stream == LOG_STDOUT)
        position->out += length;
    if (stream == LOG_STDERR)
        position->err += length;
}

/* A log that was closed in order ends with its position. What stands at the end may be the container's own words,
 * though: the exit record of the life before must say that the log ended there. */
static bool ends_with_marker(struct log *log)
{
    struct marker last;
    if (log->size < sizeof last || record_value(log->directory, "exit.last", "log-size") != log->size ||
        SYS(pread64, log->fd, &last, sizeof last, log->size - sizeof last) != (long)sizeof last ||
        !is_marker(&last.frame))
        return false;
    log->position = last.position;
    return true;
}

/* Follows the frames from the start, cuts what is not a whole one at the end, and finds the position there. */
static void walk(struct log *log)
{
    char block[16384];
    uint64_t block_at = 0;
    uint64_t block_length = 0;
    uint64_t at = 0;
    struct marker here;
    while (at + sizeof here.frame <= log->size) {
        if (at < block_at || at + sizeof here > block_at + block_length) {
            long length = SYS(pread64, log->fd, block, sizeof block, at);
            if (length < (long)sizeof here.frame)
                break;
            block_at = at;
            block_length = (uint64_t)length;
        }
        const uint64_t left = block_at + block_length - at;
        memcpy(&here, block + (at - block_at), left < sizeof here ? left : sizeof here);
        if (here.frame.magic != LOG_FRAME_MAGIC || at + sizeof here.frame + here.frame.length > log->size)
            break;
        at += sizeof here.frame + here.frame.length;
        if (is_marker(&here.frame))
            log->position = here.position;
        else
            advance(&log->position, here.frame.stream, here.frame.length);
    }
    if (at < log->size && SYS(ftruncate, log->fd, at) == 0)
        log->size = at;
}

void log_open(struct log *log, int directory, uint64_t limit, uint32_t files)
{
    *log = (struct log){.directory = directory, .fd = -1, .limit = limit, .files = files};
    if (limit == 0)
        return;
    open_file(log, 0);
    if (log->fd >= 0 && !ends_with_marker(log))
        walk(log);
}

struct log_position log_position(const struct log *log)
{
    return (struct log_position){
        .out = log->position.out + log->untold.out,
        .err = log->position.err + log->untold.err,
    };
}

static void numbered_name(char *buffer, size_t size, uint32_t number)
{
    struct text text = {.start = buffer, .size = size};
    text_add(&text, NAME);
    if (number == 0)
        return;
    text_add(&text, ".");
    text_add_number(&text, number);
}

/* stdio.log becomes stdio.log.1 and so on; the oldest goes. */
static void rotate(struct log *log)
{
    char from[32];
    char to[32];
    for (uint32_t i = log->files - 1; i > 0; i--) {
        numbered_name(from, sizeof from, i - 1);
        numbered_name(to, sizeof to, i);
        SYS(renameat2, log->directory, from, log->directory, to, 0);
    }
    if (log->files == 1)
        SYS(unlinkat, log->directory, NAME, 0);
    sys_close(log->fd);
    open_file(log, O_CREAT);
}

/* All of the frame, and of a marker behind it if a position is given, or nothing. Returns 0 or a positive errno. */
static int append(struct log *log, enum log_stream stream, const void *data, size_t length,
                  const struct log_position *behind)
{
    if (log->fd >= 0 && log->size > 0 && log->size + sizeof(struct log_frame) + length > log->limit)
        rotate(log);
    if (log->fd < 0)
        open_file(log, O_CREAT);
    if (log->fd < 0)
        return -log->fd;
    const bool begins = log->size == 0 && (log->position.out | log->position.err) != 0;
    const struct marker head = begins ? marker_of(log->position) : (struct marker){0};
    const struct log_frame frame = frame_of(stream, length);
    const struct marker tail = behind ? marker_of(*behind) : (struct marker){0};
    const struct iovec parts[4] = {
        {.iov_base = (void *)(uintptr_t)&head, .iov_len = begins ? sizeof head : 0},
        {.iov_base = (void *)(uintptr_t)&frame, .iov_len = sizeof frame},
        {.iov_base = (void *)(uintptr_t)data, .iov_len = length},
        {.iov_base = (void *)(uintptr_t)&tail, .iov_len = behind ? sizeof tail : 0},
    };
    const size_t total = parts[0].iov_len + sizeof frame + length + parts[3].iov_len;
    long written = SYS(pwritev, log->fd, parts, 4, log->size, 0);
    if (written == (long)total) {
        log->size += total;
        advance(&log->position, stream, length);
        if (behind)
            log->position = *behind;
        return 0;
    }
    if (written > 0)
        SYS(ftruncate, log->fd, log->size);
    return written < 0 ? (int)-written : ENOSPC;
}

static const char *reason(int error)
{
    switch (error) {
    case ENOSPC:
        return "No space left on device";
    case EDQUOT:
        return "Disk quota exceeded";
    case EIO:
        return "Input/output error";
    case EROFS:
        return "Read-only file system";
    case EFBIG:
        return "File too large";
    default:
        return "The log could not be written";
    }
}

void log_flush_note(struct log *log)
{
    const uint64_t untold = log->untold.out + log->untold.err;
    if (untold == 0 || log->limit == 0)
        return;
    char note[96];
    struct text text = TEXT_IN(note);
    text_add_number(&text, untold);
    text_add(&text, " bytes dropped: ");
    text_add(&text, reason(log->error));
    text_add(&text, "\n");
    const struct log_position behind = log_position(log);
    if (append(log, LOG_NOTE, note, text.length, &behind) == 0)
        log->untold = (struct log_position){0};
}

void log_write(struct log *log, enum log_stream stream, const void *data, size_t length)
{
    if (log->limit == 0) {
        advance(&log->position, stream, length);
        return;
    }
    log_flush_note(log);
    /* While the note does not fit either, nothing else is tried: the log tells of every gap before what follows it. */
    const bool waits = (log->untold.out | log->untold.err) != 0;
    int error = waits ? log->error : append(log, stream, data, length, NULL);
    if (error == 0)
        return;
    log->error = error;
    log->dropped += length;
    advance(&log->untold, stream, length);
}

void log_close(struct log *log)
{
    if (log->fd < 0 || log->size == 0)
        return;
    const struct marker end = marker_of(log->position);
    if (SYS(pwrite64, log->fd, &end, sizeof end, log->size) == (long)sizeof end)
        log->size += sizeof end;
    else
        SYS(ftruncate, log->fd, log->size);
}

bool log_sacrifice(struct log *log)
{
    char name[32];
    for (uint32_t i = log->limit == 0 ? 0 : log->files - 1; i > 0; i--) {
        numbered_name(name, sizeof name, i);
        if (SYS(unlinkat, log->directory, name, 0) == 0)
            return true;
    }
    return false;
}
