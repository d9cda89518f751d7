/*
 * test_death.c - threads that are gone: ended by the exit system call, in the middle of an allocation, or left behind
 * in the parent of a fork. What they held goes to others once they are certainly dead and if it is consistent, or to
 * nobody.
 */
#include "emulator.h"

#include <semaphore.h>
#include <sys/syscall.h>

static sem_t ready;
static sem_t go_on;
static sem_t held; /* shared by the threads that hold slabs */
static sem_t release;

static void skip_under_sanitizers(void)
{
    if (SANITIZED)
        skip_because("a sanitizer does not survive such an end");
}

static void start_up(void)
{
    sem_init(&ready, 0, 0);
    sem_init(&go_on, 0, 0);
    sem_init(&held, 0, 0);
    sem_init(&release, 0, 0);
}

__attribute__((noreturn)) static void end_unseen(void)
{
    syscall(SYS_exit, 0);
    __builtin_unreachable();
}

static void *hold_a_slab_and_end_unseen(void *arg)
{
    (void)arg;
    arena_block(5000);
    end_unseen();
}

/* Run by one thread more than there are slabs, all alive at once: so the dead are buried. */
static void *hold_a_slab(void *arg)
{
    zk_free(zk_malloc(5000));
    sem_post(&held);
    sem_wait(&release);
    return arg;
}

static void hold_all_slabs(void)
{
    size_t count = (size_t)stats_now().slabs + 1;
    pthread_t *threads = calloc(count, sizeof *threads);

    CHECK(threads != NULL);
    for (size_t i = 0; i < count; i++) {
        threads[i] = start_thread(hold_a_slab, NULL);
        sem_wait(&held);
    }
    for (size_t i = 0; i < count; i++)
        sem_post(&release);
    for (size_t i = 0; i < count; i++)
        join_thread(threads[i]);
    free(threads);
}

/* ---- Deaths that run no destructor ---- */

static void the_slab_of_a_thread_that_ended_unseen_is_used_again(void)
{
    uint64_t before;

    skip_under_sanitizers();
    needs_robust_mutexes();
    start_up();
    begin_phase();
    before = stats_now().slabs_in_use;
    for (unsigned i = 0; i < 20; i++) {
        run_thread(hold_a_slab_and_end_unseen, NULL);
        hold_all_slabs();
    }
    CHECK(stats_now().slabs_in_use <= before + 1);
}

static void *own_a_phase(void *arg)
{
    begin_phase();
    sem_post(&ready);
    sem_wait(&go_on);
    CHECK(zk_end_phase() == 0);
    return arg;
}

/* The C library reuses the dead thread's stack and thread-local storage for the next thread. */
static void burying_a_thread_takes_no_phase_from_its_successor(void)
{
    pthread_t owner;

    skip_under_sanitizers();
    start_up();
    begin_phase();
    arena_block(100);
    run_thread(hold_a_slab_and_end_unseen, NULL);
    end_phase();
    owner = start_thread(own_a_phase, NULL);
    sem_wait(&ready);
    for (unsigned i = 0; i < 2; i++) {
        errno = 0;
        CHECK(zk_begin_phase() == -1 && errno == EPERM);
        if (i == 0)
            hold_all_slabs();
    }
    sem_post(&go_on);
    join_thread(owner);
    CHECK(stats_now().orphans == 0);
}

static void on_signal(int signal)
{
    (void)signal;
    end_unseen();
}

static void *allocate_until_killed(void *arg)
{
    uint64_t random = (uintptr_t)arg;
    void *kept[50] = {NULL};

    for (unsigned i = 0; arg != NULL; i++) {
        void **slot = &kept[i % 50];

        zk_free(*slot);
        *slot = zk_malloc(1 + random_below(&random, 60000));
    }
    return arg;
}

/* A few in each process: once no slab is left, they would die inside system's malloc. */
static void threads_die(void *arg)
{
    uint64_t random = (uintptr_t)arg;

    for (unsigned i = 0; i < 4; i++) {
        char *blocks[40];
        pthread_t thread;

        begin_phase();
        thread = start_thread(allocate_until_killed, (void *)(uintptr_t)(i + 1));
        usleep((useconds_t)(200 + random_below(&random, 800)));
        pthread_kill(thread, SIGUSR1);
        join_thread(thread);
        for (unsigned j = 0; j < 40; j++)
            fill(blocks[j] = arena_block(30000), 30000, j);
        if (i == 3)
            hold_all_slabs();
        for (unsigned j = 0; j < 40; j++) {
            CHECK(is_filled(blocks[j], 30000, j));
            zk_free(blocks[j]);
        }
        end_phase();
    }
}

/* Some die in the middle of changing chunks: nobody takes over their slabs. */
static void a_thread_may_die_while_it_allocates(void)
{
    const struct sigaction action = {.sa_handler = on_signal};

    skip_under_sanitizers();
    start_up();
    sigaction(SIGUSR1, &action, NULL);
    for (uintptr_t i = 1; i <= 20; i++)
        CHECK(status_of_fork(threads_die, (void *)i) == 0);
}

/* ---- Children ---- */

static void *use_a_slab(void *arg)
{
    for (unsigned i = 0; i < 30; i++) {
        char *p = zk_malloc(MIB);

        fill(p, MIB, i);
        CHECK(is_filled(p, MIB, i));
    }
    return arg;
}

static void use_slabs_in_child(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < 6; i++) /* one after the other: each takes the first free slab */
        run_thread(use_a_slab, NULL);
    hold_all_slabs();
}

/* Bumps to where no slab has been, so that the kernel is asked for each part. The forks come between the two
 * semaphores: while a thread starts or ends, a sanitizer holds its own malloc's lock, and the child would find that
 * locked. */
static void *go_further_and_further(void *arg)
{
    sem_post(&ready);
    for (unsigned i = 0; i < 400; i++)
        zk_malloc(MIB);
    sem_wait(&go_on);
    return arg;
}

static void fork_meanwhile(void *arg)
{
    pthread_t threads[2];

    begin_phase();
    for (unsigned i = 0; i < 2; i++)
        threads[i] = start_thread(go_further_and_further, arg);
    for (unsigned i = 0; i < 2; i++)
        sem_wait(&ready);
    for (unsigned i = 0; i < 3; i++)
        CHECK(status_of_fork(use_slabs_in_child, NULL) == 0);
    for (unsigned i = 0; i < 2; i++)
        sem_post(&go_on);
    for (unsigned i = 0; i < 2; i++)
        join_thread(threads[i]);
}

static void a_fork_while_slabs_become_usable(void)
{
    if (THREAD_SANITIZED)
        skip_because("starts threads in a child of a process with threads");
    needs_forks_beside_threads();
    start_up();
    for (unsigned i = 0; i < 15; i++)
        CHECK(status_of_fork(fork_meanwhile, NULL) == 0);
}

static void *begin_and_hold(void *arg)
{
    begin_phase();
    arena_block(5000);
    sem_post(&ready);
    sem_wait(&go_on);
    return arg;
}

/* The thread knows nothing of what it inherits, and is the only one in the child. */
static void a_child_of_a_thread_that_was_never_here_has_all(void)
{
    pthread_t thread;
    int status;
    pid_t child;

    skip_under_sanitizers();
    needs_wiping_forks();
    start_up();
    thread = start_thread(begin_and_hold, NULL);
    sem_wait(&ready);
    child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    CHECK(child >= 0);
    if (child == 0) {
        end_phase();
        begin_phase();
        arena_block(5000);
        CHECK(stats_now().slabs_in_use == 1);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    sem_post(&go_on);
    join_thread(thread);
}

#define PINNED .env = {ALL_SIZES, SLAB_64M}

static const struct CMUnitTest tests[] = {
    FRESH(the_slab_of_a_thread_that_ended_unseen_is_used_again, PINNED),
    FRESH(burying_a_thread_takes_no_phase_from_its_successor, PINNED),
    FRESH(a_thread_may_die_while_it_allocates, PINNED),
    FRESH(a_fork_while_slabs_become_usable, .env = {ALL_SIZES, "ZK_ALLOC_SLAB_GB=16"}),
    FRESH(a_child_of_a_thread_that_was_never_here_has_all, PINNED),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
