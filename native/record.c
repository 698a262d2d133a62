#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "kernel.h"
#include "monitor.h"
#include "text.h"

uint64_t record_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Field 22 of /proc/PID/stat. The second, the name, may contain anything, so fields are counted from its closing
 * parenthesis. */
static uint64_t start_time(int pid)
{
    char path[32];
    struct text text = TEXT_IN(path);
    text_add(&text, "/proc/");
    text_add_signed(&text, pid);
    text_add(&text, "/stat");
    char stat[1024];
    if (text_read_file(AT_FDCWD, path, stat, sizeof stat) < 0)
        return 0;
    const char *at = strrchr(stat, ')');
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    uint64_t value = 0;
    for (at = at ? at + 1 : ""; *at >= '0' && *at <= '9'; at++)
        value = value * 10 + (uint64_t)(*at - '0');
    return value;
}

static void add_boot_id(struct text *text)
{
    char id[64];
    long length = text_read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", id, sizeof id);
    text_add(text, "boot-id ");
    if (length > 0)
        text_add(text, id); /* ends with a newline */
    else
        text_add(text, "\n");
}

int record_monitor(int directory, int file, int init_pid, uint64_t started, char *buffer, uint32_t size)
{
    const int own = (int)SYS(getpid, 0);
    struct text text = {.start = buffer, .size = size};
    text_add_line(&text, "version", MONITOR_VERSION);
    text_add_line(&text, "monitor-pid", (uint64_t)own);
    text_add_line(&text, "monitor-start", start_time(own));
    add_boot_id(&text);
    text_add_line(&text, "init-pid", (uint64_t)init_pid);
    text_add_line(&text, "init-start", start_time(init_pid));
    text_add_line(&text, "started", started);
    text_add(&text, "end\n");

    int fd = file >= 0 ? file : sys_openat(directory, "monitor", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (fd < 0)
        return fd;
    const struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    long result = SYS(fcntl, fd, F_OFD_SETLK, &lock);
    if (result == 0) {
        SYS(unlinkat, directory, "exit", 0); /* of an earlier life */
        result = SYS(pwrite64, fd, buffer, text.length, 0);
        if (result >= 0 && result != (long)text.length)
            result = -ENOSPC;
    }
    /* After, not before: a reader sees the old text, the new one, or the new one with a rest behind its `end`. */
    if (result >= 0)
        result = SYS(ftruncate, fd, text.length);
    if (result < 0) {
        sys_close(fd);
        return (int)result;
    }
    return fd;
}

uint64_t record_value(int directory, const char *file, const char *key)
{
    char content[RECORD_SIZE];
    if (directory < 0 || text_read_file(directory, file, content, sizeof content) <= 0)
        return 0;
    const size_t length = strlen(key);
    for (const char *line = content; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, length) != 0 || line[length] != ' ')
            continue;
        uint64_t value = 0;
        for (const char *at = line + length + 1; *at >= '0' && *at <= '9'; at++)
            value = value * 10 + (uint64_t)(*at - '0');
        return value;
    }
    return 0;
}

static int create_exit(int directory)
{
    return sys_openat(directory, "exit.new", O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
}

int record_reserve(int directory)
{
    static const char room[RECORD_SIZE];
    int fd = create_exit(directory);
    if (fd < 0 || SYS(pwrite64, fd, room, sizeof room, 0) == (long)sizeof room)
        return fd;
    sys_close(fd);
    return -1;
}

int record_exit(int directory, int reserved, const struct exit_facts *facts, char buffer[RECORD_SIZE])
{
    const int status = facts->wait_status;
    const unsigned signal = WIFSIGNALED(status) ? (unsigned)WTERMSIG(status) : 0;
    struct text text = {.start = buffer, .size = RECORD_SIZE};
    text_add_line(&text, "version", MONITOR_VERSION);
    text_add_line(&text, "status", signal != 0 ? 128 + signal : (unsigned)WEXITSTATUS(status));
    text_add_line(&text, "signal", signal);
    text_add_line(&text, "core", signal != 0 && WCOREDUMP(status));
    text_add_line(&text, "oom-kill", record_value(facts->cgroup, "memory.events", "oom_kill"));
    text_add_line(&text, "started", facts->started);
    text_add_line(&text, "finished", facts->finished);
    text_add_line(&text, "log-dropped", facts->log_dropped);
    text_add_line(&text, "log-size", facts->log_size);
    if (facts->start_failed) {
        text_add_line(&text, "start-failed", 1);
        text_add_line(&text, "error", (uint64_t)(unsigned)facts->report->error);
        text_add_line(&text, "detail", facts->report->detail);
        text_add_line(&text, "op", facts->report->op);
    }
    text_add(&text, "end\n");

    int fd = reserved >= 0 ? reserved : create_exit(directory);
    if (fd < 0)
        return fd;
    long result = SYS(pwrite64, fd, buffer, text.length, 0);
    if (result == (long)text.length)
        result = SYS(ftruncate, fd, text.length);
    if (result == 0)
        result = SYS(renameat2, directory, "exit.new", directory, "exit", 0);
    if (result != 0) {
        sys_close(fd);
        return result < 0 ? (int)result : -ENOSPC;
    }
    return fd;
}
