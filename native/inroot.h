/* Paths below a directory that somebody hostile may have filled: every component is resolved by the kernel inside that
 * directory. */
#ifndef BUNDT_INROOT_H
#define BUNDT_INROOT_H

#include <stdint.h>

/* Opens path as if dir were "/" (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve); dir -1 is the process's own root.
 * O_CLOEXEC is added. Symbolic links are followed inside dir unless flags say O_NOFOLLOW. Returns a descriptor or
 * -errno. */
int inroot_open(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);

/* Opens the directory that path's last component stands in, O_PATH, and copies that component to name (NAME_MAX + 1
 * bytes). make_parents: what is missing on the way is made, mode 0755. */
int inroot_open_parent(int dir, const char *path, char *name, int make_parents);

/* Copies path to result (PATH_MAX bytes) with every link that leads to nothing replaced by what it says, so that what is
 * made at result is what path then leads to. Both are paths below dir. Returns 0 or -errno. */
int inroot_follow_dangling(int dir, const char *path, char *result);

/* mkdir -p: missing parents get mode 0755, the last component mode. Returns 0 also where it is a directory already. */
int inroot_make_directories(int dir, const char *path, unsigned mode);

#endif
