/* The shared report page: what C# and the other parties learn of this one. Written with plain stores, so that no
 * seccomp filter, closed descriptor or full pipe can stand in the way. */
#include <string.h>
#include <time.h>

#include "launcher.h"

void report_text(struct party *party, const char *text)
{
    char *to = party->plan.report->text;
    const size_t room = sizeof party->plan.report->text - 1;
    size_t length = strlen(text);
    if (length > room)
        length = room;
    memcpy(to, text, length);
    to[length] = '\0';
}

void report_failure(struct party *party, uint32_t op, int result)
{
    struct plan_report *report = party->plan.report;
    /* 2 while it is being written: readers look for 1. The first failure wins: the others follow from it. */
    uint32_t none = 0;
    if (!__atomic_compare_exchange_n(&report->failed, &none, 2, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return;
    report->section = party->section;
    report->op = op;
    report->error = result == FAILED_CHECK ? 0 : -result;
    report->detail = party->detail;
    __atomic_store_n(&report->failed, 1, __ATOMIC_RELEASE);
}

void report_phase(struct party *party, enum report_phase phase)
{
    __atomic_store_n(&party->plan.report->phase, (uint32_t)phase, __ATOMIC_RELEASE);
}

void report_stamp(struct party *party, enum report_stamp stamp)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now); /* in the vdso: no system call */
    party->plan.report->stamps[stamp] = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
