/* Every operation, in real containers. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container.h"
#include "suites.h"
#include "test.h"

static char *output;

static void a_plain_container_runs_and_its_exit_code_is_init_s(void)
{
    REQUIRE_EQUAL(run_script("echo hello; exit 7", &output), 7);
    REQUIRE_TEXT(output, "hello\n");
}

static const struct test tests[] = {
    TEST(a_plain_container_runs_and_its_exit_code_is_init_s),
};

void run_operation_tests(void) { test_run("operations", tests, sizeof tests / sizeof *tests); }
