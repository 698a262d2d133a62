/* How a container ends: the streams are drained, the last log frame is written, the exit record is renamed into place,
 * clients are told, and only then the last reference to the overlay goes, because that can take the kernel long (it
 * syncs the upper file system). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>

#include "service.h"
#include "text.h"

#define HEADER sizeof(struct monitor_header)

uint64_t monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void kill_cgroup(struct monitor *self)
{
    if (!(self->settings.flags & MONITOR_KILL_CGROUP) || self->settings.cgroup < 0)
        return;
    cleanup_close int fd = sys_openat(slot_fd(self->settings.cgroup), "cgroup.kill", O_WRONLY | O_CLOEXEC, 0);
    if (fd >= 0)
        sys_write(fd, "1", 1);
    self->deadline_ms = monotonic_ms() + LEFTOVER_MS;
}

/* What a dead process has written fits into the pipe; a living one that goes on writing (an exec's descendant) is not
 * followed. */
static void limit_rest(struct monitor *self)
{
    for (unsigned i = 0; i < 2; i++) {
        long capacity = self->out[i].fd < 0 ? 0 : SYS(fcntl, self->out[i].fd, F_GETPIPE_SZ, 0);
        self->out[i].rest = capacity > 0 ? capacity : TERMINAL_REST;
    }
}

void reap_children(struct monitor *self)
{
    struct signalfd_siginfo info[4];
    while (sys_read(self->signals, info, sizeof info) > 0)
        ;
    for (;;) {
        int status = 0;
        long pid = SYS(wait4, -1, &status, WNOHANG, 0);
        if (pid <= 0)
            return;
        if (pid != self->init_pid)
            continue;
        self->init_ended = true;
        self->init_status = status;
        kill_cgroup(self);
        limit_rest(self);
    }
}

/* Killed processes of the cgroup may still be on their way out, with the pipes in their hands. */
static bool are_leftovers_ending(struct monitor *self)
{
    if (!(self->settings.flags & MONITOR_KILL_CGROUP) || self->settings.cgroup < 0 ||
        monotonic_ms() >= self->deadline_ms)
        return false;
    char events[128];
    return text_read_file(slot_fd(self->settings.cgroup), "cgroup.events", events, sizeof events) > 0 &&
           strncmp(events, "populated 1", 11) == 0;
}

bool drain(struct monitor *self)
{
    const bool leftovers = are_leftovers_ending(self); /* asked first: what they write until they end counts */
    for (unsigned i = 0; i < 2; i++) {
        struct stream *stream = &self->out[i];
        while (stream->fd >= 0) {
            if (attach_is_behind(&self->attach))
                return false;
            const uint64_t before = stream->total;
            enum read_result result = take_output(self, stream);
            if (leftovers && result == READ_NOTHING)
                return false;
            if (!leftovers)
                stream->rest -= (int64_t)(stream->total - before);
            if (result != READ_DATA || stream->rest <= 0)
                end_stream(self, stream);
        }
    }
    return !attach_is_behind(&self->attach);
}

/* The command was never executed: whoever started it learns why from the report. */
static bool has_start_failed(const struct plan_report *report)
{
    return __atomic_load_n(&report->phase, __ATOMIC_ACQUIRE) != PHASE_EXEC ||
           __atomic_load_n(&report->failed, __ATOMIC_ACQUIRE) != 0;
}

/* A full disk must not cost the exit code: the oldest part of the log makes room for it. */
static int write_exit_record(struct monitor *self, char text[RECORD_SIZE])
{
    const struct exit_facts facts = {
        .wait_status = self->init_status,
        .cgroup = slot_fd(self->settings.cgroup),
        .started = self->started,
        .finished = record_now(),
        .log_dropped = self->log.dropped,
        .log_size = self->log.size,
        .start_failed = has_start_failed(self->report),
        .report = self->report,
    };
    const int directory = slot_fd(self->settings.directory);
    int fd = record_exit(directory, self->reserved, &facts, text);
    while ((fd == -ENOSPC || fd == -EDQUOT) && log_sacrifice(&self->log))
        fd = record_exit(directory, -1, &facts, text);
    return fd;
}

void abandon(struct monitor *self)
{
    char text[RECORD_SIZE];
    write_exit_record(self, text);
}

/* Tells everybody, each as soon as it has room. */
static void announce(struct monitor *self, const char *text)
{
    struct attach *attach = &self->attach;
    const size_t length = strlen(text);
    attach_put_header(output_buffer, MSG_EXIT, (uint32_t)length);
    memcpy(output_buffer + HEADER, text, length);
    attach->message.length = (uint32_t)(length + HEADER);
    /* Those that are still in the backlog first. */
    struct pollfd fds[ATTACH_MAX_CLIENTS + 1];
    unsigned count = attach_poll(attach, fds);
    if (SYS(ppoll, fds, count, &(struct timespec){0}, 0, 0) > 0)
        attach_handle(attach, fds, count);
    attach_broadcast(attach, 0);
    attach_close(attach, false);
    if (attach->listener >= 0)
        sys_close(attach->listener);
    attach->listener = -1;
}

static void wait_for_slow_clients(struct monitor *self)
{
    struct attach *attach = &self->attach;
    struct pollfd fds[ATTACH_MAX_CLIENTS + 1];
    uint64_t patience_ms = monotonic_ms() + SLOW_CLIENT_MS;
    while (attach->count > 0) {
        unsigned count = attach_poll(attach, fds);
        const int64_t timeout = ms_until(patience_ms); /* not begun anew by what a client sends */
        const struct timespec limit = {.tv_sec = timeout / 1000, .tv_nsec = timeout % 1000 * 1000000};
        if (timeout == 0 || SYS(ppoll, fds, count, &limit, 0, 0) <= 0)
            break;
        if (attach_handle(attach, fds, count))
            patience_ms = monotonic_ms() + SLOW_CLIENT_MS;
        attach_close(attach, false);
    }
    attach_close(attach, true);
}

_Noreturn void finish(struct monitor *self)
{
    char text[RECORD_SIZE];
    log_flush_note(&self->log);
    if (!(self->settings.flags & MONITOR_REMOVE)) /* there may be a next life */
        log_close(&self->log);
    int fd = write_exit_record(self, text);
    announce(self, text);
    wait_for_slow_clients(self);
    if (!(self->settings.flags & MONITOR_REMOVE) && fd >= 0) {
        SYS(fsync, fd);
        SYS(fsync, slot_fd(self->settings.directory));
    }
    if (self->settings.root >= 0)
        sys_close(slot_fd(self->settings.root));
    SYS(exit_group, 0);
    __builtin_unreachable();
}
