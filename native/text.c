#include "text.h"

#include <fcntl.h>
#include <string.h>

#include "kernel.h"

void text_add(struct text *text, const char *string)
{
    const size_t length = strlen(string);
    if (length >= text->size - text->length) {
        text->overflow = true;
        text->start[text->length] = '\0';
        return;
    }
    memcpy(text->start + text->length, string, length + 1);
    text->length += length;
}

void text_add_number(struct text *text, uint64_t number)
{
    char digits[21];
    char *at = digits + sizeof digits - 1;
    *at = '\0';
    do
        *--at = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    text_add(text, at);
}

void text_add_signed(struct text *text, int64_t number)
{
    if (number < 0)
        text_add(text, "-");
    text_add_number(text, number < 0 ? -(uint64_t)number : (uint64_t)number);
}

void text_add_line(struct text *text, const char *key, uint64_t number)
{
    text_add(text, key);
    text_add(text, " ");
    text_add_number(text, number);
    text_add(text, "\n");
}

long text_read_file(int dir, const char *path, char *buffer, size_t size)
{
    cleanup_close int fd = sys_openat(dir, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    long length = sys_read(fd, buffer, size - 1);
    if (length >= 0)
        buffer[length] = '\0';
    return length;
}
