#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

#include "kernel.h"
#include "monitor.h"
#include "text.h"

_Static_assert(sizeof(struct log_frame) == 16, "frames have no padding");

#define NAME "stdio.log"

static void open_file(struct log *log)
{
    log->fd = sys_openat(log->directory, NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
    log->size = 0;
    struct stat status;
    if (log->fd >= 0 && SYS(fstat, log->fd, &status) == 0)
        log->size = (uint64_t)status.st_size;
}

/* Follows the frames from the start and cuts what is not a whole one at the end. */
static void cut_torn_frame(struct log *log)
{
    char block[16384];
    uint64_t block_at = 0;
    uint64_t block_length = 0;
    uint64_t at = 0;
    struct log_frame frame;
    while (at + sizeof frame <= log->size) {
        if (at < block_at || at + sizeof frame > block_at + block_length) {
            long length = SYS(pread64, log->fd, block, sizeof block, at);
            if (length < (long)sizeof frame)
                break;
            block_at = at;
            block_length = (uint64_t)length;
        }
        memcpy(&frame, block + (at - block_at), sizeof frame);
        if (frame.magic != LOG_FRAME_MAGIC || at + sizeof frame + frame.length > log->size)
            break;
        at += sizeof frame + frame.length;
    }
    if (at < log->size && SYS(ftruncate, log->fd, at) == 0)
        log->size = at;
}

void log_open(struct log *log, int directory, uint64_t limit, uint32_t files, bool clean)
{
    *log = (struct log){.directory = directory, .fd = -1, .limit = limit, .files = files};
    if (limit == 0)
        return;
    open_file(log);
    if (!clean && log->fd >= 0 && log->size > 0)
        cut_torn_frame(log);
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
    open_file(log);
    log->rotations++;
}

/* All of the frame or nothing of it. Returns 0 or a positive errno. */
static int append(struct log *log, enum log_stream stream, const void *data, size_t length)
{
    if (log->fd >= 0 && log->size > 0 && log->size + sizeof(struct log_frame) + length > log->limit)
        rotate(log);
    if (log->fd < 0)
        open_file(log);
    if (log->fd < 0)
        return -log->fd;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct log_frame frame = {
        .time_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec,
        .length = (uint32_t)length,
        .stream = (uint8_t)stream,
        .magic = LOG_FRAME_MAGIC,
    };
    const struct iovec parts[2] = {
        {.iov_base = &frame, .iov_len = sizeof frame},
        {.iov_base = (void *)(uintptr_t)data, .iov_len = length},
    };
    const size_t total = sizeof frame + length;
    long written = SYS(pwritev, log->fd, parts, 2, log->size, 0);
    if (written == (long)total) {
        log->size += total;
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
    if (log->unannounced == 0 || log->limit == 0)
        return;
    char note[96];
    struct text text = TEXT_IN(note);
    text_add_number(&text, log->unannounced);
    text_add(&text, " bytes dropped: ");
    text_add(&text, reason(log->error));
    if (append(log, LOG_NOTE, note, text.length) == 0)
        log->unannounced = 0;
}

void log_write(struct log *log, enum log_stream stream, const void *data, size_t length)
{
    if (log->limit == 0)
        return;
    log_flush_note(log);
    /* While the note does not fit either, nothing else is tried: the log tells of every gap before what follows it. */
    int error = log->unannounced > 0 ? log->error : append(log, stream, data, length);
    if (error == 0)
        return;
    log->error = error;
    log->dropped += length;
    log->unannounced += length;
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
