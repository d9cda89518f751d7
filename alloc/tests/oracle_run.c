/*
 * oracle_run.c - runs operations on threads that take turns. One thread at a time has the turn, or the
 * caller of oracle_run has it, which starts and joins threads.
 *
 * In the child of a fork, the caller is the thread that forked, and also one of the crew.
 */
#include "oracle.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct crew {
    struct oracle *oracle;
    const struct oracle_op *ops;
    size_t count;
    size_t next;
    bool dismissed;
    unsigned left; /* the thread that is ending, or none */
    sem_t caller;
    unsigned caller_is; /* in a child: the thread whose operations the caller runs, or none */
    bool stays_alone;   /* ... and those of all others as well */
    bool replaced;      /* the first caller has ended */
    struct member {
        struct crew *crew;
        unsigned index;
        bool running;
        pthread_t thread;
        sem_t turn;
    } members[ORACLE_THREADS_MAX];
};

enum { nobody = ORACLE_THREADS_MAX };

static void take_turn(sem_t *turn)
{
    while (sem_wait(turn) != 0)
        continue; /* interrupted */
}

static void pass_turn(struct crew *crew)
{
    struct member *next =
        crew->next < crew->count ? &crew->members[crew->ops[crew->next].thread] : NULL;

    sem_post(next != NULL && next->running && crew->left == nobody ? &next->turn : &crew->caller);
}

static void fork_by_turns(struct crew *crew, const struct oracle_op *op);

/* Runs the next operation on the calling thread. True if the thread must end. */
static bool step(struct crew *crew)
{
    const struct oracle_op *op = &crew->ops[crew->next++];

    crew->oracle->progress++;
    if (op->kind == ORACLE_FORK)
        fork_by_turns(crew, op);
    else
        oracle_step(crew->oracle, op);
    return op->kind == ORACLE_EXIT;
}

static void *member_runs(void *arg)
{
    struct member *self = arg;
    struct crew *crew = self->crew;

    for (;;) {
        take_turn(&self->turn);
        if (crew->dismissed)
            return NULL;
        while (crew->next < crew->count && crew->ops[crew->next].thread == self->index) {
            if (step(crew)) {
                crew->left = self->index;
                pass_turn(crew);
                return NULL;
            }
        }
        pass_turn(crew);
    }
}

static void start_member(struct crew *crew, unsigned index)
{
    struct member *member = &crew->members[index];

    if (member->running)
        return;
    member->running = true;
    if (pthread_create(&member->thread, NULL, member_runs, member) != 0)
        oracle_fail(crew->oracle, ORACLE_WRONG, "no thread");
}

/* Runs to the end, or until the caller itself must end. */
static void go_on(struct crew *crew)
{
    while (crew->next < crew->count && crew->left == nobody) {
        unsigned thread = crew->ops[crew->next].thread;

        if (thread == crew->caller_is) {
            if (step(crew))
                crew->left = thread;
            continue;
        }
        start_member(crew, thread);
        sem_post(&crew->members[thread].turn);
        take_turn(&crew->caller);
        if (crew->left == nobody)
            continue;
        pthread_join(crew->members[crew->left].thread, NULL);
        crew->members[crew->left].running = false;
        crew->left = nobody;
    }
}

static void run_ops(struct crew *crew, const struct oracle_op *ops, size_t count)
{
    crew->ops = ops;
    crew->count = count;
    crew->next = 0;
    go_on(crew);
}

/* The thread that runs the operations of thread i. */
static unsigned stand_in(const struct crew *crew, unsigned i)
{
    return crew->stays_alone ? crew->caller_is : i;
}

/* Frees everything; then each slab must be empty again. */
static void run_epilogue(struct crew *crew)
{
    struct oracle_op ops[ORACLE_SLOTS + ORACLE_THREADS_MAX + 2];
    unsigned threads = crew->oracle->setup.threads;
    unsigned first = stand_in(crew, 0);
    struct oracle_op end = {.kind = ORACLE_END, .thread = first, .align = 1};
    size_t count = 0;

    for (unsigned i = 0; i < ORACLE_SLOTS; i++)
        ops[count++] = (struct oracle_op){ORACLE_FREE, stand_in(crew, i % threads), i, 0, 1};
    run_ops(crew, ops, count);
    while (crew->oracle->depth > 0)
        run_ops(crew, &end, 1);
    count = 0;
    ops[count++] = (struct oracle_op){ORACLE_BEGIN, first, 0, 0, 1};
    for (unsigned i = 0; i < threads; i++)
        ops[count++] = (struct oracle_op){ORACLE_WHOLE, stand_in(crew, i), 0, 0, 1};
    ops[count++] = end;
    run_ops(crew, ops, count);
    if (crew->oracle->holders < crew->oracle->holders_most || crew->oracle->vanished > 0 ||
        crew->oracle->setup.recycle == ZK_RECYCLE_BLIND)
        return;
    /* Every slab was recycled after the last discard: the counts are exact again. */
    crew->oracle->discarded = false;
    run_ops(crew, ops, 1);
    run_ops(crew, &end, 1);
}

static void dismiss(struct crew *crew)
{
    crew->dismissed = true;
    for (unsigned i = 0; i < ORACLE_THREADS_MAX; i++) {
        struct member *member = &crew->members[i];

        if (member->running) {
            sem_post(&member->turn);
            pthread_join(member->thread, NULL);
        }
        sem_destroy(&member->turn);
    }
    sem_destroy(&crew->caller);
}

static void found_crew(struct crew *crew, struct oracle *oracle)
{
    *crew = (struct crew){.oracle = oracle, .left = nobody, .caller_is = nobody};
    sem_init(&crew->caller, 0, 0);
    for (unsigned i = 0; i < ORACLE_THREADS_MAX; i++) {
        crew->members[i].crew = crew;
        crew->members[i].index = i;
        sem_init(&crew->members[i].turn, 0, 0);
    }
}

void oracle_run(struct oracle *oracle, const struct oracle_op *ops, size_t count)
{
    struct crew crew;
    struct zk_stats stats;

    zk_stats(&stats);
    oracle->exact = true;
    oracle->forker = nobody;
    for (unsigned i = 0; i < ORACLE_THREADS_MAX; i++)
        oracle_drop_holder(oracle, i); /* holders from an earlier run */
    oracle->holders_most =
        ORACLE_THREADS_MAX * (stats.phases > 0); /* unknown if there were others */
    oracle->overflows = stats.overflow_count;
    found_crew(&crew, oracle);
    run_ops(&crew, ops, count);
    run_epilogue(&crew);
    dismiss(&crew);
}

/* ---- Forks ---- */

/* State of a child: not on a stack, whose thread may end before the child. */
static struct {
    struct crew crew;
    struct oracle oracle;
    struct oracle_op ops[256];
    pid_t caller; /* the one that another replaces */
} child;

static bool is_alone(const struct crew *crew)
{
    for (unsigned i = 0; i < ORACLE_THREADS_MAX; i++)
        if (crew->members[i].running)
            return false;
    return crew->caller_is != nobody && !crew->replaced;
}

/* How many threads the child has: one, as many as before, or more than there are slabs. */
static unsigned child_threads(uint64_t *random, const struct oracle *oracle, bool stays_alone)
{
    unsigned threads;

    switch (oracle_random(random) % 3) {
    case 0:
        threads = 1;
        break;
    case 1:
        threads = oracle->setup.threads;
        break;
    default:
        threads = oracle->slabs + 2;
        break;
    }
    if (threads > ORACLE_THREADS_MAX)
        threads = ORACLE_THREADS_MAX;
    return stays_alone || threads <= oracle->forker ? oracle->forker + 1 : threads;
}

/* Makes random operations; all for the forker if it stays alone. */
static size_t make_ops(struct oracle *oracle, const struct oracle_op *op, bool stays_alone)
{
    const unsigned forks = 10000;
    const size_t modest = 64 << 10;
    size_t room = sizeof child.ops / sizeof *child.ops;
    size_t count = op->align < room ? op->align : room;
    uint64_t random = op->size;

    oracle->setup.threads = child_threads(&random, oracle, stays_alone);
    oracle->setup.forks = oracle->forks < ORACLE_FORKS_DEEP ? forks : 0;
    oracle_random_ops(random, &oracle->setup, child.ops, count);
    for (size_t i = 0; i < count; i++) {
        if (stays_alone || oracle->setup.threads == oracle->forker + 1)
            child.ops[i].thread = oracle->forker;
        if (stays_alone && child.ops[i].kind == ORACLE_EXIT)
            child.ops[i].kind = ORACLE_BEGIN;
        if (oracle->arena_only && child.ops[i].kind != ORACLE_FORK)
            child.ops[i].size %= modest; /* so that the slab does not fill up */
    }
    return count;
}

static void *child_goes_on(void *before);

/* Has this thread left the process? A leader that has ended stays, as a zombie. */
static bool has_left(pid_t thread)
{
    char path[64], text[128];
    const char *state;
    ssize_t got;
    int fd;

    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)thread);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return true;
    got = read(fd, text, sizeof text - 1);
    close(fd);
    if (got <= 0)
        return true;
    text[got] = 0;
    state = strrchr(text, ')');
    return state != NULL && state[1] == ' ' && strchr("ZX", state[2]) != NULL;
}

/* Ends the caller; another thread continues in its place, once the caller is out of the allocator's destructor,
 * and out of system too: a child by fork would wait for ever for a lock of AddressSanitizer's that the caller
 * holds as it ends. The other thread cannot join one that the C library does not know to have forked. */
__attribute__((noreturn)) static void replace_caller(void)
{
    pthread_t next;

    child.crew.replaced = true;
    child.caller = (pid_t)syscall(SYS_gettid);
    if (pthread_create(&next, NULL, child_goes_on, &child.caller) != 0)
        oracle_fail(&child.oracle, ORACLE_WRONG, "no thread");
    pthread_exit(NULL);
}

/* The caller in a child: the thread that forked, or the one that continues when that has ended. */
static void *child_goes_on(void *before)
{
    while (before != NULL && !has_left(*(pid_t *)before))
        usleep(100);
    child.crew.left = nobody;
    go_on(&child.crew);
    if (child.crew.left != nobody)
        replace_caller();
    run_epilogue(&child.crew);
    if (!child.crew.stays_alone)
        dismiss(&child.crew);
    _exit(0);
}

void oracle_run_child(struct oracle *oracle, const struct oracle_op *op, bool stays_alone)
{
    if (oracle != &child.oracle)
        memcpy(&child.oracle, oracle, sizeof child.oracle);
    oracle_check_all(&child.oracle);
    found_crew(&child.crew, &child.oracle);
    child.crew.caller_is = child.oracle.forker;
    child.crew.stays_alone = stays_alone;
    child.crew.count = make_ops(&child.oracle, op, stays_alone);
    child.crew.ops = child.ops;
    child_goes_on(NULL);
    abort(); /* not reached: the process or the thread has ended */
}

/* Not fork itself if that may wait for ever for malloc's locks. */
static enum oracle_way way_of(const struct crew *crew, const struct oracle_op *op)
{
    enum oracle_way way = op->slot % ORACLE_WAYS;

    return way == ORACLE_BY_FORK && crew->oracle->arena_only ? ORACLE_BY_BARE_FORK : way;
}

static void fork_by_turns(struct crew *crew, const struct oracle_op *op)
{
    enum oracle_way way = way_of(crew, op);
    bool all_allowed = !ORACLE_UNDER_TSAN && !crew->oracle->arena_only &&
                       (way == ORACLE_BY_FORK || is_alone(crew));
    struct oracle_op what = *op;
    struct oracle *oracle;
    pid_t pid;

    if (way != ORACLE_BY_FORK)
        oracle_make_known(crew->oracle, op->thread);
    pid = oracle_fork(way);
    if (pid != 0) {
        oracle_await(crew->oracle, pid, way);
        return;
    }
    oracle = &child.oracle; /* the parent's may be in shared memory */
    if (oracle != crew->oracle)
        memcpy(oracle, crew->oracle, sizeof *oracle);
    oracle_enter_child(oracle, way, op->thread);
    oracle->arena_only = !all_allowed;
    oracle_run_child(oracle, &what, !all_allowed);
}
