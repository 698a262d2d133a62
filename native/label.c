/* What security modules shall call the process: AppArmor, SELinux. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>

#include "launcher.h"
#include "text.h"

#define LONGEST 1024 /* bytes of a label */

static int open_attribute(struct party *party, int attributes, const char *name, uint64_t flags)
{
    const struct open_how how = {
        .flags = flags | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
    };
    int fd = (int)SYS(openat2, attributes, name, &how, sizeof how);
    if (fd < 0)
        return fd;
    int result = check_filesystem(party, fd, PROC_SUPER_MAGIC);
    if (result == 0)
        return fd;
    sys_close(fd);
    return result;
}

static int write_attribute(struct party *party, int attributes, const char *name, const struct text *value)
{
    cleanup_close int fd = open_attribute(party, attributes, name, O_WRONLY);
    if (fd < 0)
        return fd;
    long written = sys_write(fd, value->start, value->length);
    return written < 0 ? (int)written : (size_t)written == value->length ? 0 : -EIO;
}

/* AppArmor adds its mode: "profile (enforce)". */
static int check_attribute(struct party *party, int attributes, const char *name, const char *label)
{
    cleanup_close int fd = open_attribute(party, attributes, name, O_RDONLY);
    if (fd < 0)
        return fd;
    char found[LONGEST + 32];
    long length = sys_read(fd, found, sizeof found - 1);
    if (length < 0)
        return (int)length;
    found[length] = '\0';
    const size_t expected = strlen(label);
    if (strncmp(found, label, expected) == 0 && strchr(" \n", found[expected]))
        return 0;
    report_text(party, found);
    return fail_check(party, DETAIL_LABEL_NOT_SET, 0);
}

int op_label(struct party *party, const struct plan_op *op)
{
    enum { PROFILE = 1 };
    const char *label = plan_string(party, op->t);
    const char *name = plan_string(party, op->s);
    char buffer[LONGEST];
    struct text value = TEXT_IN(buffer);
    text_add(&value, op->flags & PROFILE ? "exec " : "");
    text_add(&value, label);
    if (value.overflow)
        return -ENAMETOOLONG;
    const int attributes = slot_fd(op->a);
    int result = write_attribute(party, attributes, name, &value);
    if (result == -ENOENT && op->flags & PROFILE && strcmp(name, "exec") != 0) {
        name = "exec";
        result = write_attribute(party, attributes, name, &value);
    }
    return result < 0 ? result : check_attribute(party, attributes, name, label);
}
