/* Builds and reads small texts. stdio would be a third of the launcher, and snprintf may not run in every child. */
#ifndef BUNDT_TEXT_H
#define BUNDT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A text under construction. What does not fit is left out and noted; the buffer always ends with a NUL. */
struct text {
    char *start;
    size_t length;
    size_t size;
    bool overflow;
};

#define TEXT_IN(buffer) ((struct text){.start = (buffer), .size = sizeof(buffer)})

void text_add(struct text *text, const char *string);
void text_add_number(struct text *text, uint64_t number);
void text_add_signed(struct text *text, int64_t number);
/* "key number\n" */
void text_add_line(struct text *text, const char *key, uint64_t number);

/* Reads a small file of proc or sysfs whole, NUL-terminated. Returns its length or -errno. */
long text_read_file(int dir, const char *path, char *buffer, size_t size);

#endif
