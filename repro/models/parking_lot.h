/*
 * parking_lot.h - model of a parking lot: a mutex of one byte, and one table per process, which has
 * the waiting threads of all mutexes.
 *
 * Faithful to parking_lot_core 0.9.3 (parking_lot.rs: HashTable, Bucket, ThreadData; word_lock.rs)
 * and parking_lot 0.12.1 (raw_mutex.rs), 64-bit; sizes and growth measured with them:
 *   table    buckets of 64 bytes, aligned to 64, and a separate record of 32 bytes. 16 buckets
 *            (1024 bytes) when the first thread parks; when the n-th living thread parks for the
 *            first time and there are fewer than 3 n buckets, a table of 3 n, rounded up to a power
 *            of two: 2048 bytes at the 6th, 4096 at the 11th, 8192 at the 22nd. The thread that
 *            parks allocates it. An old table is never freed
 *   thread   no block: the queue's entry is in the thread's own static memory
 * A bucket is a lock of one word, the ends of a queue of threads, and the time and random state for
 * fairness, which is not modelled (an unlock never hands the mutex on). The queue of the bucket's
 * own lock is not modelled either: a thread waits for a bucket by yielding. As in the crate,
 * nothing that is found in a bucket or a queue is checked.
 *
 * There is one table in the process; parking_lot_forget lets it start from nothing again.
 */
#ifndef PARKING_LOT_H
#define PARKING_LOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PARKING_LOT_BUCKET_BYTES = 64, PARKING_LOT_TABLE_BYTES = 32 /* the record */ };

struct parking_mutex {
    _Atomic uint8_t state; /* bit 0: held, bit 1: threads are parked */
};

/* Locks; parks while another thread holds it. Ends the process when no table can be allocated, as
 * the real one does. */
void parking_mutex_lock(struct parking_mutex *mutex);

/* The same, for at most so many microseconds: false if they run out. */
bool parking_mutex_lock_for(struct parking_mutex *mutex, unsigned microseconds);

/* Unlocks, and wakes the thread that has been parked for longest. Only for the thread that holds
 * it. */
void parking_mutex_unlock(struct parking_mutex *mutex);

/* Bytes of the table's buckets; 0 while there is no table. */
size_t parking_lot_bucket_bytes(void);

/* Frees the table and those that it replaced: for tests, and for a program that is about to end. No
 * thread may be parked. */
void parking_lot_forget(void);

#endif
