/* System calls as the kernel has them: no libc wrapper, no errno variable, -errno as the result.
 *
 * The launcher needs calls that musl does not wrap (the mount API, openat2, clone3), and the child of a vfork must not
 * touch the errno that it shares with its parent. One way for all of them keeps the code uniform.
 */
#ifndef BUNDT_KERNEL_H
#define BUNDT_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include <asm/unistd.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>

/* Younger than the headers of Debian 12 (Linux 6.1). */
#ifndef __NR_fchmodat2
#define __NR_fchmodat2 452 /* Linux 6.6 */
#endif

#if defined(__x86_64__)

static inline long kernel_call(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

#elif defined(__aarch64__)

static inline long kernel_call(long number, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}

#else
#error "add this architecture's system call instruction"
#endif

#define KERNEL_ARGUMENTS(number, a, b, c, d, e, f, ...)                                                                \
    kernel_call((number), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* SYS(name, one to six arguments): the result, or -errno. A call without arguments is given a 0. */
#define SYS(name, ...) KERNEL_ARGUMENTS(__NR_##name, __VA_ARGS__, 0, 0, 0, 0, 0, 0)

static inline int sys_close(int fd) { return (int)SYS(close, fd); }

static inline long sys_read(int fd, void *buffer, size_t size) { return SYS(read, fd, buffer, size); }

static inline long sys_write(int fd, const void *buffer, size_t size) { return SYS(write, fd, buffer, size); }

static inline int sys_openat(int dir, const char *path, int flags, unsigned mode)
{
    return (int)SYS(openat, dir, path, flags, mode);
}

static inline int sys_dup3(int from, int to, int flags) { return (int)SYS(dup3, from, to, flags); }

static inline int sys_prctl(int option, unsigned long a, unsigned long b)
{
    return (int)SYS(prctl, option, a, b, 0L, 0L);
}

static inline void cleanup_close_fd(const int *fd)
{
    if (*fd >= 0)
        sys_close(*fd);
}

/* A descriptor that is closed when its variable goes out of scope. */
#define cleanup_close __attribute__((cleanup(cleanup_close_fd)))

#endif
