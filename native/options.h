/* From a list of mount options to a detached mount, by the file system's configuration context (fsopen). */
#ifndef BUNDT_OPTIONS_H
#define BUNDT_OPTIONS_H

#include "launcher.h"

/* Hands each NUL-terminated "key" or "key=value" of a block of the plan to the context. A refused one is named in
 * report.text, with the kernel's own message. */
int options_apply(struct party *party, int context, uint32_t block, uint32_t size);

/* Makes the superblock and mounts it, detached. Returns the mount's descriptor or -errno. */
int options_mount(struct party *party, int context, unsigned attributes);

#endif
