#include "container.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "test.h"

static const char *in_directory(const char *name)
{
    static char paths[8][128];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", test_directory, name);
    return path;
}

const char *container_lower(void)
{
    const char *lower = in_directory("lower");
    if (access(lower, F_OK) == 0)
        return lower;
    char command[1024];
    snprintf(command, sizeof command,
             "set -e; mkdir -p %s/bin %s/proc %s/sys %s/dev %s/etc %s/tmp; cp /bin/busybox %s/bin/; cd %s/bin; "
             "for a in sh cat ls echo id mount hostname sleep true false readlink stat env printf ulimit touch mkdir "
             "nproc head wc seq kill "
             "tr grep test dd stty ps ip cut sed; do ln -sf busybox $a; done",
             lower, lower, lower, lower, lower, lower, lower, lower);
    if (system(command) != 0)
        test_skip("no static busybox in /bin");
    return lower;
}

static void add_root(struct container *container)
{
    struct plan_builder *b = &container->builder;
    const char *const names[] = {"upper", "work", "merged"};
    for (size_t i = 0; i < 3; i++)
        mkdir(in_directory(names[i]), 0755);
    const int lower = builder_slot(b);
    const int upper = builder_slot(b);
    const int work = builder_slot(b);
    container->root = builder_slot(b);
    SUPERVISOR_OP(b, OP_OPEN, .s = builder_string(b, container_lower()), .x = O_PATH | O_DIRECTORY, .b = lower);
    SUPERVISOR_OP(b, OP_OPEN, .s = builder_string(b, in_directory("upper")), .x = O_PATH | O_DIRECTORY, .b = upper);
    SUPERVISOR_OP(b, OP_OPEN, .s = builder_string(b, in_directory("work")), .x = O_PATH | O_DIRECTORY, .b = work);
    SUPERVISOR_OP(b, OP_OVERLAY, .a = lower, .x = 1, .y = (uint64_t)upper, .z = (uint64_t)work, .b = container->root,
                  .s = builder_string(b, in_directory("merged")));
}

static void add_mount(struct container *container, const char *type, const char *options, size_t size,
                      uint64_t attributes, const char *target)
{
    struct plan_builder *b = &container->builder;
    const int slot = builder_slot(b);
    INIT_OP(b, OP_MOUNT_FS, .s = builder_string(b, type), .t = size > 0 ? builder_block(b, options, size) : 0,
            .n = (uint32_t)size, .x = attributes, .b = slot);
    INIT_OP(b, OP_MKDIR, .a = container->root, .s = builder_string(b, target), .x = 0755, .y = 1);
    INIT_OP(b, OP_MOVE_MOUNT, .a = slot, .b = container->root, .s = builder_string(b, target));
}

static void add_node(struct container *container, const char *path, unsigned number)
{
    struct plan_builder *b = &container->builder;
    INIT_OP(b, OP_MKNOD, .a = container->root, .s = builder_string(b, path), .x = S_IFCHR | 0666,
            .y = makedev(1, number));
}

void container_begin(struct container *container, uint64_t namespaces)
{
    struct plan_builder *b = &container->builder;
    memset(container, 0, sizeof *container);
    builder_init(b);
    container->namespaces = namespaces;
    int output[2];
    REQUIRE(pipe2(output, O_CLOEXEC) == 0);
    container->output = output[0];
    const int output_slot = builder_pass(b, output[1]);
    const int null_slot = builder_pass(b, open("/dev/null", O_RDWR | O_CLOEXEC));
    add_root(container);
    container->sync_supervisor = builder_slot(b);
    container->sync_init = builder_slot(b);
    SUPERVISOR_OP(b, OP_SOCKETPAIR, .a = container->sync_supervisor, .b = container->sync_init);
    SUPERVISOR_OP(b, OP_CLONE, .x = SECTION_INIT, .y = namespaces);
    SUPERVISOR_OP(b, OP_CLOSE, .a = container->sync_init);
    SUPERVISOR_OP(b, OP_CLOSE, .a = output_slot);
    INIT_OP(b, OP_CLOSE, .a = container->sync_supervisor);
    INIT_OP(b, OP_PROPAGATION, .s = builder_string(b, "/"), .x = MS_REC | MS_SLAVE);
    INIT_OP(b, OP_MOVE_MOUNT, .a = container->root, .s = builder_string(b, in_directory("merged")));
    const uint64_t strict = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    add_mount(container, "proc", NULL, 0, strict, "/proc");
    static const char dev_options[] = "mode=755\0size=65536k";
    add_mount(container, "tmpfs", dev_options, sizeof dev_options, MOUNT_ATTR_NOSUID, "/dev");
    static const char pts_options[] = "newinstance\0ptmxmode=0666\0mode=0620\0gid=5";
    add_mount(container, "devpts", pts_options, sizeof pts_options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, "/dev/pts");
    add_node(container, "/dev/null", 3);
    add_node(container, "/dev/zero", 5);
    INIT_OP(b, OP_SYMLINK, .a = container->root, .s = builder_string(b, "/dev/fd"),
            .t = builder_string(b, "/proc/self/fd"));
    container->dev_null = builder_slot(b);
    INIT_OP(b, OP_OPEN, .a = container->root, .s = builder_string(b, "dev/null"), .x = O_PATH, .z = RESOLVE_IN_ROOT,
            .b = container->dev_null);
    INIT_OP(b, OP_STDIO, .a = null_slot, .b = output_slot, .x = (uint64_t)output_slot);
}

struct plan_op *container_clone(struct container *container)
{
    struct plan_op *op = container->builder.ops;
    while (op->code != OP_CLONE)
        op++;
    return op;
}

void container_before_clone(struct container *container, struct plan_op op)
{
    struct plan_op *clone = container_clone(container);
    const size_t at = (size_t)(clone - container->builder.ops);
    memmove(clone + 1, clone, (container->builder.op_count - at) * sizeof *clone);
    *clone = op;
    container->builder.op_count++;
}

void container_pivot(struct container *container) { INIT_OP(&container->builder, OP_PIVOT_ROOT, .a = container->root); }

static uint32_t add_strings(struct plan_builder *b, const char *const *strings, uint64_t *count)
{
    char block[8192];
    size_t length = 0;
    *count = 0;
    for (; *strings; strings++, ++*count) {
        strcpy(block + length, *strings);
        length += strlen(*strings) + 1;
    }
    return builder_block(b, block, length);
}

void container_exec(struct container *container, const char *const *argv, const char *const *envp)
{
    struct plan_builder *b = &container->builder;
    uint64_t argc;
    uint64_t envc;
    const uint32_t s = add_strings(b, argv, &argc);
    const uint32_t t = add_strings(b, envp, &envc);
    INIT_OP(b, OP_RESOLVE_EXEC, .t = builder_string(b, argv[0]), .n = (uint32_t)strlen(argv[0]) + 1);
    INIT_OP(b, OP_EXEC, .s = s, .x = argc, .t = t, .y = envc);
}

void container_shell(struct container *container, const char *script)
{
    const char *argv[] = {"/bin/sh", "-c", script, NULL};
    const char *envp[] = {"PATH=/bin", "HOME=/", NULL};
    container_exec(container, argv, envp);
}

static void close_passed(struct container *container)
{
    for (int slot = 0; slot < PLAN_MAX_SLOTS; slot++)
        if (container->builder.passed[slot] >= 0)
            close(container->builder.passed[slot]);
}

int container_run(struct container *container, char **output)
{
    SUPERVISOR_OP(&container->builder, OP_HANDOFF);
    const struct launch launch = builder_launch(&container->builder);
    close_passed(container);
    launch_wait_status(&launch);
    const struct plan_report *report = launch.report;
    if (report->failed)
        test_fail(__FILE__, __LINE__, "operation %u (code %u) of section %u failed: errno %d, detail %u, \"%s\"",
                  report->op, container->builder.ops[report->op].code, report->section, report->error, report->detail,
                  report->text);
    REQUIRE_EQUAL(report->phase, PHASE_EXEC);
    REQUIRE_EQUAL(launch_wait(&launch), 0);
    *output = read_all(container->output);
    return wait_exit_code(report->init_pid); /* ours by now: we are the subreaper */
}

const struct plan_report *container_fail(struct container *container)
{
    SUPERVISOR_OP(&container->builder, OP_HANDOFF);
    const struct launch launch = builder_launch(&container->builder);
    close_passed(container);
    launch_wait_status(&launch);
    launch_wait(&launch);
    REQUIRE_EQUAL(launch.report->failed, 1);
    return launch.report;
}

int run_script(const char *script, char **output)
{
    static struct container container;
    container_begin(&container, CONTAINER_NAMESPACES);
    container_pivot(&container);
    container_shell(&container, script);
    return container_run(&container, output);
}
