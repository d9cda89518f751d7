/*
 * worker_metrics.h - model of an async runtime's counters: a record for each worker, in one block.
 *
 * Faithful to tokio's WorkerMetrics and MetricsBatch (tokio/src/runtime/metrics/worker.rs and
 * batch.rs, as built without tokio_unstable; 1.53), 64-bit: a boxed slice with one record for each
 * worker, 128 bytes, aligned to 128, allocated with the runtime: 4096 bytes for 32 workers. A
 * worker counts in a batch of its own, which is part of its core, and stores the sums into its
 * record when it is about to park. Whoever reads the runtime's metrics reads the records. (1.24,
 * Debian 12's, keeps nothing for metrics unless it is built with tokio_unstable.)
 *
 * Not modelled: the rest of the runtime, none of whose blocks is larger than 2128 bytes.
 *
 * A record is written by its worker, and read by any thread.
 */
#ifndef WORKER_METRICS_H
#define WORKER_METRICS_H

#include <stddef.h>
#include <stdint.h>

enum { WORKER_METRICS_BYTES = 128 }; /* of a record */

/* What a worker has counted but not stored yet. */
struct worker_batch {
    uint64_t busy_nanoseconds;
    uint64_t park_count;
    uint64_t park_unpark_count;
};

struct worker_metrics;

/* Records of all zeros. NULL with ENOMEM. */
struct worker_metrics *worker_metrics_create(size_t workers);

void worker_metrics_destroy(struct worker_metrics *metrics);

/* Stores which thread a worker is: once, when it starts. thread is not 0. */
void worker_metrics_set_thread(struct worker_metrics *metrics, size_t worker, uint64_t thread);

/* A worker has run tasks for so long. */
void worker_batch_busy(struct worker_batch *batch, uint64_t nanoseconds);

/* A worker is about to park: counts that, and stores all counts. */
void worker_batch_park(struct worker_batch *batch, struct worker_metrics *metrics, size_t worker);

/* The worker has woken up: counts that. */
void worker_batch_unparked(struct worker_batch *batch);

/* What the runtime's metrics say. */
uint64_t worker_metrics_busy_nanoseconds(const struct worker_metrics *metrics, size_t worker);
uint64_t worker_metrics_park_count(const struct worker_metrics *metrics, size_t worker);
uint64_t worker_metrics_park_unpark_count(const struct worker_metrics *metrics, size_t worker);
/* 0: not stored yet. */
uint64_t worker_metrics_thread(struct worker_metrics *metrics, size_t worker);

#endif
