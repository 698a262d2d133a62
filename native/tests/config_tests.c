/* Operations that only some configs ask for, in real containers. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
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
    container_shell(&c, "ls /; ls -d /proc/self /proc/1/root/bin; cd /; cd ../..; pwd; grep -c ' - proc ' /proc/self/mountinfo");
    REQUIRE_EQUAL(container_run(&c, &output), 0);
    REQUIRE_TEXT(output, "bin\ndev\netc\nproc\nsys\ntmp\n/proc/1/root/bin\n/proc/self\n/\n1\n");
}

static const struct test tests[] = {
    TEST(a_root_that_is_entered_by_chroot_covers_the_old_one),
};

void run_config_tests(void) { test_run("configs", tests, sizeof tests / sizeof *tests); }
