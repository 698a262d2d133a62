/* See forward.h. The handler makes one system call: it may interrupt managed code at any instruction. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "forward.h"

static volatile sig_atomic_t target;

static void forward(int signal)
{
    const int saved = errno;
    (void)syscall(SYS_pidfd_send_signal, (int)target, signal, NULL, 0);
    errno = saved;
}

int bundt_forward_signals(int pidfd, const int *signals, int count)
{
    struct sigaction action = {.sa_handler = forward, .sa_flags = SA_RESTART};
    (void)sigfillset(&action.sa_mask);
    target = pidfd;
    for (int i = 0; i < count; i++)
        if (sigaction(signals[i], &action, NULL) != 0)
            return -errno;
    return 0;
}
