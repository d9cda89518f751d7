/*
 * thread.h - what the allocator knows about a thread: which slab it holds, what it took from
 * system, and which guards and catches are on its stack.
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
    uintptr_t returns;  /* its return address */
    uintptr_t function; /* where its function starts; 0 if that is not fixed */
    uintptr_t stack;    /* the outermost frame of the stack that it is on; 0 if unknown */
    const void *guard;  /* an address in the frame, different for each of its guards */
    jmp_buf *target;    /* where a catch continues; NULL for a guard */
    uint64_t phase;     /* the phase that a guard began: zk_phase_number */
};

/* Records are linked in a list, and never unmapped; those of threads that have ended are reused. A new
 * user continues the counts of the last, so that sums over all records are right. Only the record's thread
 * writes its counts; others read them. */
struct thread {
    struct thread *next;   /* older record, or NULL */
    _Atomic uint32_t held; /* the epoch of the thread that uses it; 0: free */
    uint32_t number;       /* the thread's: counted from 1, never reused */
    uint32_t born;         /* the epoch in which the thread took the record */

    _Atomic(struct slab *) slab; /* held, or NULL */
    pthread_mutex_t life; /* robust; locked by the thread for life: the kernel marks its death */
    _Atomic bool watched; /* life is locked */
    bool inherited;       /* from before this process was forked: life is of no use any more */
    bool keyless;         /* no destructor will run at its end: so system serves it */
    void *observers;      /* what an observer keeps for the thread, or NULL */
    unsigned refused;     /* how often all slabs were held when it wanted one, since ... */
    unsigned refused_at;  /* ... this many had been given back */
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

/* Set while the calling thread writes a report, or is being registered: then all its blocks come from
 * system, and the observer is not told. */
extern _Thread_local bool zk_detour __attribute__((tls_model(ZK_TLS_MODEL)));

/* Called when the library is loaded. */
void zk_thread_load(void);

/* The calling thread's record. The first call registers the thread, so that we learn of its end. A
 * thread past its last destructor shares one record with others in that state. */
struct thread *zk_thread_self(void);

/* A value that no other thread has or had: the thread's number, or an address once it is past its last
 * destructor. Never 0. */
uintptr_t zk_thread_token(void);

/* Is this the child of a fork, and the calling thread the one that forked? */
bool zk_thread_has_forked(void);

/* The slab that the calling thread holds, or &zk_no_slab; whether attended or not. */
struct slab *zk_thread_slab(void);

/* The calling thread's number; 0 past its last destructor. */
uint32_t zk_thread_number(void);

/* Where an observer can keep a pointer for the calling thread; NULL past its last destructor. */
void **zk_thread_observers(void);

/* Makes the calling thread hold a slab, and returns it; NULL if all are held. Never waits. */
struct slab *zk_thread_take_slab(void);

/* In the child of a fork, the thread that forked frees what the parent's other threads held. Only that thread
 * can tell that it is not one of those itself. It does this the first time that it gets here; until then
 * their slabs stay held. Otherwise does nothing. */
void zk_thread_settle(void);

/* Sums over all threads, past and present. */
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

/* The same, unless the thread has no record: then false. */
static inline bool zk_thread_can_count_system(size_t size)
{
    struct thread *thread = zk_thread_known;

    if (thread == NULL)
        return false;
    zk_count_own(&thread->system_count, 1);
    zk_count_own(&thread->system_bytes, size);
    return true;
}

static inline void zk_thread_count_system(size_t size, bool overflow)
{
    if (overflow || !zk_thread_can_count_system(size))
        zk_thread_count_system_slow(size, overflow);
}

#endif
