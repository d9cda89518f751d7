/*
 * calls.c - lists only the exceptions to the rule that the kernel reads from an argument that is an
 * address.
 */
#include "calls.h"

#include <stddef.h>
#include <sys/syscall.h>

#if defined __x86_64__

enum { A = 1 << 0, B = 1 << 1, C = 1 << 2, D = 1 << 3, E = 1 << 4, F = 1 << 5 };

#define WRITES(call, arguments) [SYS_##call] = {.written = (arguments)}
#define BUFFER_READ(call)       [SYS_##call] = {.bytes_of = 2, .bytes_in = 2}
#define BUFFER_WRITTEN(call, written_)                                                             \
    [SYS_##call] = {.written = (written_), .bytes_of = 2, .bytes_in = 2}
#define INSIDE(call, written_, what) [SYS_##call] = {.written = (written_), .inside = (what)}

static const struct zk_call_shape shapes[] = {
    BUFFER_WRITTEN(read, B),
    BUFFER_WRITTEN(pread64, B),
    BUFFER_WRITTEN(recvfrom, B | E | F),
    BUFFER_WRITTEN(getdents, B),
    BUFFER_WRITTEN(getdents64, B),
    BUFFER_READ(write),
    BUFFER_READ(pwrite64),
    BUFFER_READ(sendto),
    [SYS_getrandom] = {.written = A, .bytes_of = 1, .bytes_in = 1},
    [SYS_getcwd] = {.written = A, .bytes_of = 1, .bytes_in = 1},
    [SYS_readlink] = {.written = B, .bytes_of = 2, .bytes_in = 2},
    [SYS_readlinkat] = {.written = C, .bytes_of = 3, .bytes_in = 3},
    [SYS_getgroups] = {.written = B, .bytes_of = 2, .bytes_in = 0},
    [SYS_poll] = {.written = A, .bytes_of = 1, .bytes_in = 1},
    [SYS_ppoll] = {.written = A, .bytes_of = 1, .bytes_in = 1},
    WRITES(epoll_wait, B),
    WRITES(epoll_pwait, B),
    WRITES(select, B | C | D | E),
    WRITES(pselect6, B | C | D),
    WRITES(stat, B),
    WRITES(lstat, B),
    WRITES(fstat, B),
    WRITES(newfstatat, C),
    WRITES(statfs, B),
    WRITES(fstatfs, B),
    WRITES(pipe, A),
    WRITES(pipe2, A),
    WRITES(socketpair, D),
    WRITES(accept, B | C),
    WRITES(accept4, B | C),
    WRITES(getsockname, B | C),
    WRITES(getpeername, B | C),
    WRITES(getsockopt, D | E),
    WRITES(wait4, B | D),
    WRITES(waitid, C | E),
    WRITES(uname, A),
    WRITES(ioctl, C),
    WRITES(nanosleep, B),
    WRITES(clock_nanosleep, D),
    WRITES(clock_gettime, B),
    WRITES(clock_getres, B),
    WRITES(gettimeofday, A | B),
    WRITES(time, A),
    WRITES(times, A),
    WRITES(getrusage, B),
    WRITES(sysinfo, A),
    WRITES(getrlimit, B),
    WRITES(prlimit64, D),
    WRITES(getitimer, B),
    WRITES(setitimer, C),
    WRITES(timer_gettime, B),
    WRITES(timerfd_gettime, B),
    WRITES(timerfd_settime, D),
    WRITES(rt_sigaction, C),
    WRITES(rt_sigprocmask, C),
    WRITES(rt_sigpending, A),
    WRITES(rt_sigtimedwait, B),
    WRITES(sigaltstack, B),
    WRITES(sched_getaffinity, C),
    WRITES(getcpu, A | B),
    WRITES(getresuid, A | B | C),
    WRITES(getresgid, A | B | C),
    WRITES(getxattr, C),
    WRITES(lgetxattr, C),
    WRITES(fgetxattr, C),
    WRITES(listxattr, B),
    WRITES(llistxattr, B),
    WRITES(flistxattr, B),
    WRITES(mq_timedreceive, B),
    WRITES(msgrcv, B),
    WRITES(io_getevents, D),
    WRITES(mincore, C),
    WRITES(get_robust_list, B | C),
#ifdef SYS_statx
    WRITES(statx, E),
#endif
    INSIDE(readv, 0, ZK_CALL_WRITES_PARTS),
    INSIDE(preadv, 0, ZK_CALL_WRITES_PARTS),
    INSIDE(writev, 0, ZK_CALL_READS_PARTS),
    INSIDE(pwritev, 0, ZK_CALL_READS_PARTS),
    INSIDE(vmsplice, 0, ZK_CALL_READS_PARTS),
    INSIDE(process_vm_readv, 0, ZK_CALL_WRITES_PARTS),
    INSIDE(process_vm_writev, 0, ZK_CALL_READS_PARTS),
#ifdef SYS_preadv2
    INSIDE(preadv2, 0, ZK_CALL_WRITES_PARTS),
    INSIDE(pwritev2, 0, ZK_CALL_READS_PARTS),
#endif
    INSIDE(recvmsg, B, ZK_CALL_WRITES_MESSAGE),
    INSIDE(sendmsg, 0, ZK_CALL_READS_MESSAGE),
    INSIDE(recvmmsg, B, ZK_CALL_WRITES_MESSAGES),
    INSIDE(sendmmsg, B, ZK_CALL_READS_MESSAGES),
    INSIDE(io_submit, 0, ZK_CALL_HIDES),
#ifdef SYS_io_uring_setup
    INSIDE(io_uring_setup, B, ZK_CALL_HIDES),
#endif
};

const struct zk_call_shape *zk_call_shape(long number)
{
    static const struct zk_call_shape plain;

    if (number < 0 || (size_t)number >= sizeof shapes / sizeof *shapes)
        return &plain;
    return &shapes[number];
}

#endif
