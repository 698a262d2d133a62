/* Signals as bytes on a pipe, for a program that waits on descriptors in one place. */
#ifndef BUNDT_SIGNALS_H
#define BUNDT_SIGNALS_H

/* From now on each of the signals writes its number as one byte to fd, a non-blocking pipe, instead of acting on this process. A managed
 * runtime would start a thread for that. Returns 0 or -errno. */
__attribute__((visibility("default"))) int bundt_signals_to_pipe(int fd, const int *signals, int count);

/* Gives the signals their default action back. Returns 0 or -errno. */
__attribute__((visibility("default"))) int bundt_signals_default(const int *signals, int count);

#endif
