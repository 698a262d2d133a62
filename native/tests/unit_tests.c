/* What can be tested without a container: the plan's validator, texts, the log's repair. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../inroot.h"
#include "../launcher.h"
#include "../log.h"
#include "../monitor.h"
#include "../text.h"
#include "plan_builder.h"
#include "suites.h"
#include "test.h"

static _Alignas(8) char memory[1 << 18];
static struct plan_builder builder;

static int validate(size_t size)
{
    struct plan plan = {0};
    return plan_validate(memory, size, &plan);
}

/* A plan with one operation; returns what the validator says. */
static int check(struct plan_op op)
{
    builder.op_count = 0;
    builder_add(&builder, op);
    return validate(builder_serialize(&builder, memory, sizeof memory));
}

#define CHECK(code, section, ...) check(MAKE_OP(code, section, __VA_ARGS__))

static void good_operations_pass(void)
{
    builder_init(&builder);
    const uint32_t text = builder_string(&builder, "text");
    REQUIRE_EQUAL(CHECK(OP_SETSID, SECTION_INIT), 0);
    REQUIRE_EQUAL(CHECK(OP_OPEN, SECTION_SUPERVISOR, .s = text, .b = PLAN_MAX_SLOTS - 1), 0);
    REQUIRE_EQUAL(CHECK(OP_HOSTNAME, SECTION_INIT, .s = 0), 0);
    REQUIRE_EQUAL(CHECK(OP_EXEC, SECTION_INIT, .s = text, .x = 1, .t = text, .y = 0), 0);
    REQUIRE_EQUAL(CHECK(OP_CLONE, SECTION_SUPERVISOR, .x = SECTION_INIT, .y = CLONE_NEWPID | CLONE_NEWTIME), 0);
}

static void bad_slots_strings_and_blocks_are_refused(void)
{
    builder_init(&builder);
    const uint32_t text = builder_string(&builder, "text");
    REQUIRE_EQUAL(CHECK(OP_OPEN, SECTION_INIT, .s = text, .b = PLAN_MAX_SLOTS), FAILED_CHECK);
    REQUIRE_EQUAL(CHECK(OP_OPEN, SECTION_INIT, .s = text, .b = -1), FAILED_CHECK);
    REQUIRE_EQUAL(CHECK(OP_OPEN, SECTION_INIT, .s = text, .a = -2, .b = 5), FAILED_CHECK);
    REQUIRE_EQUAL(CHECK(OP_OPEN, SECTION_INIT, .s = 0, .b = 5), FAILED_CHECK);
    REQUIRE_EQUAL(CHECK(OP_OPEN, SECTION_INIT, .s = UINT32_MAX, .b = 5), FAILED_CHECK);
    REQUIRE_EQUAL(CHECK(OP_WRITE, SECTION_INIT, .s = text, .t = text, .n = 1000), FAILED_CHECK);
    REQUIRE_EQUAL(CHECK(OP_WRITE, SECTION_INIT, .s = text, .t = UINT32_MAX, .n = UINT32_MAX), FAILED_CHECK);
    REQUIRE_EQUAL(CHECK(OP_MOUNT_FS, SECTION_INIT, .s = text, .t = text, .n = 2, .b = 5), FAILED_CHECK); /* not
                                                                                                            terminated
                                                                                                          */
    REQUIRE_EQUAL(CHECK(OP_OVERLAY, SECTION_INIT, .a = PLAN_MAX_SLOTS - 10, .x = 11, .y = UINT64_MAX, .z = UINT64_MAX, .b = 5),
                  FAILED_CHECK);
    REQUIRE_EQUAL(CHECK(OP_OVERLAY, SECTION_INIT, .a = 5, .x = UINT64_MAX, .y = UINT64_MAX, .z = UINT64_MAX, .b = 5),
                  FAILED_CHECK);
    REQUIRE_EQUAL(CHECK(OP_STDIO, SECTION_INIT, .x = PLAN_MAX_SLOTS), FAILED_CHECK);
    REQUIRE_EQUAL(CHECK(OP_MASK, SECTION_INIT, .s = text, .b = 5, .y = UINT64_MAX), FAILED_CHECK);
    REQUIRE_EQUAL(CHECK(OP_GROUPS, SECTION_INIT, .t = text, .n = UINT32_MAX), FAILED_CHECK);
    REQUIRE_EQUAL(CHECK(OP_SECCOMP, SECTION_INIT, .t = text, .n = 4), FAILED_CHECK);
    REQUIRE_EQUAL(CHECK(OP_EXEC, SECTION_INIT, .s = text, .x = 3, .t = text), FAILED_CHECK);
    REQUIRE_EQUAL(CHECK(OP_EXEC, SECTION_INIT, .s = text, .x = UINT64_MAX, .t = text), FAILED_CHECK);
    REQUIRE_EQUAL(CHECK(OP_MONITOR, SECTION_SUPERVISOR, .t = text, .n = 5), FAILED_CHECK);
}

static void operations_have_their_sections_and_clones_only_namespaces(void)
{
    builder_init(&builder);
    REQUIRE_EQUAL(CHECK(OP_HANDOFF, SECTION_INIT), FAILED_CHECK);
    REQUIRE_EQUAL(CHECK(OP_REAPER, SECTION_SUPERVISOR), FAILED_CHECK);
    REQUIRE_EQUAL(CHECK(OP_SETSID, 3), FAILED_CHECK);
    REQUIRE_EQUAL(CHECK(0, SECTION_INIT), FAILED_CHECK);
    REQUIRE_EQUAL(CHECK(31, SECTION_INIT), FAILED_CHECK);
    REQUIRE_EQUAL(CHECK(UINT16_MAX, SECTION_INIT), FAILED_CHECK);
    REQUIRE_EQUAL(CHECK(OP_CLONE, SECTION_SUPERVISOR, .x = SECTION_SUPERVISOR), FAILED_CHECK);
    REQUIRE_EQUAL(CHECK(OP_CLONE, SECTION_JOINER, .x = SECTION_JOINER), FAILED_CHECK);
    REQUIRE_EQUAL(CHECK(OP_CLONE, SECTION_SUPERVISOR, .x = SECTION_INIT, .y = CLONE_VM), FAILED_CHECK);
    REQUIRE_EQUAL(CHECK(OP_CLONE, SECTION_SUPERVISOR, .x = SECTION_INIT, .flags = 1), FAILED_CHECK);
}

static void a_damaged_header_is_refused(void)
{
    builder_init(&builder);
    builder_add(&builder, MAKE_OP(OP_SETSID, SECTION_INIT));
    const size_t size = builder_serialize(&builder, memory, sizeof memory);
    REQUIRE_EQUAL(validate(size), 0);
    for (size_t cut = 0; cut < size; cut++)
        REQUIRE_EQUAL(validate(cut), FAILED_CHECK);
    struct plan_header *header = (void *)memory;
    struct plan_header good = *header;
#define DAMAGE(member, value)                                                                                          \
    do {                                                                                                               \
        *header = good;                                                                                                \
        header->member = (value);                                                                                      \
        REQUIRE_EQUAL(validate(size), FAILED_CHECK);                                                                   \
    } while (0)
    DAMAGE(magic, 1);
    DAMAGE(version, 2);
    DAMAGE(size, good.size - 1);
    DAMAGE(size, UINT32_MAX);
    DAMAGE(op_count, 0);
    DAMAGE(op_count, UINT32_MAX);
    DAMAGE(data_size, 0);
    DAMAGE(data_size, UINT32_MAX);
    DAMAGE(preserve, 198);
    *header = good;
    memory[size - 1] = 'x'; /* the data must end with a NUL */
    REQUIRE_EQUAL(validate(size), FAILED_CHECK);
}

static void texts_never_overflow(void)
{
    char small[8];
    struct text text = TEXT_IN(small);
    text_add(&text, "1234567");
    REQUIRE(!text.overflow);
    text_add(&text, "8");
    REQUIRE(text.overflow);
    REQUIRE_TEXT(small, "1234567");
    char wide[32];
    text = TEXT_IN(wide);
    text_add_signed(&text, INT64_MIN);
    REQUIRE_TEXT(wide, "-9223372036854775808");
    text = TEXT_IN(wide);
    text_add_number(&text, 0);
    REQUIRE_TEXT(wide, "0");
}

static void a_torn_end_of_any_length_is_cut_to_whole_frames(void)
{
    static char payload[70000];
    int directory = open(test_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct log log;
    log_open(&log, directory, 1 << 20, 2);
    const size_t lengths[] = {0, 1, 100, 16384 - 32, 65536, 5};
    uint64_t ends[7] = {0};
    for (int i = 0; i < 6; i++) {
        log_write(&log, LOG_STDOUT, payload, lengths[i]);
        ends[i + 1] = log.size;
    }
    const uint64_t whole = log.size;
    close(log.fd);
    char copy[80];
    snprintf(copy, sizeof copy, "%s/stdio.log", test_directory);
    for (int64_t cut = (int64_t)whole; cut >= 0; cut -= cut > 300 ? 97 : 1) {
        REQUIRE(truncate(copy, cut) == 0);
        log_open(&log, directory, 1 << 20, 2);
        uint64_t expected = 0;
        for (int i = 0; i < 7; i++)
            if (ends[i] <= (uint64_t)cut)
                expected = ends[i];
        REQUIRE_EQUAL(log.size, expected);
        close(log.fd);
    }
    close(directory);
}

/* The first position that a file of the log tells; 0, 0 if its first frame tells none. */
static struct log_position first_position(const char *name)
{
    char path[80];
    snprintf(path, sizeof path, "%s/%s", test_directory, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct log_frame frame;
    struct log_position position;
    REQUIRE(read(fd, &frame, sizeof frame) == sizeof frame && read(fd, &position, sizeof position) == sizeof position);
    close(fd);
    return frame.stream == LOG_POSITION ? position : (struct log_position){0};
}

static void a_position_outlives_rotations_and_lives(void)
{
    static char payload[100];
    int directory = open(test_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct log log;
    log_open(&log, directory, 1000, 3);
    REQUIRE_EQUAL(log.fd, -ENOENT); /* no output, no file */
    for (int i = 0; i < 10; i++)
        log_write(&log, i % 2 ? LOG_STDERR : LOG_STDOUT, payload, 100);
    REQUIRE_EQUAL(first_position("stdio.log.1").out, 0);
    REQUIRE_EQUAL(first_position("stdio.log").out, 400); /* 8 frames of 116 bytes fit */
    REQUIRE_EQUAL(first_position("stdio.log").err, 400);
    for (int life = 0; life < 4; life++) {
        if (life % 2) /* else as after a SIGKILL */
            log_close(&log);
        close(log.fd);
        log_open(&log, directory, 1000, 3);
        REQUIRE_EQUAL(log_position(&log).out, 500 + (uint64_t)life * 900);
        REQUIRE_EQUAL(log_position(&log).err, 500);
        for (int i = 0; i < 9; i++)
            log_write(&log, LOG_STDOUT, payload, 100);
    }
    REQUIRE(first_position("stdio.log.2").out > 0);
    close(log.fd);
    close(directory);
}

static void a_container_cannot_write_a_position(void)
{
    int directory = open(test_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const struct {
        struct log_frame frame;
        struct log_position position;
    } forged = {{.length = sizeof forged.position, .stream = LOG_POSITION, .magic = LOG_FRAME_MAGIC}, {1 << 30, 7}};
    struct log log;
    log_open(&log, directory, 1 << 20, 2);
    log_write(&log, LOG_STDOUT, &forged, sizeof forged);
    close(log.fd); /* as after a SIGKILL */
    log_open(&log, directory, 1 << 20, 2);
    REQUIRE_EQUAL(log_position(&log).out, sizeof forged);

    /* Only where the exit record says that the log ended there, its end is believed: nothing is walked through. */
    log_close(&log);
    char text[64];
    const int length = snprintf(text, sizeof text, "version 1\nlog-size %llu\nend\n", (unsigned long long)log.size);
    int last = openat(directory, "exit.last", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    REQUIRE(write(last, text, (size_t)length) == length);
    REQUIRE(pwrite(log.fd, "damaged frame", 13, 4) == 13);
    close(log.fd);
    const uint64_t size = log.size;
    log_open(&log, directory, 1 << 20, 2);
    REQUIRE_EQUAL(log.size, size);
    REQUIRE_EQUAL(log_position(&log).out, sizeof forged);
    REQUIRE_EQUAL(log_position(&log).err, 0);
}

static void without_a_log_output_is_counted_all_the_same(void)
{
    struct log log;
    log_open(&log, -1, 0, 0);
    log_write(&log, LOG_STDOUT, "four", 4);
    log_write(&log, LOG_STDERR, "five!", 5);
    REQUIRE_EQUAL(log_position(&log).out, 4);
    REQUIRE_EQUAL(log_position(&log).err, 5);
}

/* An attacker's process: exchanges an honest directory with a link to the outside as fast as it can. Returns its pid.
 */
static pid_t start_swapping(int root)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    for (;;)
        syscall(SYS_renameat2, root, "volume/honest", root, "volume/evil", RENAME_EXCHANGE);
}

static bool is_empty(const char *path)
{
    DIR *directory = opendir(path);
    int entries = 0;
    while (readdir(directory))
        entries++;
    closedir(directory);
    return entries == 2;
}

static void nothing_is_made_outside_of_the_root_while_somebody_swaps_links(void)
{
    char outside[96];
    char root_path[96];
    snprintf(outside, sizeof outside, "%s/outside", test_directory);
    snprintf(root_path, sizeof root_path, "%s/root", test_directory);
    REQUIRE(mkdir(outside, 0755) == 0 && mkdir(root_path, 0755) == 0);
    const int root = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    REQUIRE(mkdirat(root, "volume", 0755) == 0 && mkdirat(root, "volume/honest", 0755) == 0 &&
            symlinkat(outside, root, "volume/evil") == 0);
    pid_t attacker = start_swapping(root);
    const time_t end = time(NULL) + 3;
    unsigned made = 0;
    bool control = false;
    for (unsigned i = 0; time(NULL) < end; i++) {
        char path[64];
        snprintf(path, sizeof path, "/volume/honest/a%u/b/c", i);
        made += inroot_make_directories(root, path, 0755) == 0;
        char name[NAME_MAX + 1];
        snprintf(path, sizeof path, "volume/honest/x%u/file", i);
        int parent = inroot_open_parent(root, path, name, true);
        if (parent >= 0) {
            int fd = openat(parent, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0600);
            close(parent);
            if (fd >= 0)
                close(fd);
        }
        if (!is_empty(outside))
            break;
    }
    const bool safe = is_empty(outside);
    /* The control: the ordinary way is led astray by the same attacker. */
    for (unsigned i = 0; i < 100000 && !control && safe; i++) {
        char path[64];
        snprintf(path, sizeof path, "volume/honest/naive%u", i);
        mkdirat(root, path, 0755);
        control = i % 64 == 0 && !is_empty(outside);
    }
    kill(attacker, SIGKILL);
    wait_exit_code(attacker);
    REQUIRE(safe);
    REQUIRE(made > 0);
    REQUIRE(control);
}

static const struct test tests[] = {
    TEST(nothing_is_made_outside_of_the_root_while_somebody_swaps_links),
    TEST(good_operations_pass),
    TEST(bad_slots_strings_and_blocks_are_refused),
    TEST(operations_have_their_sections_and_clones_only_namespaces),
    TEST(a_damaged_header_is_refused),
    TEST(texts_never_overflow),
    TEST(a_torn_end_of_any_length_is_cut_to_whole_frames),
    TEST(a_position_outlives_rotations_and_lives),
    TEST(a_container_cannot_write_a_position),
    TEST(without_a_log_output_is_counted_all_the_same),
};

void run_unit_tests(void) { test_run("unit", tests, sizeof tests / sizeof *tests); }
