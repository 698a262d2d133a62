/* bundt-launcher: executes a launch plan (plan.h). Started with the plan's memfd in slot 0 and the status pipe in
 * slot 1.
 *
 * It holds root's privileges next to hostile namespaces, so it begins by shedding what it inherited: a container's
 * process must not be able to look into it (CVE-2016-9962), no descriptor that the plan does not name may survive
 * (CVE-2024-21626), and no signal disposition of a managed parent (.NET ignores SIGPIPE) may reach the container.
 */
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/prctl.h>
#include <signal.h>

#include "launcher.h"

#define LAST_SIGNAL 64

/* The kernel's own struct sigaction; all zero is the default disposition. */
struct kernel_sigaction {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

static void set_disposition(int signal, void (*handler)(int))
{
    const struct kernel_sigaction action = {.handler = handler};
    SYS(rt_sigaction, signal, &action, 0, sizeof action.mask);
}

static void reset_signals(void)
{
    for (int signal = 1; signal <= LAST_SIGNAL; signal++)
        set_disposition(signal, SIG_DFL);
    /* A reader of the status pipe that is gone must not end the supervisor while init lives. Its children set it back. */
    set_disposition(SIGPIPE, SIG_IGN);
    const uint64_t none = 0;
    SYS(rt_sigprocmask, SIG_SETMASK, &none, 0, sizeof none);
}

/* Makes sure that 0, 1 and 2 are open: what is opened next must never be taken for stdio. */
static void occupy_stdio(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (SYS(fcntl, fd, F_GETFD, 0) < 0)
            sys_openat(AT_FDCWD, "/dev/null", O_RDWR, 0);
}

static bool is_open_slot(const struct plan_header *header, uint32_t slot)
{
    return slot <= SLOT_STATUS || (header->open_slots[slot / 32] >> (slot % 32) & 1u);
}

/* Closes everything that is neither stdio, nor preserved, nor a slot that the plan says was passed. */
static int close_others(const struct plan_header *header)
{
    uint32_t from = 3 + header->preserve;
    for (uint32_t slot = 0; slot < PLAN_MAX_PASSED; slot++) {
        if (!is_open_slot(header, slot))
            continue;
        const uint32_t fd = PLAN_FD_BASE + slot;
        if (from < fd) {
            long result = SYS(close_range, from, fd - 1, 0);
            if (result < 0)
                return (int)result;
        }
        from = fd + 1;
    }
    long result = SYS(close_range, from, ~0U, 0);
    if (result < 0)
        return (int)result;
    /* They were passed over an execve; none may pass the next one. */
    return (int)SYS(close_range, PLAN_FD_BASE, ~0U, CLOSE_RANGE_CLOEXEC);
}

int main(void)
{
    /* First of all: nobody may attach to or look into this process, whatever namespace it enters. */
    sys_prctl(PR_SET_DUMPABLE, 0, 0);

    static struct party party = {.section = SECTION_SUPERVISOR, .init_pidfd = -1};
    int result = plan_map(slot_fd(SLOT_PLAN), &party.plan);
    if (result == 0)
        result = close_others(party.plan.header);
    if (result < 0) {
        if (party.plan.report) {
            party.detail = DETAIL_BAD_PLAN;
            report_failure(&party, party.plan.report->op, result);
        }
        return 2;
    }
    party.plan.report->supervisor_pid = (int32_t)SYS(getpid, 0);
    __atomic_store_n(&party.plan.report->version, PLAN_VERSION, __ATOMIC_RELEASE);
    report_stamp(&party, STAMP_LAUNCHER);

    occupy_stdio();
    reset_signals();
    SYS(umask, 0);
    SYS(chdir, "/");

    result = interpret(&party);
    if (result < 0)
        party_abort(&party);
    return 0;
}
