#include "plan_builder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../spawn.h"
#include "test.h"

void builder_init(struct plan_builder *builder)
{
    memset(builder, 0, sizeof *builder);
    builder->data_size = 1; /* offset 0 is "none" */
    builder->next_slot = SLOT_FIRST_FREE;
    for (size_t i = 0; i < PLAN_MAX_SLOTS; i++)
        builder->passed[i] = -1;
}

uint32_t builder_block(struct plan_builder *builder, const void *block, size_t size)
{
    builder->data_size = (builder->data_size + 7) & ~7u;
    const uint32_t offset = builder->data_size;
    if (offset + size + 1 > sizeof builder->data)
        abort();
    memcpy(builder->data + offset, block, size);
    builder->data_size += (uint32_t)size;
    return offset;
}

uint32_t builder_string(struct plan_builder *builder, const char *string)
{
    return builder_block(builder, string, strlen(string) + 1);
}

int builder_slot(struct plan_builder *builder) { return builder->next_slot++; }

int builder_pass(struct plan_builder *builder, int fd)
{
    int slot = builder_slot(builder);
    builder->passed[slot] = fd;
    return slot;
}

uint32_t builder_add(struct plan_builder *builder, struct plan_op op)
{
    builder->ops[builder->op_count] = op;
    return builder->op_count++;
}

size_t builder_serialize(const struct plan_builder *builder, void *memory, size_t room)
{
    struct plan_header header = {
        .magic = PLAN_MAGIC,
        .version = PLAN_VERSION,
        .op_count = builder->op_count,
        .data_size = builder->data_size + 1,
        .preserve = (uint32_t)builder->preserve,
        .slot_words = 13,
    };
    header.size = (uint32_t)(sizeof header + header.op_count * sizeof(struct plan_op) + header.data_size);
    if (header.size > room)
        abort();
    for (uint32_t slot = 0; slot < PLAN_MAX_PASSED; slot++)
        if (builder->passed[slot] >= 0)
            header.open_slots[slot / 32] |= 1u << (slot % 32);
    char *to = memory;
    memcpy(to, &header, sizeof header);
    to += sizeof header;
    memcpy(to, builder->ops, header.op_count * sizeof(struct plan_op));
    to += header.op_count * sizeof(struct plan_op);
    memcpy(to, builder->data, builder->data_size);
    to[builder->data_size] = '\0';
    return header.size;
}

struct launch builder_launch(const struct plan_builder *builder)
{
    static char plan[1 << 18];
    const size_t size = builder_serialize(builder, plan, sizeof plan);
    struct launch launch = {.memfd = memfd_create("plan", MFD_CLOEXEC)};
    REQUIRE(ftruncate(launch.memfd, (off_t)(PLAN_OFFSET + size)) == 0);
    REQUIRE(pwrite(launch.memfd, plan, size, PLAN_OFFSET) == (ssize_t)size);
    launch.report = mmap(NULL, PLAN_OFFSET, PROT_READ, MAP_SHARED, launch.memfd, 0);
    int status[2];
    REQUIRE(pipe2(status, O_CLOEXEC) == 0);
    launch.status = status[0];

    struct bundt_spawn_fd fds[BUNDT_SPAWN_MAX_FDS] = {{launch.memfd, PLAN_FD_BASE + SLOT_PLAN},
                                                      {status[1], PLAN_FD_BASE + SLOT_STATUS}};
    uint32_t count = 2;
    for (int slot = 0; slot < PLAN_MAX_SLOTS; slot++)
        if (builder->passed[slot] >= 0)
            fds[count++] = (struct bundt_spawn_fd){builder->passed[slot], PLAN_FD_BASE + slot};
    for (int i = 0; i < builder->preserve; i++)
        fds[count++] = (struct bundt_spawn_fd){launch.memfd, 3 + i};
    const char *argv[] = {"bundt-launcher", NULL};
    const char *envp[] = {"ASAN_OPTIONS=detect_leaks=0:exitcode=99",
                          "UBSAN_OPTIONS=halt_on_error=1:exitcode=98:print_stacktrace=1", NULL};
    int exe = open(launcher_path, O_PATH | O_CLOEXEC);
    const struct bundt_spawn spec = {
        .exe_fd = exe, .cgroup_fd = -1, .fd_count = count, .fds = fds, .argv = argv, .envp = envp};
    launch.pid = bundt_spawn(&spec, &launch.pidfd);
    if (launch.pid < 0)
        test_fail(__FILE__, __LINE__, "cannot start %s: %s", launcher_path, strerror(-launch.pid));
    close(exe);
    close(status[1]);
    return launch;
}

int launch_wait_status(const struct launch *launch)
{
    char bytes[16];
    int total = 0;
    ssize_t got;
    while ((got = read(launch->status, bytes, sizeof bytes)) > 0)
        total += (int)got;
    return total;
}

int wait_exit_code(pid_t pid)
{
    int status;
    pid_t got;
    do
        got = waitpid(pid, &status, 0);
    while (got < 0 && errno == EINTR);
    if (got != pid)
        test_fail(__FILE__, __LINE__, "cannot wait for %d: %s", pid, strerror(errno));
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int launch_wait(const struct launch *launch) { return wait_exit_code(launch->pid); }

char *read_all(int fd)
{
    static char buffer[1 << 20];
    size_t length = 0;
    ssize_t got;
    while (length < sizeof buffer - 1 && (got = read(fd, buffer + length, sizeof buffer - 1 - length)) > 0)
        length += (size_t)got;
    buffer[length] = '\0';
    return buffer;
}

char *read_path(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        test_fail(__FILE__, __LINE__, "%s: %s", path, strerror(errno));
    char *text = read_all(fd);
    close(fd);
    return text;
}
