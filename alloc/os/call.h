/*
 * call.h - system calls that are the library's own: they are made from one place, which syscall user dispatch
 * (dispatch.h) leaves alone.
 */
#ifndef ZK_CALL_H
#define ZK_CALL_H

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined __x86_64__

/* The result as the kernel gives it: -errno for an error. */
__attribute__((visibility("hidden"))) long zk_call_raw(long number, long a, long b, long c, long d,
                                                       long e, long f);

#else

static inline long zk_call_raw(long number, long a, long b, long c, long d, long e, long f)
{
    long result = syscall(number, a, b, c, d, e, f);

    return result < 0 ? -errno : result;
}

#endif

/* As the C library's syscall: -1 with errno. */
static inline long zk_call(long number, long a, long b, long c, long d, long e, long f)
{
    long result = zk_call_raw(number, a, b, c, d, e, f);

    if (result >= -4095 && result < 0) {
        errno = (int)-result;
        return -1;
    }
    return result;
}

/* As sigaction: what the kernel does from here on, whatever the program was told (dispatch.h). */
int zk_call_sigaction(int signal, const struct sigaction *action, struct sigaction *before);

#endif
