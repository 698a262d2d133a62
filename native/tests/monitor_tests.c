/* The monitor: log, attach, stdin, exit record. */
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
        .directory = -1, .lock = -1, .listener = -1, .stdin_write = -1, .stdout_read = -1, .stderr_read = -1, .client = -1, .root = -1,
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
    SUPERVISOR_OP(b, OP_OPEN, .s = builder_string(b, m->directory), .x = O_PATH | O_DIRECTORY, .b = m->settings.directory);
    SUPERVISOR_OP(b, OP_LISTEN, .a = m->settings.directory, .s = builder_string(b, "monitor.sock"), .x = 0600, .b = m->settings.listener);
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
        test_fail(__FILE__, __LINE__, "operation %u (code %u) of section %u failed: errno %d, detail %u, \"%s\"", report->op,
                  m->container.builder.ops[report->op].code, report->section, report->error, report->detail, report->text);
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

/* --- a client ------------------------------------------------------------------------------------------------------------- */

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
    unsigned char header[8] = {(unsigned char)type, 0, 0, 0, (unsigned char)(length >> 24), (unsigned char)(length >> 16),
                               (unsigned char)(length >> 8), (unsigned char)length};
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

/* --- tests ---------------------------------------------------------------------------------------------------------------- */

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

static const struct test tests[] = {
    TEST(both_streams_are_logged_and_the_exit_is_recorded),
    TEST(a_client_from_the_first_byte_on_gets_everything_in_order),
};

void run_monitor_tests(void) { test_run("monitor", tests, sizeof tests / sizeof *tests); }
