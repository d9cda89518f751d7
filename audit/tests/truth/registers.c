/*
 * A block of an earlier phase whose address is in registers that a system call does not use, or
 * uses as something else: no access. And the same calls where they do access it. All arguments that
 * are not given have the address.
 */
#define _GNU_SOURCE
#include "phases.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static char *unused; /* its address is only in registers */
static char *used;

/* A macro, so that the place is the line that uses it. */
#if defined __x86_64__
#define CALL(number, a, b, c, d, e, f)                                                             \
    do {                                                                                           \
        register long r10 __asm__("r10") = (d);                                                    \
        register long r8 __asm__("r8") = (e);                                                      \
        register long r9 __asm__("r9") = (f);                                                      \
        long result;                                                                               \
                                                                                                   \
        __asm__ volatile("syscall"                                                                 \
                         : "=a"(result)                                                            \
                         : "a"((long)(number)), "D"((long)(a)), "S"((long)(b)), "d"((long)(c)),    \
                           "r"(r10), "r"(r8), "r"(r9)                                              \
                         : "rcx", "r11", "memory");                                                \
    } while (0)
#else
#define CALL(number, a, b, c, d, e, f) syscall(number, a, b, c, d, e, f)
#endif

static void leave_in_registers(void)
{
    static uint32_t word;
    const long p = (long)(intptr_t)unused;
    const long w = (long)(intptr_t)&word;

    CALL(SYS_getpid, p, p, p, p, p, p);
    CALL(SYS_close, -1, p, p, p, p, p);
    CALL(SYS_lseek, -1, 0, SEEK_SET, p, p, p);
    CALL(SYS_futex, w, FUTEX_WAKE_PRIVATE, 1, p, p, p);
    CALL(SYS_fcntl, 0, F_GETFD, p, p, p, p);
    CALL(SYS_epoll_ctl, -1, EPOLL_CTL_DEL, 0, p, p, p);
    CALL(SYS_prctl, PR_GET_DUMPABLE, p, p, p, p, p);
    CALL(SYS_madvise, p & -4096, 4096, 0, p, p, p);
}

static void hand_over(void)
{
    const long p = (long)(intptr_t)used;

    CALL(SYS_write, 2, p, 0, 0, 0, 0);           /* no bytes */
    CALL(SYS_prctl, PR_SET_NAME, p, 0, 0, 0, 0); /* STALE:name */
    CALL(SYS_fcntl, 0, F_GETLK, p, 0, 0, 0);     /* STALE:lock */
    CALL(SYS_futex, p, FUTEX_WAIT, 1, 0, 0, 0);  /* STALE:futex */
    CALL(SYS_prctl, PR_GET_DUMPABLE, p, 0, 0, 0, 0);
}

int main(void)
{
    begin();
    unused = calloc(1, 5000); /* PLANT:unused */
    used = calloc(1, 6000);   /* PLANT:used */
    end();
    begin();
    leave_in_registers();
    hand_over();
    end();
    return 0;
}
