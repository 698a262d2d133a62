/* Operations that find and execute the container's command. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>

#include "inroot.h"
#include "launcher.h"

#define VECTOR_ROOM 1024

/* The kernel says "(unreachable)/…" of a directory that is not below the root (CVE-2024-21626). */
static int check_inside(struct party *party)
{
    char path[PATH_MAX];
    long length = SYS(getcwd, path, sizeof path);
    if (length < 0)
        return (int)length;
    return path[0] == '/' ? 0 : fail_check(party, DETAIL_OUTSIDE_ROOT, 0);
}

int op_chdir(struct party *party, const struct plan_op *op)
{
    enum { CREATE = 1, UNLESS_DONE = 2 };
    if (op->flags & UNLESS_DONE && party->in_directory)
        return 0;
    const char *path = plan_string(party, op->s);
    int result = (int)SYS(chdir, path);
    if (result == -ENOENT && op->flags & CREATE) {
        result = inroot_make_directories(-1, path, 0755);
        if (result == 0)
            result = (int)SYS(chdir, path);
    }
    if (result == 0)
        result = check_inside(party);
    party->in_directory = result == 0;
    return result;
}

int op_resolve_exec(struct party *party, const struct plan_op *op)
{
    const char *candidate = plan_string(party, op->t);
    const char *end = candidate + op->n;
    const char *existing = NULL;
    for (; candidate < end; candidate += strlen(candidate) + 1) {
        struct stat status;
        long result = SYS(newfstatat, AT_FDCWD, candidate, &status, 0);
        if (result == -ENOENT || result == -ENOTDIR)
            continue;
        if (result == 0 && S_ISREG(status.st_mode) &&
            SYS(faccessat2, AT_FDCWD, candidate, 1 /* X_OK */, AT_EACCESS) == 0) {
            party->executable = candidate;
            return 0;
        }
        existing = existing ? existing : candidate;
    }
    report_text(party, existing ? existing : plan_string(party, op->t));
    return existing ? -EACCES : -ENOENT;
}

/* Fills a NULL-terminated vector from `count` strings that stand one after the other. */
static const char **fill_vector(const char **vector, const char *strings, uint64_t count)
{
    for (; count > 0; count--) {
        *vector++ = strings;
        strings += strlen(strings) + 1;
    }
    *vector++ = NULL;
    return vector;
}

static const char **allocate_vectors(uint64_t entries)
{
    static const char *room[VECTOR_ROOM];
    if (entries <= VECTOR_ROOM)
        return room;
    long memory = SYS(mmap, 0, entries * sizeof(char *), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory < 0 && memory > -4096 ? NULL : (const char **)memory;
}

/* The dynamic linker that an ELF file asks for. */
static bool read_elf_interpreter(int fd, const char *start, char *name, size_t size)
{
    Elf64_Ehdr header;
    memcpy(&header, start, sizeof header);
    if (header.e_ident[EI_CLASS] != ELFCLASS64)
        return false;
    for (unsigned i = 0; i < header.e_phnum && i < 64; i++) {
        Elf64_Phdr program;
        const uint64_t at = header.e_phoff + (uint64_t)i * sizeof program;
        if (SYS(pread64, fd, &program, sizeof program, at) != (long)sizeof program)
            return false;
        if (program.p_type != PT_INTERP)
            continue;
        long length =
            SYS(pread64, fd, name, program.p_filesz < size - 1 ? program.p_filesz : size - 1, program.p_offset);
        name[length > 0 ? length : 0] = '\0';
        return length > 0;
    }
    return false;
}

/* "#! interpreter argument" */
static bool read_script_interpreter(const char *start, size_t length, char *name, size_t size)
{
    size_t at = 2;
    while (at < length && (start[at] == ' ' || start[at] == '\t'))
        at++;
    size_t written = 0;
    while (at < length && written < size - 1 && !strchr(" \t\r\n", start[at]))
        name[written++] = start[at++];
    name[written] = '\0';
    return written > 0;
}

/* execve says ENOENT of a file that exists when its interpreter does not: name that. */
static int explain_missing(struct party *party, const char *path)
{
    cleanup_close int fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
    char start[256];
    char name[256];
    long length = fd < 0 ? fd : sys_read(fd, start, sizeof start);
    bool found = false;
    if (length > 2 && memcmp(start, "#!", 2) == 0)
        found = read_script_interpreter(start, (size_t)length, name, sizeof name);
    else if (length >= (long)sizeof(Elf64_Ehdr) && memcmp(start, ELFMAG, SELFMAG) == 0)
        found = read_elf_interpreter(fd, start, name, sizeof name);
    report_text(party, found ? name : path);
    return found ? fail_check(party, DETAIL_MISSING_INTERPRETER, ENOENT) : -ENOENT;
}

int op_exec(struct party *party, const struct plan_op *op)
{
    const char **argv = allocate_vectors(op->x + op->y + 2);
    if (!argv)
        return -ENOMEM;
    const char **envp = fill_vector(argv, plan_string(party, op->s), op->x);
    fill_vector(envp, plan_string(party, op->t), op->y);
    const char *path = party->executable ? party->executable : argv[0];
    if (!party->umask_set)
        SYS(umask, 022);
    report_stamp(party, STAMP_EXEC);
    report_phase(party, PHASE_EXEC);
    int result = (int)SYS(execve, path, argv, envp);
    if (result == -ENOENT)
        return explain_missing(party, path);
    report_text(party, path);
    return result;
}
