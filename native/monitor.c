/* The monitor (monitor.h): the last thing the supervisor does. One loop, no allocation, little memory. */
#include <fcntl.h>
#include <linux/prctl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>

#include "service.h"
#include "text.h"

static struct monitor monitor = {.record = -1, .reserved = -1};

/* --- beginning --- */

int op_monitor_open(struct party *party, const struct plan_op *op)
{
    int result = need_init(party);
    if (result < 0)
        return result;
    memcpy(&monitor.settings, plan_string(party, op->t), sizeof monitor.settings);
    monitor.started = record_now();
    const int directory = slot_fd(monitor.settings.directory);
    result = record_monitor(directory, slot_fd(monitor.settings.lock), party->init_pid, monitor.started, monitor.hello,
                            sizeof monitor.hello);
    if (result < 0)
        return result;
    monitor.record = result;
    log_open(&monitor.log, directory, monitor.settings.log_size, monitor.settings.log_files);
    return 0;
}

void monitor_abandon(const struct party *party, int init_status)
{
    if (monitor.record < 0)
        return;
    monitor.report = party->plan.report;
    monitor.init_status = init_status;
    abandon(&monitor);
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
    const struct log_position position = log_position(&self->log);
    text_add_line(&text, "stdout", position.out);
    text_add_line(&text, "stderr", position.err);
}

static void begin_streams(struct monitor *self)
{
    const struct plan_monitor *settings = &self->settings;
    const bool terminal = settings->flags & MONITOR_TTY;
    self->out[0] =
        (struct stream){.fd = slot_fd(settings->stdout_read), .log_stream = LOG_STDOUT, .attach_flag = ATTACH_STDOUT};
    self->out[1] = (struct stream){
        .fd = terminal ? -1 : slot_fd(settings->stderr_read), .log_stream = LOG_STDERR, .attach_flag = ATTACH_STDERR};
    self->input = (struct input){
        .fd = slot_fd(settings->stdin_write),
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
    self->attach.listener = slot_fd(settings->listener);
    self->attach.terminal = settings->flags & MONITOR_TTY ? self->out[0].fd : -1;
    self->attach.input = &self->input;
    self->attach.hello = self->hello;
    self->attach.describe = describe_position;
    self->attach.context = self;
    self->attach.message.bytes = output_buffer;
    set_nonblocking(self->attach.listener);
    if (settings->client >= 0)
        attach_add(&self->attach, slot_fd(settings->client), (uint8_t)settings->client_flags);
    if (settings->client < 0 || !(settings->client_flags & ATTACH_STDIN)) {
        const struct input *input = &self->input;
        if (!input->open_stdin && !input->stdin_once)
            input_end_of_client(&self->input, 0);
    }
}

/* Every signal is blocked: SIGTERM and its like are for containers, not for who writes down how they end. SIGCHLD is
 * read as data. */
static int begin_signals(struct monitor *self)
{
    const uint64_t all = ~UINT64_C(0);
    SYS(rt_sigprocmask, SIG_SETMASK, &all, 0, sizeof all);
    const uint64_t child = UINT64_C(1) << (SIGCHLD - 1);
    int fd = (int)SYS(signalfd4, -1, &child, sizeof child, SFD_CLOEXEC | SFD_NONBLOCK);
    self->signals = fd;
    return fd < 0 ? fd : 0;
}

/* Closes all that the plan needed and the monitor does not: layers, the plan, the container's preserved descriptors
 * (whose other ends wait for an end of file), stdio, and the status pipe above all: its end of file answers the start.
 */
static void close_others(const struct monitor *self, const struct party *party)
{
    const struct plan_monitor *settings = &self->settings;
    const int kept[] = {
        slot_fd(settings->directory),
        self->attach.listener,
        self->input.fd,
        self->out[0].fd,
        self->out[1].fd,
        slot_fd(settings->client),
        slot_fd(settings->root),
        slot_fd(settings->cgroup),
        self->record,
        self->log.fd,
        self->signals,
        party->init_pidfd,
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

/* --- the loop --- */

/* The buffers have been used, and nothing in them is still on its way. */
static bool are_buffers_idle(const struct monitor *self, bool behind)
{
    return self->buffers_used && !behind && !input_is_busy(&self->input);
}

/* Milliseconds until something must be looked at without an event; -1: never. */
static int64_t next_timeout(const struct monitor *self, bool behind)
{
    if (self->init_ended && behind)
        return ms_until(self->patience_ms);
    if (self->init_ended)
        return LEFTOVER_RETRY_MS;
    if (self->out[0].hung)
        return TERMINAL_RETRY_MS;
    if (self->reserve_at_ms != 0)
        return RESERVE_MS;
    return are_buffers_idle(self, behind) ? IDLE_MS : -1;
}

/* What lives for a while gets the room for its exit record also with --rm; what does not is spared the two calls. */
static void reserve_when_due(struct monitor *self)
{
    if (self->reserve_at_ms == 0 || monotonic_ms() < self->reserve_at_ms)
        return;
    self->reserve_at_ms = 0;
    self->reserved = record_reserve(slot_fd(self->settings.directory));
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
        fds[OUTPUT + i] =
            (struct pollfd){.fd = behind || stream->hung || self->init_ended ? -1 : stream->fd, .events = POLLIN};
    }
    /* A pty's hang-up is the output's affair. */
    const bool watch_input = self->input.fd >= 0 && (!self->input.terminal || input_is_busy(&self->input));
    fds[INPUT] = (struct pollfd){
        .fd = watch_input && !self->out[0].hung ? self->input.fd : -1,
        .events = input_is_busy(&self->input) ? POLLOUT : 0,
    };
    const unsigned clients = attach_poll(&self->attach, fds + CLIENTS);

    if (self->init_ended && behind && self->patience_ms == 0)
        self->patience_ms = monotonic_ms() + SLOW_CLIENT_MS;
    reserve_when_due(self);
    const int64_t timeout = next_timeout(self, behind);
    const struct timespec limit = {.tv_sec = timeout / 1000, .tv_nsec = timeout % 1000 * 1000000};
    long ready = SYS(ppoll, fds, CLIENTS + clients, timeout < 0 ? NULL : &limit, 0, 0);
    if (self->init_ended && behind && ms_until(self->patience_ms) == 0)
        attach_drop_slow(&self->attach);
    if (ready == 0 && !self->init_ended && are_buffers_idle(self, behind))
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
    if (attach_handle(&self->attach, fds + CLIENTS, clients))
        self->patience_ms = 0;                    /* progress: the time begins anew */
    self->buffers_used |= self->attach.count > 0; /* their input */
    if (fds[SIGNALS].revents != 0)
        reap_children(self);
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
    /* Only now: the start has been answered. */
    self->reserve_at_ms = monotonic_ms() + (self->settings.flags & MONITOR_REMOVE ? RESERVE_MS : 0);
    reserve_when_due(self);
    reap_children(self); /* init may have ended before SIGCHLD was blocked */
    while (!self->init_ended || !drain(self))
        step(self);
    finish(self);
}
