/* Reads a plan and checks all of it before anything of it is executed. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/mman.h>

#include "launcher.h"
#include "monitor.h"
#include "operations.h"

struct rule {
    uint32_t sections;
    uint32_t checks;
};

#define RULES 160

static const struct rule rules[RULES] = {
#define OPERATION(code, function, sections, checks) [code] = {(sections), (checks)},
#include "operations.h"
#undef OPERATION
};

_Static_assert(sizeof(struct plan_op) == 56, "the wire format has no padding");
_Static_assert(sizeof(struct plan_header) == 96, "the wire format has no padding");
_Static_assert(sizeof(struct plan_report) == 680, "the wire format has no padding");
_Static_assert(sizeof(struct plan_monitor) == 64, "the wire format has no padding");
_Static_assert(OP_UNMOUNT_AT < RULES, "the table holds every operation");

static bool is_slot(int64_t value) { return value >= 0 && value < PLAN_MAX_SLOTS; }

static bool is_slot_or_none(int64_t value) { return value == -1 || is_slot(value); }

static bool is_block(const struct plan_header *header, uint32_t offset, uint64_t length)
{
    return length == 0 || (offset < header->data_size && length <= header->data_size - offset);
}

/* The data end with a NUL, so that every offset inside begins a terminated string. */
static bool is_string(const struct plan *plan, uint32_t offset, bool may_be_empty)
{
    return offset < plan->header->data_size && (may_be_empty || plan->data[offset] != '\0');
}

/* `count` strings one after the other must end inside of the data. */
static bool are_strings(const struct plan *plan, uint32_t offset, uint64_t count)
{
    uint64_t at = offset;
    for (; count > 0; count--) {
        if (at >= plan->header->data_size)
            return false;
        at += strlen(plan->data + at) + 1;
    }
    return true;
}

static bool are_monitor_slots_good(const struct plan *plan, const struct plan_op *op)
{
    struct plan_monitor monitor;
    if (op->n < sizeof monitor || !is_block(plan->header, op->t, op->n))
        return false;
    memcpy(&monitor, plan->data + op->t, sizeof monitor);
    return monitor.version == MONITOR_VERSION && is_slot(monitor.directory) && is_slot_or_none(monitor.lock) &&
           is_slot_or_none(monitor.listener) && is_slot_or_none(monitor.stdin_write) &&
           is_slot_or_none(monitor.stdout_read) && is_slot_or_none(monitor.stderr_read) &&
           is_slot_or_none(monitor.client) && is_slot_or_none(monitor.root) && is_slot_or_none(monitor.cgroup) &&
           (monitor.log_size == 0 || monitor.log_files > 0);
}

static bool are_slots_good(const struct plan_op *op, uint32_t checks)
{
    if ((checks & A_SLOT && !is_slot(op->a)) || (checks & A_OPTIONAL && !is_slot_or_none(op->a)))
        return false;
    if ((checks & B_SLOT && !is_slot(op->b)) || (checks & B_OPTIONAL && !is_slot_or_none(op->b)))
        return false;
    const int64_t x = (int64_t)op->x;
    const int64_t y = (int64_t)op->y;
    if ((checks & X_SLOT && !is_slot(x)) || (checks & X_OPTIONAL && !is_slot_or_none(x)))
        return false;
    if ((checks & Y_SLOT && !is_slot(y)) || (checks & Y_OPTIONAL && !is_slot_or_none(y)))
        return false;
    if (checks & Z_OPTIONAL && !is_slot_or_none((int64_t)op->z))
        return false;
    return !(checks & X_SLOTS_FROM_A) || (x > 0 && x <= PLAN_MAX_SLOTS && is_slot(op->a + x - 1));
}

static bool are_data_good(const struct plan *plan, const struct plan_op *op, uint32_t checks)
{
    if (checks & (S_STRING | S_OPTIONAL) && !is_string(plan, op->s, (checks & S_OPTIONAL) != 0))
        return false;
    if (checks & T_STRING && !is_string(plan, op->t, false))
        return false;
    if (checks & (T_BLOCK | T_STRINGS) && !is_block(plan->header, op->t, op->n))
        return false;
    if (checks & T_STRINGS && op->n > 0 && plan->data[op->t + op->n - 1] != '\0')
        return false;
    if (checks & BLOCK_IDS && (op->n > 65536 || !is_block(plan->header, op->t, (uint64_t)op->n * 4)))
        return false;
    if (checks & BLOCK_FILTER &&
        (op->n == 0 || op->n % sizeof(struct sock_filter) != 0 || op->n / sizeof(struct sock_filter) > BPF_MAXINSNS ||
         !is_block(plan->header, op->t, op->n)))
        return false;
    if (checks & BLOCK_MONITOR && !are_monitor_slots_good(plan, op))
        return false;
    if (checks & VECTORS && (op->x == 0 || op->x > plan->header->data_size || op->y > plan->header->data_size ||
                             !are_strings(plan, op->s, op->x) || !are_strings(plan, op->t, op->y)))
        return false;
    return true;
}

static bool is_clone_good(const struct plan_op *op)
{
    const uint64_t namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                                CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME;
    if (op->y & ~namespaces || op->x <= op->section || op->x > SECTION_INIT)
        return false;
    if (op->flags & 2 && (op->y != 0 || op->a >= 0 || op->b >= 0))
        return false;
    return !(op->flags & 1) || op->section == SECTION_JOINER;
}

static bool is_operation_good(const struct plan *plan, const struct plan_op *op)
{
    if (op->code >= RULES || op->section > SECTION_INIT || !(rules[op->code].sections & (1u << op->section)))
        return false;
    const uint32_t checks = rules[op->code].checks;
    return are_slots_good(op, checks) && are_data_good(plan, op, checks) &&
           (!(checks & CLONE_CHECKS) || is_clone_good(op));
}

int plan_validate(const void *memory, size_t size, struct plan *plan)
{
    const struct plan_header *header = memory;
    if (size < sizeof *header || header->magic != PLAN_MAGIC || header->version != PLAN_VERSION ||
        header->size > size || header->size > PLAN_MAX_SIZE || header->op_count == 0 ||
        header->op_count > PLAN_MAX_OPS || header->preserve > PLAN_FD_BASE - 3)
        return FAILED_CHECK;
    const uint64_t before_data = sizeof *header + (uint64_t)header->op_count * sizeof(struct plan_op);
    if (header->data_size == 0 || header->size != before_data + header->data_size)
        return FAILED_CHECK;

    plan->header = header;
    plan->ops = (const void *)(header + 1);
    plan->data = (const char *)(plan->ops + header->op_count);
    if (plan->data[0] != '\0' || plan->data[header->data_size - 1] != '\0')
        return FAILED_CHECK;
    for (uint32_t i = 0; i < header->op_count; i++)
        if (!is_operation_good(plan, &plan->ops[i])) {
            if (plan->report)
                plan->report->op = i;
            return FAILED_CHECK;
        }
    return 0;
}

int plan_map(int fd, struct plan *plan)
{
    struct stat status;
    long result = SYS(fstat, fd, &status);
    if (result < 0)
        return (int)result;
    if (status.st_size < PLAN_OFFSET || status.st_size > PLAN_OFFSET + (off_t)PLAN_MAX_SIZE)
        return FAILED_CHECK;
    plan->mapped = (size_t)status.st_size;
    result = SYS(mmap, 0, plan->mapped, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (result < 0 && result > -4096)
        return (int)result;
    plan->report = (struct plan_report *)result;
    return plan_validate((const char *)result + PLAN_OFFSET, plan->mapped - PLAN_OFFSET, plan);
}
