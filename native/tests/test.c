#include "test.h"

#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEADLINE_SECONDS 30

char test_directory[64];
const char *launcher_path;
static int passed, failed, skipped;

void test_fail(const char *file, int line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("# %s:%d: ", file, line);
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
    fflush(stdout);
    _exit(1);
}

void test_skip(const char *reason)
{
    printf("# skipped: %s\n", reason);
    fflush(stdout);
    _exit(SKIPPED);
}

const char *test_cgroup(void)
{
    static char path[96];
    const char *const roots[] = {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/cgroup.procs", roots[i]);
        if (access(path, F_OK) != 0)
            continue;
        snprintf(path, sizeof path, "%s/bundt-test-%d", roots[i], getpid());
        if (mkdir(path, 0755) == 0)
            return path;
    }
    test_skip("no writable cgroup v2 hierarchy");
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status, (void)type, (void)where;
    return remove(path);
}

static _Noreturn void run_child(const struct test *test)
{
    alarm(DEADLINE_SECONDS);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (geteuid() == 0 && (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0))
        test_fail(__FILE__, __LINE__, "no private mount namespace");
    test->run();
    fflush(stdout);
    _exit(0);
}

void test_run(const char *suite, const struct test *tests, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *only = getenv("ONLY");
        if (only && !strstr(tests[i].name, only))
            continue;
        const char *temporary = getenv("TMPDIR");
        snprintf(test_directory, sizeof test_directory, "%.40s/bundt-native-XXXXXX", temporary ? temporary : "/tmp");
        if (!mkdtemp(test_directory))
            abort();
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0)
            run_child(&tests[i]);
        int status = 0;
        waitpid(pid, &status, 0);
        if (WIFSIGNALED(status))
            printf("# ended by signal %d\n", WTERMSIG(status));
        const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
        printf("%s - %s: %s%s\n", code == 0 || code == SKIPPED ? "ok" : "not ok", suite, tests[i].name,
               code == SKIPPED ? " # SKIP" : "");
        *(code == 0 ? &passed : code == SKIPPED ? &skipped : &failed) += 1;
        nftw(test_directory, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    }
}

int test_summary(void)
{
    printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
    return failed == 0 ? 0 : 1;
}
