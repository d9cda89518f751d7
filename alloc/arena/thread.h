/*
 * thread.h - what the allocator knows of a thread: which slab it holds, what it took from system,
 * and which guards and catches are on its stack.
 */
#ifndef ZK_THREAD_H
#define ZK_THREAD_H

#include "count.h"
#include "slab.h"

#include <pthread.h>
#include <setjmp.h>

/* One zk_phase, ZK_PHASE_SCOPE or zk_catch on the stack; see guard.c. */
struct frame_mark {
    uintptr_t address;  /* the frame's canonical address; 0 if unknown */
    uintptr_t returns;  /* where it returns to */
    uintptr_t function; /* where its function starts; 0 if that may change */
    uintptr_t stack;    /* the outermost frame of the stack that it is on; 0 if unknown */
    const void *guard;  /* something in the frame that tells its guards apart */
    jmp_buf *target;    /* of a catch; NULL for a guard */
    uint64_t phase;     /* that a guard began: zk_phase_number */
};

/* One record after the other is made, and none is ever unmapped; those of threads that have ended are used
 * again. Counts go on from one user to the next, so that their sums over all records are right. They are
 * written by the record's thread only, and read by others. */
struct thread {
    struct thread *next;   /* older record, or NULL */
    _Atomic uint32_t held; /* by a living thread, of the process with this epoch; 0: free */
    uint32_t number;       /* of the thread: from 1 on, never used again */
    uint32_t born;         /* the epoch in which it came here */

    _Atomic(struct slab *) slab; /* held, or NULL */
    pthread_mutex_t life; /* robust; held by the thread for life: the kernel tells of its end */
    _Atomic bool watched; /* it is held */
    bool inherited;       /* life was locked when this process was forked: of no use any more */
    bool keyless;         /* no destructor tells of its end: system serves it */
    void *observers;      /* what an observer keeps of it; NULL: nothing */
    unsigned refused;     /* how often it found all slabs held, since ... */
    unsigned refused_at;  /* ... so many had been given back */
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

/* The calling thread writes a report, or is being made known: all comes from system, and nobody is told. */
extern _Thread_local bool zk_detour __attribute__((tls_model(ZK_TLS_MODEL)));

/* When the library is loaded. */
void zk_thread_load(void);

/* The calling thread's record; registered so that its end is seen. A thread past its last
 * destructor shares one record with others in that state. */
struct thread *zk_thread_self(void);

/* What tells the calling thread from every other one that is there, or was: its number; past its last destructor,
 * an address. Never 0. */
uintptr_t zk_thread_token(void);

/* Is this the child of a fork, and the calling thread the one that forked? */
bool zk_thread_has_forked(void);

/* The slab that the calling thread holds, or &zk_no_slab; attended or not. */
struct slab *zk_thread_slab(void);

/* The calling thread's number; 0 past its last destructor. */
uint32_t zk_thread_number(void);

/* Where an observer keeps what it likes of the calling thread; NULL past its last destructor. */
void **zk_thread_observers(void);

/* Makes the calling thread hold a slab, and returns it; NULL when all are held. Waits for nobody. */
struct slab *zk_thread_take_slab(void);

/* In the child of a fork: the thread that forked takes what the others held, who are not here. It alone knows
 * that it is not one of them, and does so the first time that it comes by here; until then theirs is held.
 * Nothing, anywhere else. */
void zk_thread_settle(void);

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
    zk_count_own(&thread->system_count, 1);
    zk_count_own(&thread->system_bytes, size);
}

#endif
