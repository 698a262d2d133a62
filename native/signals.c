/* See signals.h. The handler makes one system call: it may interrupt managed code at any instruction. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include "signals.h"

static volatile sig_atomic_t target = -1;

static void note(int signal)
{
    const int saved = errno;
    const unsigned char number = (unsigned char)signal;
    /* A full pipe holds thousands of unread signals: one more changes nothing. */
    const ssize_t written = write((int)target, &number, 1);
    (void)written;
    errno = saved;
}

static int set(void (*handler)(int), const int *signals, int count)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    (void)sigfillset(&action.sa_mask);
    for (int i = 0; i < count; i++)
        if (sigaction(signals[i], &action, NULL) != 0)
            return -errno;
    return 0;
}

int bundt_signals_to_pipe(int fd, const int *signals, int count)
{
    target = fd;
    return set(note, signals, count);
}

int bundt_signals_default(const int *signals, int count)
{
    return set(SIG_DFL, signals, count);
}
