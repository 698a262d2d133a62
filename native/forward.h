/* Passes signals on to another process, for a program in the foreground that stands for a container. */
#ifndef BUNDT_FORWARD_H
#define BUNDT_FORWARD_H

/* From now on each of the signals goes to the process of this pidfd instead of acting on this one. A managed runtime would need a
 * thread and a millisecond for that. Returns 0 or -errno. */
__attribute__((visibility("default"))) int bundt_forward_signals(int pidfd, const int *signals, int count);

#endif
