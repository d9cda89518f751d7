/*
 * zkalloc.h - a phase arena for programs that work in rounds, and the whole public API of it.
 *
 * Inside a phase, a thread's blocks of at least MIN_BYTES bytes are bumped out of the thread's own
 * slab
 * ("arena"); all other blocks come from the C library ("system"). A begin recycles every slab: each
 * thread does so for itself, at its first allocation of the new phase.
 *
 * Every function may be called from any thread at any time, but not from a signal handler, except
 * where its comment says otherwise. Sizes are in bytes. A function that returns int returns 0, or
 * -1 with errno.
 */
#ifndef ZKALLOC_H
#define ZKALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* ---- Blocks: as in <stdlib.h> ------------------------------------------------------------------
 */

/* At least size bytes, aligned to 16; blocks of 1 MiB and more that come from the arena, to 64. Size 0 gives a unique pointer. NULL with ENOMEM only when the C library has no memory either. */
void *zk_malloc(size_t size);

/* count * size zero bytes; NULL with ENOMEM when the product overflows. */
void *zk_calloc(size_t count, size_t size);

/* Grows or shrinks p. NULL p allocates; size 0 frees p and returns NULL. On failure p is untouched.
 * For an arena block of an earlier phase under blind recycling (a bug in the caller), what is
 * copied is whatever its bytes have become; the result is still a valid block. */
void *zk_realloc(void *p, size_t size);

/* At least size bytes, aligned to align. NULL with EINVAL unless align is a power of two.
 * Alignments up to 1 GiB are served from the arena while the slab has room. */
void *zk_aligned_alloc(size_t align, size_t size);

/* zk_calloc, aligned to align. NULL with EINVAL unless align is a power of two, with ENOMEM when the product
 * overflows. */
void *zk_aligned_calloc(size_t align, size_t count, size_t size);

/* Ends the life of p, on any thread. NULL is ignored; errno is kept. */
void zk_free(void *p);

/* Bytes that may be used at p: at least what was asked for. 0 for NULL. */
size_t zk_usable_size(const void *p);

/* For callers that know the old size (Rust's and C++'s allocators): exactly old_size bytes are
 * carried over (or size, if that is less), and the result is aligned to align. NULL with EINVAL
 * unless align is a power of two. */
void *zk_realloc_sized(void *p, size_t old_size, size_t align, size_t size);

/* zk_free for callers that know the size. */
void zk_free_sized(void *p, size_t size);

/* Is p inside the arena's region (of any phase, live or not)? */
bool zk_owns(const void *p);

/* ---- Phases ------------------------------------------------------------------------------------
 */

/* Starts a phase, recycling all slabs. The first one reserves the region; when that is refused the
 * phase starts all the same, and everything in it comes from system. Errors: EBUSY a phase is
 * active (nesting=refuse); EPERM another thread's phase is active (owner=exclusive). */
int zk_begin_phase(void);

/* Ends the phase: from here on every allocation comes from system. Then runs the phase-end hooks,
 * on this thread. The blocks of the phase stay valid until the next begin. Errors: EINVAL no phase
 * is active; EPERM another thread's phase is active (owner=exclusive). */
int zk_end_phase(void);

/* zk_end_phase, and declares every block dead that was allocated in the phase and not freed: for
 * programs that rely on the reset instead of freeing, under pinned recycling. They must not be used
 * or freed any more once the next phase has begun. Inside a counted nested phase, it only ends that
 * one. Errors: those of zk_end_phase. */
int zk_discard_phase(void);

/* zk_end_phase, if a phase is active, hooks included; and then overwrites with zeros all that is dead in the arena, in
 * the slabs of all threads: blocks that have been freed, and free memory that blocks have lain in. Blocks that were not
 * freed are left as they are. For the end of a proof, when its secrets are freed: from then on no allocation, no dump and
 * no read of uninitialised memory finds them there. The compiler cannot leave it out, and does not know more than that:
 * copies in registers, on stacks, in pages that were swapped out or given back to the system, and in what system served
 * (blocks below MIN_BYTES, of sizes that pretenuring has learned, or for want of room) are not reached.
 * Frees on other threads must come before the call, by a join or the like, to be seen. From the first call on, what is
 * used again inside a phase is wiped as well, as under ZK_ALLOC_WIPE=phase, so a phase costs more. It may be
 * called while other threads run; a begin on one of them waits. Takes time for each byte that the phase has used.
 * Errors: EPERM another thread's phase is active (owner=exclusive), and nothing was done; EAGAIN not all could be wiped as
 * yet, and the rest is wiped when its thread next allocates in a phase: recycling is blind, so that it is not known what
 * is dead; the phase was discarded by zk_discard_phase; a phase is active (a nested one was ended, or there are boundaries
 * that the program does not see); a thread is in the middle of an allocation, or has ended in one, whose slab is never
 * used again; or, in the first call alone, without ZK_ALLOC_WIPE=phase, another thread has room left in a chunk that it
 * has used before. */
int zk_wipe_phase(void);

/* Runs body(arg) inside a phase that ends however body is left through the escape API. A plain
 * longjmp out of body is not seen when it happens; the next begin on this thread detects the orphan
 * (the guard's frame is gone), ends it, counts it (zk_stats.orphans) and says so once; not under
 * nesting=recycle. Errors: those of zk_begin_phase, in which case body was not run. */
int zk_phase(void (*body)(void *arg), void *arg);

/* A phase from here to the end of the enclosing block:
 *
 *     { ZK_PHASE_SCOPE(); prove(); }
 *
 * If the phase could not begin, the scope does nothing, and the allocations in it are routed as
 * they would be without it. In C++ it ends the phase when an exception leaves the block, too;
 * zk_phase takes an exception out of body for a longjmp. */
#define ZK_PHASE_SCOPE()                                                                           \
    __attribute__((cleanup(zk_phase_scope_leave), unused)) struct zk_guard zk_phase_scope_;        \
    zk_phase_scope_enter(&zk_phase_scope_)

/* Runs body(arg). Returns 0 when body returns, or the code given to zk_escape inside it. */
int zk_catch(void (*body)(void *arg), void *arg);

/* The panic analogue: ends every phase guarded since the innermost zk_catch on this thread,
 * innermost first, then makes that zk_catch return code (1 if code is 0). Without a zk_catch: one
 * line on stderr, then abort. Cleanups of the frames between are not run. */
__attribute__((noreturn)) void zk_escape(int code);

/* Registers hook(arg) to run after each phase, on the thread that ended it, once allocations come
 * from system again: the place where a library drains its queues. Hooks run in the order of
 * registration. A hook stays until it is taken back, or until the library that it lies in is closed. It
 * must neither begin nor end a phase. Errors: ENOMEM. */
int zk_on_phase_end(void (*hook)(void *arg), void *arg);

/* Takes hook(arg) back; if it was registered more than once, the latest. It may still be running, on
 * another thread that has ended a phase. Errors: ENOENT it is not registered. */
int zk_remove_phase_end(void (*hook)(void *arg), void *arg);

/* Bytes that the calling thread's slab served in the last phase before the present one in which it
 * was used: what an allocation must cover to overwrite all of it. 0 if there is none. */
size_t zk_high_water(void);

/* A guard's state, in the frame that it guards. Not for use by name. */
struct zk_guard {
    size_t mark;
};
void zk_phase_scope_enter(struct zk_guard *guard);
void zk_phase_scope_leave(struct zk_guard *guard);

/* ---- Statistics --------------------------------------------------------------------------------
 */

struct zk_stats {
    uint64_t phases;       /* begins that started a new generation */
    uint64_t arena_count;  /* blocks served from slabs */
    uint64_t arena_bytes;  /* their bytes, rounding and alignment included */
    uint64_t system_count; /* blocks served by the C library, in a phase or not */
    uint64_t system_bytes; /* their bytes, as asked for */
    uint64_t
        overflow_count; /* those of them that were due to the arena, and found no slab or no room */
    uint64_t overflow_bytes;
    uint64_t
        retained_count; /* arena blocks of earlier phases neither freed nor discarded at the last
                                 begin */
    uint64_t rewinds;   /* recyclings of a slab in which nothing lived, or blind */
    uint64_t walks;     /* recyclings of a slab in which something did */
    uint64_t reuses;    /* times that, inside a phase, bumping went back to what had died */
    uint64_t reclaimed_bytes; /* that recycling made free, ever */
    uint64_t pinned_chunks; /* kept by each slab's last recycling, because something lives there */
    uint64_t pinned_bytes;  /* of those */
    uint64_t orphans;      /* phases that a begin found left behind by a longjmp or a dead thread */
    uint64_t slabs;        /* slabs reserved */
    uint64_t slab_bytes;   /* bytes of each */
    uint64_t slabs_in_use; /* slabs that a living thread holds */
    uint64_t misuses;      /* frees of what was no live block, let pass by ZK_ALLOC_MISUSE=ignore */
    uint64_t
        tenured_classes; /* classes of sizes that system serves in phases, since blocks of them were
                                 seen to survive and to keep much that is dead (of 64; see pretenure) ... */
    size_t tenured_from; /* ... the smallest size among them, ... */
    size_t tenured_below; /* ... and the smallest above all of them; 0 and 0 if there are none */
    const char *system; /* the file whose malloc serves what the arena does not; NULL if that is not
                              known */
};

/* Fills *stats. Counts are exact when no other thread is inside the allocator. Errors: none. */
int zk_stats(struct zk_stats *stats);

/* Sets the counts back to 0; what describes the present (retained, slabs) stays. */
void zk_reset_stats(void);

/* ---- Audit: what would be unsafe under blind recycling? ----------------------------------------
 *
 * ZK_ALLOC_AUDIT=census keeps a list of all live blocks that were allocated in phases, of any size,
 * and at each begin counts those retained, by size and call stack. ZK_ALLOC_AUDIT=trap does not
 * reuse an address of an earlier phase, takes away access to every earlier block at each begin, and
 * counts what is touched all the same, by the program or by the kernel for it (x86-64, Linux 5.11;
 * elsewhere an access by the kernel is caught where the preload library is loaded and the program
 * makes the call itself, and fails with EFAULT otherwise). When the process ends, the findings are written to ZK_ALLOC_AUDIT_OUT as TSV, one row for each size and call stack;
 * zk-audit(1) runs a program under both and says what they mean.
 */

struct zk_audit_summary {
    /* Census and trap: */
    uint64_t retained_count;       /* blocks retained at the last begin */
    uint64_t arena_retained_count; /* those of them that lie in the arena at this MIN_BYTES */
    /* Census: */
    uint64_t retained_max;       /* bytes of the largest one retained at any begin */
    uint64_t arena_retained_max; /* of those in the arena */
    uint64_t census_bytes;       /* that the list of live blocks takes */
    /* Trap: */
    uint64_t touched_count;    /* stale accesses, one for each block and phase */
    uint64_t touched_max;      /* bytes of the largest block touched */
    uint64_t freed_late_count; /* retained, not touched, and freed in a later phase */
    uint64_t after_free_count; /* accesses to blocks that had been freed: no fault of the arena's */
    uint64_t unwatched_count;  /* blocks that there was no room to watch */
};

/* Fills *summary; all 0 and -1 with EINVAL when no audit is on, or no phase has begun; ENOSYS when the library was built
 * without the audit (ZKALLOC_AUDIT=OFF). */
int zk_audit_summary(struct zk_audit_summary *summary);

/* Writes the findings so far to fd. With a negative fd, to where ZK_ALLOC_AUDIT_OUT says, in place
 * of the report at exit: for a process that ends by _exit. Errors: EINVAL no audit is on, or no
 * phase has begun; ENOSYS the library was built without the audit; those of write. */
int zk_audit_report(int fd);

/* ---- Configuration -----------------------------------------------------------------------------
 */

/* The value that is 0 is the default. */
enum zk_recycle { ZK_RECYCLE_PINNED, ZK_RECYCLE_BLIND };
enum zk_nesting { ZK_NESTING_REFUSE, ZK_NESTING_COUNT, ZK_NESTING_RECYCLE };
enum zk_owner { ZK_OWNER_EXCLUSIVE, ZK_OWNER_ANY };
enum zk_realloc_rule { ZK_REALLOC_STICKY, ZK_REALLOC_MIGRATE };
enum zk_copy { ZK_COPY_MEMMOVE, ZK_COPY_FORWARD };
enum zk_hugepage { ZK_HUGEPAGE_NEVER, ZK_HUGEPAGE_ALWAYS };
enum zk_audit { ZK_AUDIT_OFF, ZK_AUDIT_CENSUS, ZK_AUDIT_TRAP };
enum zk_tools { ZK_TOOLS_TELL, ZK_TOOLS_IGNORE };
enum zk_misuse { ZK_MISUSE_ABORT, ZK_MISUSE_IGNORE };
enum zk_deepbind { ZK_DEEPBIND_MASK, ZK_DEEPBIND_LEAVE };
enum zk_pretenure { ZK_PRETENURE_LEARN, ZK_PRETENURE_OFF };
enum zk_wipe { ZK_WIPE_OFF, ZK_WIPE_PHASE };

#define ZK_DEFAULT_MIN_BYTES   ((size_t)4096)
#define ZK_DEFAULT_SLAB_BYTES  ((size_t)8 << 30)
#define ZK_DEFAULT_AUDIT_DEPTH 32u

struct zk_config {
    enum zk_recycle recycle; /* ZK_ALLOC_RECYCLE: what a begin does to a slab */
    size_t min_bytes;        /* ZK_ALLOC_MIN_BYTES: blocks of at least this size go to the arena */
    size_t slab_bytes; /* ZK_ALLOC_SLAB_GB: address space of one slab; 0 for no arena at all */
    enum zk_nesting nesting; /* ZK_ALLOC_NESTING: what a begin in a phase does */
    enum zk_owner owner;     /* ZK_ALLOC_OWNER: who may begin and end while a phase is active */
    enum zk_realloc_rule realloc; /* ZK_ALLOC_REALLOC: may a system block grow into the arena? */
    enum zk_copy copy;            /* ZK_ALLOC_COPY: how realloc carries bytes over */
    bool poison_reset;            /* ZK_ALLOC_POISON_RESET: recycled pages read as zero */
    enum zk_hugepage hugepage;    /* ZK_ALLOC_HUGEPAGE: page size of the region */
    enum zk_audit audit;          /* ZK_ALLOC_AUDIT: what is looked for */
    const char
        *audit_out;       /* ZK_ALLOC_AUDIT_OUT: a path, in which %p is the process id; or NULL, for
                              stderr. The caller keeps it. */
    unsigned audit_depth; /* ZK_ALLOC_AUDIT_DEPTH: frames of a call stack, up to 32; 0 for none */
    uint64_t
        chaos_every; /* ZK_ALLOC_CHAOS=N[:seed], preload library only, and only from there: a phase
                             boundary about every so many allocations; 0 for none */
    uint64_t chaos_seed;
    enum zk_tools tools; /* ZK_ALLOC_TOOLS: are AddressSanitizer and Valgrind, if the program runs
                              under one, told of recycled memory? */
    enum zk_misuse
        misuse; /* ZK_ALLOC_MISUSE: under pinned, what a second free of a block does, or one of
                              an address that is no block */
    enum zk_deepbind
        deepbind; /* ZK_ALLOC_DEEPBIND, preload library only: what becomes of dlopen's flag
                                  that gives a library a malloc of its own */
    bool
        verbose; /* ZK_ALLOC_VERBOSE: one line at the first begin, or when the preload library is loaded */
    enum zk_pretenure
        pretenure; /* ZK_ALLOC_PRETENURE: under pinned, do sizes leave the arena whose blocks outlive
                              their phases one here and one there, and so keep much that is dead? */
    enum zk_wipe
        wipe; /* ZK_ALLOC_WIPE: is what the arena recycles overwritten with zeros before it is used
                          again, at the boundary and inside a phase? It turns pretenure off. */
};

/* Replaces the whole configuration. Errors: EBUSY a phase has begun before (the configuration is
 * fixed from then on); EINVAL a value is out of range; ENOSYS an audit is wanted, and the library was
 * built without (ZKALLOC_AUDIT=OFF). Then nothing has changed. */
int zk_configure(const struct zk_config *config);

/* Fills *config with what is in force: defaults, then the environment, then zk_configure. Once the
 * region is reserved, slab_bytes is the size that was granted. Errors: none. */
int zk_config(struct zk_config *config);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
