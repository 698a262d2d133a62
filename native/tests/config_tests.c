/* Operations that only some configs ask for, in real containers. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "container.h"
#include "suites.h"
#include "test.h"

static char *output;
static struct container c;
static struct plan_builder *const b = &c.builder;

static uint32_t str(const char *string) { return builder_string(b, string); }

static void a_root_that_is_entered_by_chroot_covers_the_old_one(void)
{
    REQUIRE(system("mount -t proc proc /proc") == 0); /* a second one on the first */
    container_begin(&c, CONTAINER_NAMESPACES);
    for (uint32_t i = 0; i < b->op_count; i++)
        if (b->ops[i].code == OP_PROPAGATION) {
            memmove(&b->ops[i + 2], &b->ops[i + 1], (b->op_count++ - i - 1) * sizeof b->ops[0]);
            b->ops[i + 1] = MAKE_OP(OP_UMOUNT, SECTION_INIT, .s = str("proc"), .x = 2 /* MNT_DETACH */, .flags = 1);
            break;
        }
    for (uint32_t i = 0; i < b->op_count; i++)
        if (b->ops[i].code == OP_MOVE_MOUNT && b->ops[i].a == c.root)
            b->ops[i].s = str("/"); /* as plans do */
    INIT_OP(b, OP_PIVOT_ROOT, .a = c.root, .flags = 1);
    container_shell(
        &c, "ls /; ls -d /proc/self /proc/1/root/bin; cd /; cd ../..; pwd; grep -c ' - proc ' /proc/self/mountinfo");
    REQUIRE_EQUAL(container_run(&c, &output), 0);
    REQUIRE_TEXT(output, "bin\ndev\netc\nproc\nsys\ntmp\n/proc/1/root/bin\n/proc/self\n/\n1\n");
}

static void scheduling_is_set_by_the_process_and_from_outside(void)
{
    const struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } batch = {.size = 48, .policy = 3, .nice = 7};
    container_begin(&c, CONTAINER_NAMESPACES);
    const uint64_t first_node = 1;
    INIT_OP(b, OP_MEMORY_POLICY, .x = 2 /* MPOL_BIND */, .t = builder_block(b, &first_node, 8), .n = 8);
    INIT_OP(b, OP_SEND, .a = c.sync_init, .x = 6);
    INIT_OP(b, OP_RECV, .a = c.sync_init, .x = 7);
    SUPERVISOR_OP(b, OP_RECV, .a = c.sync_supervisor, .x = 6);
    SUPERVISOR_OP(b, OP_SCHEDULER, .t = builder_block(b, &batch, sizeof batch), .n = sizeof batch);
    SUPERVISOR_OP(b, OP_RLIMIT, .x = RLIMIT_NOFILE, .y = 17, .z = 19);
    SUPERVISOR_OP(b, OP_IOPRIO, .x = 3 << 13);
    SUPERVISOR_OP(b, OP_SEND, .a = c.sync_supervisor, .x = 7);
    container_pivot(&c);
    container_shell(
        &c,
        "ulimit -n; ulimit -Hn; cut -d' ' -f 19,41 /proc/self/stat; head -n 1 /proc/self/numa_maps | cut -d' ' -f 2");
    REQUIRE_EQUAL(container_run(&c, &output), 0);
    REQUIRE_TEXT(output, "17\n19\n7 3\nbind:0\n");
}

static void a_scheduler_structure_longer_than_its_block_is_refused(void)
{
    const uint32_t attributes[4] = {48};
    container_begin(&c, CONTAINER_NAMESPACES);
    INIT_OP(b, OP_SCHEDULER, .t = builder_block(b, attributes, sizeof attributes), .n = sizeof attributes);
    REQUIRE_EQUAL(container_fail(&c)->error, EINVAL);
}

static void stdio_belongs_to_the_user_but_for_the_null_device(void)
{
    struct stat before;
    REQUIRE(stat("/dev/null", &before) == 0);
    container_begin(&c, CONTAINER_NAMESPACES);
    INIT_OP(b, OP_OWN_STDIO, .x = 7, .y = 8);
    container_pivot(&c);
    container_shell(&c, "stat -L -c '%u %g' /proc/self/fd/1");
    REQUIRE_EQUAL(container_run(&c, &output), 0);
    REQUIRE_TEXT(output, "7 8\n");
    struct stat after;
    REQUIRE(stat("/dev/null", &after) == 0);
    REQUIRE_EQUAL(after.st_uid, before.st_uid);
}

static const char *below_test(const char *name)
{
    static char paths[4][160];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", test_directory, name);
    return path;
}

static void run_in_test_directory(const char *commands)
{
    char line[1024];
    snprintf(line, sizeof line, "cd %s && %s", test_directory, commands);
    REQUIRE(system(line) == 0);
}

static int add_tmpfs(const char *options, size_t size, const struct plan_op *like)
{
    const int slot = builder_slot(b);
    INIT_OP(b, OP_MOUNT_FS, .s = str("tmpfs"), .t = size > 0 ? builder_block(b, options, size) : 0, .n = (uint32_t)size,
            .b = slot, .a = like ? like->a : -1, .flags = like ? 1 : 0);
    return slot;
}

static void a_tmpfs_begins_with_all_that_it_covers(void)
{
    container_lower();
    run_in_test_directory("mkdir -p lower/data/sub && cd lower/data && chown 7:8 . && echo content >file && "
                          "chown 1:2 file && chmod 4751 file && touch -d @1000 file && ln -s nowhere link && "
                          "mkfifo -m 640 pipe && mknod -m 604 node c 1 3 && chmod 2770 sub && echo deep >sub/deep");
    container_begin(&c, CONTAINER_NAMESPACES);
    const int slot = add_tmpfs(NULL, 0, NULL);
    INIT_OP(b, OP_COPY_UP, .a = c.root, .b = slot, .s = str("/data"));
    INIT_OP(b, OP_MOVE_MOUNT, .a = slot, .b = c.root, .s = str("/data"));
    container_pivot(&c);
    container_shell(&c, "cd /data; stat -c '%n %a %u %g %F' . *; stat -c %Y file; cat file sub/deep; readlink link");
    REQUIRE_EQUAL(container_run(&c, &output), 0);
    REQUIRE_TEXT(output, ". 1777 7 8 directory\nfile 4751 1 2 regular file\nlink 777 0 0 symbolic link\n"
                         "node 604 0 0 character special file\npipe 640 0 0 fifo\nsub 2770 0 0 directory\n"
                         "1000\ncontent\ndeep\nnowhere\n");
}

static void a_tree_without_end_is_not_copied(void)
{
    container_lower();
    run_in_test_directory("mkdir lower/data && cd lower/data && for i in $(seq 200); do mkdir d; cd d; done");
    container_begin(&c, CONTAINER_NAMESPACES);
    const int slot = add_tmpfs(NULL, 0, NULL);
    INIT_OP(b, OP_COPY_UP, .a = c.root, .b = slot, .s = str("/data"));
    REQUIRE_EQUAL(container_fail(&c)->error, ENAMETOOLONG);
}

static void a_link_is_not_copied_through(void)
{
    container_lower();
    run_in_test_directory("mkdir victim && echo secret >victim/secret && ln -s ../victim lower/data");
    container_begin(&c, CONTAINER_NAMESPACES);
    const int slot = add_tmpfs(NULL, 0, NULL);
    INIT_OP(b, OP_COPY_UP, .a = c.root, .b = slot, .s = str("/data")); /* /victim, which the root does not have */
    INIT_OP(b, OP_MKDIR, .a = c.root, .s = str("/mnt"), .x = 0755);
    INIT_OP(b, OP_MOVE_MOUNT, .a = slot, .b = c.root, .s = str("/mnt"));
    container_pivot(&c);
    container_shell(&c, "ls -A /mnt");
    REQUIRE_EQUAL(container_run(&c, &output), 0);
    REQUIRE_TEXT(output, "");
}

static void a_tmpfs_has_the_mode_of_the_directory_that_it_covers(void)
{
    container_lower();
    run_in_test_directory("mkdir -m 1715 lower/data");
    container_begin(&c, CONTAINER_NAMESPACES);
    const struct plan_op in_root = {.a = c.root};
    static const char there[] = "/data\0size=64k";
    static const char not_there[] = "/none";
    const int first = add_tmpfs(there, sizeof there, &in_root);
    const int second = add_tmpfs(not_there, sizeof not_there, &in_root);
    INIT_OP(b, OP_MOVE_MOUNT, .a = first, .b = c.root, .s = str("/data"));
    INIT_OP(b, OP_MKDIR, .a = c.root, .s = str("/none"), .x = 0700);
    INIT_OP(b, OP_MOVE_MOUNT, .a = second, .b = c.root, .s = str("/none"));
    container_pivot(&c);
    container_shell(&c, "stat -c %a /data /none; grep -o 'mode=[0-7]*' /proc/self/mounts | grep -c 1715");
    REQUIRE_EQUAL(container_run(&c, &output), 0);
    REQUIRE_TEXT(output, "1715\n1777\n1\n");
}

static void links_that_lead_to_nothing_are_made_true_inside_the_root(void)
{
    container_lower();
    run_in_test_directory(
        "ln -s /jump/deep lower/first && ln -s first/../../../new lower/second && ln -s loop lower/loop");
    container_begin(&c, CONTAINER_NAMESPACES);
    INIT_OP(b, OP_MKDIR, .a = c.root, .s = str("/first/dir"), .x = 0750, .y = 1, .flags = 1);
    INIT_OP(b, OP_TOUCH, .a = c.root, .s = str("/second/file"), .x = 0640, .flags = 1);
    container_pivot(&c);
    container_shell(&c, "stat -c '%n %a' /jump/deep/dir /new/file");
    REQUIRE_EQUAL(container_run(&c, &output), 0);
    REQUIRE_TEXT(output, "/jump/deep/dir 750\n/new/file 640\n");
    container_begin(&c, CONTAINER_NAMESPACES);
    INIT_OP(b, OP_MKDIR, .a = c.root, .s = str("/loop/dir"), .x = 0750, .y = 1, .flags = 1);
    REQUIRE_EQUAL(container_fail(&c)->error, ELOOP);
}

static void a_link_can_be_covered_itself(void)
{
    container_lower();
    run_in_test_directory("ln -s /etc/nothing lower/link && echo source >source");
    container_begin(&c, CONTAINER_NAMESPACES);
    const int slot = builder_slot(b);
    BEFORE_CLONE(&c, OP_OPEN_TREE, .s = str(below_test("source")), .x = OPEN_TREE_CLONE, .b = slot);
    INIT_OP(b, OP_TOUCH, .a = c.root, .s = str("/link"), .x = 0600, .flags = 2);
    INIT_OP(b, OP_MOVE_MOUNT, .a = slot, .b = c.root, .s = str("/link"), .flags = 1 | 4);
    container_pivot(&c);
    container_shell(&c, "cat /link; ls /etc");
    REQUIRE_EQUAL(container_run(&c, &output), 0);
    REQUIRE_TEXT(output, "source\n");
}

static void a_mount_shows_the_ids_of_a_map_of_its_own(void)
{
    container_lower();
    run_in_test_directory("mkdir source && touch source/file && chown 5:6 source/file");
    container_begin(&c, CONTAINER_NAMESPACES);
    const int map = builder_slot(b);
    const int slot = builder_slot(b);
    BEFORE_CLONE(&c, OP_USER_NAMESPACE, .s = str("0 100 10\n"), .t = str("0 200 10\n"), .b = map);
    BEFORE_CLONE(&c, OP_OPEN_TREE, .s = str(below_test("source")), .x = OPEN_TREE_CLONE, .b = slot);
    BEFORE_CLONE(&c, OP_SETATTR, .a = slot, .b = map);
    INIT_OP(b, OP_MKDIR, .a = c.root, .s = str("/mnt"), .x = 0755);
    INIT_OP(b, OP_MOVE_MOUNT, .a = slot, .b = c.root, .s = str("/mnt"));
    container_pivot(&c);
    container_shell(&c, "stat -c '%u %g' /mnt/file");
    REQUIRE_EQUAL(container_run(&c, &output), 0);
    REQUIRE_TEXT(output, "105 206\n");
}

static void a_map_that_the_kernel_refuses_leaves_no_process(void)
{
    container_begin(&c, CONTAINER_NAMESPACES);
    const uint32_t map = SUPERVISOR_OP(b, OP_USER_NAMESPACE, .s = str("rubbish"), .t = str("0 0 1"), .b = 60);
    INIT_OP(b, OP_RECV, .a = c.sync_init, .x = 1);
    const struct plan_report *report = container_fail(&c);
    REQUIRE_EQUAL(report->op, map);
    REQUIRE_EQUAL(report->error, EINVAL);
}

static void a_mounted_file_system_gets_other_options(void)
{
    container_begin(&c, CONTAINER_NAMESPACES);
    const int slot = builder_slot(b);
    static const char options[] = "size=128k";
    INIT_OP(b, OP_OPEN_TREE, .a = c.root, .s = str("/dev"), .b = slot);
    INIT_OP(b, OP_RECONFIGURE, .a = slot, .t = builder_block(b, options, sizeof options), .n = sizeof options);
    container_pivot(&c);
    container_shell(&c, "grep -o 'size=128k' /proc/self/mounts");
    REQUIRE_EQUAL(container_run(&c, &output), 0);
    REQUIRE_TEXT(output, "size=128k\n");
}

static void an_agent_gets_the_listener_with_init_s_pid(void)
{
    int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, below_test("agent"));
    REQUIRE(bind(server, (struct sockaddr *)&address, sizeof address) == 0 && listen(server, 1) == 0);
    struct sock_filter allow[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    static const char message[] = "{\"pid\":1000000000,\"state\":{\"pid\":1000000000}}";
    container_begin(&c, CONTAINER_NAMESPACES);
    const int agent = builder_slot(b);
    BEFORE_CLONE(&c, OP_CONNECT, .s = str(address.sun_path), .b = agent);
    container_pivot(&c);
    INIT_OP(b, OP_SECCOMP, .t = builder_block(b, allow, sizeof allow), .n = sizeof allow, .flags = 1);
    SUPERVISOR_OP(b, OP_SEND_LISTENER, .a = agent, .t = builder_block(b, message, sizeof message - 1),
                  .n = sizeof message - 1, .y = 7, .z = 33);
    container_shell(&c, "ls /proc/self/fd");
    REQUIRE_EQUAL(container_run(&c, &output), 0);
    REQUIRE_TEXT(output, "0\n1\n2\n3\n"); /* the command itself does not have it */

    int connection = accept(server, NULL, NULL);
    char text[256] = "";
    char room[CMSG_SPACE(sizeof(int))];
    struct iovec data = {text, sizeof text - 1};
    struct msghdr header = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
    REQUIRE_EQUAL(recvmsg(connection, &header, 0), sizeof message - 1);
    int pid = 0;
    int other = 0;
    REQUIRE(sscanf(text, "{\"pid\":%d ,\"state\":{\"pid\":%d }}", &pid, &other) == 2 && pid > 1 && pid == other);
    int fd;
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof fd);
    char link[64];
    char target[64] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    REQUIRE(readlink(link, target, sizeof target - 1) > 0);
    REQUIRE_TEXT(target, "anon_inode:seccomp notify");
}

static void an_agent_that_is_not_there_is_reported(void)
{
    container_begin(&c, CONTAINER_NAMESPACES);
    BEFORE_CLONE(&c, OP_CONNECT, .s = str("@bundt-nobody"), .b = 60);
    REQUIRE_EQUAL(container_fail(&c)->error, ECONNREFUSED);
}

static void a_label_is_written_to_procfs_and_nowhere_else(void)
{
    run_in_test_directory("mkdir attr && echo >attr/exec");
    container_begin(&c, CONTAINER_NAMESPACES);
    const int attributes = builder_slot(b);
    INIT_OP(b, OP_OPEN, .s = str(below_test("attr")), .x = O_PATH | O_DIRECTORY, .b = attributes);
    INIT_OP(b, OP_LABEL, .a = attributes, .s = str("exec"), .t = str("cake"));
    REQUIRE_EQUAL(container_fail(&c)->detail, DETAIL_WRONG_FILESYSTEM);
    REQUIRE_TEXT(read_path(below_test("attr/exec")), "\n");
}

/* comm is as good as a label: what is written to it is read from it, but for what is too long. */
static void a_label_that_the_kernel_changes_is_noticed(void)
{
    for (int is_long = 0; is_long < 2; is_long++) {
        container_begin(&c, CONTAINER_NAMESPACES);
        const int attributes = builder_slot(b);
        INIT_OP(b, OP_OPEN, .s = str("/proc/self"), .x = O_PATH | O_DIRECTORY, .b = attributes);
        INIT_OP(b, OP_LABEL, .a = attributes, .s = str("comm"), .t = str(is_long ? "a-label-of-17-bytes" : "label"));
        container_pivot(&c);
        container_shell(&c, "true");
        if (!is_long) {
            REQUIRE_EQUAL(container_run(&c, &output), 0);
            continue;
        }
        const struct plan_report *report = container_fail(&c);
        REQUIRE_EQUAL(report->detail, DETAIL_LABEL_NOT_SET);
        REQUIRE_TEXT(report->text, "a-label-of-17-b\n");
    }
}

static void a_file_gets_init_s_pid(void)
{
    run_in_test_directory("mkdir group && touch group/tasks");
    container_begin(&c, CONTAINER_NAMESPACES);
    const int directory = builder_slot(b);
    BEFORE_CLONE(&c, OP_OPEN, .s = str(test_directory), .x = O_PATH | O_DIRECTORY, .b = directory);
    SUPERVISOR_OP(b, OP_WRITE_PID, .a = directory, .s = str("group/tasks"));
    container_pivot(&c);
    container_shell(&c, "true");
    REQUIRE_EQUAL(container_run(&c, &output), 0);
    REQUIRE(atoi(read_path(below_test("group/tasks"))) > 1);
}

static void a_mount_is_taken_away_but_not_through_a_link(void)
{
    for (int linked = 0; linked < 2; linked++) {
        container_lower();
        run_in_test_directory("ln -sfn / lower/link");
        container_begin(&c, CONTAINER_NAMESPACES);
        INIT_OP(b, OP_UNMOUNT_AT, .a = c.root, .s = str(linked ? "/link/dev" : "/dev"), .t = str("pts"),
                .x = MNT_DETACH);
        container_pivot(&c);
        container_shell(&c, "grep -c pts /proc/mounts");
        if (linked) {
            REQUIRE_EQUAL(container_fail(&c)->error, ELOOP);
        } else {
            REQUIRE_EQUAL(container_run(&c, &output), 1);
            REQUIRE_TEXT(output, "0\n");
        }
    }
}

static const struct test tests[] = {
    TEST(a_file_gets_init_s_pid),
    TEST(a_mount_is_taken_away_but_not_through_a_link),
    TEST(a_label_is_written_to_procfs_and_nowhere_else),
    TEST(a_label_that_the_kernel_changes_is_noticed),
    TEST(an_agent_gets_the_listener_with_init_s_pid),
    TEST(an_agent_that_is_not_there_is_reported),
    TEST(a_tmpfs_begins_with_all_that_it_covers),
    TEST(a_tree_without_end_is_not_copied),
    TEST(a_link_is_not_copied_through),
    TEST(a_tmpfs_has_the_mode_of_the_directory_that_it_covers),
    TEST(links_that_lead_to_nothing_are_made_true_inside_the_root),
    TEST(a_link_can_be_covered_itself),
    TEST(a_mount_shows_the_ids_of_a_map_of_its_own),
    TEST(a_map_that_the_kernel_refuses_leaves_no_process),
    TEST(a_mounted_file_system_gets_other_options),
    TEST(scheduling_is_set_by_the_process_and_from_outside),
    TEST(a_scheduler_structure_longer_than_its_block_is_refused),
    TEST(stdio_belongs_to_the_user_but_for_the_null_device),
    TEST(a_root_that_is_entered_by_chroot_covers_the_old_one),
};

void run_config_tests(void) { test_run("configs", tests, sizeof tests / sizeof *tests); }
