/*
 * thread.h - what the allocator knows of a thread: which slab it holds, what it took from system,
 * and which guards and catches are on its stack.
 */
#ifndef ZK_THREAD_H
#define ZK_THREAD_H

#include "slab.h"

#include <setjmp.h>
#include <sys/types.h>

/* One zk_phase, ZK_PHASE_SCOPE or zk_catch on the stack; see guard.c. */
struct frame_mark {
    uintptr_t address;  /* the frame's canonical address; 0 if unknown */
    uintptr_t returns;  /* where it returns to */
    uintptr_t function; /* where its function starts; 0 if that may change */
    const void *guard;  /* something in the frame that tells its guards apart */
    jmp_buf *target;    /* of a catch; NULL for a guard */
    uint64_t word;      /* the phase word that a guard began with */
};

/* Written by its thread only; counts are read by others. Never unmapped: a thread can end unseen,
 * when it comes here for the first time in the last round of its destructors. */
struct thread {
    pid_t id;          /* the kernel's */
    uint32_t number;   /* ours: from 1 on, never used again */
    void *site_cache;  /* see site.c; NULL unless it is audited */
    struct slab *slab; /* held, or NULL */
    unsigned refused;  /* how often it found all slabs held */
    struct thread *next;
    struct thread *previous;
    _Atomic uint64_t system_count;
    _Atomic uint64_t system_bytes;
    _Atomic uint64_t overflow_count;
    _Atomic uint64_t overflow_bytes;
    struct frame_mark *marks;
    size_t mark_count;
    size_t mark_room;
};

/* The fast paths' only thread-local: the slab held, or &zk_no_slab. The build chooses the model:
 * local-exec for the static library, which goes into executables; initial-exec for a shared one. */
extern _Thread_local struct slab *zk_my_slab __attribute__((tls_model(ZK_TLS_MODEL)));

/* The calling thread is inside a fork, or writes a report: all comes from system, and nobody is told. */
extern _Thread_local bool zk_detour __attribute__((tls_model(ZK_TLS_MODEL)));

/* The calling thread's record; registered so that its end is seen. A thread past its last
 * destructor shares one record with others in that state. */
struct thread *zk_thread_self(void);

/* The slab that the calling thread holds, or &zk_no_slab; attended or not. */
struct slab *zk_thread_slab(void);

/* The calling thread's number; 0 past its last destructor. */
uint32_t zk_thread_number(void);

/* Where the calling thread keeps its cache of call stacks; NULL past its last destructor. */
void **zk_thread_site_cache(void);

/* Makes the calling thread hold a slab, and returns it; NULL when all are held. */
struct slab *zk_thread_take_slab(void);

/* Sums over all threads that are or were. */
struct thread_totals {
    uint64_t system_count;
    uint64_t system_bytes;
    uint64_t overflow_count;
    uint64_t overflow_bytes;
};
struct thread_totals zk_thread_totals(void);

unsigned zk_thread_slabs_in_use(void);

/* The calling thread's record, if it has one by now. */
extern _Thread_local struct thread *zk_thread_known __attribute__((tls_model(ZK_TLS_MODEL)));

/* Counts one block that the C library served to the calling thread. */
void zk_thread_count_system_slow(size_t size, bool overflow);

static inline void zk_thread_count_system(size_t size, bool overflow)
{
    struct thread *thread = zk_thread_known;

    if (thread == NULL || overflow) {
        zk_thread_count_system_slow(size, overflow);
        return;
    }
    /* One writer: no read-modify-write instruction is needed. Relaxed: it orders nothing. */
    atomic_store_explicit(&thread->system_count,
                          atomic_load_explicit(&thread->system_count, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    atomic_store_explicit(&thread->system_bytes,
                          atomic_load_explicit(&thread->system_bytes, memory_order_relaxed) + size,
                          memory_order_relaxed);
}

/* Around fork: holds the lock; in the child, forgets the threads that are gone. */
void zk_thread_fork_prepare(void);
void zk_thread_fork_parent(void);
void zk_thread_fork_child(void);

#endif
