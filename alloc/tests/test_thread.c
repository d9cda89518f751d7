/*
 * test_thread.c - threads come and go, share their blocks, begin and end phases at once, and fork.
 */
#include "fresh.h"

#include <limits.h>
#include <sched.h>
#include <stdatomic.h>

enum { TEAM = 4 }; /* at least so many slabs there are, and one more */

static void meet(pthread_barrier_t *barrier)
{
    int result = pthread_barrier_wait(barrier);

    CHECK(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
}

static pthread_barrier_t *new_barrier(pthread_barrier_t *barrier, size_t threads)
{
    CHECK(pthread_barrier_init(barrier, NULL, (unsigned)threads) == 0);
    return barrier;
}

/* ---- Slabs outlive their threads ----------------------------------------------------------------
 */

static void *live_shortly(void *arg)
{
    char *p = arena_block(100 + (size_t)arg);

    fill(p, 100, (unsigned)(uintptr_t)arg);
    CHECK(is_filled(p, 100, (unsigned)(uintptr_t)arg));
    CHECK(!zk_owns(zk_malloc(99)));
    return NULL;
}

static void ten_thousand_short_lives_are_all_served_from_slabs(void)
{
    enum { LIVES = 10000 };
    pthread_t threads[TEAM];

    for (size_t life = 0; life < LIVES;) {
        if (life % 1000 == 0)
            begin_phase();
        for (unsigned i = 0; i < TEAM; i++)
            threads[i] = start_thread(live_shortly, (void *)life++);
        for (unsigned i = 0; i < TEAM; i++)
            join_thread(threads[i]);
        if (life % 1000 == 0)
            end_phase();
    }
    CHECK(stats_now().arena_count == LIVES && stats_now().system_count == LIVES);
    CHECK(stats_now().overflow_count == 0);
    CHECK(stats_now().slabs_in_use == 0);
    begin_phase();
    CHECK(stats_now().retained_count == LIVES);
}

struct legacy {
    char *p;
    size_t bytes;
    unsigned seed;
};

static void *leave_a_block(void *arg)
{
    struct legacy *legacy = arg;

    legacy->p = arena_block(legacy->bytes);
    fill(legacy->p, legacy->bytes, legacy->seed);
    return NULL;
}

static void the_blocks_of_dead_threads_live_to_the_end_of_the_phase(void)
{
    struct legacy *legacies;
    unsigned lives;

    begin_phase();
    lives = 4 * (unsigned)stats_now().slabs; /* so that slabs are handed on, some times */
    legacies = calloc(lives, sizeof *legacies);
    CHECK(legacies != NULL);
    for (unsigned i = 0; i < lives; i++) {
        legacies[i] = (struct legacy){.bytes = 700 + 97 * (i % 300), .seed = i};
        run_thread(leave_a_block, &legacies[i]);
    }
    end_phase();
    for (unsigned i = 0; i < lives; i++) {
        CHECK(is_filled(legacies[i].p, legacies[i].bytes, legacies[i].seed));
        CHECK(zk_usable_size(legacies[i].p) - legacies[i].bytes < 16);
    }
    free(legacies);
}

static void an_heir_rewinds_the_slab_in_the_next_phase(void)
{
    struct legacy legacy = {.bytes = 5000};

    for (unsigned phase = 0; phase < 100; phase++) {
        begin_phase();
        run_thread(leave_a_block, &legacy);
        CHECK(legacy.p == slab_start_of(legacy.p));
        end_phase();
    }
}

struct crowd {
    pthread_barrier_t all;  /* every member, and the main thread */
    pthread_barrier_t poor; /* those without a slab, and the main thread */
};

struct member {
    struct crowd *crowd;
    pthread_t thread;
    bool rich; /* has a slab */
};

static void *take_part(void *arg)
{
    struct member *self = arg;
    char *p = zk_malloc(500);

    CHECK(p != NULL);
    fill(p, 500, 1);
    self->rich = zk_owns(p);
    meet(&self->crowd->all);
    CHECK(is_filled(p, 500, 1));
    if (self->rich)
        return NULL;
    meet(&self->crowd->poor);
    arena_block(500);
    return NULL;
}

static void threads_without_a_slab_are_served_by_system_until_one_is_free(void)
{
    enum { POOR = 5 };
    struct crowd crowd;
    size_t slabs;
    size_t count;
    struct member *members;

    begin_phase();
    slabs = (size_t)stats_now().slabs;
    count = slabs + POOR;
    members = calloc(count, sizeof *members);
    CHECK(members != NULL);
    new_barrier(&crowd.all, count + 1);
    new_barrier(&crowd.poor, POOR + 1);
    for (size_t i = 0; i < count; i++) {
        members[i].crowd = &crowd;
        members[i].thread = start_thread(take_part, &members[i]);
    }
    meet(&crowd.all);
    for (size_t i = 0; i < count; i++)
        if (members[i].rich)
            join_thread(members[i].thread);
    CHECK(stats_now().arena_count == slabs && stats_now().slabs_in_use == 0);
    CHECK(stats_now().overflow_count == POOR && stats_now().overflow_bytes == POOR * 500);
    CHECK(stats_now().system_count == POOR);
    meet(&crowd.poor);
    for (size_t i = 0; i < count; i++)
        if (!members[i].rich)
            join_thread(members[i].thread);
    CHECK(stats_now().overflow_count == POOR && stats_now().arena_count == slabs + POOR);
}

/* ---- Every thread learns of every begin and end -------------------------------------------------
 */

enum { ROUNDS = 1000 };

struct round {
    pthread_barrier_t begun;
    pthread_barrier_t ended;
};

static void *first_block_is_at_the_start(void *arg)
{
    struct round *round = arg;
    char *start = NULL;

    for (unsigned i = 0; i < ROUNDS; i++) {
        char *p;

        meet(&round->begun);
        p = arena_block(100 + i);
        if (start == NULL)
            start = slab_start_of(p);
        CHECK(p == start);
        CHECK((char *)arena_block(100) == p + granules(100 + i));
        meet(&round->ended);
        meet(&round->ended); /* the main thread has ended the phase */
        zk_free(system_block(100));
        meet(&round->ended); /* and begins the next one */
    }
    return NULL;
}

static void every_thread_learns_of_every_begin_and_end(void)
{
    struct round round;
    pthread_t threads[TEAM];

    new_barrier(&round.begun, TEAM + 1);
    new_barrier(&round.ended, TEAM + 1);
    for (unsigned i = 0; i < TEAM; i++)
        threads[i] = start_thread(first_block_is_at_the_start, &round);
    for (unsigned i = 0; i < ROUNDS; i++) {
        begin_phase();
        meet(&round.begun);
        meet(&round.ended);
        end_phase();
        meet(&round.ended);
        meet(&round.ended);
    }
    for (unsigned i = 0; i < TEAM; i++)
        join_thread(threads[i]);
    CHECK(stats_now().arena_count == 2 * ROUNDS * TEAM);
    CHECK(stats_now().system_count == ROUNDS * TEAM);
}

struct tug {
    _Atomic unsigned ended;  /* phases that the main thread has ended */
    _Atomic unsigned seen;   /* as many as the other thread has allocated after */
    _Atomic unsigned served; /* blocks that the other thread got from the arena */
    unsigned phases;
};

static void *allocate_without_pause(void *arg)
{
    struct tug *tug = arg;

    for (unsigned seen = 0, idle = 0; seen < tug->phases; idle++) {
        unsigned ended = atomic_load(&tug->ended);
        char *p = zk_malloc(64);

        CHECK(p != NULL && (ended == seen || !zk_owns(p)));
        if (zk_owns(p))
            atomic_fetch_add(&tug->served, 1);
        zk_free(p);
        seen = ended;
        atomic_store(&tug->seen, seen);
        if (idle % 1024 == 0)
            sched_yield(); /* it may be that the main thread waits for this processor */
    }
    return NULL;
}

/* The other thread opens its way to the slab while this one closes it: closed it stays. */
static void an_end_beside_the_first_block_of_a_phase_holds(void)
{
    struct tug tug = {.phases = 4000};
    pthread_t thread = start_thread(allocate_without_pause, &tug);
    uint64_t random = 11;

    for (unsigned i = 1; i <= tug.phases; i++) {
        unsigned served = atomic_load(&tug.served);

        begin_phase();
        while (i % 16 == 0 && atomic_load(&tug.served) == served)
            sched_yield(); /* so that there is something to stop, on any machine */
        for (volatile size_t spins = random_below(&random, 300); spins > 0; spins--)
            continue;
        end_phase();
        atomic_store(&tug.ended, i);
        while (atomic_load(&tug.seen) < i)
            sched_yield();
    }
    join_thread(thread);
}

struct slab_start {
    pthread_barrier_t *barrier;
    char *start;
};

static void *find_slab_start(void *arg)
{
    struct slab_start *self = arg;

    self->start = arena_block(100);
    meet(self->barrier);
    return NULL;
}

static int compare_starts(const void *a, const void *b)
{
    char *const *left = a;
    char *const *right = b;

    return (*left > *right) - (*left < *right);
}

static void slabs_lie_side_by_side(void)
{
    pthread_barrier_t barrier;
    struct slab_start *selves;
    pthread_t *threads;
    char **starts;
    size_t slabs;

    begin_phase();
    slabs = (size_t)stats_now().slabs;
    selves = calloc(slabs, sizeof *selves);
    threads = calloc(slabs, sizeof *threads);
    starts = calloc(slabs, sizeof *starts);
    CHECK(selves != NULL && threads != NULL && starts != NULL);
    new_barrier(&barrier, slabs);
    for (size_t i = 0; i < slabs; i++) {
        selves[i].barrier = &barrier;
        threads[i] = start_thread(find_slab_start, &selves[i]);
    }
    for (size_t i = 0; i < slabs; i++) {
        join_thread(threads[i]);
        starts[i] = selves[i].start;
    }
    qsort(starts, slabs, sizeof *starts, compare_starts);
    CHECK(!zk_owns(starts[0] - 1));
    for (size_t i = 0; i < slabs; i++)
        CHECK(starts[i] == starts[0] + i * stats_now().slab_bytes);
    CHECK(!zk_owns(starts[0] + slabs * stats_now().slab_bytes));
}

/* ---- Blocks in other hands ----------------------------------------------------------------------
 */

enum { RING = 64 };

/* From one thread to another. A slot is NULL while it is empty. */
struct ring {
    struct legacy legacies[RING];
    _Atomic(char *) full[RING];
    size_t blocks;
};

static void *take_blocks(void *arg)
{
    struct ring *ring = arg;

    for (size_t i = 0; i < ring->blocks; i++) {
        struct legacy *legacy = &ring->legacies[i % RING];
        char *p;

        while ((p = atomic_load(&ring->full[i % RING])) == NULL)
            sched_yield();
        CHECK(zk_usable_size(p) == legacy->bytes);
        CHECK(is_filled(p, legacy->bytes, legacy->seed));
        if (i % 3 == 0) {
            p = zk_realloc(p, legacy->bytes + 1000);
            CHECK(p != NULL && is_filled(p, legacy->bytes, legacy->seed));
            CHECK(zk_usable_size(p) >= legacy->bytes + 1000);
            memset(p, 0, legacy->bytes + 1000);
        }
        atomic_store(&ring->full[i % RING], NULL);
        zk_free(p);
    }
    return NULL;
}

/* Two takers, each with a ring, while the owner bumps on: blocks are used up to the last byte, so a
 * size that is read one granule too long or too short shows. */
static void blocks_are_sized_moved_and_freed_by_other_threads(void)
{
    enum { TAKERS = 2, BLOCKS = 9000 };
    static struct ring rings[TAKERS];
    pthread_t threads[TAKERS];
    uint64_t random = 9;
    uint64_t moved = 0;

    begin_phase();
    for (unsigned t = 0; t < TAKERS; t++) {
        rings[t].blocks = BLOCKS;
        threads[t] = start_thread(take_blocks, &rings[t]);
    }
    for (unsigned i = 0; i < BLOCKS; i++) {
        for (unsigned t = 0; t < TAKERS; t++) {
            struct legacy *legacy = &rings[t].legacies[i % RING];
            size_t limit = i % 100 == 0 ? 300000 : 400;

            while (atomic_load(&rings[t].full[i % RING]) != NULL)
                sched_yield();
            legacy->bytes = round_up(1 + random_below(&random, limit), 16);
            legacy->seed = i;
            legacy->p = zk_malloc(legacy->bytes);
            CHECK(zk_owns(legacy->p));
            fill(legacy->p, legacy->bytes, legacy->seed);
            atomic_store(&rings[t].full[i % RING], legacy->p);
            zk_free(zk_malloc(random_below(&random, 200)));
        }
    }
    for (unsigned t = 0; t < TAKERS; t++) {
        join_thread(threads[t]);
        moved += (BLOCKS + 2) / 3;
    }
    CHECK(stats_now().arena_count == 2 * TAKERS * BLOCKS + moved);
    end_phase();
    begin_phase();
    CHECK(stats_now().retained_count == 0);
}

struct stream {
    _Atomic(char *) latest;
    _Atomic bool ended;
};

enum { STREAM_BYTES = 48 };

static void *size_the_latest(void *arg)
{
    struct stream *stream = arg;
    bool ended;

    do {
        char *p = atomic_load(&stream->latest);

        ended = atomic_load(&stream->ended);
        CHECK(p == NULL || zk_usable_size(p) == STREAM_BYTES);
    } while (!ended);
    return NULL;
}

/* The block that is sized is the last one, or the one before, or the last of its chunk, just while
 * the books say so of the next one. */
static void blocks_are_sized_while_their_owner_bumps_on(void)
{
    struct stream stream = {.latest = NULL};
    pthread_t thread = start_thread(size_the_latest, &stream);

    begin_phase();
    for (unsigned i = 0; i < 4 * 1000 * 1000; i++)
        atomic_store_explicit(&stream.latest, zk_malloc(STREAM_BYTES), memory_order_release);
    CHECK(zk_owns(stream.latest));
    atomic_store(&stream.ended, true);
    join_thread(thread);
}

/* ---- Destructors --------------------------------------------------------------------------------
 */

/* In its last round ThreadSanitizer takes the thread for ended, and bears no more of it. */
enum { DESTRUCTOR_ROUNDS = THREAD_SANITIZED ? 2 : PTHREAD_DESTRUCTOR_ITERATIONS };

struct life {
    bool before;     /* allocate on the thread itself */
    unsigned rounds; /* bit i: allocate in round i of the destructors */
    unsigned round;
};

static pthread_key_t late_key;

static void use_all_of_the_interface(void)
{
    char *p = zk_malloc(5000);
    char *q = zk_calloc(1, 40);

    CHECK(p != NULL && q != NULL);
    fill(p, 5000, 3);
    p = zk_realloc(p, 9000);
    CHECK(p != NULL && is_filled(p, 5000, 3));
    CHECK(zk_usable_size(p) >= 9000 && is_all(q, 40, 0));
    zk_free(p);
    zk_free(q);
}

static void live_on(void *arg)
{
    struct life *life = arg;

    if (life->rounds >> life->round & 1)
        use_all_of_the_interface();
    if (++life->round < DESTRUCTOR_ROUNDS)
        CHECK(pthread_setspecific(late_key, life) == 0);
}

static void *live_and_leave_a_destructor(void *arg)
{
    struct life *life = arg;

    if (life->before)
        use_all_of_the_interface();
    CHECK(pthread_setspecific(late_key, life) == 0);
    return NULL;
}

/* Keys are destroyed in the order of their creation, and zkalloc makes its own at its first use. */
enum { BEFORE_ZKALLOC, AFTER_ZKALLOC };

static void make_late_key(void)
{
    if (fresh_number == AFTER_ZKALLOC)
        zk_free(zk_malloc(1));
    CHECK(pthread_key_create(&late_key, live_on) == 0);
    alarm(FORK_LIMIT_S); /* what goes wrong here may loop */
    begin_phase();
    zk_free(arena_block(5000));
}

static void allocate_in_rounds(bool before, unsigned rounds)
{
    struct zk_stats stats = stats_now();
    struct life life = {.before = before, .rounds = rounds};

    run_thread(live_and_leave_a_destructor, &life);
    CHECK(life.round == DESTRUCTOR_ROUNDS);
    CHECK(stats_now().arena_count + stats_now().system_count ==
          stats.arena_count + stats.system_count +
              3 * (before + (unsigned)__builtin_popcount(rounds)));
}

static void *insist_on_a_slab(void *arg)
{
    char *p;

    /* A thread that has been joined may still be on its way out. */
    while (!zk_owns(p = zk_malloc(5000))) {
        zk_free(p);
        sched_yield();
    }
    zk_free(p);
    meet(arg);
    return NULL;
}

/* Every slab but the main thread's serves a new thread. */
static void all_is_given_back(void)
{
    pthread_barrier_t barrier;
    size_t slabs = (size_t)stats_now().slabs;
    pthread_t *threads = calloc(slabs, sizeof *threads);

    CHECK(threads != NULL);
    new_barrier(&barrier, slabs - 1);
    for (size_t i = 1; i < slabs; i++)
        threads[i] = start_thread(insist_on_a_slab, &barrier);
    for (size_t i = 1; i < slabs; i++)
        join_thread(threads[i]);
    end_phase();
    begin_phase();
    CHECK(stats_now().retained_count == 0);
}

static void destructors_may_allocate_in_every_round(void)
{
    make_late_key();
    for (unsigned i = 0; i < 20; i++)
        for (unsigned rounds = 1; rounds < 1u << DESTRUCTOR_ROUNDS; rounds += rounds + 1)
            for (unsigned before = 0; before < 2; before++)
                allocate_in_rounds(before != 0, rounds);
    all_is_given_back();
}

/* Also when they were silent in rounds before. */
static void destructors_may_allocate_in_any_round(void)
{
    make_late_key();
    for (unsigned i = 0; i < 20; i++)
        for (unsigned rounds = 1; rounds < 1u << DESTRUCTOR_ROUNDS; rounds++)
            allocate_in_rounds(true, rounds);
    all_is_given_back();
}

/* Nobody will be told of the end of a thread that is new to us so late. */
static void a_thread_may_be_new_in_the_last_round_of_destructors(void)
{
    make_late_key();
    for (unsigned i = 0; i < 20; i++) {
        allocate_in_rounds(false, 1u << (DESTRUCTOR_ROUNDS - 1));
        allocate_in_rounds(true, 0);
        allocate_in_rounds(false, 1);
    }
    all_is_given_back();
}

/* ---- Fork ---------------------------------------------------------------------------------------
 */

static void child_goes_on(void *arg)
{
    char *p = arg; /* the parent's, of 5000 bytes, the last one */
    char *q;

    CHECK(is_filled(p, 5000, 4));
    q = arena_block(5000);
    CHECK(q == p + granules(5000));
    fill(q, 5000, 5);
    fill(p, 5000, 6);
    zk_free(p);
    zk_free(q);
    p = zk_realloc(arena_block(100), 200);
    CHECK(zk_usable_size(p) >= 200 && zk_owns(p));
    zk_free(p);
    end_phase();
    system_block(5000);
    begin_phase();
    CHECK(stats_now().retained_count == 1); /* the parent's first */
    q = arena_block(5000);
    CHECK(q == slab_start_of(q));
    memset(q, 0, 3000);
    end_phase();
    errno = 0;
    CHECK(zk_end_phase() == -1 && errno == EINVAL);
}

static void a_fork_in_a_phase_leaves_two_processes_in_a_phase(void)
{
    char *first;
    char *p;

    begin_phase();
    first = arena_block(5000);
    fill(first, 5000, 3);
    p = arena_block(5000);
    fill(p, 5000, 4);
    CHECK(status_of_fork(child_goes_on, p) == 0);
    CHECK(is_filled(first, 5000, 3) && is_filled(p, 5000, 4));
    CHECK((char *)arena_block(5000) == p + granules(5000));
    end_phase();
    begin_phase();
    CHECK(stats_now().retained_count == 3);
}

static void child_ends_and_begins(void *arg)
{
    (void)arg;
    arena_block(100);
    end_phase();
    system_block(100);
    begin_phase();
    arena_block(100);
    CHECK(stats_now().orphans == 0);
    end_phase();
}

static void *fork_here(void *arg)
{
    (void)arg;
    CHECK(status_of_fork(child_ends_and_begins, NULL) == 0);
    arena_block(100);
    CHECK(status_of_fork(child_ends_and_begins, NULL) == 0);
    return NULL;
}

/* In the child nobody else could end the phase. */
static void the_child_of_any_thread_owns_its_phase(void)
{
    begin_phase();
    arena_block(100);
    run_thread(fork_here, NULL);
    errno = 0;
    CHECK(zk_begin_phase() == -1 && errno == EBUSY); /* in the parent all is as it was */
    end_phase();
}

/* In the child of a process whose other threads may have been inside system. ThreadSanitizer's malloc
 * does not take its own locks around a fork: one that another thread held then is held in the child
 * for ever. */
static void system_block_beside_a_fork(size_t size)
{
    if (!THREAD_SANITIZED)
        zk_free(system_block(size));
}

static void child_begins(void *arg)
{
    (void)arg;
    system_block_beside_a_fork(100);
    begin_phase();
    arena_block(100);
    end_phase();
}

static void a_fork_outside_of_phases(void)
{
    CHECK(status_of_fork(child_begins, NULL) == 0);
    begin_phase();
    arena_block(100);
    end_phase();
    CHECK(status_of_fork(child_begins, NULL) == 0);
    CHECK(stats_now().phases == 1);
}

static void *hold_a_slab(void *arg)
{
    struct slab_start *self = arg;

    self->start = arena_block(5000);
    fill(self->start, 5000, 7);
    meet(self->barrier); /* they have all got one */
    meet(self->barrier); /* and the main thread has forked */
    return NULL;
}

static void child_inherits_slabs(void *arg)
{
    struct slab_start *holders = arg;
    size_t slabs = (size_t)stats_now().slabs;

    CHECK(stats_now().slabs_in_use == 1); /* the others' holders are not here */
    for (size_t i = 0; i < 2 * slabs; i++) {
        struct legacy legacy = {.bytes = 3000, .seed = 8};

        run_thread(leave_a_block, &legacy);
    }
    for (size_t i = 0; i + 1 < slabs; i++)
        CHECK(is_filled(holders[i].start, 5000, 7)); /* it is still the same phase */
    CHECK(stats_now().overflow_count == 0);
    end_phase();
    begin_phase();
    CHECK(stats_now().retained_count == slabs + 2 * slabs);
}

static void the_slabs_of_threads_that_are_not_in_the_child_are_free_there(void)
{
    pthread_barrier_t barrier;
    struct slab_start *holders;
    pthread_t *threads;
    size_t others;

    if (THREAD_SANITIZED)
        skip_because("ThreadSanitizer starts no threads in the child of a process with threads");
    begin_phase();
    arena_block(5000);
    others = (size_t)stats_now().slabs - 1;
    holders = calloc(others, sizeof *holders);
    threads = calloc(others, sizeof *threads);
    CHECK(holders != NULL && threads != NULL);
    new_barrier(&barrier, others + 1);
    for (size_t i = 0; i < others; i++) {
        holders[i].barrier = &barrier;
        threads[i] = start_thread(hold_a_slab, &holders[i]);
    }
    meet(&barrier);
    CHECK(stats_now().slabs_in_use == others + 1);
    CHECK(status_of_fork(child_inherits_slabs, holders) == 0);
    meet(&barrier);
    for (size_t i = 0; i < others; i++)
        join_thread(threads[i]);
    end_phase();
}

struct crew {
    void (*work)(uint64_t *random);
    _Atomic bool stop;
    _Atomic unsigned hired;
};

static void *work_until_stopped(void *arg)
{
    struct crew *crew = arg;
    uint64_t random = atomic_fetch_add(&crew->hired, 1) + 1;

    while (!atomic_load(&crew->stop))
        crew->work(&random);
    return NULL;
}

/* Forks while two threads work. */
static void fork_beside(void (*work)(uint64_t *random), void (*child)(void *arg), unsigned forks)
{
    struct crew crew = {.work = work};
    pthread_t threads[2];

    for (unsigned i = 0; i < 2; i++)
        threads[i] = start_thread(work_until_stopped, &crew);
    for (unsigned i = 0; i < forks; i++)
        CHECK(status_of_fork(child, NULL) == 0);
    atomic_store(&crew.stop, true);
    for (unsigned i = 0; i < 2; i++)
        join_thread(threads[i]);
}

static void allocate_and_free(uint64_t *random)
{
    size_t size = random_below(random, 20000);
    char *p = zk_malloc(size);

    CHECK(p != NULL && zk_usable_size(p) >= size);
    if (size > 0)
        p[0] = p[size - 1] = 1;
    zk_free(p);
}

static void child_uses_everything(void *arg)
{
    char *p;

    (void)arg;
    arena_block(100);
    end_phase();
    begin_phase();
    p = arena_block(1000);
    CHECK(p == slab_start_of(p));
    p = zk_realloc(p, 100000);
    CHECK(zk_usable_size(p) >= 100000);
    zk_free(p);
    end_phase();
    system_block_beside_a_fork(0);
    CHECK(stats_now().phases == 2);
}

static void a_fork_beside_allocating_threads(void)
{
    begin_phase();
    arena_block(100); /* a slab of its own, that nobody has filled */
    fork_beside(allocate_and_free, child_uses_everything, 100);
    end_phase();
}

static void look_at_the_stats(uint64_t *random)
{
    (void)random;
    stats_now();
    zk_reset_stats();
}

static void child_looks_at_the_stats(void *arg)
{
    (void)arg;
    stats_now();
    zk_reset_stats();
    CHECK(stats_now().system_count == 0);
}

static void a_fork_beside_threads_that_look_at_the_stats(void)
{
    begin_phase();
    arena_block(100);
    fork_beside(look_at_the_stats, child_looks_at_the_stats, 200);
    end_phase();
}

static void *allocate_once(void *arg)
{
    zk_free(zk_malloc(100));
    return arg;
}

static void live_and_die(uint64_t *random)
{
    (void)random;
    run_thread(allocate_once, NULL);
}

static void look_at_the_configuration(uint64_t *random)
{
    struct zk_config config;

    (void)random;
    CHECK(zk_config(&config) == 0);
}

/* The process has never begun a phase, but its children do. */
static void a_fork_before_the_first_begin_beside_threads_at_work(void)
{
    fork_beside(look_at_the_configuration, child_begins, 300);
}

static void a_fork_beside_new_threads(void)
{
    begin_phase();
    end_phase();
    fork_beside(live_and_die, child_begins, 300);
}

/* ---- All at once --------------------------------------------------------------------------------
 */

enum { CYCLES = 3000 };

static _Atomic uint64_t hook_runs;
static _Atomic uint64_t arena_blocks;
static _Atomic uint64_t system_blocks;

static void count_hook(void *arg)
{
    (void)arg;
    atomic_fetch_add(&hook_runs, 1);
}

/* No block is touched: under blind, another thread's begin may have given it away already. */
static void *begin_allocate_end(void *arg)
{
    uint64_t random = (uint64_t)(uintptr_t)arg;
    uint64_t counts[2] = {0};

    for (unsigned i = 0; i < CYCLES; i++) {
        begin_phase(); /* nesting=recycle, owner=any */
        for (size_t blocks = random_below(&random, 30); blocks > 0; blocks--) {
            size_t size = random_size(&random) / 8;
            char *p = zk_malloc(size);

            CHECK(p != NULL && zk_usable_size(p) >= size);
            CHECK(!zk_owns(p) || zk_owns(p + zk_usable_size(p) - 1));
            counts[zk_owns(p)]++;
            zk_free(p);
        }
        if (zk_end_phase() != 0)
            CHECK(errno == EINVAL); /* another thread was first */
    }
    atomic_fetch_add(&system_blocks, counts[false]);
    atomic_fetch_add(&arena_blocks, counts[true]);
    return NULL;
}

static void look_around(uint64_t *random)
{
    struct zk_config config;

    CHECK(stats_now().slabs > 0);
    CHECK(zk_config(&config) == 0 && config.nesting == ZK_NESTING_RECYCLE);
    CHECK(zk_high_water() == 0); /* it never allocates */
    CHECK(!zk_owns(random));
}

static void phases_that_begin_and_end_on_all_threads_at_once(void)
{
    struct crew crew = {.work = look_around};
    pthread_t threads[TEAM];
    pthread_t spectator;
    struct zk_stats stats;
    char *start;

    CHECK(zk_on_phase_end(count_hook, NULL) == 0);
    begin_phase();
    spectator = start_thread(work_until_stopped, &crew);
    for (uintptr_t i = 0; i < TEAM; i++)
        threads[i] = start_thread(begin_allocate_end, (void *)(i + 1));
    for (unsigned i = 0; i < TEAM; i++)
        join_thread(threads[i]);
    atomic_store(&crew.stop, true);
    join_thread(spectator);

    stats = stats_now();
    CHECK(stats.phases == 1 + TEAM * CYCLES);
    CHECK(hook_runs > 0 && hook_runs <= stats.phases);
    CHECK(stats.arena_count == arena_blocks && stats.system_count == system_blocks);
    CHECK(arena_blocks > 0);
    CHECK(stats.orphans == 0 && stats.slabs_in_use == 0);

    begin_phase(); /* and all is as in a process that is new */
    CHECK(stats_now().retained_count == 0);
    start = arena_block(1000);
    CHECK(start == slab_start_of(start));
    CHECK((char *)arena_block(1000) == start + granules(1000));
    end_phase();
    system_block(1000);
    begin_phase();
    CHECK(stats_now().retained_count == 2);
    CHECK(zk_high_water() == 2 * granules(1000));
}

static void grow_and_shrink(uint64_t *random)
{
    char *p = zk_malloc(10);

    for (unsigned i = 0; i < 10; i++) {
        p = zk_realloc(p, 1 + random_below(random, 10000));
        CHECK(p != NULL);
    }
    p = zk_realloc_sized(p, 1, 64, 100);
    CHECK(p != NULL);
    zk_free(p);
}

/* Nothing orders the two; ThreadSanitizer sees whether that is a race. */
static void the_first_begin_beside_threads_at_work(void)
{
    struct crew crew = {.work = grow_and_shrink};
    struct crew frees = {.work = allocate_and_free};
    struct zk_config config;
    pthread_t threads[2];

    threads[0] = start_thread(work_until_stopped, &crew);
    threads[1] = start_thread(work_until_stopped, &frees);
    while (stats_now().system_count < 100)
        sched_yield();
    CHECK(zk_config(&config) == 0);
    config.realloc = ZK_REALLOC_MIGRATE;
    CHECK(zk_configure(&config) == 0);
    for (unsigned i = 0; i < 100; i++)
        sched_yield();
    begin_phase();
    while (stats_now().arena_count < 100)
        sched_yield();
    end_phase();
    atomic_store(&crew.stop, true);
    atomic_store(&frees.stop, true);
    for (unsigned i = 0; i < 2; i++)
        join_thread(threads[i]);
}

#define ARENA BLIND, ALL_SIZES, SLAB_16M

static const struct CMUnitTest tests[] = {
    FRESH(ten_thousand_short_lives_are_all_served_from_slabs,
          .env = {BLIND, SLAB_16M, "ZK_ALLOC_MIN_BYTES=100"}),
    FRESH(the_blocks_of_dead_threads_live_to_the_end_of_the_phase, .env = {ARENA}),
    FRESH(an_heir_rewinds_the_slab_in_the_next_phase, .env = {ARENA}),
    FRESH(threads_without_a_slab_are_served_by_system_until_one_is_free, .env = {ARENA}),
    FRESH(every_thread_learns_of_every_begin_and_end, .env = {ARENA}),
    FRESH(an_end_beside_the_first_block_of_a_phase_holds, .env = {ARENA}),
    FRESH(slabs_lie_side_by_side, .env = {ARENA}),

    FRESH(blocks_are_sized_while_their_owner_bumps_on,
          .env = {BLIND, ALL_SIZES, "ZK_ALLOC_SLAB_GB=0.5"}),
    FRESH(blocks_are_sized_moved_and_freed_by_other_threads, .env = {BLIND, ALL_SIZES}),

    FRESH_AS("destructors may allocate in every round, before ours",
             destructors_may_allocate_in_every_round, .env = {BLIND, SLAB_16M},
             .number = BEFORE_ZKALLOC),
    FRESH_AS("destructors may allocate in every round, after ours",
             destructors_may_allocate_in_every_round, .env = {BLIND, SLAB_16M},
             .number = AFTER_ZKALLOC),
    FRESH_AS("destructors may allocate in any round, before ours",
             destructors_may_allocate_in_any_round, .env = {BLIND, SLAB_16M},
             .number = BEFORE_ZKALLOC),
    FRESH_AS("destructors may allocate in any round, after ours",
             destructors_may_allocate_in_any_round, .env = {BLIND, SLAB_16M},
             .number = AFTER_ZKALLOC),
    FRESH_AS("a thread may be new in the last round of destructors, before ours",
             a_thread_may_be_new_in_the_last_round_of_destructors, .env = {BLIND, SLAB_16M},
             .number = BEFORE_ZKALLOC),
    FRESH_AS("a thread may be new in the last round of destructors, after ours",
             a_thread_may_be_new_in_the_last_round_of_destructors, .env = {BLIND, SLAB_16M},
             .number = AFTER_ZKALLOC),

    FRESH(a_fork_in_a_phase_leaves_two_processes_in_a_phase,
          .env = {BLIND, SLAB_16M, "ZK_ALLOC_MIN_BYTES=100"}),
    FRESH(the_child_of_any_thread_owns_its_phase, .env = {ARENA}),
    FRESH(a_fork_outside_of_phases, .env = {ARENA}),
    FRESH(the_slabs_of_threads_that_are_not_in_the_child_are_free_there, .env = {ARENA}),
    FRESH(a_fork_beside_allocating_threads, .env = {ARENA}),
    FRESH(a_fork_beside_threads_that_look_at_the_stats, .env = {ARENA}),
    FRESH(a_fork_beside_new_threads, .env = {ARENA}),
    FRESH(a_fork_before_the_first_begin_beside_threads_at_work, .env = {ARENA}),

    FRESH(phases_that_begin_and_end_on_all_threads_at_once,
          .env = {ARENA, "ZK_ALLOC_NESTING=recycle", "ZK_ALLOC_OWNER=any"}),
    FRESH(the_first_begin_beside_threads_at_work, .env = {ARENA}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
