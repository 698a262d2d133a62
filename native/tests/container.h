/* A plain container of busybox for tests: overlay root, proc, sys, dev, devpts, pivot, command. */
#ifndef BUNDT_TEST_CONTAINER_H
#define BUNDT_TEST_CONTAINER_H

#include "plan_builder.h"

struct container {
    struct plan_builder builder;
    uint64_t namespaces;
    int root;                       /* slot of the root mount */
    int dev_null;                   /* slot of the container's /dev/null once it has one */
    int output;                     /* our read end of its stdout and stderr */
    int sync_supervisor, sync_init; /* rendezvous slots */
};

/* Everything up to the pivot, exclusive: init's operations that a test adds come next. */
void container_begin(struct container *container, uint64_t namespaces);
/* The supervisor's OP_CLONE. */
struct plan_op *container_clone(struct container *container);
/* Adds an operation of the supervisor's before it clones, so that init inherits the result. */
void container_before_clone(struct container *container, struct plan_op op);
#define BEFORE_CLONE(container, code, ...)                                                                             \
    container_before_clone((container), MAKE_OP(code, SECTION_SUPERVISOR, __VA_ARGS__))
void container_pivot(struct container *container);
/* Executes /bin/sh -c script in the end. */
void container_shell(struct container *container, const char *script);
void container_exec(struct container *container, const char *const *argv, const char *const *envp);
/* Hands off, waits for the end and returns the exit code; the output is left in *output. A failed start fails the test.
 */
int container_run(struct container *container, char **output);
/* The same, but the start must fail: returns the report. */
const struct plan_report *container_fail(struct container *container);
/* Makes the lower directory with busybox in it; returns its path. */
const char *container_lower(void);
/* The whole of it, with the shell. */
int run_script(const char *script, char **output);

#define CONTAINER_NAMESPACES (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET)

#endif
