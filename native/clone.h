/* clone3 for children that share their parent's memory and therefore need a stack of their own. */
#ifndef BUNDT_CLONE_H
#define BUNDT_CLONE_H

#include <stdint.h>

#include "kernel.h"

/* Runs function(argument) in a new child on args->stack; its result is the child's exit status. Returns the child's pid
 * or -errno, with CLONE_VFORK once the child has executed a program or ended. The child never returns into the caller's
 * frame. */
static inline long clone_call(const struct clone_args *args, size_t size, int (*function)(void *), void *argument)
{
#if defined(__x86_64__)
    register int (*child)(void *) __asm__("r12") = function;
    register void *child_argument __asm__("r13") = argument;
    long result;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "mov %%r13, %%rdi\n\t"
                     "and $-16, %%rsp\n\t"
                     "call *%%r12\n\t"
                     "mov %%eax, %%edi\n\t"
                     "mov %[exit], %%eax\n\t"
                     "syscall\n\t"
                     "hlt\n"
                     "1:"
                     : "=a"(result)
                     : "0"((long)__NR_clone3), "D"(args), "S"(size), "r"(child),
                       "r"(child_argument), [exit] "i"(__NR_exit_group)
                     : "rcx", "rdx", "r8", "r9", "r10", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long number __asm__("x8") = __NR_clone3;
    register long result __asm__("x0") = (long)args;
    register long second __asm__("x1") = (long)size;
    register int (*child)(void *) __asm__("x19") = function;
    register void *child_argument __asm__("x20") = argument;
    __asm__ volatile("svc #0\n\t"
                     "cbnz x0, 1f\n\t"
                     "mov x29, xzr\n\t"
                     "mov x0, x20\n\t"
                     "blr x19\n\t"
                     "mov x8, %[exit]\n\t"
                     "svc #0\n\t"
                     "brk #1\n"
                     "1:"
                     : "+r"(result)
                     : "r"(number), "r"(second), "r"(child), "r"(child_argument), [exit] "i"(__NR_exit_group)
                     : "x30", "memory");
    return result;
#else
#error "add this architecture's child entry"
#endif
}

#endif
