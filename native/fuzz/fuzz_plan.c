/* Feeds anything to the plan's validator, and then reads whatever it accepted as the interpreter would: every string,
 * block, slot and vector. AddressSanitizer watches both. A custom mutator keeps magic, version and sizes right, so that
 * operations are reached. */
#include <linux/sched.h>
#include <stdlib.h>
#include <string.h>

#include "../launcher.h"
#include "../monitor.h"
#include "../operations.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

static volatile size_t sink;

static uint32_t checks_of(uint16_t code)
{
    switch (code) {
#define OPERATION(code, function, sections, checks)                                                                    \
    case code:                                                                                                         \
        return (checks);
#include "../operations.h"
#undef OPERATION
    default:
        abort(); /* an unknown operation must not be accepted */
    }
}

static void read_slot(int64_t slot)
{
    if (slot < -1 || slot >= PLAN_MAX_SLOTS)
        abort();
}

static void read_block(const struct plan *plan, uint32_t offset, size_t size)
{
    for (size_t i = 0; i < size; i++)
        sink += (unsigned char)plan->data[offset + i];
}

static void read_strings(const struct plan *plan, uint32_t offset, uint64_t count)
{
    const char *at = plan->data + offset;
    for (; count > 0; count--)
        at += strlen(at) + 1;
    sink += (size_t)(at - plan->data);
}

static void read_operation(const struct plan *plan, const struct plan_op *op)
{
    const uint32_t checks = checks_of(op->code);
    if (op->section > SECTION_INIT)
        abort();
    if (checks & (A_SLOT | A_OPTIONAL))
        read_slot(op->a);
    if (checks & (B_SLOT | B_OPTIONAL))
        read_slot(op->b);
    if (checks & (X_SLOT | X_OPTIONAL))
        read_slot((int64_t)op->x);
    if (checks & (Y_SLOT | Y_OPTIONAL))
        read_slot((int64_t)op->y);
    if (checks & Z_OPTIONAL)
        read_slot((int64_t)op->z);
    if (checks & X_SLOTS_FROM_A)
        for (uint64_t i = 0; i < op->x; i++)
            read_slot(op->a + (int64_t)i);
    if (checks & (S_STRING | S_OPTIONAL))
        read_strings(plan, op->s, 1);
    if (checks & T_STRING)
        read_strings(plan, op->t, 1);
    if (checks & (T_BLOCK | T_STRINGS | BLOCK_MONITOR | BLOCK_FILTER))
        read_block(plan, op->t, op->n);
    if (checks & T_STRINGS) /* as options are walked */
        for (const char *at = plan->data + op->t, *end = at + op->n; at < end; at += strlen(at) + 1)
            sink += strlen(at);
    if (checks & BLOCK_IDS)
        read_block(plan, op->t, (size_t)op->n * 4);
    if (checks & VECTORS) {
        read_strings(plan, op->s, op->x);
        read_strings(plan, op->t, op->y);
    }
    if (checks & CLONE_CHECKS && op->y & (CLONE_VM | CLONE_FILES | CLONE_VFORK | CLONE_THREAD))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    void *copy = malloc(size > 0 ? size : 1); /* its own allocation: one byte too far is seen */
    memcpy(copy, data, size);
    struct plan plan = {0};
    if (plan_validate(copy, size, &plan) == 0)
        for (uint32_t i = 0; i < plan.header->op_count; i++)
            read_operation(&plan, &plan.ops[i]);
    free(copy);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    size = LLVMFuzzerMutate(data, size, max_size);
    struct plan_header header;
    if (seed % 8 == 0 || max_size < sizeof header + sizeof(struct plan_op) + 1)
        return size;
    const size_t least = sizeof header + sizeof(struct plan_op) + 1;
    if (size < least) {
        memset(data + size, 0, least - size);
        size = least;
    }
    memcpy(&header, data, sizeof header);
    const size_t most = (size - sizeof header - 1) / sizeof(struct plan_op);
    header.magic = PLAN_MAGIC;
    header.version = PLAN_VERSION;
    header.size = (uint32_t)size;
    header.op_count = 1 + header.op_count % (uint32_t)most;
    header.data_size = (uint32_t)(size - sizeof header - header.op_count * sizeof(struct plan_op));
    header.preserve %= 256;
    memcpy(data, &header, sizeof header);
    data[size - header.data_size] = 0;
    data[size - 1] = 0;
    for (uint32_t i = 0; i < header.op_count; i++) {
        struct plan_op op;
        uint8_t *at = data + sizeof header + i * sizeof op;
        memcpy(&op, at, sizeof op);
        op.code %= 128;
        op.section %= 4;
        memcpy(at, &op, sizeof op);
    }
    return size;
}
