/*
 * parking_lot.c - parking_lot_core and its mutex: see parking_lot.h for what they are faithful to.
 *
 * A thread is in the queue of at most one bucket, and a bucket's queue is read and changed under
 * its lock. A table is replaced only while all of its buckets are locked. So a thread that has
 * locked a bucket, and then still finds its table to be the process's, may rely on it.
 */
#include "parking_lot.h"

#include "power_of_two.h"
#include "zkalloc.h"

#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { load_factor = 3, locked_bit = 1, parked_bit = 2 };

/* What the table knows about a thread; kept in the thread's static memory. */
struct parked_thread {
    bool counted;
    pthread_mutex_t lock; /* guards asleep; ThreadParker is a futex in Rust */
    pthread_cond_t woken;
    bool asleep;
    const void *key; /* what it waits for */
    struct parked_thread *next;
};

struct bucket {
    alignas(PARKING_LOT_BUCKET_BYTES) _Atomic uint64_t lock; /* WordLock */
    struct parked_thread *first;
    struct parked_thread *last;
    int64_t fair_seconds; /* FairTimeout: not modelled */
    uint32_t fair_nanoseconds;
    uint32_t seed;
};

struct table {
    struct bucket *buckets;
    size_t bucket_count; /* a power of two */
    struct table *previous;
    uint32_t hash_bits;
};

_Static_assert(sizeof(struct bucket) == PARKING_LOT_BUCKET_BYTES, "as Bucket");
_Static_assert(sizeof(struct table) == PARKING_LOT_TABLE_BYTES, "as HashTable");

static struct {
    struct table *_Atomic table;
    _Atomic size_t threads; /* living threads that have parked */
    pthread_once_t once;
    pthread_key_t key; /* its destructor runs when a thread ends */
} lot = {.once = PTHREAD_ONCE_INIT};

static _Thread_local struct parked_thread me = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                                .woken = PTHREAD_COND_INITIALIZER};

/* ---- The lock of a bucket ---- */

static void lock_bucket(struct bucket *bucket)
{
    uint64_t state = atomic_load(&bucket->lock);

    /* The bits above the lowest are the head of the lock's own queue; they are left as they are. */
    while ((state & locked_bit) != 0 ||
           !atomic_compare_exchange_strong(&bucket->lock, &state, state | locked_bit)) {
        sched_yield();
        state = atomic_load(&bucket->lock);
    }
}

static void unlock_bucket(struct bucket *bucket)
{
    atomic_fetch_sub(&bucket->lock, locked_bit);
}

/* ---- The table ---- */

static void *checked(void *block)
{
    if (block == NULL)
        abort();
    return block;
}

static struct table *create_table(size_t threads, struct table *previous)
{
    struct table *table = checked(zk_malloc(sizeof *table));
    size_t count = power_of_two_at_least(threads * load_factor);

    *table = (struct table){.buckets = checked(zk_aligned_alloc(PARKING_LOT_BUCKET_BYTES,
                                                                count * sizeof *table->buckets)),
                            .bucket_count = count,
                            .previous = previous,
                            .hash_bits = (uint32_t)__builtin_ctzl(count)};
    for (size_t i = 0; i < count; i++)
        table->buckets[i] = (struct bucket){.seed = (uint32_t)i + 1};
    return table;
}

static void free_table(struct table *table)
{
    zk_free(table->buckets);
    zk_free(table);
}

/* The process's table; made if there is none, for three threads. */
static struct table *current_table(void)
{
    struct table *table = atomic_load(&lot.table);
    struct table *created;

    if (table != NULL)
        return table;
    created = create_table(load_factor, NULL);
    if (atomic_compare_exchange_strong(&lot.table, &table, created))
        return created;
    free_table(created);
    return table;
}

static void unlock_all(struct table *table)
{
    for (size_t i = 0; i < table->bucket_count; i++)
        unlock_bucket(&table->buckets[i]);
}

/* The process's table, with all of its buckets locked; NULL when it is large enough. */
static struct table *lock_small_table(size_t threads)
{
    for (;;) {
        struct table *table = current_table();

        if (table->bucket_count >= load_factor * threads)
            return NULL;
        for (size_t i = 0; i < table->bucket_count; i++)
            lock_bucket(&table->buckets[i]);
        if (atomic_load(&lot.table) == table)
            return table;
        unlock_all(table);
    }
}

static struct bucket *bucket_of(const struct table *table, const void *key)
{
    uint64_t hash = (uint64_t)(uintptr_t)key * 0x9E3779B97F4A7C15u;

    return &table->buckets[hash >> (64 - table->hash_bits)];
}

static void append(struct bucket *bucket, struct parked_thread *thread)
{
    thread->next = NULL;
    if (bucket->first != NULL)
        bucket->last->next = thread;
    else
        bucket->first = thread;
    bucket->last = thread;
}

static void grow(size_t threads)
{
    struct table *old = lock_small_table(threads);
    struct table *grown;

    if (old == NULL)
        return;
    grown = create_table(threads, old);
    for (size_t i = 0; i < old->bucket_count; i++) {
        struct parked_thread *next;

        for (struct parked_thread *thread = old->buckets[i].first; thread != NULL; thread = next) {
            next = thread->next;
            append(bucket_of(grown, thread->key), thread);
        }
    }
    atomic_store(&lot.table, grown);
    unlock_all(old);
}

static struct bucket *lock_bucket_of(const void *key)
{
    for (;;) {
        struct table *table = current_table();
        struct bucket *bucket = bucket_of(table, key);

        lock_bucket(bucket);
        if (atomic_load(&lot.table) == table)
            return bucket;
        unlock_bucket(bucket);
    }
}

/* ---- Threads ---- */

static void thread_ends(void *arg)
{
    (void)arg;
    atomic_fetch_sub(&lot.threads, 1);
    me.counted = false;
}

static void make_key(void)
{
    if (pthread_key_create(&lot.key, thread_ends) != 0)
        abort();
}

/* Counts the calling thread, once, and grows the table for it. */
static void count_me(void)
{
    if (me.counted)
        return;
    pthread_once(&lot.once, make_key);
    me.counted = true;
    pthread_setspecific(lot.key, &lot);
    grow(atomic_fetch_add(&lot.threads, 1) + 1);
}

/* Sleeps until woken (true) or, if there is an end, until then (false). */
static bool sleep_until(const struct timespec *end)
{
    bool woken;
    int error = 0;

    pthread_mutex_lock(&me.lock);
    while (me.asleep && error == 0)
        error = end == NULL ? pthread_cond_wait(&me.woken, &me.lock)
                            : pthread_cond_clockwait(&me.woken, &me.lock, CLOCK_MONOTONIC, end);
    woken = !me.asleep;
    pthread_mutex_unlock(&me.lock);
    return woken;
}

static void wake(struct parked_thread *thread)
{
    pthread_mutex_lock(&thread->lock);
    thread->asleep = false;
    pthread_cond_signal(&thread->woken);
    pthread_mutex_unlock(&thread->lock);
}

/* Does this thread, or one after it in the queue, wait for key? */
static bool waits(const struct parked_thread *thread, const void *key)
{
    while (thread != NULL && thread->key != key)
        thread = thread->next;
    return thread != NULL;
}

/* Takes the first thread that waits for key, or the given one, out of the bucket; NULL when there
 * is none. *more: others wait for key. */
static struct parked_thread *take(struct bucket *bucket, const void *key,
                                  const struct parked_thread *wanted, bool *more)
{
    struct parked_thread **link = &bucket->first;
    struct parked_thread *before = NULL;
    struct parked_thread *thread;

    while (*link != NULL && (wanted != NULL ? *link != wanted : (*link)->key != key)) {
        before = *link;
        link = &(*link)->next;
    }
    thread = *link;
    if (thread == NULL)
        return NULL;
    *link = thread->next;
    if (bucket->last == thread)
        bucket->last = before;
    *more = waits(bucket->first, key);
    return thread;
}

/* ---- The mutex ---- */

/* Parks, if the mutex is held and marked as having parked threads. False if the time runs out. */
static bool park(struct parking_mutex *mutex, const struct timespec *end)
{
    struct bucket *bucket;
    bool more = false;
    bool still_there;

    count_me();
    bucket = lock_bucket_of(mutex);
    if (atomic_load(&mutex->state) != (locked_bit | parked_bit)) {
        unlock_bucket(bucket);
        return true;
    }
    me.asleep = true;
    me.key = mutex;
    append(bucket, &me);
    unlock_bucket(bucket);
    if (sleep_until(end))
        return true;

    bucket = lock_bucket_of(mutex);
    still_there = take(bucket, mutex, &me, &more) != NULL; /* if not, it was woken just now */
    if (still_there && !more)
        atomic_fetch_and(&mutex->state, (uint8_t)~parked_bit);
    unlock_bucket(bucket);
    if (!still_there)
        sleep_until(NULL); /* the thread that took us out is about to wake us */
    return !still_there;
}

/* Takes the mutex if it is free, with or without parked threads. */
static bool take_free(struct parking_mutex *mutex)
{
    uint8_t state = atomic_load(&mutex->state);

    while ((state & locked_bit) == 0)
        if (atomic_compare_exchange_strong(&mutex->state, &state, state | locked_bit))
            return true;
    return false;
}

/* The real one spins for a little first. */
static bool lock_until(struct parking_mutex *mutex, const struct timespec *end)
{
    while (!take_free(mutex)) {
        uint8_t state = locked_bit;

        if (!atomic_compare_exchange_strong(&mutex->state, &state, locked_bit | parked_bit) &&
            state != (locked_bit | parked_bit))
            continue;
        if (!park(mutex, end))
            return false;
    }
    return true;
}

void parking_mutex_lock(struct parking_mutex *mutex)
{
    lock_until(mutex, NULL);
}

bool parking_mutex_lock_for(struct parking_mutex *mutex, unsigned microseconds)
{
    enum { second = 1000000000 };
    struct timespec end;
    long nanoseconds;

    clock_gettime(CLOCK_MONOTONIC, &end);
    nanoseconds = end.tv_nsec + (long)(microseconds % 1000000) * 1000;
    end.tv_sec += (time_t)(microseconds / 1000000) + nanoseconds / second;
    end.tv_nsec = nanoseconds % second;
    return lock_until(mutex, &end);
}

void parking_mutex_unlock(struct parking_mutex *mutex)
{
    uint8_t state = locked_bit;
    struct bucket *bucket;
    struct parked_thread *thread;
    bool more = false;

    if (atomic_compare_exchange_strong(&mutex->state, &state, 0))
        return;
    bucket = lock_bucket_of(mutex);
    thread = take(bucket, mutex, NULL, &more);
    atomic_store(&mutex->state, more ? parked_bit : 0);
    unlock_bucket(bucket);
    if (thread != NULL)
        wake(thread);
}

/* ---- For tests and reports ---- */

size_t parking_lot_bucket_bytes(void)
{
    const struct table *table = atomic_load(&lot.table);

    return table == NULL ? 0 : table->bucket_count * sizeof *table->buckets;
}

void parking_lot_forget(void)
{
    struct table *table = atomic_exchange(&lot.table, NULL);

    while (table != NULL) {
        struct table *previous = table->previous;

        free_table(table);
        table = previous;
    }
}
