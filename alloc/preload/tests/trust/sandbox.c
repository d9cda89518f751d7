/*
 * sandbox.c - a program that opens what it needs, and then gives up most system calls. Arguments:
 *   kill           those that are not on a short list kill it
 *   ENOSYS, EPERM  mmap, madvise and mprotect are refused: malloc has only what brk gives, and that is enough
 *   before, after  its first phase
 */
#include "trust.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { calls_max = 16 };

static const unsigned allowed[] = {
    SYS_read,         SYS_write,      SYS_mmap,      SYS_munmap, SYS_mremap,
    SYS_mprotect,     SYS_madvise,    SYS_futex,     SYS_brk,    SYS_exit_group,
    SYS_rt_sigreturn, SYS_newfstatat, SYS_getrandom,
};
static const unsigned refused[] = {SYS_mmap, SYS_madvise, SYS_mprotect};

/* From here on, applies the action `listed` to these calls, and `otherwise` to all others. */
static void filter(const unsigned *calls, unsigned count, unsigned listed, unsigned otherwise)
{
    struct sock_filter code[2 * calls_max + 2];
    struct sock_fprog program = {.filter = code};
    unsigned short length = 0;

    NEED(count <= calls_max);
    code[length++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (unsigned i = 0; i < count; i++) {
        code[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i], 0, 1);
        code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, listed);
    }
    code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, otherwise);
    program.len = length;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        skip("no filter of system calls can be set here");
}

static void enter_sandbox(const char *how)
{
    unsigned error = strcmp(how, "ENOSYS") == 0 ? ENOSYS : EPERM;

    if (strcmp(how, "kill") == 0)
        filter(allowed, sizeof allowed / sizeof *allowed, SECCOMP_RET_ALLOW,
               SECCOMP_RET_KILL_PROCESS);
    else
        filter(refused, sizeof refused / sizeof *refused, SECCOMP_RET_ERRNO | error,
               SECCOMP_RET_ALLOW);
}

/* Zeroed again in each phase, in memory that the one before has used. */
static void use_large_zeroed(void)
{
    const size_t size = (size_t)8 << 20;
    char *p = calloc(1, size);

    NEED(p != NULL && p[0] == 0 && memcmp(p, p + 1, size - 1) == 0);
    memset(p, 1, size);
    free(p);
}

static void work(void)
{
    struct keeper small = {.key = 1, .size_max = 2000};
    struct keeper large = {.key = 2, .size_max = 100000}; /* below the size that malloc maps */

    for (unsigned i = 0; i < 5; i++) {
        NEED(begin_phase() == 0);
        keep(&small, 300);
        keep(&large, 300);
        use_large_zeroed();
        NEED(end_phase() == 0);
        keep(&small, 300);
    }
    keep_no_more(&small);
    keep_no_more(&large);
}

int main(int argc, char **argv)
{
    deadline(10);
    NEED(argc == 3);
    free(malloc(100));
    if (strcmp(argv[2], "after") == 0)
        work();
    enter_sandbox(argv[1]);
    work();
    _exit(EXIT_SUCCESS); /* other ways to exit need other calls */
}
