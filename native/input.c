#include "input.h"

#include <errno.h>

#include "kernel.h"

void input_close(struct input *input)
{
    /* A terminal's master is the output's too. */
    if (input->fd >= 0 && !input->terminal)
        sys_close(input->fd);
    input->fd = -1;
    input->start = input->end = 0;
}

void input_flush(struct input *input)
{
    while (input->fd >= 0 && input_is_busy(input)) {
        long written = sys_write(input->fd, input->buffer + input->start, input->end - input->start);
        if (written == -EAGAIN)
            return;
        if (written < 0) /* EPIPE: the container has closed it; EIO: the terminal is gone */
            input_close(input);
        else
            input->start += (size_t)written;
    }
    input->start = input->end = 0;
    if (input->close_pending)
        input_close(input);
}

void input_accept(struct input *input, size_t length)
{
    input->start = 0;
    input->end = input->fd >= 0 ? length : 0;
    input_flush(input);
}

void input_end_of_client(struct input *input, unsigned others)
{
    if (input->terminal || input->fd < 0 || !(input->stdin_once || (!input->open_stdin && others == 0)))
        return;
    input->close_pending = true;
    if (!input_is_busy(input))
        input_close(input);
}
