/* The records that a daemon of any later version reads: the files `monitor` and `exit` (monitor.h). */
#ifndef BUNDT_RECORD_H
#define BUNDT_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "plan.h"

struct exit_facts {
    int wait_status;  /* as wait4 gives it */
    int cgroup;       /* its directory, or -1 */
    uint64_t started; /* CLOCK_REALTIME ns */
    uint64_t finished;
    uint64_t log_dropped;
    uint64_t log_size; /* of `stdio.log` */
    bool start_failed;
    const struct plan_report *report;
};

uint64_t record_now(void);

/* Locks the file `monitor` and writes it. file: an open one of ours alone, or -1: directory's. Fills text
 * (NUL-terminated, at most size). Returns the locked descriptor, which must stay open, or -errno. */
int record_monitor(int directory, int file, int init_pid, uint64_t started, char *text, uint32_t size);

#define RECORD_SIZE 512 /* what an exit record's text may take */

/* The value of "key N" in a file of such lines (a record, or a cgroup's memory.events); 0 if there is none. */
uint64_t record_value(int directory, const char *file, const char *key);

/* Takes the room for the exit record while there is some: makes `exit.new`. Returns a descriptor or -errno. */
int record_reserve(int directory);

/* Writes `exit.new` (reserved: its descriptor, or -1) and renames it to `exit`. Returns a descriptor of it (to be
 * synced later) or -errno; text is filled in any case. */
int record_exit(int directory, int reserved, const struct exit_facts *facts, char text[RECORD_SIZE]);

#endif
