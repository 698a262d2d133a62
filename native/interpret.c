/* Walks the list. */
#include <errno.h>
#include <signal.h>

#include "launcher.h"
#include "operations.h"

#define LAST_OPERATION 160

static operation *const operations[LAST_OPERATION] = {
#define OPERATION(code, function, sections, checks) [code] = (function),
#include "operations.h"
#undef OPERATION
};

static bool is_tolerated(uint32_t tolerate, int result)
{
    switch (-result) {
    case ENOENT:
    case ENOTDIR:
        return tolerate & TOLERATE_ENOENT;
    case EPERM:
    case EACCES:
    case EROFS:
        return tolerate & TOLERATE_EPERM;
    case EINVAL:
    case ENOSYS:
    case EOPNOTSUPP:
        return tolerate & TOLERATE_EINVAL;
    case EEXIST:
        return tolerate & TOLERATE_EEXIST;
    case EBUSY:
        return tolerate & TOLERATE_EBUSY;
    default:
        return false;
    }
}

int interpret(struct party *party)
{
    const struct plan *plan = &party->plan;
    for (uint32_t i = 0; i < plan->header->op_count; i++) {
        const struct plan_op *op = &plan->ops[i];
        if (op->section != party->section)
            continue;
        party->detail = DETAIL_NONE;
        int result = operations[op->code](party, op);
        if (result < 0 && !is_tolerated(op->tolerate, result)) {
            report_failure(party, i, result);
            return result;
        }
    }
    return 0;
}

void party_abort(struct party *party)
{
    if (party->section == SECTION_SUPERVISOR) {
        /* The joiner first: then init's pid is known, or there will never be one. */
        if (party->joiner > 0)
            SYS(kill, party->joiner, SIGKILL);
        if (need_init(party) == 0) {
            SYS(pidfd_send_signal, party->init_pidfd, SIGKILL, 0, 0);
            int status = 0;
            SYS(wait4, party->init_pid, &status, 0, 0);
            monitor_abandon(party, status);
        }
    }
    SYS(exit_group, 1);
    __builtin_unreachable();
}
