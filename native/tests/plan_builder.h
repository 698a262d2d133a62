/* Builds real plans and runs the launcher on them. */
#ifndef BUNDT_PLAN_BUILDER_H
#define BUNDT_PLAN_BUILDER_H

#include <stdint.h>
#include <sys/types.h>

#include "../plan.h"

#define BUILDER_SLOTS 64

struct plan_builder {
    struct plan_op ops[512];
    uint32_t op_count;
    char data[65536];
    uint32_t data_size;
    int passed[PLAN_MAX_SLOTS]; /* our descriptor for each slot that is passed open, -1: none */
    int next_slot;
    int preserve;
};

/* A launcher that was started. */
struct launch {
    pid_t pid;
    int pidfd;
    int status; /* read end of the status pipe */
    int memfd;
    struct plan_report *report;
};

void builder_init(struct plan_builder *builder);
uint32_t builder_string(struct plan_builder *builder, const char *string);
uint32_t builder_block(struct plan_builder *builder, const void *block, size_t size);
int builder_slot(struct plan_builder *builder);
/* A slot that the launcher gets our descriptor in. */
int builder_pass(struct plan_builder *builder, int fd);
/* Returns the operation's index. */
uint32_t builder_add(struct plan_builder *builder, struct plan_op op);

/* OPERATION(code, section, members…): slots are -1 unless they are given. */
#define MAKE_OP(code_, section_, ...)                                                                                  \
    ((struct plan_op){.code = (code_), .section = (section_), .a = -1, .b = -1, __VA_ARGS__})
#define SUPERVISOR_OP(builder, code, ...) builder_add((builder), MAKE_OP(code, SECTION_SUPERVISOR, __VA_ARGS__))
#define INIT_OP(builder, code, ...) builder_add((builder), MAKE_OP(code, SECTION_INIT, __VA_ARGS__))
#define JOINER_OP(builder, code, ...) builder_add((builder), MAKE_OP(code, SECTION_JOINER, __VA_ARGS__))

/* Writes the plan into memory as the wire has it; returns its size. */
size_t builder_serialize(const struct plan_builder *builder, void *memory, size_t room);
struct launch builder_launch(const struct plan_builder *builder);
/* Reads the status pipe to its end; returns how many bytes came. */
int launch_wait_status(const struct launch *launch);
/* Waits for the launcher's end; returns its exit code, 128+n for a signal. */
int launch_wait(const struct launch *launch);
int wait_exit_code(pid_t pid);

/* Reads everything from fd until its end into a static buffer. */
char *read_all(int fd);
char *read_path(const char *path);

#endif
