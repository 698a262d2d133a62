/* Measures what the launcher costs: starts of a container (hand-off), and a monitor's throughput. Usage: bench LAUNCHER
 */
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../monitor.h"
#include "../tests/container.h"
#include "../tests/test.h"

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Processor time of everything that has been waited for: what a busy machine cannot disturb. */
static double children_ms(void)
{
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void finish_launch(struct container *container, struct launch *launch)
{
    for (int slot = 0; slot < PLAN_MAX_SLOTS; slot++)
        if (container->builder.passed[slot] >= 0)
            close(container->builder.passed[slot]);
    close(container->output);
    close(launch->status);
    close(launch->memfd);
    close(launch->pidfd);
}

static void measure_starts(int rounds)
{
    static struct container container;
    static double total[4096], stamps[5][4096];
    const double cpu = children_ms();
    for (int i = 0; i < rounds; i++) {
        container_begin(&container, CONTAINER_NAMESPACES);
        container_pivot(&container);
        const char *argv[] = {"/bin/true", NULL};
        const char *envp[] = {"PATH=/bin", NULL};
        container_exec(&container, argv, envp);
        SUPERVISOR_OP(&container.builder, OP_HANDOFF);
        const double start = now_ms();
        struct launch launch = builder_launch(&container.builder);
        launch_wait_status(&launch);
        if (launch.report->failed)
            exit(1);
        launch_wait(&launch);
        wait_exit_code(launch.report->init_pid);
        total[i] = now_ms() - start;
        for (int s = 0; s < 5; s++)
            stamps[s][i] = (double)launch.report->stamps[s] / 1e6 - start;
        finish_launch(&container, &launch);
    }
    printf("processor time of one start: %.2f ms\n", (children_ms() - cpu) / rounds);
    qsort(total, (size_t)rounds, sizeof *total, by_value);
    printf("start to end: median %.2f ms, p10 %.2f, p90 %.2f\n", total[rounds / 2], total[rounds / 10],
           total[rounds * 9 / 10]);
    const char *const names[] = {"launcher", "clone", "init", "root", "exec"};
    for (int s = 0; s < 5; s++) {
        qsort(stamps[s], (size_t)rounds, sizeof(double), by_value);
        printf("  %-8s at %.2f ms\n", names[s], stamps[s][rounds / 2]);
    }
}

static void measure_throughput(long long bytes)
{
    static struct container container;
    container_begin(&container, CONTAINER_NAMESPACES);
    struct plan_builder *b = &container.builder;
    struct plan_monitor settings = {.version = MONITOR_VERSION,
                                    .lock = -1,
                                    .listener = -1,
                                    .stdin_write = -1,
                                    .stderr_read = -1,
                                    .client = -1,
                                    .root = container.root,
                                    .cgroup = -1,
                                    .log_size = 20 << 20,
                                    .log_files = 5,
                                    .flags = MONITOR_REMOVE};
    char directory[96];
    snprintf(directory, sizeof directory, "%s/state", test_directory);
    mkdir(directory, 0755);
    settings.directory = builder_slot(b);
    SUPERVISOR_OP(b, OP_OPEN, .s = builder_string(b, directory), .x = O_PATH | O_DIRECTORY, .b = settings.directory);
    int out[2];
    if (pipe2(out, O_CLOEXEC) != 0)
        exit(1);
    fcntl(out[1], F_SETPIPE_SZ, 1 << 20);
    settings.stdout_read = builder_pass(b, out[0]);
    const int child = builder_pass(b, out[1]);
    INIT_OP(b, OP_STDIO, .b = child, .x = UINT64_MAX);
    SUPERVISOR_OP(b, OP_CLOSE, .a = child);
    SUPERVISOR_OP(b, OP_MONITOR, .t = builder_block(b, &settings, sizeof settings), .n = sizeof settings);
    container_pivot(&container);
    char script[24];
    snprintf(script, sizeof script, "%lld", bytes);
    const char *argv[] = {"/bin/writer", script, NULL};
    const char *envp[] = {"PATH=/bin", NULL};
    container_exec(&container, argv, envp);
    const double cpu = children_ms();
    const double start = now_ms();
    struct launch launch = builder_launch(b);
    finish_launch(&container, &launch);
    launch_wait(&launch);
    if (launch.report->failed)
        exit(1);
    const double ms = now_ms() - start;
    printf("throughput: %.0f MB/s, processor time of writer and monitor %.0f ms\n", (double)bytes / 1e3 / ms,
           children_ms() - cpu);
}

int main(int argc, char **argv)
{
    launcher_path = argv[1];
    const int rounds = argc > 2 ? atoi(argv[2]) : 300;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0)
        return 1;
    strcpy(test_directory, "/tmp/bundt-native-XXXXXX");
    if (!mkdtemp(test_directory))
        return 1;
    char command[256];
    snprintf(command, sizeof command, "cp %s %s/bin/writer", argc > 3 ? argv[3] : "/bin/true", container_lower());
    if (system(command) != 0)
        return 1;
    measure_starts(rounds);
    if (argc > 3)
        for (int i = 0; i < 3; i++)
            measure_throughput(1000000000LL);
    snprintf(command, sizeof command, "rm -rf %s", test_directory);
    return system(command) != 0;
}
