/* Operations that only some configs ask for, in real containers. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container.h"
#include "suites.h"
#include "test.h"

static char *output;
static struct container c;
static struct plan_builder *const b = &c.builder;

static uint32_t str(const char *string) { return builder_string(b, string); }

static void a_root_that_is_entered_by_chroot_covers_the_old_one(void)
{
    container_begin(&c, CONTAINER_NAMESPACES);
    for (uint32_t i = 0; i < b->op_count; i++)
        if (b->ops[i].code == OP_MOVE_MOUNT && b->ops[i].a == c.root)
            b->ops[i].s = str("/"); /* as plans do */
    INIT_OP(b, OP_UMOUNT, .s = str("/proc"), .x = MNT_DETACH);
    INIT_OP(b, OP_PIVOT_ROOT, .a = c.root, .flags = 1);
    container_shell(
        &c, "ls /; ls -d /proc/self /proc/1/root/bin; cd /; cd ../..; pwd; grep -c ' - proc ' /proc/self/mountinfo");
    REQUIRE_EQUAL(container_run(&c, &output), 0);
    REQUIRE_TEXT(output, "bin\ndev\netc\nproc\nsys\ntmp\n/proc/1/root/bin\n/proc/self\n/\n1\n");
}

static void scheduling_is_set_by_the_process_and_from_outside(void)
{
    const struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } batch = {.size = 48, .policy = 3, .nice = 7};
    container_begin(&c, CONTAINER_NAMESPACES);
    const uint64_t first_node = 1;
    INIT_OP(b, OP_MEMORY_POLICY, .x = 2 /* MPOL_BIND */, .t = builder_block(b, &first_node, 8), .n = 8);
    INIT_OP(b, OP_SEND, .a = c.sync_init, .x = 6);
    INIT_OP(b, OP_RECV, .a = c.sync_init, .x = 7);
    SUPERVISOR_OP(b, OP_RECV, .a = c.sync_supervisor, .x = 6);
    SUPERVISOR_OP(b, OP_SCHEDULER, .t = builder_block(b, &batch, sizeof batch), .n = sizeof batch);
    SUPERVISOR_OP(b, OP_RLIMIT, .x = RLIMIT_NOFILE, .y = 17, .z = 19);
    SUPERVISOR_OP(b, OP_IOPRIO, .x = 3 << 13);
    SUPERVISOR_OP(b, OP_SEND, .a = c.sync_supervisor, .x = 7);
    container_pivot(&c);
    container_shell(
        &c,
        "ulimit -n; ulimit -Hn; cut -d' ' -f 19,41 /proc/self/stat; head -n 1 /proc/self/numa_maps | cut -d' ' -f 2");
    REQUIRE_EQUAL(container_run(&c, &output), 0);
    REQUIRE_TEXT(output, "17\n19\n7 3\nbind:0\n");
}

static void a_scheduler_structure_longer_than_its_block_is_refused(void)
{
    const uint32_t attributes[4] = {48};
    container_begin(&c, CONTAINER_NAMESPACES);
    INIT_OP(b, OP_SCHEDULER, .t = builder_block(b, attributes, sizeof attributes), .n = sizeof attributes);
    REQUIRE_EQUAL(container_fail(&c)->error, EINVAL);
}

static void stdio_belongs_to_the_user_but_for_the_null_device(void)
{
    struct stat before;
    REQUIRE(stat("/dev/null", &before) == 0);
    container_begin(&c, CONTAINER_NAMESPACES);
    INIT_OP(b, OP_OWN_STDIO, .x = 7, .y = 8);
    container_pivot(&c);
    container_shell(&c, "stat -L -c '%u %g' /proc/self/fd/1");
    REQUIRE_EQUAL(container_run(&c, &output), 0);
    REQUIRE_TEXT(output, "7 8\n");
    struct stat after;
    REQUIRE(stat("/dev/null", &after) == 0);
    REQUIRE_EQUAL(after.st_uid, before.st_uid);
}

static const struct test tests[] = {
    TEST(scheduling_is_set_by_the_process_and_from_outside),
    TEST(a_scheduler_structure_longer_than_its_block_is_refused),
    TEST(stdio_belongs_to_the_user_but_for_the_null_device),
    TEST(a_root_that_is_entered_by_chroot_covers_the_old_one),
};

void run_config_tests(void) { test_run("configs", tests, sizeof tests / sizeof *tests); }
