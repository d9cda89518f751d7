/*
 * call.h - the library's own system calls. They are all made from one place in the code, which syscall user
 * dispatch (dispatch.h) lets through.
 */
#ifndef ZK_CALL_H
#define ZK_CALL_H

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined __x86_64__

/* Returns what the kernel returns: -errno on error. */
__attribute__((visibility("hidden"))) long zk_call_raw(long number, long a, long b, long c, long d,
                                                       long e, long f);

#else

static inline long zk_call_raw(long number, long a, long b, long c, long d, long e, long f)
{
    long result = syscall(number, a, b, c, d, e, f);

    return result < 0 ? -errno : result;
}

#endif

/* Like the C library's syscall: -1 with errno on error. */
static inline long zk_call(long number, long a, long b, long c, long d, long e, long f)
{
    long result = zk_call_raw(number, a, b, c, d, e, f);

    if (result >= -4095 && result < 0) {
        errno = (int)-result;
        return -1;
    }
    return result;
}

/* Like sigaction, but sets what the kernel really does. The program may have been told something
 * else (dispatch.h). */
int zk_call_sigaction(int signal, const struct sigaction *action, struct sigaction *before);

#endif
