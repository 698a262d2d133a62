/* The monitor (monitor.h): the last thing the supervisor does. One loop, no allocation, little memory.
 *
 * The order of an end: the streams are drained, the last log frame is written, the exit record is renamed into place, clients
 * are told, and only then the last reference to the overlay goes, because that can take the kernel long (it syncs the upper file system). */
#include <errno.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "attach.h"
#include "input.h"
#include "launcher.h"
#include "log.h"
#include "monitor.h"
#include "record.h"
#include "text.h"

#define HEADER sizeof(struct monitor_header)
#define BUFFER (MONITOR_MAX_MESSAGE + 4096)

/* Milliseconds, and one size. */
enum {
    IDLE_MS = 1000,         /* after this long without output the buffers' pages go back */
    SLOW_CLIENT_MS = 10000, /* what a client that takes nothing gets after the end */
    LEFTOVER_MS = 1000,     /* for processes in init's cgroup that were killed */
    TERMINAL_RETRY_MS = 50, /* nobody has the pty's slave open, but somebody may again */
    LEFTOVER_RETRY_MS = 5,
    TERMINAL_REST = 1 << 20, /* more than the kernel buffers of a terminal's output */
};

/* One of the container's output streams. */
struct stream {
    int fd; /* -1: over */
    enum log_stream log_stream;
    uint8_t attach_flag;
    uint64_t total;
    int64_t rest; /* bytes that may still be read after the end */
    bool hung; /* a terminal without a slave: polled by time only */
};

struct monitor {
    struct plan_monitor settings;
    const struct plan_report *report;
    int init_pid;
    int init_status;
    bool init_ended;
    uint64_t started;
    uint64_t deadline_ms;  /* of the current wait after the end */
    bool buffers_used;
    int signals;
    int record;            /* the locked file `monitor` */
    int reserved;          /* `exit.new`, or -1 */
    struct stream out[2];
    struct log log;
    struct input input;
    struct attach attach;
    char hello[512];
};

/* Page-aligned and outside of everything else, so that idle pages can be given back. */
static _Alignas(4096) char output_buffer[BUFFER];
static _Alignas(4096) char input_buffer[BUFFER];

static struct monitor monitor = {.record = -1, .reserved = -1};

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int monitor_slot(int32_t slot) { return slot_fd(slot); }

/* --- beginning ------------------------------------------------------------------------------------------------------------ */

int op_monitor_open(struct party *party, const struct plan_op *op)
{
    int result = need_init(party);
    if (result < 0)
        return result;
    memcpy(&monitor.settings, plan_string(party, op->t), sizeof monitor.settings);
    monitor.started = record_now();
    const int directory = monitor_slot(monitor.settings.directory);
    /* An exit record of an earlier life says that its log ended in order; so does the absence of any earlier life. */
    const bool clean = SYS(faccessat, directory, "exit", 0) == 0 || SYS(faccessat, directory, "monitor", 0) != 0;
    result = record_monitor(directory, monitor_slot(monitor.settings.lock), party->init_pid, monitor.started, monitor.hello,
                            sizeof monitor.hello);
    if (result < 0)
        return result;
    monitor.record = result;
    log_open(&monitor.log, directory, monitor.settings.log_size, monitor.settings.log_files, clean);
    return 0;
}

static void set_nonblocking(int fd)
{
    if (fd < 0)
        return;
    long flags = SYS(fcntl, fd, F_GETFL, 0);
    if (flags >= 0)
        SYS(fcntl, fd, F_SETFL, flags | O_NONBLOCK);
}

static void describe_position(void *context, char *buffer, size_t size)
{
    const struct monitor *self = context;
    struct text text = {.start = buffer, .size = size};
    text_add_line(&text, "stdout", self->out[0].total);
    text_add_line(&text, "stderr", self->out[1].total);
    text_add_line(&text, "log-rotations", self->log.rotations);
    text_add_line(&text, "log-size", self->log.size);
}

static void begin_streams(struct monitor *self)
{
    const struct plan_monitor *settings = &self->settings;
    const bool terminal = settings->flags & MONITOR_TTY;
    self->out[0] = (struct stream){.fd = monitor_slot(settings->stdout_read), .log_stream = LOG_STDOUT, .attach_flag = ATTACH_STDOUT};
    self->out[1] = (struct stream){
        .fd = terminal ? -1 : monitor_slot(settings->stderr_read), .log_stream = LOG_STDERR, .attach_flag = ATTACH_STDERR};
    self->input = (struct input){
        .fd = monitor_slot(settings->stdin_write),
        .terminal = terminal,
        .open_stdin = settings->flags & MONITOR_OPEN_STDIN,
        .stdin_once = settings->flags & MONITOR_STDIN_ONCE,
        .buffer = input_buffer,
    };
    set_nonblocking(self->out[0].fd);
    set_nonblocking(self->out[1].fd);
    set_nonblocking(self->input.fd);
}

static void begin_attach(struct monitor *self)
{
    const struct plan_monitor *settings = &self->settings;
    self->attach.listener = monitor_slot(settings->listener);
    self->attach.terminal = settings->flags & MONITOR_TTY ? self->out[0].fd : -1;
    self->attach.input = &self->input;
    self->attach.hello = self->hello;
    self->attach.describe = describe_position;
    self->attach.context = self;
    self->attach.message.bytes = output_buffer;
    set_nonblocking(self->attach.listener);
    if (settings->client >= 0)
        attach_add(&self->attach, monitor_slot(settings->client), (uint8_t)settings->client_flags);
    if (settings->client < 0 || !(settings->client_flags & ATTACH_STDIN)) {
        const struct input *input = &self->input;
        if (!input->open_stdin && !input->stdin_once)
            input_end_of_client(&self->input, 0);
    }
}

/* Every signal is blocked: SIGTERM and its like are for containers, not for who writes down how they end. SIGCHLD is read as data. */
static int begin_signals(struct monitor *self)
{
    const uint64_t all = ~UINT64_C(0);
    SYS(rt_sigprocmask, SIG_SETMASK, &all, 0, sizeof all);
    const uint64_t child = UINT64_C(1) << (SIGCHLD - 1);
    int fd = (int)SYS(signalfd4, -1, &child, sizeof child, SFD_CLOEXEC | SFD_NONBLOCK);
    self->signals = fd;
    return fd < 0 ? fd : 0;
}

/* Closes all that the plan needed and the monitor does not: layers, the plan, the container's preserved descriptors (whose other
 * ends wait for an end of file), stdio, and the status pipe above all: its end of file answers the start. */
static void close_others(const struct monitor *self, const struct party *party)
{
    const struct plan_monitor *settings = &self->settings;
    const int kept[] = {
        monitor_slot(settings->directory), self->attach.listener, self->input.fd, self->out[0].fd, self->out[1].fd,
        monitor_slot(settings->client), monitor_slot(settings->root), monitor_slot(settings->cgroup), self->record, self->log.fd,
        self->signals, party->init_pidfd,
    };
    unsigned from = 0;
    for (;;) {
        unsigned next = UINT32_MAX; /* the lowest kept one from here on */
        for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
            if (kept[i] >= 0 && (unsigned)kept[i] >= from && (unsigned)kept[i] < next)
                next = (unsigned)kept[i];
        if (next > from)
            SYS(close_range, from, next == UINT32_MAX ? next : next - 1, 0);
        if (next == UINT32_MAX)
            return;
        from = next + 1;
    }
}

/* --- output --------------------------------------------------------------------------------------------------------------- */

enum read_result { READ_DATA, READ_NOTHING, READ_OVER };

/* Takes one piece of a stream, into the log and to the clients. */
static enum read_result take_output(struct monitor *self, struct stream *stream)
{
    long length = sys_read(stream->fd, output_buffer + HEADER, MONITOR_MAX_MESSAGE);
    if (length == -EAGAIN || length == -EINTR)
        return READ_NOTHING;
    if (length == -EIO && self->settings.flags & MONITOR_TTY && !self->init_ended) {
        stream->hung = true; /* the slave is closed everywhere; the container may open it again */
        return READ_NOTHING;
    }
    if (length <= 0)
        return READ_OVER;
    stream->hung = false;
    stream->total += (uint64_t)length;
    self->buffers_used = true;
    log_write(&self->log, stream->log_stream, output_buffer + HEADER, (size_t)length);
    attach_put_header(output_buffer, stream->log_stream == LOG_STDERR ? MSG_STDERR : MSG_STDOUT, (uint32_t)length);
    self->attach.message.length = (uint32_t)length + (uint32_t)HEADER;
    attach_broadcast(&self->attach, stream->attach_flag);
    return READ_DATA;
}

static void end_stream(struct monitor *self, struct stream *stream)
{
    if (!(self->settings.flags & MONITOR_TTY))
        sys_close(stream->fd);
    stream->fd = -1;
}

static void give_back_buffers(struct monitor *self)
{
    SYS(madvise, output_buffer, sizeof output_buffer, MADV_DONTNEED);
    SYS(madvise, input_buffer, sizeof input_buffer, MADV_DONTNEED);
    self->buffers_used = false;
}

/* --- the end --------------------------------------------------------------------------------------------------------------- */

static void kill_cgroup(struct monitor *self)
{
    if (!(self->settings.flags & MONITOR_KILL_CGROUP) || self->settings.cgroup < 0)
        return;
    cleanup_close int fd = sys_openat(monitor_slot(self->settings.cgroup), "cgroup.kill", O_WRONLY | O_CLOEXEC, 0);
    if (fd >= 0)
        sys_write(fd, "1", 1);
    self->deadline_ms = now_ms() + LEFTOVER_MS;
}

/* What a dead process has written fits into the pipe; a living one that goes on writing (an exec's descendant) is not followed. */
static void limit_rest(struct monitor *self)
{
    for (unsigned i = 0; i < 2; i++) {
        long capacity = self->out[i].fd < 0 ? 0 : SYS(fcntl, self->out[i].fd, F_GETPIPE_SZ, 0);
        self->out[i].rest = capacity > 0 ? capacity : TERMINAL_REST;
    }
}

static void reap(struct monitor *self)
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
    if (!(self->settings.flags & MONITOR_KILL_CGROUP) || self->settings.cgroup < 0 || now_ms() >= self->deadline_ms)
        return false;
    char events[128];
    return text_read_file(monitor_slot(self->settings.cgroup), "cgroup.events", events, sizeof events) > 0 &&
           strncmp(events, "populated 1", 11) == 0;
}

/* Init is dead, so everything that it wrote can be read now. What holds a pipe beyond this (a process outside of the container, an
 * exec's descendant) is not waited for. False: not yet finished. */
static bool drain(struct monitor *self)
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
    return __atomic_load_n(&report->phase, __ATOMIC_ACQUIRE) != PHASE_EXEC || __atomic_load_n(&report->failed, __ATOMIC_ACQUIRE) != 0;
}

/* A full disk must not cost the exit code: the oldest part of the log makes room for it. */
static int write_exit_record(struct monitor *self, char text[RECORD_SIZE])
{
    const struct exit_facts facts = {
        .wait_status = self->init_status,
        .cgroup = monitor_slot(self->settings.cgroup),
        .started = self->started,
        .finished = record_now(),
        .log_dropped = self->log.dropped,
        .start_failed = has_start_failed(self->report),
        .report = self->report,
    };
    const int directory = monitor_slot(self->settings.directory);
    int fd = record_exit(directory, self->reserved, &facts, text);
    while ((fd == -ENOSPC || fd == -EDQUOT) && log_sacrifice(&self->log))
        fd = record_exit(directory, -1, &facts, text);
    return fd;
}

void monitor_abandon(const struct party *party, int init_status)
{
    if (monitor.record < 0)
        return;
    char text[RECORD_SIZE];
    monitor.report = party->plan.report;
    monitor.init_status = init_status;
    write_exit_record(&monitor, text);
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
    while (attach->count > 0) {
        unsigned count = attach_poll(attach, fds);
        const struct timespec limit = {.tv_sec = SLOW_CLIENT_MS / 1000};
        if (SYS(ppoll, fds, count, &limit, 0, 0) <= 0)
            break;
        attach_handle(attach, fds, count);
        attach_close(attach, false);
    }
    attach_close(attach, true);
}

_Noreturn static void finish(struct monitor *self)
{
    char text[RECORD_SIZE];
    log_flush_note(&self->log);
    int fd = write_exit_record(self, text);
    announce(self, text);
    wait_for_slow_clients(self);
    if (!(self->settings.flags & MONITOR_REMOVE) && fd >= 0) {
        SYS(fsync, fd);
        SYS(fsync, monitor_slot(self->settings.directory));
    }
    if (self->settings.root >= 0)
        sys_close(monitor_slot(self->settings.root));
    SYS(exit_group, 0);
    __builtin_unreachable();
}

/* --- the loop -------------------------------------------------------------------------------------------------------------- */

/* Milliseconds until something must be looked at without an event; -1: never. */
static int64_t next_timeout(const struct monitor *self, bool behind)
{
    if (self->init_ended && behind)
        return SLOW_CLIENT_MS;
    if (self->init_ended)
        return LEFTOVER_RETRY_MS;
    if (self->out[0].hung)
        return TERMINAL_RETRY_MS;
    return self->buffers_used && !behind && !input_is_busy(&self->input) ? IDLE_MS : -1;
}

static void handle_input(struct monitor *self, short events)
{
    if (events & POLLOUT)
        input_flush(&self->input);
    if (events & POLLERR)
        input_close(&self->input);
}

/* Waits for something to happen and does it. */
static void step(struct monitor *self)
{
    enum { SIGNALS, OUTPUT, INPUT = OUTPUT + 2, CLIENTS };
    struct pollfd fds[CLIENTS + ATTACH_MAX_CLIENTS + 1];
    const bool behind = attach_is_behind(&self->attach);
    fds[SIGNALS] = (struct pollfd){.fd = self->signals, .events = POLLIN};
    for (unsigned i = 0; i < 2; i++) {
        const struct stream *stream = &self->out[i];
        fds[OUTPUT + i] = (struct pollfd){.fd = behind || stream->hung || self->init_ended ? -1 : stream->fd, .events = POLLIN};
    }
    /* A pty's hang-up is the output's affair. */
    const bool watch_input = self->input.fd >= 0 && (!self->input.terminal || input_is_busy(&self->input));
    fds[INPUT] = (struct pollfd){
        .fd = watch_input && !self->out[0].hung ? self->input.fd : -1,
        .events = input_is_busy(&self->input) ? POLLOUT : 0,
    };
    const unsigned clients = attach_poll(&self->attach, fds + CLIENTS);

    const int64_t timeout = next_timeout(self, behind);
    const struct timespec limit = {.tv_sec = timeout / 1000, .tv_nsec = timeout % 1000 * 1000000};
    long ready = SYS(ppoll, fds, CLIENTS + clients, timeout < 0 ? NULL : &limit, 0, 0);
    if (ready == 0 && self->init_ended && behind)
        attach_drop_slow(&self->attach);
    if (ready == 0 && !self->init_ended && self->buffers_used)
        give_back_buffers(self);
    if (ready == 0 && self->out[0].hung)
        self->out[0].hung = false;
    if (ready <= 0)
        return;

    for (unsigned i = 0; i < 2; i++) {
        struct stream *stream = &self->out[i];
        /* One piece at a time: the next may be read only when every client has this one. */
        if (fds[OUTPUT + i].revents != 0 && !attach_is_behind(&self->attach) && take_output(self, stream) == READ_OVER)
            end_stream(self, stream);
    }
    handle_input(self, fds[INPUT].revents);
    attach_handle(&self->attach, fds + CLIENTS, clients);
    if (fds[SIGNALS].revents != 0)
        reap(self);
}

int op_monitor(struct party *party, const struct plan_op *op)
{
    if (monitor.record < 0) {
        int result = op_monitor_open(party, op);
        if (result < 0)
            return result;
    }
    struct monitor *self = &monitor;
    self->init_pid = party->init_pid;
    self->report = party->plan.report;
    int result = begin_signals(self);
    if (result < 0)
        return result;
    begin_streams(self);
    begin_attach(self);
    sys_prctl(PR_SET_NAME, (unsigned long)"bundt-monitor", 0);
    close_others(self, party);
    SYS(munmap, (char *)party->plan.report + PLAN_OFFSET, party->plan.mapped - PLAN_OFFSET);
    if (!(self->settings.flags & MONITOR_REMOVE)) /* only now: the start has been answered */
        self->reserved = record_reserve(monitor_slot(self->settings.directory));
    reap(self); /* init may have ended before SIGCHLD was blocked */
    while (!self->init_ended || !drain(self))
        step(self);
    finish(self);
}
