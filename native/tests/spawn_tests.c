/* The spawn library: what the child gets, and what it does not. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../spawn.h"
#include "plan_builder.h"
#include "suites.h"
#include "test.h"

static int output[2];

/* Runs busybox's shell; its stdout is a pipe. */
static int spawn_shell(const char *script, struct bundt_spawn spec, const struct bundt_spawn_fd *fds, uint32_t count)
{
    static const char *argv[] = {"sh", "-c", NULL, NULL};
    static const char *envp[] = {"PATH=/bin", "ONLY=this", NULL};
    argv[2] = script;
    struct bundt_spawn_fd all[64];
    REQUIRE(pipe2(output, O_CLOEXEC) == 0);
    all[0] = (struct bundt_spawn_fd){output[1], 1};
    if (count > 0)
        memcpy(all + 1, fds, count * sizeof *fds);
    spec.exe_fd = open("/bin/busybox", O_PATH | O_CLOEXEC);
    if (spec.exe_fd < 0)
        test_skip("no static busybox in /bin");
    spec.fds = all;
    spec.fd_count = count + 1;
    spec.argv = argv;
    spec.envp = envp;
    int pidfd = -1;
    int pid = bundt_spawn(&spec, &pidfd);
    close(spec.exe_fd);
    close(output[1]);
    if (pid > 0) {
        REQUIRE(fcntl(pidfd, F_GETFD) == FD_CLOEXEC);
        REQUIRE_EQUAL(syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0), 0);
        close(pidfd);
    }
    return pid;
}

static void descriptors_arrive_where_they_belong_even_if_they_overlap(void)
{
    int files[3];
    for (int i = 0; i < 3; i++) {
        char name[80];
        snprintf(name, sizeof name, "%s/%d", test_directory, i);
        files[i] = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        char text[2] = {(char)('a' + i), '\n'};
        REQUIRE(write(files[i], text, 2) == 2 && lseek(files[i], 0, SEEK_SET) == 0);
    }
    /* Rotated among themselves, one in place, one twice, one far away. */
    const int leaked = dup(files[0]); /* not close-on-exec */
    const struct bundt_spawn_fd fds[] = {
        {files[0], files[1]}, {files[1], files[2]}, {files[2], files[0]}, {files[2], 200}, {leaked, leaked}};
    char script[256];
    snprintf(script, sizeof script, "cat <&%d; cat <&%d; cat <&%d", files[0], files[1], files[2]);
    snprintf(script + strlen(script), sizeof script - strlen(script),
             "; i=0; while [ $i -lt 256 ]; do [ -e /proc/$$/fd/$i ] && echo \"<$i>\"; i=$((i+1)); done");
    int pid = spawn_shell(script, (struct bundt_spawn){.cgroup_fd = -1}, fds, 5);
    REQUIRE(pid > 0);
    char expected[128];
    char *text = read_all(output[0]);
    REQUIRE(strncmp(text, "c\na\nb\n", 6) == 0);
    snprintf(expected, sizeof expected, "<%d>", leaked);
    REQUIRE_CONTAINS(text, expected);
    REQUIRE_CONTAINS(text, "<200>");
    snprintf(expected, sizeof expected, "<%d>", output[0]);
    REQUIRE(!strstr(text, expected)); /* not named: closed */
    REQUIRE_EQUAL(wait_exit_code(pid), 0);
}

static void signals_environment_session_and_directory_are_clean(void)
{
    signal(SIGPIPE, SIG_IGN); /* as .NET does */
    signal(SIGUSR1, SIG_IGN);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int pid = spawn_shell("grep -E 'Sig(Blk|Ign)' /proc/self/status; env | grep -vE '^(PWD|SHLVL|OLDPWD|_)='; cut -d' "
                          "' -f6 /proc/$$/stat; pwd",
                          (struct bundt_spawn){.cgroup_fd = -1, .flags = BUNDT_SPAWN_SETSID, .cwd = "/proc"}, NULL, 0);
    REQUIRE(pid > 0);
    char expected[256];
    snprintf(expected, sizeof expected,
             "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nPATH=/bin\nONLY=this\n%d\n/proc\n", pid);
    REQUIRE_TEXT(read_all(output[0]), expected);
    REQUIRE_EQUAL(wait_exit_code(pid), 0);
    sigset_t now;
    sigprocmask(SIG_BLOCK, NULL, &now);
    REQUIRE(sigismember(&now, SIGTERM) == 1 && sigismember(&now, SIGINT) == 0); /* ours are as before */
}

static int count_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void a_failure_says_why_and_leaves_nothing(void)
{
    char path[80];
    snprintf(path, sizeof path, "%s/not-a-program", test_directory);
    int exe = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    const char *argv[] = {"x", NULL};
    const struct bundt_spawn_fd bad[] = {{999, 5}};
    struct bundt_spawn spec = {.exe_fd = exe, .cgroup_fd = -1, .argv = argv, .envp = argv + 1};
    int pidfd = -1;
    const int before = count_descriptors();
    REQUIRE_EQUAL(bundt_spawn(&spec, &pidfd), -EACCES);
    spec.fds = bad;
    spec.fd_count = 1;
    REQUIRE_EQUAL(bundt_spawn(&spec, &pidfd), -EBADF);
    spec.fd_count = 0;
    spec.cwd = "/nowhere";
    REQUIRE_EQUAL(bundt_spawn(&spec, &pidfd), -ENOENT);
    spec.fd_count = BUNDT_SPAWN_MAX_FDS + 1;
    REQUIRE_EQUAL(bundt_spawn(&spec, &pidfd), -EINVAL);
    REQUIRE_EQUAL(count_descriptors(), before);
    int status;
    REQUIRE(syscall(SYS_wait4, -1, &status, 0, NULL) < 0 && errno == ECHILD);
}

static void the_child_is_born_in_its_cgroup(void)
{
    const char *cgroup = test_cgroup();
    int fd = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int pid = spawn_shell("grep ^0: /proc/self/cgroup", (struct bundt_spawn){.cgroup_fd = fd}, NULL, 0);
    char *text = pid > 0 ? read_all(output[0]) : "";
    if (pid > 0)
        wait_exit_code(pid);
    rmdir(cgroup);
    REQUIRE(pid > 0);
    REQUIRE_CONTAINS(text, "/bundt-test-");
}

static const struct test tests[] = {
    TEST(descriptors_arrive_where_they_belong_even_if_they_overlap),
    TEST(signals_environment_session_and_directory_are_clean),
    TEST(a_failure_says_why_and_leaves_nothing),
    TEST(the_child_is_born_in_its_cgroup),
};

void run_spawn_tests(void) { test_run("spawn", tests, sizeof tests / sizeof *tests); }
