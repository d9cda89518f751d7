/*
 * call_addresses.c - which arguments of a system call are addresses that the kernel accesses. A register that the call
 * does not use may hold anything: an address that the program has left there is not accessed.
 *
 * Taken from the declarations in the kernel's include/linux/syscalls.h (6.12): an argument declared as a pointer is an
 * address, except where the kernel only stores it (set_tid_address, set_robust_list, shmat, shmdt). For arguments
 * declared as integers, in the calls of depends_on, taken from the manual pages.
 */
#include "calls.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#if defined __x86_64__

enum { A = 1 << 0, B = 1 << 1, C = 1 << 2, D = 1 << 3, E = 1 << 4, F = 1 << 5, ALL = 63 };

/* Calls from this number on are unknown, and may take six addresses. Calls below it that are not listed take none. */
enum { known_calls = 451 };

/* Calls that the headers may be too old for are given by number. */
// clang-format off
static const uint8_t addresses[known_calls] = {
    [SYS_read] = B, [SYS_write] = B, [SYS_open] = A, [SYS_stat] = A | B, [SYS_fstat] = B, [SYS_lstat] = A | B,
    [SYS_poll] = A, [SYS_rt_sigaction] = B | C, [SYS_rt_sigprocmask] = B | C, [SYS_pread64] = B, [SYS_pwrite64] = B,
    [SYS_readv] = B, [SYS_writev] = B, [SYS_access] = A, [SYS_pipe] = A, [SYS_select] = B | C | D | E,
    [SYS_mincore] = C, [SYS_shmctl] = C, [SYS_nanosleep] = A | B, [SYS_getitimer] = B, [SYS_setitimer] = B | C,
    [SYS_sendfile] = C, [SYS_connect] = B, [SYS_accept] = B | C, [SYS_sendto] = B | E, [SYS_recvfrom] = B | E | F,
    [SYS_sendmsg] = B, [SYS_recvmsg] = B, [SYS_bind] = B, [SYS_getsockname] = B | C, [SYS_getpeername] = B | C,
    [SYS_socketpair] = D, [SYS_setsockopt] = D, [SYS_getsockopt] = D | E, [SYS_clone] = C | D, [SYS_execve] = A | B | C,
    [SYS_wait4] = B | D, [SYS_uname] = A, [SYS_semop] = B, [SYS_msgsnd] = B, [SYS_msgrcv] = B, [SYS_msgctl] = C,
    [SYS_truncate] = A, [SYS_getdents] = B, [SYS_getcwd] = A, [SYS_chdir] = A, [SYS_rename] = A | B, [SYS_mkdir] = A,
    [SYS_rmdir] = A, [SYS_creat] = A, [SYS_link] = A | B, [SYS_unlink] = A, [SYS_symlink] = A | B,
    [SYS_readlink] = A | B, [SYS_chmod] = A, [SYS_chown] = A, [SYS_lchown] = A, [SYS_gettimeofday] = A | B,
    [SYS_getrlimit] = B, [SYS_getrusage] = B, [SYS_sysinfo] = A, [SYS_times] = A, [SYS_syslog] = B, [SYS_getgroups] = B,
    [SYS_setgroups] = B, [SYS_getresuid] = A | B | C, [SYS_getresgid] = A | B | C, [SYS_capget] = A | B,
    [SYS_capset] = A | B, [SYS_rt_sigpending] = A, [SYS_rt_sigtimedwait] = A | B | C, [SYS_rt_sigqueueinfo] = C,
    [SYS_rt_sigsuspend] = A, [SYS_sigaltstack] = A | B, [SYS_utime] = A | B, [SYS_mknod] = A, [SYS_uselib] = A,
    [SYS_ustat] = B, [SYS_statfs] = A | B, [SYS_fstatfs] = B, [SYS_sysfs] = B, [SYS_sched_setparam] = B,
    [SYS_sched_getparam] = B, [SYS_sched_setscheduler] = C, [SYS_sched_rr_get_interval] = B, [SYS_modify_ldt] = B,
    [SYS_pivot_root] = A | B, [SYS_adjtimex] = A, [SYS_setrlimit] = B, [SYS_chroot] = A, [SYS_acct] = A,
    [SYS_settimeofday] = A | B, [SYS_mount] = A | B | C | E, [SYS_umount2] = A, [SYS_swapon] = A, [SYS_swapoff] = A,
    [SYS_sethostname] = A, [SYS_setdomainname] = A, [SYS_init_module] = A | C, [SYS_delete_module] = A,
    [SYS_quotactl] = B | D, [SYS_setxattr] = A | B | C, [SYS_lsetxattr] = A | B | C, [SYS_fsetxattr] = B | C,
    [SYS_getxattr] = A | B | C, [SYS_lgetxattr] = A | B | C, [SYS_fgetxattr] = B | C, [SYS_listxattr] = A | B,
    [SYS_llistxattr] = A | B, [SYS_flistxattr] = B, [SYS_removexattr] = A | B, [SYS_lremovexattr] = A | B,
    [SYS_fremovexattr] = B, [SYS_time] = A, [SYS_sched_setaffinity] = C, [SYS_sched_getaffinity] = C,
    [SYS_set_thread_area] = A, [SYS_io_setup] = B, [SYS_io_getevents] = D | E, [SYS_io_submit] = C,
    [SYS_io_cancel] = B | C, [SYS_get_thread_area] = A, [SYS_lookup_dcookie] = B, [SYS_getdents64] = B,
    [SYS_semtimedop] = B | D, [SYS_timer_create] = B | C, [SYS_timer_settime] = C | D, [SYS_timer_gettime] = B,
    [SYS_clock_settime] = B, [SYS_clock_gettime] = B, [SYS_clock_getres] = B, [SYS_clock_nanosleep] = C | D,
    [SYS_epoll_wait] = B, [SYS_utimes] = A | B, [SYS_mbind] = D, [SYS_set_mempolicy] = B, [SYS_get_mempolicy] = A | B,
    [SYS_mq_open] = A | D, [SYS_mq_unlink] = A, [SYS_mq_timedsend] = B | E, [SYS_mq_timedreceive] = B | D | E,
    [SYS_mq_notify] = B, [SYS_mq_getsetattr] = B | C, [SYS_kexec_load] = C, [SYS_waitid] = C | E,
    [SYS_add_key] = A | B | C, [SYS_request_key] = A | B | C, [SYS_inotify_add_watch] = B, [SYS_migrate_pages] = C | D,
    [SYS_openat] = B, [SYS_mkdirat] = B, [SYS_mknodat] = B, [SYS_fchownat] = B, [SYS_futimesat] = B | C,
    [SYS_newfstatat] = B | C, [SYS_unlinkat] = B, [SYS_renameat] = B | D, [SYS_linkat] = B | D, [SYS_symlinkat] = A | C,
    [SYS_readlinkat] = B | C, [SYS_fchmodat] = B, [SYS_faccessat] = B, [SYS_pselect6] = B | C | D | E | F,
    [SYS_ppoll] = A | C | D, [SYS_get_robust_list] = B | C, [SYS_splice] = B | D, [SYS_vmsplice] = B,
    [SYS_move_pages] = C | D | E, [SYS_utimensat] = B | C, [SYS_epoll_pwait] = B | E, [SYS_signalfd] = B,
    [SYS_timerfd_settime] = C | D, [SYS_timerfd_gettime] = B, [SYS_accept4] = B | C, [SYS_signalfd4] = B,
    [SYS_pipe2] = A, [SYS_preadv] = B, [SYS_pwritev] = B, [SYS_rt_tgsigqueueinfo] = D, [SYS_perf_event_open] = A,
    [SYS_recvmmsg] = B | E, [SYS_fanotify_mark] = F, [SYS_prlimit64] = C | D, [SYS_name_to_handle_at] = B | C | D,
    [SYS_open_by_handle_at] = B, [SYS_clock_adjtime] = B, [SYS_sendmmsg] = B, [SYS_getcpu] = A | B,
    [SYS_process_vm_readv] = B | D, [SYS_process_vm_writev] = B | D, [SYS_finit_module] = B, [SYS_sched_setattr] = B,
    [SYS_sched_getattr] = B, [SYS_renameat2] = B | D, [SYS_seccomp] = C, [SYS_getrandom] = A, [SYS_memfd_create] = A,
    [SYS_kexec_file_load] = D, [SYS_bpf] = B, [SYS_execveat] = B | C | D, [SYS_copy_file_range] = B | D,
    [SYS_preadv2] = B, [SYS_pwritev2] = B, [332 /* statx */] = B | E, [333 /* io_pgetevents */] = D | E | F,
    [334 /* rseq */] = A, [424 /* pidfd_send_signal */] = C, [425 /* io_uring_setup */] = B,
    [426 /* io_uring_enter */] = E, [427 /* io_uring_register */] = C, [428 /* open_tree */] = B,
    [429 /* move_mount */] = B | D, [430 /* fsopen */] = A, [431 /* fsconfig */] = C | D, [433 /* fspick */] = B,
    [435 /* clone3 */] = A, [437 /* openat2 */] = B | C, [439 /* faccessat2 */] = B, [440 /* process_madvise */] = B,
    [441 /* epoll_pwait2 */] = B | D | E, [442 /* mount_setattr */] = B | D, [443 /* quotactl_fd */] = D,
    [444 /* landlock_create_ruleset */] = A, [445 /* landlock_add_rule */] = C, [449 /* futex_waitv */] = A | D,
};
// clang-format on

/* Besides the futex word, an operation may take a timeout or a second word. */
static unsigned of_futex(uint64_t operation)
{
    switch ((int)operation & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
    case FUTEX_LOCK_PI:
    case FUTEX_WAIT_BITSET:
    case FUTEX_LOCK_PI2:
        return A | D;
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE:
    case FUTEX_WAKE_OP:
    case FUTEX_CMP_REQUEUE_PI:
        return A | E;
    case FUTEX_WAIT_REQUEUE_PI:
        return A | D | E;
    default:
        return A;
    }
}

static unsigned of_fcntl(uint64_t command)
{
    switch ((int)command) {
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
    case F_GETOWN_EX:
    case F_SETOWN_EX:
    case 17: /* F_GETOWNER_UIDS, which only asm-generic/fcntl.h has */
    case F_GET_RW_HINT:
    case F_SET_RW_HINT:
    case F_GET_FILE_RW_HINT:
    case F_SET_FILE_RW_HINT:
        return C;
    default:
        return 0;
    }
}

static unsigned of_ioctl(uint64_t request)
{
    return (uint32_t)request == FIOCLEX || (uint32_t)request == FIONCLEX ? 0 : C;
}

static unsigned of_prctl(uint64_t option)
{
    switch ((int)option) {
    case PR_SET_NAME:
    case PR_GET_NAME:
    case PR_GET_PDEATHSIG:
    case PR_GET_CHILD_SUBREAPER:
    case PR_GET_TID_ADDRESS:
    case PR_GET_UNALIGN:
    case PR_GET_FPEMU:
    case PR_GET_FPEXC:
    case PR_GET_ENDIAN:
    case PR_GET_TSC:
        return B;
    case PR_SET_SECCOMP:
        return C;
    default:
        return 0;
    }
}

/* Calls in which one argument decides which others are addresses. If one has failed with EFAULT, any of these may
 * be. */
static bool depends_on(long number, const uint64_t *arguments, bool failed, unsigned *which)
{
    switch (number) {
    case SYS_futex:
        *which = of_futex(arguments[1]);
        return true;
    case SYS_fcntl:
        *which = failed ? C : of_fcntl(arguments[1]);
        return true;
    case SYS_ioctl:
        *which = failed ? C : of_ioctl(arguments[1]);
        return true;
    case SYS_prctl:
        *which = failed ? B | C | D | E : of_prctl(arguments[0]);
        return true;
    case SYS_epoll_ctl:
        *which = (int)arguments[1] == EPOLL_CTL_DEL ? 0 : D;
        return true;
    case SYS_arch_prctl: /* usually sets a register to the value */
        *which = failed ? B : 0;
        return true;
    case SYS_reboot:
    case SYS_ptrace:
    case SYS_semctl:
        *which = failed ? D : 0;
        return true;
    case SYS_keyctl:
        *which = failed ? B | C | D | E : 0;
        return true;
    default:
        return false;
    }
}

unsigned zk_call_addresses(long number, const uint64_t arguments[6], bool failed)
{
    unsigned which;

    if (number < 0 || number >= known_calls)
        return ALL;
    if (depends_on(number, arguments, failed, &which))
        return which;
    return addresses[number];
}

#endif
