/*
 * oracle_lanes.c - runs operations on threads that run freely.
 *
 * Each lane has its own table, and consists of one thread after another. Blocks to be freed elsewhere are
 * posted to other lanes. Posting only orders the poster before the reader: whatever other order the allocator
 * needs it must establish itself, or ThreadSanitizer will notice.
 *
 * In the child of a fork, a lane's table is right except for what the lane was changing, which it records.
 */
#include "oracle.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

struct parcel {
    _Atomic(char *) p; /* NULL: empty. Released when posted, acquired when taken. */
    _Atomic size_t size;
    _Atomic uint64_t number;
    _Atomic bool arena;
};

enum { parcels_each = 8 }; /* from each lane to each lane */

struct lane {
    struct oracle oracle;
    struct fleet *fleet;
    unsigned index;
    uint64_t random;
    size_t left; /* operations to go */
    pthread_t thread;
    /* For a child, and for a signal handler: what is being changed. */
    _Atomic unsigned touched;        /* a slot, or ORACLE_SLOTS */
    _Atomic(struct parcel *) opened; /* or NULL */
    _Atomic bool ends;               /* the thread is ending */
    bool in_child;                   /* in a child that has returned from the handler */
};

struct fleet {
    struct lane lanes[ORACLE_THREADS_MAX];
    struct parcel parcels[ORACLE_THREADS_MAX][ORACLE_THREADS_MAX][parcels_each]; /* to, from */
};

#define RELAXED memory_order_relaxed

/* Relaxed, with a signal fence: read only by the same thread, or by a child. */
static void touch(struct lane *lane, unsigned slot)
{
    atomic_signal_fence(memory_order_seq_cst);
    atomic_store_explicit(&lane->touched, slot, RELAXED);
    atomic_signal_fence(memory_order_seq_cst);
}

static void open_parcel(struct lane *lane, struct parcel *parcel)
{
    atomic_signal_fence(memory_order_seq_cst);
    atomic_store_explicit(&lane->opened, parcel, RELAXED);
    atomic_signal_fence(memory_order_seq_cst);
}

/* False when there is no room. */
static bool post(struct fleet *fleet, unsigned to, unsigned from, const struct oracle_block *block)
{
    for (unsigned i = 0; i < parcels_each; i++) {
        struct parcel *parcel = &fleet->parcels[to][from][i];

        if (atomic_load_explicit(&parcel->p, RELAXED) != NULL)
            continue;
        atomic_store_explicit(&parcel->size, block->size, RELAXED);
        atomic_store_explicit(&parcel->number, block->number, RELAXED);
        atomic_store_explicit(&parcel->arena, block->arena, RELAXED);
        atomic_store_explicit(&parcel->p, block->p, memory_order_release);
        return true;
    }
    return false;
}

/* Frees what is in a parcel, which another thread may be filling. */
static void unpack(struct lane *lane, struct parcel *parcel)
{
    struct oracle_block block = {.p = atomic_load_explicit(&parcel->p, memory_order_acquire)};

    if (block.p == NULL)
        return;
    block.size = atomic_load_explicit(&parcel->size, RELAXED);
    block.number = atomic_load_explicit(&parcel->number, RELAXED);
    block.arena = atomic_load_explicit(&parcel->arena, RELAXED);
    block.usable = block.size;
    open_parcel(lane, parcel);
    oracle_check_block(&lane->oracle, &block);
    if (oracle_reaches(&lane->oracle, &block))
        zk_free(block.p);
    atomic_store_explicit(&parcel->p, NULL, RELAXED);
    open_parcel(lane, NULL);
}

static void free_posted(struct lane *lane)
{
    for (unsigned from = 0; from < lane->oracle.setup.threads; from++)
        for (unsigned i = 0; i < parcels_each; i++)
            unpack(lane, &lane->fleet->parcels[lane->index][from][i]);
}

/* ---- Children ---- */

/* Frees half of what another lane's thread has left, except what it was changing. Returns how many arena
 * blocks are kept. */
static uint64_t clear_out(struct lane *heir, struct lane *lane)
{
    unsigned threads = heir->oracle.setup.threads;
    uint64_t kept = 0;

    for (unsigned slot = 0; slot < ORACLE_SLOTS; slot++) {
        struct oracle_block *block = &lane->oracle.blocks[slot];

        if (block->p == NULL || slot == atomic_load(&lane->touched))
            continue;
        oracle_check_block(&heir->oracle, block);
        if (slot % 2 == 0)
            kept += block->arena;
        else if (oracle_reaches(&heir->oracle, block))
            zk_free(block->p);
    }
    for (unsigned i = 0; i < threads * parcels_each; i++) {
        struct parcel *parcel =
            &heir->fleet->parcels[lane->index][i / parcels_each][i % parcels_each];

        if (atomic_load(&lane->opened) != parcel)
            unpack(heir, parcel);
    }
    return kept;
}

/* Establishes the phase and the holders of slabs in the child's model. */
static void know_state(struct lane *lane, enum oracle_way way)
{
    struct oracle *oracle = &lane->oracle;
    struct zk_stats stats;

    oracle_enter_child(oracle, way, lane->index);
    while (zk_end_phase() == 0)
        continue;
    if (zk_begin_phase() != 0)
        oracle_fail(oracle, ORACLE_WRONG, "zk_begin_phase in a child");
    zk_stats(&stats);
    if (stats.slabs_in_use > 1)
        oracle_fail(oracle, ORACLE_WRONG, "%u slabs in use in a child",
                    (unsigned)stats.slabs_in_use);
    oracle->exact = true;
    oracle->depth = 1;
    oracle->generation++;
    oracle->known[lane->index] = true;
    oracle->holds[lane->index] = stats.slabs_in_use == 1;
    oracle->holders = (unsigned)stats.slabs_in_use;
    oracle->holders_most = ORACLE_THREADS_MAX;
    oracle_note_stats(oracle, &stats);
    oracle->overflows = stats.overflow_count;
}

/* Takes over the other lanes' blocks; what these were changing is unknown. */
static void inherit_lanes(struct lane *lane)
{
    struct oracle *oracle = &lane->oracle;
    unsigned threads = oracle->setup.threads;

    oracle->lost = threads - 1;
    if (ORACLE_UNDER_TSAN) { /* to ThreadSanitizer, reading their tables is a race */
        oracle->strangers = (uint64_t)threads * 2 * ORACLE_SLOTS;
        return;
    }
    oracle->strangers = 2 * (threads - (uint64_t)1); /* a block may be moving */
    for (unsigned i = 0; i < threads; i++)
        if (i != lane->index)
            oracle->kept += clear_out(lane, &lane->fleet->lanes[i]);
}

/* May the child of such a fork do anything? If not, it must not use system, which others may have locked: it
 * allocates only where the slab certainly has room, and starts no threads. */
static bool is_free(const struct lane *lane)
{
    return lane->oracle.setup.threads == 1 && !ORACLE_UNDER_TSAN;
}

__attribute__((noreturn)) static void run_lane_child(struct lane *lane, const struct oracle_op *op)
{
    const size_t roomy = (size_t)64 << 20;
    struct oracle *oracle = &lane->oracle;
    struct oracle_op what = *op;
    bool all_allowed = is_free(lane);

    oracle->arena_only = !all_allowed;
    know_state(lane, op->slot);
    inherit_lanes(lane);
    free_posted(lane);
    if (!all_allowed && oracle->setup.slab_bytes < roomy)
        what.align = 0;
    oracle_run_child(oracle, &what, !all_allowed);
}

static void hold_signal(int how)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGPROF);
    pthread_sigmask(how, &set, NULL);
}

static void fork_freely(struct lane *lane, struct oracle_op *op)
{
    pid_t pid;

    /* Beside other threads, use fork, which waits for system's locks. */
    op->slot = is_free(lane) ? op->slot % ORACLE_WAYS : ORACLE_BY_FORK;
    if (op->slot != ORACLE_BY_FORK)
        oracle_make_known(&lane->oracle, lane->index);
    hold_signal(SIG_BLOCK); /* a child of the handler would wait for a child that is not its own */
    pid = oracle_fork(op->slot);
    if (pid == 0)
        run_lane_child(lane, op);
    oracle_await(&lane->oracle, pid, op->slot);
    hold_signal(SIG_UNBLOCK);
}

/* ---- A fork in a handler ---- */

static _Thread_local struct lane *my_lane;

static struct {
    _Atomic int left; /* forks still to make */
} handler;

/* Not fork itself, whose handlers wait for malloc's locks, which the interrupted code may hold. */
static enum oracle_way way_in_handler(int number)
{
    return ORACLE_BY_BARE_FORK + (unsigned)number % (ORACLE_WAYS - ORACLE_BY_BARE_FORK);
}

/* Checks all blocks but those that the interrupted code was changing. */
static void check_in_handler(struct lane *lane)
{
    lane->oracle.arena_only = true;
    for (unsigned slot = 0; slot < ORACLE_SLOTS; slot++)
        if (lane->oracle.blocks[slot].p != NULL && slot != atomic_load(&lane->touched))
            oracle_check_block(&lane->oracle, &lane->oracle.blocks[slot]);
}

/* If there was no other thread, the child returns and continues what was interrupted. */
static void fork_in_handler(int signal)
{
    const size_t more = 64;
    int saved = errno;
    int number = atomic_fetch_sub(&handler.left, 1);
    struct lane *lane = my_lane;
    enum oracle_way way = way_in_handler(number);
    pid_t pid;

    (void)signal;
    if (lane == NULL || lane->in_child || number <= 0 ||
        (ORACLE_UNDER_ASAN && atomic_load(&lane->ends)))
        return;
    pid = oracle_fork(way);
    if (pid != 0) {
        oracle_await(&lane->oracle, pid, way);
    } else if (lane->oracle.setup.threads > 1 || atomic_load(&lane->ends)) {
        check_in_handler(lane);
        _exit(0);
    } else {
        lane->in_child = true;
        lane->left = lane->left < more ? lane->left : more;
    }
    errno = saved;
}

/* Counts the process's processor time, so that a busy machine makes no difference. */
static void set_timer(suseconds_t every_us)
{
    struct itimerval time = {{0, every_us}, {0, every_us}};

    setitimer(ITIMER_PROF, &time, NULL);
}

/* Called before there are lanes: the thread that creates theirs must not get the signal. */
static void start_handler(const struct oracle *oracle, size_t count)
{
    struct sigaction action = {.sa_handler = fork_in_handler, .sa_flags = SA_RESTART};
    const suseconds_t every_us = 3000;

    handler.left = ORACLE_UNDER_TSAN ? 0 : (int)(count * oracle->setup.forks / 1000000);
    if (handler.left == 0) /* where handlers run only when nothing can be interrupted */
        return;
    sigaction(SIGPROF, &action, NULL);
    hold_signal(SIG_BLOCK);
    set_timer(every_us);
}

/* ---- Lanes ---- */

static void step_freely(struct lane *lane)
{
    unsigned threads = lane->oracle.setup.threads;
    struct oracle_op op = oracle_random_op(&lane->random, &lane->oracle.setup, lane->index);
    struct oracle_block *block = &lane->oracle.blocks[op.slot];

    if (op.kind == ORACLE_FORK) {
        fork_freely(lane, &op);
        return;
    }
    if (op.kind == ORACLE_DISCARD || (op.kind == ORACLE_EXIT && lane->in_child))
        op.kind = ORACLE_BEGIN;
    touch(lane, op.slot);
    if (op.kind == ORACLE_FREE && block->p != NULL && op.size % 2 == 0) {
        if (post(lane->fleet, (lane->index + 1 + (unsigned)(op.size / 2) % threads) % threads,
                 lane->index, block))
            block->p = NULL;
    } else {
        oracle_step(&lane->oracle, &op);
    }
    touch(lane, ORACLE_SLOTS);
    if (op.kind == ORACLE_EXIT) {
        atomic_store(&lane->ends, true);
        pthread_exit(NULL);
    }
    if (lane->left % 16 == 0)
        free_posted(lane);
}

static void *thread_runs(void *arg)
{
    struct lane *lane = arg;

    atomic_store(&lane->ends, false);
    my_lane = lane;
    hold_signal(SIG_UNBLOCK);
    while (lane->left > 0) {
        lane->left--;
        lane->oracle.progress++;
        step_freely(lane);
    }
    atomic_store(&lane->ends, true);
    if (lane->in_child)
        run_lane_child(
            lane, &(struct oracle_op){.kind = ORACLE_FORK, .slot = ORACLE_BY_CLONE, .align = 32});
    return NULL;
}

/* Starts one thread after another, and never allocates itself. */
static void *lane_runs(void *arg)
{
    struct lane *lane = arg;

    while (lane->left > 0) {
        pthread_t thread;

        if (pthread_create(&thread, NULL, thread_runs, lane) != 0)
            oracle_fail(&lane->oracle, ORACLE_WRONG, "no thread");
        pthread_join(thread, NULL);
    }
    return NULL;
}

void oracle_run_concurrent(struct oracle *oracle, uint64_t seed, size_t count)
{
    struct fleet *fleet = calloc(1, sizeof *fleet);
    unsigned threads = oracle->setup.threads;
    struct oracle_op op = {.kind = ORACLE_FREE, .align = 1};

    if (fleet == NULL)
        oracle_fail(oracle, ORACLE_WRONG, "no memory");
    start_handler(oracle, count);
    for (unsigned i = 0; i < threads; i++) {
        struct lane *lane = &fleet->lanes[i];

        lane->fleet = fleet;
        lane->index = i;
        lane->random = oracle_random(&seed);
        lane->left = count / threads;
        lane->touched = ORACLE_SLOTS;
        lane->oracle.setup = oracle->setup;
        lane->oracle.aborts = oracle->aborts;
        lane->oracle.next_number = (uint64_t)(i + 1) << 48;
        if (pthread_create(&lane->thread, NULL, lane_runs, lane) != 0)
            oracle_fail(oracle, ORACLE_WRONG, "no thread");
    }
    for (unsigned i = 0; i < threads; i++)
        pthread_join(fleet->lanes[i].thread, NULL);
    set_timer(0);
    for (unsigned i = 0; i < threads; i++) {
        free_posted(&fleet->lanes[i]);
        for (op.slot = 0; op.slot < ORACLE_SLOTS; op.slot++)
            oracle_step(&fleet->lanes[i].oracle, &op);
    }
    free(fleet);
    zk_end_phase(); /* if one is active */
    oracle_run(oracle, NULL, 0);
}
