/* Every operation, in real containers. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "container.h"
#include "suites.h"
#include "test.h"

static char *output;
static struct container c;
static struct plan_builder *const b = &c.builder;

static uint32_t str(const char *string) { return builder_string(b, string); }

static const char *path_in(const char *name)
{
    static char paths[4][160];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", test_directory, name);
    return path;
}

static void write_path(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    REQUIRE(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

/* --- the whole --- */

static void a_plain_container_runs_and_its_exit_code_is_init_s(void)
{
    REQUIRE_EQUAL(run_script("echo hello; exit 7", &output), 7);
    REQUIRE_TEXT(output, "hello\n");
}

static void only_stdio_is_open_in_the_command(void)
{
    /* 3 is the directory that ls itself reads. */
    REQUIRE_EQUAL(
        run_script("ls /proc/self/fd; umask; cat /proc/self/status | grep -E 'Sig(Blk|Ign|Cgt)'; pwd", &output), 0);
    REQUIRE_TEXT(
        output,
        "0\n1\n2\n3\n0022\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nSigCgt:\t0000000000000000\n/\n");
}

static void the_host_s_mounts_are_out_of_reach_and_its_table_unchanged(void)
{
    static char before[1 << 20];
    strcpy(before, read_path("/proc/self/mountinfo"));
    REQUIRE_EQUAL(run_script("cat /proc/self/mounts | wc -l", &output), 0);
    REQUIRE_TEXT(output, "4\n"); /* root, proc, dev, pts */
    REQUIRE(strcmp(before, read_path("/proc/self/mountinfo")) == 0);
}

static void nothing_but_named_descriptors_survives_the_launch(void)
{
    int leaked = dup2(open("/dev/null", O_RDWR), 150); /* without close-on-exec; and in the range of slots: */
    int leaked_slot = dup2(leaked, PLAN_FD_BASE + 300);
    REQUIRE(leaked_slot > 0);
    container_begin(&c, CONTAINER_NAMESPACES);
    b->preserve = 2;
    container_pivot(&c);
    container_shell(&c, "ls /proc/self/fd");
    REQUIRE_EQUAL(container_run(&c, &output), 0);
    REQUIRE_TEXT(output, "0\n1\n2\n3\n4\n5\n");
}

static void a_damaged_plan_is_refused_as_a_whole(void)
{
    container_begin(&c, CONTAINER_NAMESPACES);
    container_pivot(&c);
    container_shell(&c, "true");
    const uint32_t bad = INIT_OP(b, OP_HOSTNAME, .s = 1u << 20);
    const struct plan_report *report = container_fail(&c);
    REQUIRE_EQUAL(report->detail, DETAIL_BAD_PLAN);
    REQUIRE_EQUAL(report->op, bad);
    REQUIRE_EQUAL(report->version, 0); /* not accepted */
    REQUIRE_EQUAL(report->init_pid, 0);
}

static void the_first_failure_is_the_one_reported_and_init_is_taken_down(void)
{
    container_begin(&c, CONTAINER_NAMESPACES);
    const uint32_t failing = SUPERVISOR_OP(b, OP_WRITE_INIT, .s = str("no/such/file"), .t = str("x"), .n = 1);
    INIT_OP(b, OP_RECV, .a = c.sync_init, .x = 1);
    const struct plan_report *report = container_fail(&c);
    REQUIRE_EQUAL(report->op, failing);
    REQUIRE_EQUAL(report->section, SECTION_SUPERVISOR);
    REQUIRE_EQUAL(report->error, ENOENT);
    REQUIRE(kill(report->init_pid, 0) != 0 && errno == ESRCH);
}

static void a_rendezvous_ends_when_the_peer_dies(void)
{
    container_begin(&c, CONTAINER_NAMESPACES);
    INIT_OP(b, OP_EXEC, .s = str("/nowhere"), .x = 1);
    SUPERVISOR_OP(b, OP_RECV, .a = c.sync_supervisor, .x = 1);
    const struct plan_report *report = container_fail(&c);
    REQUIRE_EQUAL(report->section, SECTION_INIT); /* the cause, not the consequence */
    REQUIRE_EQUAL(report->error, ENOENT);
}

static void tolerated_errors_are_passed_over(void)
{
    container_begin(&c, CONTAINER_NAMESPACES);
    INIT_OP(b, OP_OPEN, .s = str("/nowhere"), .b = 50, .tolerate = TOLERATE_ENOENT);
    INIT_OP(b, OP_UMOUNT, .s = str("/tmp"), .tolerate = TOLERATE_EINVAL);
    container_pivot(&c);
    container_shell(&c, "true");
    REQUIRE_EQUAL(container_run(&c, &output), 0);
}

/* --- files --- */

static void files_links_and_directories_are_made_inside_the_root(void)
{
    container_begin(&c, CONTAINER_NAMESPACES);
    char command[512];
    snprintf(command, sizeof command,
             "cd %s && ln -s / absolute && ln -s ../../../../../.. up && mkdir -p outside && ln -s %s/outside escape",
             container_lower(), test_directory);
    REQUIRE(system(command) == 0);
    INIT_OP(b, OP_MKDIR, .a = c.root, .s = str("/absolute/made/by/absolute"), .x = 0700, .y = 1);
    INIT_OP(b, OP_MKDIR, .a = c.root, .s = str("up/up/../made/by/up/"), .x = 0750, .y = 1);
    INIT_OP(b, OP_MKDIR, .a = c.root, .s = str("/made"), .x = 0700);
    INIT_OP(b, OP_TOUCH, .a = c.root, .s = str("/new/file"), .x = 0640);
    INIT_OP(b, OP_TOUCH, .a = c.root, .s = str("/new/file"), .x = 0600);
    INIT_OP(b, OP_SYMLINK, .a = c.root, .s = str("/absolute/link"), .t = str("/new/file"));
    INIT_OP(b, OP_SYMLINK, .a = c.root, .s = str("/link"), .t = str("other"));
    INIT_OP(b, OP_WRITE, .a = c.root, .s = str("/link"), .t = str("content"), .n = 7);
    INIT_OP(b, OP_CHMOD, .a = c.root, .s = str("new/file"), .x = 0444);
    INIT_OP(b, OP_CHOWN, .a = c.root, .s = str("new/file"), .x = 12, .y = 34);
    INIT_OP(b, OP_CHOWN, .a = c.root, .s = str("link"), .x = 56, .y = 78); /* the link itself */
    container_pivot(&c);
    container_shell(&c, "stat -c '%a %u %g %F' /made /made/by /made/by/absolute /made/by/up /new /new/file /link; cat "
                        "/new/file; ls /outside");
    REQUIRE_EQUAL(container_run(&c, &output), 0);
    REQUIRE_TEXT(output,
                 "755 0 0 directory\n755 0 0 directory\n700 0 0 directory\n750 0 0 directory\n755 0 0 directory\n"
                 "444 12 34 regular file\n777 56 78 symbolic link\ncontent");
}

static void a_dev_that_leads_out_of_the_root_creates_nothing_there(void)
{
    container_lower();
    mkdir(path_in("victim"), 0755);
    char command[512];
    snprintf(command, sizeof command, "cd %s/lower && rmdir dev && ln -s %s/victim dev", test_directory,
             test_directory);
    REQUIRE(system(command) == 0);
    container_begin(&c, CONTAINER_NAMESPACES);
    container_pivot(&c);
    container_shell(&c, "true");
    const struct plan_report *report = container_fail(&c); /* the link dangles in the root, and is not made true */
    REQUIRE_TEXT(b->data + b->ops[report->op].s, "/dev");
    DIR *victim = opendir(path_in("victim"));
    int entries = 0;
    while (readdir(victim))
        entries++;
    REQUIRE_EQUAL(entries, 2);
}

static void dangling_links_are_not_followed_when_something_is_made(void)
{
    container_begin(&c, CONTAINER_NAMESPACES);
    REQUIRE(symlink("/tmp/elsewhere", path_in("lower/dangling")) == 0);
    INIT_OP(b, OP_TOUCH, .a = c.root, .s = str("/dangling"), .x = 0600);
    container_pivot(&c);
    container_shell(&c, "true");
    REQUIRE_EQUAL(container_fail(&c)->error, EEXIST);
}

static void a_node_that_exists_must_be_the_very_device(void)
{
    container_begin(&c, CONTAINER_NAMESPACES);
    INIT_OP(b, OP_MKNOD, .a = c.root, .s = str("/dev/null"), .x = S_IFCHR | 0666, .y = makedev(1, 3));
    INIT_OP(b, OP_MKNOD, .a = c.root, .s = str("/dev/owned"), .x = S_IFCHR | 0620, .y = makedev(5, 300),
            .z = 7ull << 32 | 8);
    const uint32_t failing =
        INIT_OP(b, OP_MKNOD, .a = c.root, .s = str("/dev/zero"), .x = S_IFCHR | 0666, .y = makedev(1, 3));
    container_pivot(&c);
    container_shell(&c, "true");
    const struct plan_report *report = container_fail(&c);
    REQUIRE_EQUAL(report->op, failing);
    REQUIRE_EQUAL(report->error, EEXIST);

    container_begin(&c, CONTAINER_NAMESPACES);
    INIT_OP(b, OP_MKNOD, .a = c.root, .s = str("/dev/owned"), .x = S_IFCHR | 0620, .y = makedev(5, 300),
            .z = 7ull << 32 | 8);
    container_pivot(&c);
    container_shell(&c, "stat -c '%a %u %g %t %T' /dev/owned");
    REQUIRE_EQUAL(container_run(&c, &output), 0);
    REQUIRE_TEXT(output, "620 7 8 5 12c\n");
}

static void sysctls_go_through_a_proc_mount_and_nowhere_else(void)
{
    container_begin(&c, CONTAINER_NAMESPACES);
    const int proc = builder_slot(b);
    INIT_OP(b, OP_MOUNT_FS, .s = str("proc"), .b = proc);
    INIT_OP(b, OP_WRITE, .a = proc, .s = str("sys/net/ipv4/ip_default_ttl"), .t = str("77"), .n = 2, .flags = 1 | 2);
    container_pivot(&c);
    container_shell(&c, "cat /proc/sys/net/ipv4/ip_default_ttl");
    REQUIRE_EQUAL(container_run(&c, &output), 0);
    REQUIRE_TEXT(output, "77\n");

    container_begin(&c, CONTAINER_NAMESPACES);
    INIT_OP(b, OP_TOUCH, .a = c.root, .s = str("/fake"), .x = 0600);
    INIT_OP(b, OP_WRITE, .a = c.root, .s = str("/fake"), .t = str("77"), .n = 2, .flags = 2);
    container_pivot(&c);
    container_shell(&c, "true");
    REQUIRE_EQUAL(container_fail(&c)->detail, DETAIL_WRONG_FILESYSTEM);

    container_begin(&c, CONTAINER_NAMESPACES);
    INIT_OP(b, OP_WRITE, .a = c.root, .s = str("/proc/sys/kernel/domainname"), .t = str("x"), .n = 1, .flags = 1 | 2);
    container_pivot(&c);
    container_shell(&c, "true");
    REQUIRE_EQUAL(container_fail(&c)->error, EXDEV);
}

static void a_listening_socket_has_its_mode_from_the_start(void)
{
    mkdir(path_in("run"), 0755);
    container_begin(&c, CONTAINER_NAMESPACES);
    const int directory = builder_slot(b);
    const int socket_slot = builder_slot(b);
    SUPERVISOR_OP(b, OP_OPEN, .s = str(path_in("run")), .x = O_PATH | O_DIRECTORY, .b = directory);
    SUPERVISOR_OP(b, OP_LISTEN, .a = directory, .s = str("s"), .x = 0620, .b = socket_slot);
    SUPERVISOR_OP(b, OP_LISTEN, .a = directory, .s = str("s"), .x = 0660, .b = socket_slot); /* a stale one is replaced
                                                                                              */
    container_pivot(&c);
    container_shell(&c, "true");
    REQUIRE_EQUAL(container_run(&c, &output), 0);
    struct stat status;
    REQUIRE(stat(path_in("run/s"), &status) == 0);
    REQUIRE_EQUAL(status.st_mode, S_IFSOCK | 0660);
}

static void a_lock_that_somebody_holds_is_refused(void)
{
    write_path(path_in("lock"), "");
    int mine = open(path_in("lock"), O_RDWR | O_CLOEXEC);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    REQUIRE(fcntl(mine, F_OFD_SETLK, &lock) == 0);
    container_begin(&c, CONTAINER_NAMESPACES);
    const int slot = builder_slot(b);
    SUPERVISOR_OP(b, OP_OPEN, .s = str(path_in("lock")), .x = O_RDWR, .b = slot);
    SUPERVISOR_OP(b, OP_LOCK, .a = slot);
    REQUIRE_EQUAL(container_fail(&c)->error, EAGAIN);
}

static void pipes_and_messages_carry_descriptors_and_tokens(void)
{
    int console[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, console) == 0);
    container_begin(&c, CONTAINER_NAMESPACES);
    const int read_end = builder_slot(b);
    const int write_end = builder_slot(b);
    const int received = builder_slot(b);
    const int pidfd = builder_slot(b);
    const int console_slot = builder_pass(b, console[1]);
    container_clone(&c)->b = pidfd;
    INIT_OP(b, OP_PIPE, .a = read_end, .b = write_end, .y = 65536);
    INIT_OP(b, OP_SEND, .a = c.sync_init, .x = 5, .b = write_end);
    INIT_OP(b, OP_CLOSE, .a = write_end);
    INIT_OP(b, OP_STDIO, .a = read_end, .x = UINT64_MAX);
    SUPERVISOR_OP(b, OP_RECV, .a = c.sync_supervisor, .x = 5, .b = received);
    SUPERVISOR_OP(b, OP_SEND, .a = console_slot, .b = received, .t = str("hello"), .n = 5);
    SUPERVISOR_OP(b, OP_SEND, .a = console_slot, .b = pidfd, .t = str("pidfd"), .n = 5);
    container_pivot(&c);
    container_shell(&c, "cat");
    SUPERVISOR_OP(b, OP_HANDOFF);
    struct launch launch = builder_launch(b);
    launch_wait_status(&launch);
    REQUIRE_EQUAL(launch.report->failed, 0);
    for (int i = 0; i < 2; i++) {
        char text[8] = "";
        char control[CMSG_SPACE(sizeof(int))];
        struct iovec data = {.iov_base = text, .iov_len = 5};
        struct msghdr message = {
            .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        REQUIRE_EQUAL(recvmsg(console[0], &message, 0), 5);
        REQUIRE_TEXT(text, i == 0 ? "hello" : "pidfd");
        int fd;
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
        if (i == 0)
            REQUIRE(write(fd, "through the pipe", 16) == 16);
        else
            REQUIRE_EQUAL(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0), 0);
        close(fd);
    }
    for (int slot = 0; slot < PLAN_MAX_SLOTS; slot++)
        if (b->passed[slot] >= 0)
            close(b->passed[slot]);
    REQUIRE_TEXT(read_all(c.output), "through the pipe");
    REQUIRE_EQUAL(launch_wait(&launch), 0);
    REQUIRE_EQUAL(wait_exit_code(launch.report->init_pid), 0);
}

/* --- mounts --- */

static void binds_are_attached_with_their_attributes(void)
{
    mkdir(path_in("source"), 0755);
    write_path(path_in("source/file"), "bound\n");
    container_begin(&c, CONTAINER_NAMESPACES);
    const int tree = builder_slot(b);
    const int file = builder_slot(b);
    BEFORE_CLONE(&c, OP_OPEN_TREE, .a = -1, .s = str(path_in("source")), .x = OPEN_TREE_CLONE | AT_RECURSIVE,
                 .b = tree);
    BEFORE_CLONE(&c, OP_SETATTR, .a = tree, .x = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, .z = MS_SLAVE, .flags = 1);
    BEFORE_CLONE(&c, OP_OPEN, .s = str(path_in("source/file")), .x = O_PATH, .b = file);
    BEFORE_CLONE(&c, OP_OPEN_TREE, .a = file, .x = OPEN_TREE_CLONE, .b = file);
    INIT_OP(b, OP_MKDIR, .a = c.root, .s = str("/mnt/deep"), .x = 0755, .y = 1);
    INIT_OP(b, OP_MOVE_MOUNT, .a = tree, .b = c.root, .s = str("/mnt/deep"), .flags = 1);
    INIT_OP(b, OP_TOUCH, .a = c.root, .s = str("/single"), .x = 0600);
    INIT_OP(b, OP_MOVE_MOUNT, .a = file, .b = c.root, .s = str("/single"), .flags = 1);
    container_pivot(&c);
    container_shell(
        &c, "cat /mnt/deep/file /single; grep -E 'deep|single' /proc/self/mounts | sed 's/ /:/g' 2>/dev/null || "
            "grep -E ' /mnt/deep ' /proc/self/mounts | tr ' ' ':'; touch /mnt/deep/x 2>&1; echo changed > /single");
    container_run(&c, &output);
    REQUIRE_CONTAINS(output, "bound\nbound\n");
    REQUIRE_CONTAINS(output, "/mnt/deep:ext4:ro,nosuid");
    REQUIRE_CONTAINS(output, "Read-only file system");
    REQUIRE_TEXT(read_path(path_in("source/file")), "changed\n");
}

static void a_file_is_not_mounted_on_a_directory(void)
{
    write_path(path_in("file"), "");
    container_begin(&c, CONTAINER_NAMESPACES);
    const int tree = builder_slot(b);
    BEFORE_CLONE(&c, OP_OPEN_TREE, .a = -1, .s = str(path_in("file")), .x = OPEN_TREE_CLONE, .b = tree);
    INIT_OP(b, OP_MOVE_MOUNT, .a = tree, .b = c.root, .s = str("/tmp"), .flags = 1);
    const struct plan_report *report = container_fail(&c);
    REQUIRE_EQUAL(report->detail, DETAIL_NOT_A_DIRECTORY);
}

static void no_link_leads_a_mount_into_procfs(void)
{
    container_begin(&c, CONTAINER_NAMESPACES);
    INIT_OP(b, OP_SYMLINK, .a = c.root, .s = str("/data"), .t = str("proc/sys"));
    INIT_OP(b, OP_MOUNT_FS, .s = str("tmpfs"), .b = 50);
    INIT_OP(b, OP_MOVE_MOUNT, .a = 50, .b = c.root, .s = str("/data"));
    REQUIRE_EQUAL(container_fail(&c)->detail, DETAIL_INSIDE_PROC);

    container_begin(&c, CONTAINER_NAMESPACES); /* what leads elsewhere is followed, unless it must not be */
    INIT_OP(b, OP_SYMLINK, .a = c.root, .s = str("/elsewhere"), .t = str("/tmp"));
    INIT_OP(b, OP_MOUNT_FS, .s = str("tmpfs"), .b = 50);
    INIT_OP(b, OP_MOVE_MOUNT, .a = 50, .b = c.root, .s = str("/elsewhere"));
    INIT_OP(b, OP_MOUNT_FS, .s = str("proc"), .b = 51);
    INIT_OP(b, OP_MOVE_MOUNT, .a = 51, .b = c.root, .s = str("/elsewhere"), .flags = 2);
    const struct plan_report *report = container_fail(&c);
    REQUIRE_EQUAL(report->error, ELOOP);
    REQUIRE_EQUAL(report->op, b->op_count - 2); /* the last before the hand-off */
}

static void a_refused_mount_option_is_named(void)
{
    container_begin(&c, CONTAINER_NAMESPACES);
    static const char options[] = "size=1m\0nonsense=1";
    INIT_OP(b, OP_MOUNT_FS, .s = str("tmpfs"), .t = builder_block(b, options, sizeof options), .n = sizeof options,
            .b = 50);
    const struct plan_report *report = container_fail(&c);
    REQUIRE_EQUAL(report->error, EINVAL);
    REQUIRE_CONTAINS(report->text, "nonsense=1");
}

static void add_masks(bool regular_null)
{
    const int empty = builder_slot(b);
    static const char options[] = "size=0\0mode=555";
    INIT_OP(b, OP_MOUNT_FS, .s = str("tmpfs"), .t = builder_block(b, options, sizeof options), .n = sizeof options,
            .x = MOUNT_ATTR_RDONLY, .b = empty);
    if (regular_null) {
        c.dev_null = builder_slot(b);
        INIT_OP(b, OP_OPEN, .a = c.root, .s = str("bin/busybox"), .x = O_PATH, .z = RESOLVE_IN_ROOT, .b = c.dev_null);
    }
    const char *const paths[] = {"/proc/scsi", "/proc/kcore", "/proc/keys",
                                 "/nowhere",   "/proc/bus",   "/etc/absent/file"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        INIT_OP(b, OP_MASK, .a = c.root, .s = str(paths[i]), .b = empty, .y = (uint64_t)c.dev_null);
}

static void masked_and_read_only_paths_hide_and_protect(void)
{
    container_begin(&c, CONTAINER_NAMESPACES);
    add_masks(false);
    INIT_OP(b, OP_READONLY, .a = c.root, .s = str("/proc/sys"));
    INIT_OP(b, OP_READONLY, .a = c.root, .s = str("/nowhere"));
    container_pivot(&c);
    container_shell(&c, "ls /proc/bus /proc/scsi 2>/dev/null; wc -c < /proc/keys; stat -c '%t %T' /proc/keys; "
                        "touch /proc/bus/x 2>&1; echo 1 > /proc/sys/kernel/domainname");
    container_run(&c, &output);
    REQUIRE_CONTAINS(output, "0\n1 3\n");
    REQUIRE_CONTAINS(output, "Read-only file system");
    REQUIRE_CONTAINS(output, "/proc/sys/kernel/domainname: Read-only");
}

static void a_null_device_that_is_not_one_stops_the_start(void)
{
    container_begin(&c, CONTAINER_NAMESPACES);
    add_masks(true);
    container_pivot(&c);
    container_shell(&c, "true");
    const struct plan_report *report = container_fail(&c);
    REQUIRE_EQUAL(report->detail, DETAIL_NOT_NULL_DEVICE);
    REQUIRE_EQUAL(b->ops[report->op].code, OP_MASK);
}

static void a_read_only_root_keeps_its_other_mounts_writable(void)
{
    container_begin(&c, CONTAINER_NAMESPACES);
    INIT_OP(b, OP_REMOUNT_ROOT_RO, .a = c.root);
    container_pivot(&c);
    container_shell(&c, "touch /x 2>&1; touch /dev/x && echo writable");
    REQUIRE_EQUAL(container_run(&c, &output), 0);
    REQUIRE_CONTAINS(output, "/x: Read-only file system\nwritable\n");
}

static void many_layers_are_stacked_in_order(void)
{
    container_begin(&c, CONTAINER_NAMESPACES);
    /* Replace the single lower by 128 of them: slots 20..147. */
    REQUIRE_EQUAL(b->ops[3].code, OP_OVERLAY);
    uint32_t opens[128];
    struct plan_op saved[64];
    const uint32_t rest = b->op_count - 3;
    memcpy(saved, b->ops + 3, rest * sizeof *saved);
    b->op_count = 3;
    for (int i = 0; i < 127; i++) {
        char name[32];
        snprintf(name, sizeof name, "layer%d", i);
        mkdir(path_in(name), 0755);
        snprintf(name, sizeof name, "layer%d/who", i);
        char text[16];
        snprintf(text, sizeof text, "%d\n", i);
        write_path(path_in(name), text);
        snprintf(name, sizeof name, "layer%d/file%d", i, i);
        write_path(path_in(name), text);
        snprintf(name, sizeof name, "layer%d", i);
        opens[i] = SUPERVISOR_OP(b, OP_OPEN, .s = str(path_in(name)), .x = O_PATH | O_DIRECTORY, .b = 100 + i);
    }
    SUPERVISOR_OP(b, OP_OPEN, .s = str(container_lower()), .x = O_PATH | O_DIRECTORY, .b = 227);
    REQUIRE(opens[126] > 0);
    saved[0].a = 100;
    saved[0].x = 128;
    for (uint32_t i = 0; i < rest; i++)
        builder_add(b, saved[i]);
    container_pivot(&c);
    container_shell(&c, "cat /who /file0 /file126; ls / | grep -c file");
    REQUIRE_EQUAL(container_run(&c, &output), 0);
    REQUIRE_TEXT(output, "0\n0\n126\n127\n");
}

/* --- namespaces and processes --- */

static void an_overlay_that_came_up_read_only_is_an_error(void)
{
    container_begin(&c, CONTAINER_NAMESPACES);
    container_pivot(&c);
    container_shell(&c, "true");
    char command[256];
    snprintf(command, sizeof command, "chattr +i %s", path_in("work"));
    if (system(command) != 0)
        test_skip("no immutable directories here");
    const struct plan_report *report = container_fail(&c);
    snprintf(command, sizeof command, "chattr -i %s", path_in("work"));
    REQUIRE(system(command) == 0);
    REQUIRE_EQUAL(b->ops[report->op].code, OP_OVERLAY);
    REQUIRE_EQUAL(report->error, EROFS);
}

static void names_and_the_loopback_device_are_set(void)
{
    container_begin(&c, CONTAINER_NAMESPACES);
    INIT_OP(b, OP_HOSTNAME, .s = str("pan"));
    INIT_OP(b, OP_DOMAINNAME, .s = str("cake.example"));
    INIT_OP(b, OP_LOOPBACK_UP);
    INIT_OP(b, OP_NAME, .s = str("starting"));
    container_pivot(&c);
    container_shell(&c, "hostname; cat /proc/sys/kernel/domainname; ip addr show lo | grep -o 127.0.0.1/8; echo $$");
    REQUIRE_EQUAL(container_run(&c, &output), 0);
    REQUIRE_TEXT(output, "pan\ncake.example\n127.0.0.1/8\n1\n");
}

static void the_cgroup_namespace_is_rooted_in_the_container_s_cgroup(void)
{
    const char *cgroup = test_cgroup();
    container_begin(&c, CONTAINER_NAMESPACES);
    container_clone(&c)->a = builder_pass(b, open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    INIT_OP(b, OP_UNSHARE, .x = CLONE_NEWCGROUP);
    const int fs = builder_slot(b);
    INIT_OP(b, OP_MOUNT_FS, .s = str("cgroup2"), .b = fs);
    INIT_OP(b, OP_MKDIR, .a = c.root, .s = str("/cg"), .x = 0755);
    INIT_OP(b, OP_MOVE_MOUNT, .a = fs, .b = c.root, .s = str("/cg"));
    INIT_OP(b, OP_WRITE, .a = c.root, .s = str("/cg/cgroup.procs"), .t = str("0"), .n = 1, .flags = 4);
    container_pivot(&c);
    container_shell(&c, "grep '^0:' /proc/self/cgroup; cat /cg/cgroup.procs");
    const int code = container_run(&c, &output);
    rmdir(cgroup);
    REQUIRE_EQUAL(code, 0);
    REQUIRE_CONTAINS(output, "0::/\n1\n");
}

static void a_user_namespace_has_its_map_idmapped_layers_and_bound_devices(void)
{
    container_begin(&c, CONTAINER_NAMESPACES | CLONE_NEWUSER);
    char command[256];
    snprintf(command, sizeof command, "chmod 755 %s; chown 100000:100000 %s", test_directory, path_in("upper"));
    REQUIRE(system(command) == 0);
    /* Supervisor: map, then the overlay of an idmapped lower; init waits for it. */
    REQUIRE_EQUAL(b->ops[3].code, OP_OVERLAY);
    const struct plan_op overlay = b->ops[3];
    b->ops[3] = MAKE_OP(OP_SUBREAPER, SECTION_SUPERVISOR, .x = 0); /* in its place: nothing */
    const int userns = builder_slot(b);
    const int idmapped = builder_slot(b);
    SUPERVISOR_OP(b, OP_WRITE_INIT, .s = str("uid_map"), .t = str("0 100000 65536"), .n = 14);
    SUPERVISOR_OP(b, OP_WRITE_INIT, .s = str("gid_map"), .t = str("0 100000 65536"), .n = 14);
    SUPERVISOR_OP(b, OP_WRITE_INIT, .s = str("oom_score_adj"), .t = str("7"), .n = 1);
    SUPERVISOR_OP(b, OP_OPEN_INIT, .s = str("ns/user"), .b = userns);
    SUPERVISOR_OP(b, OP_OPEN_TREE, .a = overlay.a, .x = OPEN_TREE_CLONE, .b = idmapped);
    SUPERVISOR_OP(b, OP_SETATTR, .a = idmapped, .b = userns);
    static const char options[] = "source=overlay\0redirect_dir=nofollow\0metacopy=off";
    SUPERVISOR_OP(b, OP_OVERLAY, .a = idmapped, .x = 1, .y = overlay.y, .z = overlay.z, .b = overlay.b, .s = overlay.s,
                  .t = builder_block(b, options, sizeof options), .n = sizeof options);
    SUPERVISOR_OP(b, OP_SEND, .a = c.sync_supervisor, .x = 9, .b = overlay.b);
    /* The same list again for init, after it has become root of its namespace and has got the root. */
    static struct container again;
    memcpy(&again, &c, sizeof c);
    struct plan_op init_ops[64];
    uint32_t count = 0;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < b->op_count; i++) {
        if (b->ops[i].section == SECTION_INIT)
            init_ops[count++] = b->ops[i];
        else
            b->ops[kept++] = b->ops[i];
    }
    b->op_count = kept;
    INIT_OP(b, OP_RECV, .a = c.sync_init, .x = 9, .b = c.root);
    INIT_OP(b, OP_SETGID, .x = 0);
    INIT_OP(b, OP_SETUID, .x = 0);
    INIT_OP(b, OP_GROUPS, .n = 0);
    for (uint32_t i = 0; i < count; i++) {
        if (init_ops[i].code == OP_MKNOD) {
            init_ops[i].b = builder_slot(b);
            INIT_OP(b, OP_OPEN_TREE, .s = init_ops[i].s, .x = OPEN_TREE_CLONE, .b = init_ops[i].b);
        }
        builder_add(b, init_ops[i]);
    }
    container_pivot(&c);
    container_shell(&c, "id -u; stat -c %u /bin/busybox; cat /proc/self/uid_map | tr -s ' '; cat "
                        "/proc/self/oom_score_adj; echo > /dev/null && touch /new "
                        "&& stat -c '%u %t %T' /dev/null");
    container_run(&c, &output);
    REQUIRE_TEXT(output, "0\n0\n 0 100000 65536\n7\n65534 1 3\n");
    struct stat status;
    REQUIRE(stat(path_in("upper/new"), &status) == 0);
    REQUIRE_EQUAL(status.st_uid, 100000);
}

/* A sleeping container to enter; returns its init. */
static pid_t start_sleeper(void)
{
    container_begin(&c, CONTAINER_NAMESPACES);
    INIT_OP(b, OP_HOSTNAME, .s = str("sleeper"));
    container_pivot(&c);
    container_shell(&c, "exec sleep 100");
    SUPERVISOR_OP(b, OP_HANDOFF);
    struct launch launch = builder_launch(b);
    launch_wait_status(&launch);
    REQUIRE_EQUAL(launch.report->failed, 0);
    launch_wait(&launch);
    return launch.report->init_pid;
}

static void enter(pid_t target, bool by_joiner)
{
    builder_init(b);
    int out[2];
    REQUIRE(pipe2(out, O_CLOEXEC) == 0);
    c.output = out[0];
    const int pidfd = builder_pass(b, (int)syscall(SYS_pidfd_open, target, 0));
    const int out_slot = builder_pass(b, out[1]);
    const uint64_t others = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET;
    if (by_joiner) {
        SUPERVISOR_OP(b, OP_CLONE, .x = SECTION_JOINER);
        JOINER_OP(b, OP_SETNS, .a = pidfd, .x = others | CLONE_NEWPID);
        JOINER_OP(b, OP_CLONE, .x = SECTION_INIT, .flags = 1);
    } else {
        SUPERVISOR_OP(b, OP_SETNS, .a = pidfd, .x = CLONE_NEWPID);
        SUPERVISOR_OP(b, OP_CLONE, .x = SECTION_INIT);
        INIT_OP(b, OP_SETNS, .a = pidfd, .x = others);
    }
    INIT_OP(b, OP_STDIO, .b = out_slot, .x = (uint64_t)out_slot);
    container_shell(&c, "hostname; echo $(($$ > 1)); ls /proc/1/exe >/dev/null && echo same proc; exit 3");
}

static void an_exec_joins_a_container_without_a_joiner(void)
{
    pid_t sleeper = start_sleeper();
    enter(sleeper, false);
    REQUIRE_EQUAL(container_run(&c, &output), 3);
    REQUIRE_TEXT(output, "sleeper\n1\nsame proc\n");
    kill(sleeper, SIGKILL);
}

static void a_joiner_s_child_is_handed_to_the_caller(void)
{
    pid_t sleeper = start_sleeper();
    enter(sleeper, true);
    REQUIRE_EQUAL(container_run(&c, &output), 3);
    REQUIRE_TEXT(output, "sleeper\n1\nsame proc\n");
    kill(sleeper, SIGKILL);
}

static void a_joiner_that_fails_is_reported(void)
{
    builder_init(b);
    SUPERVISOR_OP(b, OP_CLONE, .x = SECTION_JOINER);
    JOINER_OP(b, OP_SETNS, .a = 99, .x = 0);
    JOINER_OP(b, OP_CLONE, .x = SECTION_INIT, .flags = 1);
    INIT_OP(b, OP_SETSID);
    const struct plan_report *report = container_fail(&c);
    REQUIRE_EQUAL(report->section, SECTION_JOINER);
    REQUIRE_EQUAL(report->error, EBADF);
}

static void a_created_container_waits_on_its_fifo(void)
{
    REQUIRE(mkfifo(path_in("start"), 0600) == 0);
    container_begin(&c, CONTAINER_NAMESPACES);
    const int fifo = builder_slot(b);
    SUPERVISOR_OP(b, OP_NOTIFY, .x = 1);
    INIT_OP(b, OP_OPEN, .s = str(path_in("start")), .x = O_RDWR, .b = fifo);
    container_pivot(&c);
    INIT_OP(b, OP_WAIT_START, .a = fifo);
    container_shell(&c, "echo started");
    SUPERVISOR_OP(b, OP_HANDOFF);
    struct launch launch = builder_launch(b);
    REQUIRE_EQUAL(launch_wait_status(&launch), 1);
    REQUIRE_EQUAL(launch.report->failed, 0);
    REQUIRE_EQUAL(launch.report->phase, PHASE_WAITING);
    REQUIRE_EQUAL(launch_wait(&launch), 0);
    for (int slot = 0; slot < PLAN_MAX_SLOTS; slot++)
        if (b->passed[slot] >= 0)
            close(b->passed[slot]);
    int fd = open(path_in("start"), O_WRONLY | O_CLOEXEC);
    REQUIRE(write(fd, "s", 1) == 1);
    REQUIRE_TEXT(read_all(c.output), "started\n");
    REQUIRE_EQUAL(wait_exit_code(launch.report->init_pid), 0);
    REQUIRE_EQUAL(launch.report->phase, PHASE_EXEC);
}

static void a_reaper_reaps_forwards_signals_and_passes_the_exit_code_on(void)
{
    container_begin(&c, CONTAINER_NAMESPACES);
    container_pivot(&c);
    INIT_OP(b, OP_REAPER);
    INIT_OP(b, OP_SETSID);
    container_shell(
        &c, "trap 'echo got it; exit 42' TERM; (sleep 0.01 & ) ; sleep 0.3; ps -o pid,stat,comm | grep -c ' Z'; "
            "cat /proc/1/comm; kill -TERM 1; while :; do sleep 0.1; done");
    REQUIRE_EQUAL(container_run(&c, &output), 42);
    REQUIRE_TEXT(output, "0\nbundt-init\ngot it\n");

    container_begin(&c, CONTAINER_NAMESPACES);
    container_pivot(&c);
    INIT_OP(b, OP_REAPER);
    container_shell(&c, "ls -l /proc/1/fd | wc -l; kill -9 $$");
    REQUIRE_EQUAL(container_run(&c, &output), 137);
    REQUIRE_TEXT(output, "4\n"); /* "total 0" and stdio */
}

static void a_reaper_is_of_no_use_to_who_gets_hold_of_it(void)
{
    container_begin(&c, CONTAINER_NAMESPACES);
    container_pivot(&c);
    INIT_OP(b, OP_REAPER);
    container_shell(&c, "until grep -q '^Seccomp:.2' /proc/1/status; do :; done; "
                        "grep NoNewPrivs /proc/1/status; echo $(grep -c rw-s /proc/1/maps) shared");
    REQUIRE_EQUAL(container_run(&c, &output), 0);
    REQUIRE_TEXT(output, "NoNewPrivs:\t1\n0 shared\n");
}

static void a_terminal_is_the_session_s_own(void)
{
    container_begin(&c, CONTAINER_NAMESPACES);
    const int master = builder_slot(b);
    const int slave = builder_slot(b);
    int console[2]; /* what is sent stays in it, and with it the terminal */
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, console) == 0);
    INIT_OP(b, OP_PTY, .a = c.root, .b = master, .x = (uint64_t)slave, .y = 20 << 16 | 70);
    INIT_OP(b, OP_SEND, .a = builder_pass(b, console[1]), .b = master, .t = str("m"), .n = 1);
    INIT_OP(b, OP_SETSID);
    INIT_OP(b, OP_CTTY, .a = slave);
    INIT_OP(b, OP_STDIO, .a = slave, .x = UINT64_MAX);
    container_pivot(&c);
    container_shell(&c, "exec 2>&1; readlink /proc/self/fd/0; stty size; echo hi > /dev/pts/0 && ls /dev/pts");
    container_run(&c, &output);
    REQUIRE_TEXT(output, "/dev/pts/0\n20 70\n0\nptmx\n");
}

static void a_ptmx_that_is_not_devpts_is_refused(void)
{
    container_begin(&c, CONTAINER_NAMESPACES);
    for (uint32_t i = 0; i < b->op_count; i++) /* no devpts: a tmpfs with an ordinary file */
        if (b->ops[i].code == OP_MOUNT_FS && strcmp(b->data + b->ops[i].s, "devpts") == 0)
            b->ops[i] = MAKE_OP(OP_MOUNT_FS, SECTION_INIT, .s = str("tmpfs"), .b = b->ops[i].b);
    INIT_OP(b, OP_TOUCH, .a = c.root, .s = str("/dev/pts/ptmx"), .x = 0600);
    INIT_OP(b, OP_PTY, .a = c.root, .b = 60, .x = 61);
    REQUIRE_EQUAL(container_fail(&c)->detail, DETAIL_WRONG_FILESYSTEM);
}

/* --- the command's circumstances --- */

static void limits_and_priorities_are_set(void)
{
    container_begin(&c, CONTAINER_NAMESPACES);
    container_pivot(&c);
    INIT_OP(b, OP_RLIMIT, .x = RLIMIT_NOFILE, .y = 100, .z = 200);
    INIT_OP(b, OP_RLIMIT, .x = RLIMIT_CORE, .y = RLIM_INFINITY, .z = RLIM_INFINITY);
    INIT_OP(b, OP_OOM_SCORE_ADJ, .x = 123);
    INIT_OP(b, OP_NICE, .x = 5);
    INIT_OP(b, OP_IOPRIO, .x = 3 << 13);
    INIT_OP(b, OP_AFFINITY, .t = builder_block(b, "\1\0\0\0\0\0\0", 8), .n = 8);
    INIT_OP(b, OP_PERSONALITY, .x = 0x0040000);
    INIT_OP(b, OP_UMASK, .x = 077);
    INIT_OP(b, OP_KEYRING, .s = str("bundt-test"));
    INIT_OP(b, OP_DUMPABLE, .x = 1);
    INIT_OP(b, OP_PDEATHSIG, .x = 0);
    INIT_OP(b, OP_SUBREAPER, .x = 0);
    container_shell(
        &c, "ulimit -Sn; ulimit -Hn; cat /proc/self/oom_score_adj; cut -d' ' -f19 /proc/self/stat 2>/dev/null; nproc; "
            "cat /proc/self/personality; umask");
    REQUIRE_EQUAL(container_run(&c, &output), 0);
    REQUIRE_CONTAINS(output, "100\n200\n123\n");
    REQUIRE_CONTAINS(output, "1\n00040000\n0077\n");
}

static void an_rlimit_above_our_own_is_cut_to_it(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_MSGQUEUE, &limit);
    limit.rlim_cur = limit.rlim_max = limit.rlim_max / 2;
    REQUIRE(setrlimit(RLIMIT_MSGQUEUE, &limit) == 0);
    prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE); /* the launcher then lacks it, as root on such hosts does */
    container_begin(&c, CONTAINER_NAMESPACES);
    container_pivot(&c);
    INIT_OP(b, OP_RLIMIT, .x = RLIMIT_MSGQUEUE, .y = limit.rlim_max * 2, .z = limit.rlim_max * 4);
    container_shell(&c, "grep msgqueue /proc/self/limits");
    REQUIRE_EQUAL(container_run(&c, &output), 0);
    char expected[32];
    snprintf(expected, sizeof expected, " %llu ", (unsigned long long)limit.rlim_max);
    REQUIRE_CONTAINS(output, expected);
}

static void identity_and_capabilities_are_exact(void)
{
    const uint64_t wanted = 1ull << CAP_CHOWN | 1ull << CAP_NET_BIND_SERVICE | 1ull << CAP_SYS_RESOURCE;
    container_begin(&c, CONTAINER_NAMESPACES);
    container_pivot(&c);
    const uint32_t groups[] = {10, 20};
    INIT_OP(b, OP_CAP_BOUNDING, .x = wanted);
    INIT_OP(b, OP_KEEPCAPS, .x = 1);
    INIT_OP(b, OP_GROUPS, .t = builder_block(b, groups, sizeof groups), .n = 2, .flags = 1);
    INIT_OP(b, OP_SETGID, .x = 300);
    INIT_OP(b, OP_SETUID, .x = 200);
    INIT_OP(b, OP_CAPSET, .x = wanted, .y = wanted, .z = 1ull << CAP_CHOWN);
    INIT_OP(b, OP_CAP_AMBIENT, .x = 1ull << CAP_CHOWN | 1ull << CAP_NET_BIND_SERVICE);
    INIT_OP(b, OP_NO_NEW_PRIVS);
    container_shell(&c, "id; grep -E '^(Cap|NoNew)' /proc/self/status");
    REQUIRE_EQUAL(container_run(&c, &output), 0);
    REQUIRE_CONTAINS(output, "uid=200 gid=300 groups=10,20\n");
    REQUIRE_CONTAINS(output, "CapInh:\t0000000000000001\nCapPrm:\t0000000000000001\nCapEff:\t0000000000000001\n");
    REQUIRE_CONTAINS(output, "CapAmb:\t0000000000000001\nNoNewPrivs:\t1\n");
    REQUIRE(strstr(output, "CapBnd:\t0000000000000401") || strstr(output, "CapBnd:\t0000000001000401"));
}

static void a_seccomp_filter_is_loaded(void)
{
    const struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_mkdir, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOTEMPTY),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    container_begin(&c, CONTAINER_NAMESPACES);
    container_pivot(&c);
    INIT_OP(b, OP_SECCOMP, .t = builder_block(b, filter, sizeof filter), .n = sizeof filter);
    container_shell(&c, "mkdir /x 2>&1; grep Seccomp: /proc/self/status");
    REQUIRE_EQUAL(container_run(&c, &output), 0);
    REQUIRE_CONTAINS(output, "Directory not empty\nSeccomp:\t2\n");
}

/* A filter that kills on anything but the execve and what a shell needs must not keep a failure from being reported. */
static void failures_behind_a_filter_are_reported(void)
{
    const struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_exit_group, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXFULL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    container_begin(&c, CONTAINER_NAMESPACES);
    container_pivot(&c);
    INIT_OP(b, OP_SECCOMP, .t = builder_block(b, filter, sizeof filter), .n = sizeof filter);
    const uint32_t failing = INIT_OP(b, OP_HOSTNAME, .s = str("x"));
    const struct plan_report *report = container_fail(&c);
    REQUIRE_EQUAL(report->op, failing);
    REQUIRE_EQUAL(report->error, EXFULL);
}

static void the_working_directory_must_be_inside(void)
{
    container_begin(&c, CONTAINER_NAMESPACES);
    container_pivot(&c);
    INIT_OP(b, OP_CHDIR, .s = str("/made/for/it"), .flags = 1);
    container_shell(&c, "pwd");
    REQUIRE_EQUAL(container_run(&c, &output), 0);
    REQUIRE_TEXT(output, "/made/for/it\n");

    container_begin(&c, CONTAINER_NAMESPACES);
    const int outside = builder_slot(b);
    INIT_OP(b, OP_OPEN, .s = str("/tmp"), .x = O_RDONLY | O_DIRECTORY, .b = outside);
    container_pivot(&c);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", PLAN_FD_BASE + outside);
    INIT_OP(b, OP_CHDIR, .s = str(path));
    container_shell(&c, "pwd");
    REQUIRE_EQUAL(container_fail(&c)->detail, DETAIL_OUTSIDE_ROOT);
}

static void resolve(const char *candidates, size_t size)
{
    container_begin(&c, CONTAINER_NAMESPACES);
    container_pivot(&c);
    INIT_OP(b, OP_RESOLVE_EXEC, .t = builder_block(b, candidates, size), .n = (uint32_t)size);
    static const char argv[] = "sh\0-c\0echo $0";
    static const char env[] = "A=1";
    INIT_OP(b, OP_EXEC, .s = builder_block(b, argv, sizeof argv), .x = 3, .t = builder_block(b, env, sizeof env),
            .y = 1);
}

static void commands_are_searched_for(void)
{
    static const char good[] = "/sbin/sh\0/etc\0/bin/sh\0/bin/cat";
    resolve(good, sizeof good);
    REQUIRE_EQUAL(container_run(&c, &output), 0);
    REQUIRE_TEXT(output, "sh\n");

    static const char missing[] = "/sbin/nothing\0/bin/nothing";
    resolve(missing, sizeof missing);
    const struct plan_report *report = container_fail(&c);
    REQUIRE_EQUAL(report->error, ENOENT);
    REQUIRE_TEXT(report->text, "/sbin/nothing");

    write_path(path_in("lower/etc/plain"), "x");
    static const char denied[] = "/nothing\0/etc/plain\0/etc";
    resolve(denied, sizeof denied);
    report = container_fail(&c);
    REQUIRE_EQUAL(report->error, EACCES);
    REQUIRE_TEXT(report->text, "/etc/plain");
}

static void a_missing_interpreter_is_named(void)
{
    container_lower();
    write_path(path_in("lower/script"), "#! /no/interpreter -x\n");
    REQUIRE(chmod(path_in("lower/script"), 0755) == 0);
    static const char script[] = "/script";
    resolve(script, sizeof script);
    const struct plan_report *report = container_fail(&c);
    REQUIRE_EQUAL(report->error, ENOENT);
    REQUIRE_EQUAL(report->detail, DETAIL_MISSING_INTERPRETER);
    REQUIRE_TEXT(report->text, "/no/interpreter");

    char command[256];
    snprintf(command, sizeof command, "cp /bin/ls %s", path_in("lower/dynamic"));
    REQUIRE(system(command) == 0);
    static const char dynamic[] = "/dynamic";
    resolve(dynamic, sizeof dynamic);
    report = container_fail(&c);
    REQUIRE_EQUAL(report->detail, DETAIL_MISSING_INTERPRETER);
    REQUIRE_CONTAINS(report->text, "/ld-linux");

    write_path(path_in("lower/garbage"),
               "\177ELF but not really, and long enough to look like a header of 64 bytes ........");
    REQUIRE(chmod(path_in("lower/garbage"), 0755) == 0);
    static const char garbage[] = "/garbage";
    resolve(garbage, sizeof garbage);
    report = container_fail(&c);
    REQUIRE_EQUAL(report->error, ENOEXEC);
}

static void a_command_with_thousands_of_arguments_is_executed(void)
{
    container_begin(&c, CONTAINER_NAMESPACES);
    container_pivot(&c);
    static char argv[30000] = "/bin/sh\0-c\0echo $# $2000\0x";
    size_t length = 7 + 1 + 2 + 1 + 13 + 1;
    memcpy(argv, "/bin/sh\0-c\0echo $#     \0", length);
    uint64_t count = 3;
    argv[length++] = 'z';
    argv[length++] = '\0';
    count++;
    for (int i = 1; i <= 3000; i++, count++)
        length += (size_t)sprintf(argv + length, "%d", i) + 1;
    INIT_OP(b, OP_EXEC, .s = builder_block(b, argv, length), .x = count);
    REQUIRE_EQUAL(container_run(&c, &output), 0);
    REQUIRE_TEXT(output, "3000\n");
}

static void the_launcher_is_not_dumpable_while_it_works(void)
{
    /* Root without CAP_SYS_PTRACE may look into its like, unless they are not dumpable. */
    REQUIRE(prctl(PR_CAPBSET_DROP, CAP_SYS_PTRACE) == 0);
    container_begin(&c, CONTAINER_NAMESPACES);
    int go[2];
    REQUIRE(pipe2(go, O_CLOEXEC) == 0);
    SUPERVISOR_OP(b, OP_NOTIFY, .x = 1);
    SUPERVISOR_OP(b, OP_WAIT_GO, .a = builder_pass(b, go[0]));
    SUPERVISOR_OP(b, OP_SEND, .a = c.sync_supervisor, .x = 1);
    INIT_OP(b, OP_RECV, .a = c.sync_init, .x = 1);
    container_pivot(&c);
    container_shell(&c, "sleep 100");
    SUPERVISOR_OP(b, OP_HANDOFF);
    struct launch launch = builder_launch(b);
    char byte;
    REQUIRE(read(launch.status, &byte, 1) == 1);
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct own[2];
    REQUIRE(syscall(SYS_capget, &header, own) == 0);
    own[0].effective = own[0].permitted &= ~(1u << CAP_SYS_PTRACE);
    REQUIRE(syscall(SYS_capset, &header, own) == 0);
    char path[64];
    char target[64];
    const int pids[2] = {launch.pid, launch.report->init_pid};
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "/proc/%d/exe", pids[i]);
        REQUIRE(readlink(path, target, sizeof target) < 0 && errno == EACCES);
    }
    REQUIRE(write(go[1], "g", 1) == 1);
    REQUIRE_EQUAL(launch_wait(&launch), 0);
    launch_wait_status(&launch);
    REQUIRE(readlink(path, target, sizeof target) > 0); /* the command is as any other */
    kill(launch.report->init_pid, SIGKILL);
}

static const struct test tests[] = {
    TEST(a_plain_container_runs_and_its_exit_code_is_init_s),
    TEST(only_stdio_is_open_in_the_command),
    TEST(the_host_s_mounts_are_out_of_reach_and_its_table_unchanged),
    TEST(nothing_but_named_descriptors_survives_the_launch),
    TEST(a_damaged_plan_is_refused_as_a_whole),
    TEST(the_first_failure_is_the_one_reported_and_init_is_taken_down),
    TEST(a_rendezvous_ends_when_the_peer_dies),
    TEST(tolerated_errors_are_passed_over),
    TEST(files_links_and_directories_are_made_inside_the_root),
    TEST(a_dev_that_leads_out_of_the_root_creates_nothing_there),
    TEST(dangling_links_are_not_followed_when_something_is_made),
    TEST(a_node_that_exists_must_be_the_very_device),
    TEST(sysctls_go_through_a_proc_mount_and_nowhere_else),
    TEST(a_listening_socket_has_its_mode_from_the_start),
    TEST(a_lock_that_somebody_holds_is_refused),
    TEST(pipes_and_messages_carry_descriptors_and_tokens),
    TEST(binds_are_attached_with_their_attributes),
    TEST(a_file_is_not_mounted_on_a_directory),
    TEST(no_link_leads_a_mount_into_procfs),
    TEST(a_refused_mount_option_is_named),
    TEST(masked_and_read_only_paths_hide_and_protect),
    TEST(a_null_device_that_is_not_one_stops_the_start),
    TEST(a_read_only_root_keeps_its_other_mounts_writable),
    TEST(many_layers_are_stacked_in_order),
    TEST(an_overlay_that_came_up_read_only_is_an_error),
    TEST(names_and_the_loopback_device_are_set),
    TEST(the_cgroup_namespace_is_rooted_in_the_container_s_cgroup),
    TEST(a_user_namespace_has_its_map_idmapped_layers_and_bound_devices),
    TEST(an_exec_joins_a_container_without_a_joiner),
    TEST(a_joiner_s_child_is_handed_to_the_caller),
    TEST(a_joiner_that_fails_is_reported),
    TEST(a_created_container_waits_on_its_fifo),
    TEST(a_reaper_reaps_forwards_signals_and_passes_the_exit_code_on),
    TEST(a_reaper_is_of_no_use_to_who_gets_hold_of_it),
    TEST(a_terminal_is_the_session_s_own),
    TEST(a_ptmx_that_is_not_devpts_is_refused),
    TEST(limits_and_priorities_are_set),
    TEST(an_rlimit_above_our_own_is_cut_to_it),
    TEST(identity_and_capabilities_are_exact),
    TEST(a_seccomp_filter_is_loaded),
    TEST(failures_behind_a_filter_are_reported),
    TEST(the_working_directory_must_be_inside),
    TEST(commands_are_searched_for),
    TEST(a_missing_interpreter_is_named),
    TEST(a_command_with_thousands_of_arguments_is_executed),
    TEST(the_launcher_is_not_dumpable_while_it_works),
};

void run_operation_tests(void) { test_run("operations", tests, sizeof tests / sizeof *tests); }
