/*
 * emulator.h - what Linux does and a user emulator may only claim to do. A test that needs it calls the function of
 * that name, which tries it in a few lines that do not use the library, and skips the test where it is missing.
 * All of these are missing in qemu 7.2.
 */
#ifndef ZK_EMULATOR_H
#define ZK_EMULATOR_H

#include "fresh.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>

/* What setrlimit sets holds, and getrlimit tells it. qemu says yes to a limit of memory and limits nothing. */
static inline void needs_limits(void)
{
    struct rlimit before;
    struct rlimit less;
    struct rlimit now;

    CHECK(getrlimit(RLIMIT_AS, &before) == 0);
    less = before;
    less.rlim_cur--;
    CHECK(setrlimit(RLIMIT_AS, &less) == 0 && getrlimit(RLIMIT_AS, &now) == 0);
    CHECK(setrlimit(RLIMIT_AS, &before) == 0);
    if (now.rlim_cur != less.rlim_cur)
        skip_because("setrlimit limits nothing here");
}

static inline void *lock_and_end(void *mutex)
{
    CHECK(pthread_mutex_lock(mutex) == 0);
    return NULL;
}

/* A robust mutex tells that its owner has ended. qemu has no set_robust_list. */
static inline void needs_robust_mutexes(void)
{
    pthread_mutexattr_t robust;
    pthread_mutex_t mutex;

    CHECK(pthread_mutexattr_init(&robust) == 0);
    CHECK(pthread_mutexattr_setrobust(&robust, PTHREAD_MUTEX_ROBUST) == 0);
    CHECK(pthread_mutex_init(&mutex, &robust) == 0);
    run_thread(lock_and_end, &mutex);
    if (pthread_mutex_trylock(&mutex) != EOWNERDEAD)
        skip_because("no robust mutexes: nothing tells here that a thread has ended");
    /* It is locked by this thread now, and in its list of robust mutexes: not when this function returns. */
    CHECK(pthread_mutex_consistent(&mutex) == 0 && pthread_mutex_unlock(&mutex) == 0);
    CHECK(pthread_mutex_destroy(&mutex) == 0);
}

static inline char *mapped_pages(size_t bytes)
{
    char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(p != MAP_FAILED);
    return p;
}

static inline void exit_with_byte(void *byte)
{
    _exit(*(const char *)byte != 0 ? FRESH_SKIPPED : 0);
}

/* MADV_WIPEONFORK wipes. qemu says yes and does not. */
static inline void needs_wiping_forks(void)
{
    const int wipe_on_fork = 18; /* MADV_WIPEONFORK, Linux 4.14 */
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *byte = mapped_pages(page);
    pid_t child;
    int status;

    CHECK(madvise(byte, page, wipe_on_fork) == 0);
    *byte = 1;
    child = fork();
    CHECK(child >= 0);
    if (child == 0)
        exit_with_byte(byte);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(munmap(byte, page) == 0);
    if (status != 0)
        skip_because(
            "MADV_WIPEONFORK does not wipe here: no child is told from its parent but by fork handlers");
}

static inline void *do_nothing(void *arg)
{
    return arg;
}

static inline void *wait_for(void *barrier)
{
    pthread_barrier_wait(barrier);
    return NULL;
}

/* A child that was forked beside another thread can start threads. In qemu that is a failed assertion; and a fork beside
 * threads that start and end may wait for ever. */
static inline void needs_forks_beside_threads(void)
{
    pthread_barrier_t barrier;
    pthread_t thread;
    pid_t child;
    int status;

    CHECK(pthread_barrier_init(&barrier, NULL, 2) == 0);
    thread = start_thread(wait_for, &barrier);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        int nowhere = open("/dev/null", O_WRONLY);

        dup2(nowhere, STDOUT_FILENO); /* what qemu says */
        dup2(nowhere, STDERR_FILENO);
        run_thread(do_nothing, NULL);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    wait_for(&barrier);
    join_thread(thread);
    if (status != 0)
        skip_because("a child that is forked beside a thread cannot start threads here");
}

#endif
