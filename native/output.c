/* From the container's pipes to the log and the clients. */
#include <errno.h>
#include <sys/mman.h>

#include "service.h"

#define HEADER sizeof(struct monitor_header)
#define BUFFER (MONITOR_MAX_MESSAGE + 4096)

/* Page-aligned and outside of everything else, so that idle pages can be given back. */
_Alignas(4096) char output_buffer[BUFFER];
_Alignas(4096) char input_buffer[BUFFER];

enum read_result take_output(struct monitor *self, struct stream *stream)
{
    long length = sys_read(stream->fd, output_buffer + HEADER, MONITOR_MAX_MESSAGE);
    if (length == -EAGAIN || length == -EINTR)
        return READ_NOTHING;
    if (length == -EIO && self->settings.flags & MONITOR_TTY && !self->init_ended) {
        stream->hung = true; /* the slave is closed everywhere; the container may open it again */
        return READ_NOTHING;
    }
    if (length <= 0)
        return READ_OVER;
    stream->hung = false;
    stream->total += (uint64_t)length;
    self->buffers_used = true;
    log_write(&self->log, stream->log_stream, output_buffer + HEADER, (size_t)length);
    attach_put_header(output_buffer, stream->log_stream == LOG_STDERR ? MSG_STDERR : MSG_STDOUT, (uint32_t)length);
    self->attach.message.length = (uint32_t)length + (uint32_t)HEADER;
    attach_broadcast(&self->attach, stream->attach_flag);
    return READ_DATA;
}

void end_stream(struct monitor *self, struct stream *stream)
{
    if (!(self->settings.flags & MONITOR_TTY))
        sys_close(stream->fd);
    stream->fd = -1;
}

void give_back_buffers(struct monitor *self)
{
    SYS(madvise, output_buffer, sizeof output_buffer, MADV_DONTNEED);
    SYS(madvise, input_buffer, sizeof input_buffer, MADV_DONTNEED);
    self->buffers_used = false;
}
