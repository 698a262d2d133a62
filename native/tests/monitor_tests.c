/* The monitor: log, attach, stdin, exit record. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "container.h"
#include "../monitor.h"
#include "suites.h"
#include "test.h"

/* A container under a monitor, and what the test holds of it. */
struct monitored {
    struct container container;
    struct plan_monitor settings;
    struct launch launch;
    char directory[96];
    int client; /* our end of a client that is attached from the first byte on; -1 */
};

static void begin(struct monitored *m)
{
    memset(m, 0, sizeof *m);
    m->client = -1;
    m->settings = (struct plan_monitor){
        .version = MONITOR_VERSION,
        .directory = -1,
        .lock = -1,
        .listener = -1,
        .stdin_write = -1,
        .stdout_read = -1,
        .stderr_read = -1,
        .client = -1,
        .root = -1,
        .cgroup = -1,
        .log_size = 20 << 20,
        .log_files = 5,
    };
    snprintf(m->directory, sizeof m->directory, "%s/state", test_directory);
    mkdir(m->directory, 0755);
    container_begin(&m->container, CONTAINER_NAMESPACES);
    struct plan_builder *b = &m->container.builder;
    m->settings.directory = builder_slot(b);
    m->settings.root = m->container.root;
}

/* Our end of a connected client with these flags. */
static void add_client(struct monitored *m, uint32_t flags)
{
    int pair[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    m->client = pair[0];
    m->settings.client = builder_pass(&m->container.builder, pair[1]);
    m->settings.client_flags = flags;
}

/* Pipes for stdin, stdout and stderr, in front of everything else the supervisor does. */
static void add_pipes(struct monitored *m, int pipe_size)
{
    struct plan_builder *b = &m->container.builder;
    int in[2], out[2], err[2];
    REQUIRE(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0);
    if (pipe_size > 0)
        fcntl(out[1], F_SETPIPE_SZ, pipe_size);
    const int child[3] = {builder_pass(b, in[0]), builder_pass(b, out[1]), builder_pass(b, err[1])};
    m->settings.stdin_write = builder_pass(b, in[1]);
    m->settings.stdout_read = builder_pass(b, out[0]);
    m->settings.stderr_read = builder_pass(b, err[0]);
    for (int i = 0; i < 3; i++)
        SUPERVISOR_OP(b, OP_CLOSE, .a = child[i]);
    INIT_OP(b, OP_CLOSE, .a = m->settings.stdin_write);
    INIT_OP(b, OP_CLOSE, .a = m->settings.stdout_read);
    INIT_OP(b, OP_CLOSE, .a = m->settings.stderr_read);
    INIT_OP(b, OP_STDIO, .a = child[0], .b = child[1], .x = (uint64_t)child[2]);
}

static void close_passed(struct monitored *m)
{
    for (int slot = 0; slot < PLAN_MAX_SLOTS; slot++)
        if (m->container.builder.passed[slot] >= 0)
            close(m->container.builder.passed[slot]);
}

/* Launches; returns once the command runs (or the start has failed). */
static void start_unchecked(struct monitored *m, const char *script)
{
    struct plan_builder *b = &m->container.builder;
    m->settings.listener = builder_slot(b);
    SUPERVISOR_OP(b, OP_OPEN, .s = builder_string(b, m->directory), .x = O_PATH | O_DIRECTORY,
                  .b = m->settings.directory);
    SUPERVISOR_OP(b, OP_LISTEN, .a = m->settings.directory, .s = builder_string(b, "monitor.sock"), .x = 0600,
                  .b = m->settings.listener);
    const uint32_t block = builder_block(b, &m->settings, sizeof m->settings);
    SUPERVISOR_OP(b, OP_MONITOR_OPEN, .t = block, .n = sizeof m->settings);
    SUPERVISOR_OP(b, OP_SEND, .a = m->container.sync_supervisor, .x = 1);
    SUPERVISOR_OP(b, OP_MONITOR, .t = block, .n = sizeof m->settings);
    container_pivot(&m->container);
    INIT_OP(b, OP_RECV, .a = m->container.sync_init, .x = 1);
    container_shell(&m->container, script);
    m->launch = builder_launch(b);
    close_passed(m);
    launch_wait_status(&m->launch);
}

static void start(struct monitored *m, const char *script)
{
    start_unchecked(m, script);
    const struct plan_report *report = m->launch.report;
    if (report->failed)
        test_fail(__FILE__, __LINE__, "operation %u (code %u) of section %u failed: errno %d, detail %u, \"%s\"",
                  report->op, m->container.builder.ops[report->op].code, report->section, report->error, report->detail,
                  report->text);
}

static char *state_file(const struct monitored *m, const char *name)
{
    static char path[160];
    snprintf(path, sizeof path, "%s/%s", m->directory, name);
    return path;
}

/* The number after "key " in the exit record. */
static long long exit_value(const struct monitored *m, const char *key)
{
    const char *text = read_path(state_file(m, "exit"));
    REQUIRE_CONTAINS(text, "\nend\n");
    char line[64];
    snprintf(line, sizeof line, "\n%s ", key);
    const char *at = strstr(text, line);
    if (!at)
        test_fail(__FILE__, __LINE__, "no %s in exit record: %s", key, text);
    return atoll(at + strlen(line));
}

/* The log of one file as "stream:bytes" pieces joined; only those of the given stream, 0: all. */
static char *log_text(const struct monitored *m, const char *name, int stream, unsigned *frames)
{
    static char text[1 << 20];
    size_t length = 0;
    char path[160];
    snprintf(path, sizeof path, "%s/%s", m->directory, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    REQUIRE(fd >= 0);
    struct log_frame frame;
    unsigned count = 0;
    uint64_t last = 0;
    while (read(fd, &frame, sizeof frame) == (ssize_t)sizeof frame) {
        REQUIRE_EQUAL(frame.magic, LOG_FRAME_MAGIC);
        REQUIRE(frame.time_ns >= last);
        last = frame.time_ns;
        count++;
        if (stream != 0 && frame.stream != stream) {
            lseek(fd, frame.length, SEEK_CUR);
            continue;
        }
        REQUIRE(length + frame.length < sizeof text);
        REQUIRE(read(fd, text + length, frame.length) == (ssize_t)frame.length);
        length += frame.length;
    }
    close(fd);
    text[length] = '\0';
    if (frames)
        *frames = count;
    return text;
}

/* --- a client --- */

struct received {
    int type; /* -1: end of file, -2: reset */
    uint32_t length;
    char bytes[MONITOR_MAX_MESSAGE + 1];
};

static void read_exactly(int fd, void *to, size_t size)
{
    size_t got = 0;
    while (got < size) {
        ssize_t piece = read(fd, (char *)to + got, size - got);
        REQUIRE(piece > 0);
        got += (size_t)piece;
    }
}

static struct received *receive(int fd)
{
    static struct received message;
    unsigned char header[8];
    ssize_t got = read(fd, header, 1);
    message.length = 0;
    message.bytes[0] = '\0';
    message.type = got == 0 ? -1 : -2;
    if (got != 1)
        return &message;
    read_exactly(fd, header + 1, 7);
    message.type = header[0];
    message.length = (uint32_t)header[4] << 24 | (uint32_t)header[5] << 16 | (uint32_t)header[6] << 8 | header[7];
    REQUIRE(message.length <= MONITOR_MAX_MESSAGE);
    read_exactly(fd, message.bytes, message.length);
    message.bytes[message.length] = '\0';
    return &message;
}

static struct received *expect(int fd, int type)
{
    struct received *message = receive(fd);
    REQUIRE_EQUAL(message->type, type);
    return message;
}

static void send_message(int fd, int type, const void *payload, uint32_t length)
{
    unsigned char header[8] = {(unsigned char)type,
                               0,
                               0,
                               0,
                               (unsigned char)(length >> 24),
                               (unsigned char)(length >> 16),
                               (unsigned char)(length >> 8),
                               (unsigned char)length};
    REQUIRE(write(fd, header, 8) == 8);
    REQUIRE(length == 0 || write(fd, payload, length) == (ssize_t)length);
}

static int connect_client(const struct monitored *m)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/monitor.sock", m->directory);
    REQUIRE(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    REQUIRE_CONTAINS(expect(fd, MSG_HELLO)->bytes, "\nend\n");
    return fd;
}

static int attach_client(const struct monitored *m, uint8_t flags)
{
    int fd = connect_client(m);
    send_message(fd, MSG_ATTACH, &flags, 1);
    expect(fd, MSG_ATTACHED);
    return fd;
}

/* Collects output until the exit message; returns the output. */
static char *collect(int fd, char *exit_text, size_t exit_size)
{
    static char text[1 << 20];
    size_t length = 0;
    for (;;) {
        struct received *message = receive(fd);
        if (message->type == MSG_EXIT) {
            snprintf(exit_text, exit_size, "%s", message->bytes);
            break;
        }
        REQUIRE(message->type == MSG_STDOUT || message->type == MSG_STDERR);
        REQUIRE(length + message->length < sizeof text);
        memcpy(text + length, message->bytes, message->length);
        length += message->length;
    }
    REQUIRE_EQUAL(receive(fd)->type, -1);
    text[length] = '\0';
    return text;
}

/* Reads output until it contains the text. */
static void await_output(int fd, const char *text)
{
    static char seen[65536];
    seen[0] = '\0';
    while (!strstr(seen, text)) {
        struct received *message = receive(fd);
        REQUIRE(message->type > 0 && strlen(seen) + message->length < sizeof seen);
        if (message->type == MSG_STDOUT || message->type == MSG_STDERR)
            strcat(seen, message->bytes);
    }
}

/* --- tests --- */

static struct monitored m;
static char exit_text[512];

static void both_streams_are_logged_and_the_exit_is_recorded(void)
{
    begin(&m);
    add_pipes(&m, 0);
    start(&m, "echo out; echo err >&2; exit 5");
    REQUIRE_EQUAL(launch_wait(&m.launch), 0);
    REQUIRE_TEXT(log_text(&m, "stdio.log", 1, NULL), "out\n");
    REQUIRE_TEXT(log_text(&m, "stdio.log", 2, NULL), "err\n");
    REQUIRE_EQUAL(exit_value(&m, "status"), 5);
    REQUIRE_EQUAL(exit_value(&m, "signal"), 0);
    REQUIRE(exit_value(&m, "finished") > exit_value(&m, "started"));
    REQUIRE_CONTAINS(read_path(state_file(&m, "monitor")), "init-start ");
    REQUIRE(access(state_file(&m, "exit.new"), F_OK) != 0);
}

static void a_client_from_the_first_byte_on_gets_everything_in_order(void)
{
    begin(&m);
    add_pipes(&m, 0);
    add_client(&m, ATTACH_STDOUT | ATTACH_STDERR);
    start(&m, "echo one; exit 3");
    expect(m.client, MSG_HELLO);
    REQUIRE_CONTAINS(expect(m.client, MSG_ATTACHED)->bytes, "stdout 0\nstderr 0\n");
    REQUIRE_TEXT(collect(m.client, exit_text, sizeof exit_text), "one\n");
    REQUIRE_CONTAINS(exit_text, "\nstatus 3\n");
    REQUIRE_EQUAL(exit_value(&m, "status"), 3); /* written before it is announced */
}

static void a_start_that_fails_is_recorded_as_such(void)
{
    begin(&m);
    add_pipes(&m, 0);
    INIT_OP(&m.container.builder, OP_OPEN, .s = builder_string(&m.container.builder, "/nowhere"), .b = 60);
    start_unchecked(&m, "true");
    REQUIRE_EQUAL(m.launch.report->failed, 1);
    REQUIRE_EQUAL(m.launch.report->error, ENOENT);
    launch_wait(&m.launch); /* as a monitor already, or at the rendezvous before: the record is the same */
    REQUIRE_EQUAL(exit_value(&m, "start-failed"), 1);
    REQUIRE_EQUAL(exit_value(&m, "error"), ENOENT);
    REQUIRE_EQUAL(exit_value(&m, "op"), m.launch.report->op);
}

static void a_signal_s_death_is_recorded(void)
{
    begin(&m);
    add_pipes(&m, 0);
    start(&m, "sleep 100");
    kill(m.launch.report->init_pid, SIGKILL);
    REQUIRE_EQUAL(launch_wait(&m.launch), 0);
    REQUIRE_EQUAL(exit_value(&m, "status"), 137);
    REQUIRE_EQUAL(exit_value(&m, "signal"), 9);
}

static void a_new_life_removes_the_old_exit_and_continues_the_log(void)
{
    begin(&m);
    add_pipes(&m, 0);
    start(&m, "echo first; exit 1");
    launch_wait(&m.launch);
    begin(&m);
    add_pipes(&m, 0);
    add_client(&m, ATTACH_STDOUT);
    start(&m, "echo second; sleep 100");
    await_output(m.client, "second\n");
    REQUIRE(access(state_file(&m, "exit"), F_OK) != 0);
    kill(m.launch.report->init_pid, SIGKILL);
    launch_wait(&m.launch);
    REQUIRE_TEXT(log_text(&m, "stdio.log", 1, NULL), "first\nsecond\n");
}

static void a_torn_frame_of_a_killed_monitor_is_cut(void)
{
    begin(&m);
    add_pipes(&m, 0);
    add_client(&m, ATTACH_STDOUT);
    start(&m, "echo first; sleep 100");
    await_output(m.client, "first\n");
    kill(m.launch.pid, SIGKILL);
    launch_wait(&m.launch);
    int fd = open(state_file(&m, "stdio.log"), O_WRONLY | O_APPEND);
    const struct log_frame torn = {.length = 100, .stream = 1, .magic = LOG_FRAME_MAGIC};
    REQUIRE(write(fd, &torn, sizeof torn) == sizeof torn && write(fd, "half", 4) == 4);
    close(fd);
    kill(m.launch.report->init_pid, SIGKILL);
    wait_exit_code(m.launch.report->init_pid);
    begin(&m);
    add_pipes(&m, 0);
    add_client(&m, ATTACH_STDOUT);
    start(&m, "echo second");
    expect(m.client, MSG_HELLO);
    REQUIRE_TEXT(expect(m.client, MSG_ATTACHED)->bytes, "stdout 6\nstderr 0\n");
    launch_wait(&m.launch);
    REQUIRE_TEXT(log_text(&m, "stdio.log", 1, NULL), "first\nsecond\n");
}

static void the_monitor_ignores_signals_and_holds_its_lock_until_the_end(void)
{
    begin(&m);
    add_pipes(&m, 0);
    start(&m, "sleep 100");
    const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        kill(m.launch.pid, signals[i]);
    close(connect_client(&m)); /* still answers */
    int fd = open(state_file(&m, "monitor"), O_RDWR | O_CLOEXEC);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    REQUIRE(fcntl(fd, F_OFD_SETLK, &lock) != 0 && errno == EAGAIN);
    kill(m.launch.report->init_pid, SIGKILL);
    launch_wait(&m.launch);
    REQUIRE(fcntl(fd, F_OFD_SETLK, &lock) == 0);
}

static void a_second_monitor_of_the_same_directory_is_refused(void)
{
    static struct monitored other;
    begin(&m);
    add_pipes(&m, 0);
    start(&m, "sleep 100");
    begin(&other);
    add_pipes(&other, 0);
    start_unchecked(&other, "sleep 100");
    REQUIRE_EQUAL(other.launch.report->failed, 1);
    REQUIRE_EQUAL(other.launch.report->error, EAGAIN);
    REQUIRE_EQUAL(launch_wait(&other.launch), 1);
    REQUIRE(kill(other.launch.report->init_pid, 0) != 0 && errno == ESRCH); /* taken along */
    kill(m.launch.report->init_pid, SIGKILL);
    launch_wait(&m.launch);
}

static void several_clients_get_the_same_and_each_is_told_of_the_end(void)
{
    begin(&m);
    m.settings.flags = MONITOR_OPEN_STDIN;
    add_pipes(&m, 0);
    start(&m, "read x; echo $x; echo err >&2; exit 4");
    int clients[5];
    for (int i = 0; i < 5; i++)
        clients[i] = attach_client(&m, i == 4 ? ATTACH_STDERR : ATTACH_STDIN | ATTACH_STDOUT);
    int waiter = connect_client(&m);
    send_message(waiter, MSG_WAIT, NULL, 0);
    send_message(waiter, 99, "unknown", 7);
    send_message(waiter, MSG_STDIN, "not attached\n", 13);
    send_message(clients[1], MSG_STDIN, "hello\n", 6);
    for (int i = 0; i < 5; i++) {
        REQUIRE_TEXT(collect(clients[i], exit_text, sizeof exit_text), i == 4 ? "err\n" : "hello\n");
        REQUIRE_CONTAINS(exit_text, "\nstatus 4\n");
    }
    REQUIRE_TEXT(collect(waiter, exit_text, sizeof exit_text), "");
    REQUIRE_CONTAINS(exit_text, "\nstatus 4\n");
    launch_wait(&m.launch);
}

static void the_position_says_what_an_attachment_missed(void)
{
    begin(&m);
    m.settings.flags = MONITOR_OPEN_STDIN;
    add_pipes(&m, 0);
    add_client(&m, ATTACH_STDOUT | ATTACH_STDIN);
    start(&m, "echo 12345; read x; echo late");
    expect(m.client, MSG_HELLO);
    expect(m.client, MSG_ATTACHED);
    REQUIRE_TEXT(expect(m.client, MSG_STDOUT)->bytes, "12345\n");
    int late = connect_client(&m);
    const uint8_t flags = ATTACH_STDOUT;
    send_message(late, MSG_ATTACH, &flags, 1);
    REQUIRE_TEXT(expect(late, MSG_ATTACHED)->bytes, "stdout 6\nstderr 0\n");
    send_message(m.client, MSG_STDIN, "\n", 1);
    REQUIRE_TEXT(collect(late, exit_text, sizeof exit_text), "late\n");
    launch_wait(&m.launch);
}

static void a_half_closed_stdin_ends_the_container_s(void)
{
    begin(&m);
    m.settings.flags = MONITOR_OPEN_STDIN | MONITOR_STDIN_ONCE;
    add_pipes(&m, 0);
    add_client(&m, ATTACH_STDIN | ATTACH_STDOUT);
    start(&m, "cat; echo over");
    expect(m.client, MSG_HELLO);
    expect(m.client, MSG_ATTACHED);
    send_message(m.client, MSG_STDIN, "data\n", 5);
    send_message(m.client, MSG_STDIN_CLOSE, NULL, 0);
    REQUIRE_TEXT(collect(m.client, exit_text, sizeof exit_text), "data\nover\n");
    launch_wait(&m.launch);
}

static void a_client_that_shuts_down_its_side_still_gets_the_output(void)
{
    begin(&m);
    m.settings.flags = MONITOR_OPEN_STDIN | MONITOR_STDIN_ONCE;
    add_pipes(&m, 0);
    add_client(&m, ATTACH_STDIN | ATTACH_STDOUT);
    start(&m, "cat; echo over");
    expect(m.client, MSG_HELLO);
    expect(m.client, MSG_ATTACHED);
    send_message(m.client, MSG_STDIN, "data\n", 5);
    shutdown(m.client, SHUT_WR);
    REQUIRE_TEXT(collect(m.client, exit_text, sizeof exit_text), "data\nover\n");
    launch_wait(&m.launch);
}

static void stdin_of_a_client_that_left_arrives_whole(void)
{
    begin(&m);
    m.settings.flags = MONITOR_OPEN_STDIN | MONITOR_STDIN_ONCE;
    add_pipes(&m, 0);
    add_client(&m, ATTACH_STDIN);
    start(&m, "sleep 0.3; wc -c");
    static char block[60000];
    memset(block, 'x', sizeof block);
    for (int i = 0; i < 3; i++) /* more than the pipe holds */
        send_message(m.client, MSG_STDIN, block, sizeof block);
    send_message(m.client, MSG_STDIN_CLOSE, NULL, 0);
    close(m.client);
    launch_wait(&m.launch);
    REQUIRE_TEXT(log_text(&m, "stdio.log", 1, NULL), "180000\n");
}

static void stdin_of_a_client_that_vanished_goes_on_with_the_next_one(void)
{
    begin(&m);
    m.settings.flags = MONITOR_OPEN_STDIN | MONITOR_STDIN_ONCE;
    add_pipes(&m, 0);
    add_client(&m, ATTACH_STDIN | ATTACH_STDOUT);
    start(&m, "cat; echo over");
    send_message(m.client, MSG_STDIN, "one\n", 4);
    await_output(m.client, "one\n");
    close(m.client);
    int next = attach_client(&m, ATTACH_STDIN | ATTACH_STDOUT);
    send_message(next, MSG_STDIN, "two\n", 4);
    send_message(next, MSG_STDIN_CLOSE, NULL, 0);
    REQUIRE_TEXT(collect(next, exit_text, sizeof exit_text), "two\nover\n");
    launch_wait(&m.launch);
}

static void stdin_stays_open_for_the_next_client_when_asked_to(void)
{
    begin(&m);
    m.settings.flags = MONITOR_OPEN_STDIN;
    add_pipes(&m, 0);
    start(&m, "read a; read b; echo $a $b");
    int first = attach_client(&m, ATTACH_STDIN);
    send_message(first, MSG_STDIN, "one\n", 4);
    send_message(first, MSG_STDIN_CLOSE, NULL, 0);
    close(first);
    int second = attach_client(&m, ATTACH_STDIN | ATTACH_STDOUT);
    send_message(second, MSG_STDIN, "two\n", 4);
    REQUIRE_TEXT(collect(second, exit_text, sizeof exit_text), "one two\n");
    launch_wait(&m.launch);
}

static void stdin_that_nobody_holds_is_closed(void)
{
    begin(&m);
    add_pipes(&m, 0);
    start(&m, "cat; echo over");
    launch_wait(&m.launch);
    REQUIRE_TEXT(log_text(&m, "stdio.log", 1, NULL), "over\n");
}

static void a_container_that_closed_its_stdin_does_not_disturb(void)
{
    begin(&m);
    m.settings.flags = MONITOR_OPEN_STDIN;
    add_pipes(&m, 0);
    add_client(&m, ATTACH_STDIN | ATTACH_STDOUT);
    start(&m, "exec 0<&-; echo ready; sleep 0.3; echo over");
    expect(m.client, MSG_HELLO);
    expect(m.client, MSG_ATTACHED);
    expect(m.client, MSG_STDOUT);
    for (int i = 0; i < 10; i++)
        send_message(m.client, MSG_STDIN, "ignored\n", 8);
    REQUIRE_TEXT(collect(m.client, exit_text, sizeof exit_text), "over\n");
    launch_wait(&m.launch);
}

static void a_slow_client_is_waited_for_and_loses_nothing(void)
{
    begin(&m);
    add_pipes(&m, 0);
    add_client(&m, ATTACH_STDOUT);
    start(&m, "head -c 900000 /dev/zero; echo > /dev/null; exit 2");
    struct timespec pause = {.tv_nsec = 400000000};
    nanosleep(&pause, NULL);
    REQUIRE(access(state_file(&m, "exit"), F_OK) != 0); /* held back by us */
    expect(m.client, MSG_HELLO);
    expect(m.client, MSG_ATTACHED);
    size_t total = 0;
    struct received *message;
    while ((message = receive(m.client))->type == MSG_STDOUT)
        total += message->length;
    REQUIRE_EQUAL(message->type, MSG_EXIT);
    REQUIRE_EQUAL(total, 900000);
    launch_wait(&m.launch);
}

static void a_client_that_takes_nothing_after_the_end_is_given_up(void)
{
    begin(&m);
    add_pipes(&m, 1 << 20);
    add_client(&m, ATTACH_STDOUT);
    start(&m, "head -c 900000 /dev/zero; exit 2"); /* fits into socket and pipe: init ends with the client stuck */
    int other = connect_client(&m);
    const pid_t sender = fork();
    if (sender == 0) { /* what it sends is no progress */
        static const char more[] = {MSG_STDIN, 0, 0, 0, 0, 0, 0, 1, 'x'};
        while (write(m.client, more, sizeof more) > 0)
            ;
        _exit(0);
    }
    REQUIRE_EQUAL(receive(other)->type, MSG_EXIT);
    REQUIRE_EQUAL(launch_wait(&m.launch), 0);
    kill(sender, SIGKILL);
    REQUIRE_EQUAL(exit_value(&m, "status"), 2);
    REQUIRE_EQUAL(exit_value(&m, "log-dropped"), 0);
}

static void a_vanished_client_is_not_waited_for(void)
{
    begin(&m);
    add_pipes(&m, 0);
    add_client(&m, ATTACH_STDOUT);
    start(&m, "head -c 900000 /dev/zero; exit 2");
    struct timespec pause = {.tv_nsec = 200000000};
    nanosleep(&pause, NULL);
    close(m.client);
    REQUIRE_EQUAL(launch_wait(&m.launch), 0);
    REQUIRE_EQUAL(exit_value(&m, "status"), 2);
}

static void logs_rotate_and_keep_whole_frames(void)
{
    begin(&m);
    m.settings.log_size = 100000;
    m.settings.log_files = 3;
    add_pipes(&m, 0);
    start(&m, "i=0; while [ $i -lt 40000 ]; do echo line $i; i=$((i+1)); done");
    launch_wait(&m.launch);
    REQUIRE(access(state_file(&m, "stdio.log.3"), F_OK) != 0);
    static char all[400000];
    const char *const names[] = {"stdio.log.2", "stdio.log.1", "stdio.log"};
    for (int i = 0; i < 3; i++) {
        struct stat status;
        REQUIRE(stat(state_file(&m, names[i]), &status) == 0 && status.st_size <= 100000);
        strcat(all, log_text(&m, names[i], 1, NULL));
    }
    int first = atoi(strstr(all, "line ") + 5);
    static char expected[400000];
    for (char *at = expected; first < 40000; first++)
        at += sprintf(at, "line %d\n", first);
    REQUIRE_TEXT(all, expected);
}

static void without_a_log_there_is_none(void)
{
    begin(&m);
    m.settings.log_size = 0;
    m.settings.log_files = 0;
    add_pipes(&m, 0);
    start(&m, "echo x");
    launch_wait(&m.launch);
    REQUIRE(access(state_file(&m, "stdio.log"), F_OK) != 0);
    REQUIRE_EQUAL(exit_value(&m, "status"), 0);
}

static void a_full_disk_drops_counts_and_never_blocks(void)
{
    begin(&m);
    REQUIRE(mount("tmpfs", m.directory, "tmpfs", 0, "size=128k") == 0);
    m.settings.flags = MONITOR_OPEN_STDIN;
    add_pipes(&m, 0);
    add_client(&m, ATTACH_STDIN | ATTACH_STDERR | ATTACH_STDOUT);
    char filler[160];
    snprintf(filler, sizeof filler, "%s", state_file(&m, "filler"));
    start(&m, "echo before; read x; head -c 300000 /dev/zero; echo full >&2; read x; echo after");
    const int client = m.client;
    await_output(client, "before\n");
    int fd = open(filler, O_WRONLY | O_CREAT, 0600);
    static char block[4096];
    while (write(fd, block, sizeof block) > 0)
        ;
    send_message(client, MSG_STDIN, "\n", 1);
    size_t total = 0;
    struct received *message;
    while ((message = receive(client))->type == MSG_STDOUT)
        total += message->length;
    REQUIRE(message->type == MSG_STDERR);
    while (total < 300000) /* the two streams are not ordered among themselves */
        total += expect(client, MSG_STDOUT)->length;
    close(fd);
    unlink(filler);
    send_message(client, MSG_STDIN, "\n", 1);
    collect(client, exit_text, sizeof exit_text);
    const long dropped = atol(strstr(exit_text, "log-dropped ") + 12);
    REQUIRE(dropped > 290000 && dropped <= 300005); /* what was left of the log's last page took some */
    launch_wait(&m.launch);
    REQUIRE_CONTAINS(log_text(&m, "stdio.log", 3, NULL), " bytes dropped: No space left on device\n");
    struct log_position last; /* what was dropped counts */
    fd = open(state_file(&m, "stdio.log"), O_RDONLY | O_CLOEXEC);
    lseek(fd, -(off_t)sizeof last, SEEK_END);
    REQUIRE(read(fd, &last, sizeof last) == sizeof last);
    close(fd);
    REQUIRE_EQUAL(last.out, 7 + 300000 + 6);
    REQUIRE_EQUAL(last.err, 5);
    const char *text = log_text(&m, "stdio.log", 1, NULL);
    REQUIRE(strncmp(text, "before\n", 7) == 0);
    umount2(m.directory, MNT_DETACH);
}

static void an_exec_ends_when_its_process_does(void)
{
    begin(&m);
    container_clone(&m.container)->y &= ~(uint64_t)CLONE_NEWPID;
    m.settings.flags = MONITOR_EXEC;
    add_pipes(&m, 0);
    start(&m, "sleep 100 & echo $!; exit 6");
    REQUIRE_EQUAL(launch_wait(&m.launch), 0);
    REQUIRE_EQUAL(exit_value(&m, "status"), 6);
    kill(atoi(log_text(&m, "stdio.log", 1, NULL)), SIGKILL);
}

static void an_exec_s_descendant_that_goes_on_writing_is_not_followed(void)
{
    begin(&m);
    container_clone(&m.container)->y &= ~(uint64_t)CLONE_NEWPID;
    m.settings.flags = MONITOR_EXEC;
    add_pipes(&m, 0);
    start(&m, "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done & exit 6");
    REQUIRE_EQUAL(launch_wait(&m.launch), 0); /* the writer dies of SIGPIPE then */
    REQUIRE_EQUAL(exit_value(&m, "status"), 6);
}

static void a_full_disk_does_not_cost_the_exit_record(void)
{
    begin(&m);
    REQUIRE(mount("tmpfs", m.directory, "tmpfs", 0, "size=64k,nr_inodes=20") == 0);
    m.settings.flags = MONITOR_OPEN_STDIN;
    add_pipes(&m, 0);
    add_client(&m, ATTACH_STDIN | ATTACH_STDOUT);
    start(&m, "echo ready; read x; exit 8");
    await_output(m.client, "ready\n"); /* what is reserved was so before */
    int fd = open(state_file(&m, "filler"), O_WRONLY | O_CREAT, 0600);
    static char block[4096];
    while (write(fd, block, sizeof block) > 0)
        ;
    send_message(m.client, MSG_STDIN, "\n", 1);
    REQUIRE_EQUAL(launch_wait(&m.launch), 0);
    REQUIRE_EQUAL(exit_value(&m, "status"), 8);
}

static void a_full_disk_does_not_cost_the_exit_record_of_what_passes(void)
{
    begin(&m);
    REQUIRE(mount("tmpfs", m.directory, "tmpfs", 0, "size=64k,nr_inodes=20") == 0);
    m.settings.flags = MONITOR_OPEN_STDIN | MONITOR_REMOVE;
    m.settings.log_size = 0;
    add_pipes(&m, 0);
    add_client(&m, ATTACH_STDIN | ATTACH_STDOUT);
    start(&m, "echo ready; read x; exit 8");
    await_output(m.client, "ready\n");
    char reserved[160];
    snprintf(reserved, sizeof reserved, "%s", state_file(&m, "exit.new"));
    while (access(reserved, F_OK) != 0)
        usleep(1000);
    int fd = open(state_file(&m, "filler"), O_WRONLY | O_CREAT, 0600);
    static char block[4096];
    while (write(fd, block, sizeof block) > 0)
        ;
    send_message(m.client, MSG_STDIN, "\n", 1);
    REQUIRE_EQUAL(launch_wait(&m.launch), 0);
    REQUIRE_EQUAL(exit_value(&m, "status"), 8);
}

static void init_of_the_host_s_pid_namespace_takes_its_cgroup_along(void)
{
    const char *cgroup = test_cgroup();
    begin(&m);
    struct plan_builder *b = &m.container.builder;
    m.settings.cgroup = builder_pass(b, open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    container_clone(&m.container)->y &= ~(uint64_t)CLONE_NEWPID;
    container_clone(&m.container)->a = m.settings.cgroup;
    m.settings.flags = MONITOR_KILL_CGROUP;
    add_pipes(&m, 0);
    start(&m, "sleep 100 & echo $!; exit 6");
    REQUIRE_EQUAL(launch_wait(&m.launch), 0);
    REQUIRE_EQUAL(exit_value(&m, "status"), 6);
    pid_t sleeper = atoi(log_text(&m, "stdio.log", 1, NULL));
    wait_exit_code(sleeper); /* the subreaper's by now, and dead */
    REQUIRE(rmdir(cgroup) == 0);
}

static void an_idle_monitor_is_small(void)
{
    begin(&m);
    add_pipes(&m, 0);
    start(&m, "head -c 1000000 /dev/zero; sleep 100");
    struct timespec pause = {.tv_sec = 2};
    nanosleep(&pause, NULL);
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", m.launch.pid);
    const char *text = read_path(path);
    long private_kb = atol(strstr(text, "Private_Clean:") + 14) + atol(strstr(text, "Private_Dirty:") + 14);
    printf("# private memory of a monitor: %ld KB\n", private_kb);
    if (!strstr(launcher_path, "checked"))
        REQUIRE(private_kb <= 128);
    kill(m.launch.report->init_pid, SIGKILL);
    launch_wait(&m.launch);
}

/* A terminal of 30 rows and 90 columns that belongs to user 7. */
static void add_terminal(void)
{
    struct plan_builder *b = &m.container.builder;
    m.settings.flags = MONITOR_TTY | MONITOR_OPEN_STDIN;
    const int master = builder_slot(b);
    const int slave = builder_slot(b);
    const int received_master = builder_slot(b);
    m.settings.stdin_write = m.settings.stdout_read = m.settings.stderr_read = received_master;
    INIT_OP(b, OP_PTY, .a = m.container.root, .b = master, .x = (uint64_t)slave, .y = 30 << 16 | 90, .z = 7);
    INIT_OP(b, OP_SEND, .a = m.container.sync_init, .b = master, .x = 77);
    INIT_OP(b, OP_CLOSE, .a = master);
    INIT_OP(b, OP_SETSID);
    INIT_OP(b, OP_CTTY, .a = slave);
    INIT_OP(b, OP_STDIO, .a = slave, .b = slave, .x = (uint64_t)slave);
    SUPERVISOR_OP(b, OP_RECV, .a = m.container.sync_supervisor, .b = received_master, .x = 77);
}

static void a_terminal_is_attached_resized_and_logged(void)
{
    begin(&m);
    add_terminal();
    add_client(&m, ATTACH_STDIN | ATTACH_STDOUT);
    start(&m, "stat -c %u $(readlink /proc/self/fd/0); stty size; read x; stty size; read y; exit 9");
    int client = m.client;
    await_output(client, "7\r\n30 90\r\n");
    send_message(client, MSG_RESIZE, "\0\050\0\144", 4);
    send_message(client, MSG_STDIN, "go\n", 3);
    send_message(client, MSG_STDIN_CLOSE, NULL, 0); /* a terminal does not end with a client */
    close(client);
    client = attach_client(&m, ATTACH_STDIN | ATTACH_STDOUT);
    send_message(client, MSG_STDIN, "\n", 1);
    collect(client, exit_text, sizeof exit_text);
    REQUIRE_CONTAINS(exit_text, "\nstatus 9\n");
    launch_wait(&m.launch);
    const char *text = log_text(&m, "stdio.log", 1, NULL);
    REQUIRE_CONTAINS(text, "7\r\n30 90\r\n");
    REQUIRE_CONTAINS(text, "40 100\r\n");
}

static void input_waits_unharmed_for_a_terminal_that_nobody_has_open(void)
{
    begin(&m);
    add_terminal();
    add_client(&m, ATTACH_STDIN | ATTACH_STDOUT);
    start(&m, "stty raw -echo; echo ready; exec 0<&- 1>&- 2>&-; sleep 1; exec < /dev/pts/0 > /dev/pts/0; "
              "head -c 240000 | tr -d x | wc -c");
    await_output(m.client, "ready\n");
    static char block[60000];
    memset(block, 'x', sizeof block);
    for (int i = 0; i < 4; i++) /* more than the kernel keeps for a terminal */
        send_message(m.client, MSG_STDIN, block, sizeof block);
    REQUIRE_TEXT(collect(m.client, exit_text, sizeof exit_text), "0\n");
    launch_wait(&m.launch);
}

static void a_monitor_holds_only_what_it_needs(void)
{
    begin(&m);
    m.container.builder.preserve = 3;
    add_pipes(&m, 0);
    start(&m, "sleep 100");
    close(connect_client(&m)); /* it serves */
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd", m.launch.pid);
    DIR *table = opendir(path);
    int count = -2;
    while (readdir(table))
        count++;
    /* directory, record, log, listener, root, three streams, signals, init's pidfd, exit.new; perhaps the client */
    REQUIRE(count >= 9 && count <= 12);
    kill(m.launch.report->init_pid, SIGKILL);
    launch_wait(&m.launch);
}

static void a_big_output_arrives_byte_exact(void)
{
    begin(&m);
    m.settings.log_size = 100 << 20;
    add_pipes(&m, 1 << 20);
    add_client(&m, ATTACH_STDOUT);
    start(&m, "seq 1 100000; exit 0");
    expect(m.client, MSG_HELLO);
    expect(m.client, MSG_ATTACHED);
    char *text = collect(m.client, exit_text, sizeof exit_text);
    static char copy[1 << 20];
    strcpy(copy, text);
    launch_wait(&m.launch);
    REQUIRE(strcmp(copy, log_text(&m, "stdio.log", 1, NULL)) == 0);
    const char *at = copy;
    for (int i = 1; i <= 100000; i++) {
        char *end;
        REQUIRE_EQUAL(strtol(at, &end, 10), i);
        at = end + 1;
    }
    REQUIRE(*at == '\0');
}

static void go_must_come_or_the_container_is_taken_down(void)
{
    begin(&m);
    add_pipes(&m, 0);
    int go[2];
    REQUIRE(pipe2(go, O_CLOEXEC) == 0);
    SUPERVISOR_OP(&m.container.builder, OP_WAIT_GO, .a = builder_pass(&m.container.builder, go[0]));
    close(go[1]);
    start_unchecked(&m, "sleep 100");
    REQUIRE_EQUAL(m.launch.report->failed, 1);
    REQUIRE_EQUAL(m.launch.report->detail, DETAIL_ABORTED);
    REQUIRE_EQUAL(launch_wait(&m.launch), 1);
    REQUIRE(kill(m.launch.report->init_pid, 0) != 0 && errno == ESRCH);
}

static const struct test tests[] = {
    TEST(both_streams_are_logged_and_the_exit_is_recorded),
    TEST(a_client_from_the_first_byte_on_gets_everything_in_order),
    TEST(a_start_that_fails_is_recorded_as_such),
    TEST(a_signal_s_death_is_recorded),
    TEST(a_new_life_removes_the_old_exit_and_continues_the_log),
    TEST(a_torn_frame_of_a_killed_monitor_is_cut),
    TEST(the_monitor_ignores_signals_and_holds_its_lock_until_the_end),
    TEST(a_second_monitor_of_the_same_directory_is_refused),
    TEST(several_clients_get_the_same_and_each_is_told_of_the_end),
    TEST(the_position_says_what_an_attachment_missed),
    TEST(a_half_closed_stdin_ends_the_container_s),
    TEST(a_client_that_shuts_down_its_side_still_gets_the_output),
    TEST(stdin_of_a_client_that_left_arrives_whole),
    TEST(stdin_of_a_client_that_vanished_goes_on_with_the_next_one),
    TEST(stdin_stays_open_for_the_next_client_when_asked_to),
    TEST(stdin_that_nobody_holds_is_closed),
    TEST(a_container_that_closed_its_stdin_does_not_disturb),
    TEST(a_slow_client_is_waited_for_and_loses_nothing),
    TEST(a_client_that_takes_nothing_after_the_end_is_given_up),
    TEST(a_vanished_client_is_not_waited_for),
    TEST(logs_rotate_and_keep_whole_frames),
    TEST(without_a_log_there_is_none),
    TEST(a_full_disk_drops_counts_and_never_blocks),
    TEST(an_exec_ends_when_its_process_does),
    TEST(an_exec_s_descendant_that_goes_on_writing_is_not_followed),
    TEST(a_full_disk_does_not_cost_the_exit_record),
    TEST(a_full_disk_does_not_cost_the_exit_record_of_what_passes),
    TEST(init_of_the_host_s_pid_namespace_takes_its_cgroup_along),
    TEST(an_idle_monitor_is_small),
    TEST(a_terminal_is_attached_resized_and_logged),
    TEST(input_waits_unharmed_for_a_terminal_that_nobody_has_open),
    TEST(a_monitor_holds_only_what_it_needs),
    TEST(a_big_output_arrives_byte_exact),
    TEST(go_must_come_or_the_container_is_taken_down),
};

void run_monitor_tests(void) { test_run("monitor", tests, sizeof tests / sizeof *tests); }
