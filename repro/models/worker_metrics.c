/*
 * worker_metrics.c - tokio's counters of its workers: see worker_metrics.h for what they are
 * faithful to.
 *
 * Each record's counters have one writer, its worker.
 */
#include "worker_metrics.h"

#include "array_bytes.h"
#include "zkalloc.h"

#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>

struct worker_metrics {
    alignas(WORKER_METRICS_BYTES) _Atomic uint64_t busy_nanoseconds;
    _Atomic uint64_t queue_depth; /* used by the scheduler of a single thread only */
    _Atomic uint32_t thread_lock; /* Mutex<Option<ThreadId>> */
    uint8_t thread_poisoned;
    uint64_t thread;
    _Atomic uint64_t park_count;
    _Atomic uint64_t park_unpark_count;
};

_Static_assert(sizeof(struct worker_metrics) == WORKER_METRICS_BYTES, "as WorkerMetrics");
_Static_assert(offsetof(struct worker_metrics, busy_nanoseconds) == 0 &&
                   offsetof(struct worker_metrics, park_count) == 32 &&
                   offsetof(struct worker_metrics, park_unpark_count) == 40,
               "the three that a park stores");

struct worker_metrics *worker_metrics_create(size_t workers)
{
    struct worker_metrics *metrics;
    size_t bytes;

    if (!array_bytes(workers, sizeof *metrics, &bytes))
        return NULL;
    metrics = zk_aligned_alloc(alignof(struct worker_metrics), bytes);
    for (size_t i = 0; metrics != NULL && i < workers; i++)
        metrics[i] = (struct worker_metrics){0};
    return metrics;
}

void worker_metrics_destroy(struct worker_metrics *metrics)
{
    zk_free(metrics);
}

/* Waits by yielding; the real one uses a futex. */
static void lock_thread(struct worker_metrics *record)
{
    uint32_t free = 0;

    while (!atomic_compare_exchange_strong(&record->thread_lock, &free, 1)) {
        free = 0;
        sched_yield();
    }
}

static void unlock_thread(struct worker_metrics *record)
{
    atomic_store(&record->thread_lock, 0);
}

void worker_metrics_set_thread(struct worker_metrics *metrics, size_t worker, uint64_t thread)
{
    lock_thread(&metrics[worker]);
    metrics[worker].thread = thread;
    unlock_thread(&metrics[worker]);
}

uint64_t worker_metrics_thread(struct worker_metrics *metrics, size_t worker)
{
    uint64_t thread;

    lock_thread(&metrics[worker]);
    thread = metrics[worker].thread;
    unlock_thread(&metrics[worker]);
    return thread;
}

void worker_batch_busy(struct worker_batch *batch, uint64_t nanoseconds)
{
    batch->busy_nanoseconds += nanoseconds;
}

void worker_batch_park(struct worker_batch *batch, struct worker_metrics *metrics, size_t worker)
{
    struct worker_metrics *record = &metrics[worker];

    batch->park_count++;
    batch->park_unpark_count++;
    atomic_store(&record->busy_nanoseconds, batch->busy_nanoseconds);
    atomic_store(&record->park_count, batch->park_count);
    atomic_store(&record->park_unpark_count, batch->park_unpark_count);
}

void worker_batch_unparked(struct worker_batch *batch)
{
    batch->park_unpark_count++;
}

uint64_t worker_metrics_busy_nanoseconds(const struct worker_metrics *metrics, size_t worker)
{
    return atomic_load(&metrics[worker].busy_nanoseconds);
}

uint64_t worker_metrics_park_count(const struct worker_metrics *metrics, size_t worker)
{
    return atomic_load(&metrics[worker].park_count);
}

uint64_t worker_metrics_park_unpark_count(const struct worker_metrics *metrics, size_t worker)
{
    return atomic_load(&metrics[worker].park_unpark_count);
}
