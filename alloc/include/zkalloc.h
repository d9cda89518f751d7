/*
 * zkalloc.h - the public API of a phase arena for programs that work in rounds.
 *
 * Inside a phase, a thread's blocks of at least MIN_BYTES bytes are bump-allocated from the
 * thread's own slab; all slabs together are the "arena". All other blocks come from the C library
 * ("system"). The begin of a phase recycles every slab: each thread does so for its own, at its
 * first allocation in the new phase.
 *
 * Unless its comment says otherwise, every function may be called from any thread at any time, but
 * not from a signal handler. Sizes are in bytes. A function that returns int returns 0, or -1 with
 * errno set.
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

/* ---- Blocks: as in <stdlib.h> ---- */

/* Returns at least size bytes, aligned to 16; blocks of 1 MiB and more from the arena are aligned to 64. Size 0 gives a
 * unique pointer. NULL with ENOMEM only if the C library has no memory either. */
void *zk_malloc(size_t size);

/* Returns count * size bytes, all zero. NULL with ENOMEM also if the product overflows. */
void *zk_calloc(size_t count, size_t size);

/* Grows or shrinks p. If p is NULL, allocates; if size is 0, frees p and returns NULL. On failure p
 * is untouched. For an arena block of an earlier phase under blind recycling (a bug in the caller),
 * the contents are whatever its bytes have become; the result is still a valid block. */
void *zk_realloc(void *p, size_t size);

/* Returns at least size bytes, aligned to align. NULL with EINVAL unless align is a power of two.
 * Alignments up to 1 GiB are served from the arena while the slab has room. */
void *zk_aligned_alloc(size_t align, size_t size);

/* Like zk_calloc, aligned to align. NULL with EINVAL unless align is a power of two, with ENOMEM also if the
 * product overflows. */
void *zk_aligned_calloc(size_t align, size_t count, size_t size);

/* Frees p, on any thread. NULL is ignored; errno is preserved. */
void zk_free(void *p);

/* Returns how many bytes may be used at p: at least what was asked for. 0 for NULL. */
size_t zk_usable_size(const void *p);

/* For callers that know the old size (Rust's and C++'s allocators): keeps exactly old_size bytes of
 * the contents (or size, if that is less), and aligns the result to align. NULL with EINVAL unless
 * align is a power of two. */
void *zk_realloc_sized(void *p, size_t old_size, size_t align, size_t size);

/* Like zk_free, for callers that know the size. */
void zk_free_sized(void *p, size_t size);

/* Is p inside the arena's address range (in a block of whatever phase, live or not)? */
bool zk_owns(const void *p);

/* ---- Phases ---- */

/* Begins a phase, and recycles all slabs. The first begin reserves the arena's address range; if
 * that is refused, the phase begins all the same, and everything in it comes from system. Errors:
 * EBUSY a phase is active (nesting=refuse); EPERM another thread's phase is active
 * (owner=exclusive). */
int zk_begin_phase(void);

/* Ends the phase: from here on every allocation comes from system. Then runs the phase-end hooks,
 * on this thread. The blocks of the phase stay valid: under pinned recycling until they are freed,
 * under blind until the next begin. Errors: EINVAL no phase is active; EPERM another thread's phase
 * is active (owner=exclusive). */
int zk_end_phase(void);

/* Like zk_end_phase, and also declares all blocks dead that were allocated in the phase and not
 * freed: for programs that rely on the reset instead of freeing, under pinned recycling. Once the
 * next phase has begun, these blocks must not be used or freed any more. Inside a nested phase
 * (nesting=count), it only ends that one. Errors: those of zk_end_phase. */
int zk_discard_phase(void);

/* Ends the phase if one is active, as zk_end_phase does, hooks included. Then overwrites with zeros everything dead in
 * the slabs of all threads: freed blocks, and free memory that has held blocks. Blocks that have not been freed are
 * left as they are. For the end of a proof, when its secrets have been freed: after this, no allocation, no dump and no
 * read of uninitialised memory finds them in the arena.
 *
 * The compiler cannot optimise the wiping away. It does not reach copies in registers, on stacks, in pages that were
 * swapped out or given back to the kernel, and in blocks that system served (those below MIN_BYTES, of sizes that
 * pretenuring has learned, or for which the arena had no room). Frees on other threads must come before the call, by a
 * join or the like, to be seen.
 *
 * From the first call on, memory that is reused inside a phase is wiped as well, as under ZK_ALLOC_WIPE=phase, so
 * phases cost more. May be called while other threads run; a begin on one of them waits. Takes time in proportion to
 * the bytes that the phase has used.
 *
 * Errors: EPERM another thread's phase is active (owner=exclusive), and nothing was done; EAGAIN not everything could
 * be wiped yet, and the rest is wiped when its thread next allocates in a phase. The reasons for EAGAIN: recycling is
 * blind, so it is not known what is dead; the phase was ended by zk_discard_phase; a phase is active (only a nested one
 * was ended, or there are boundaries that the program does not see); a thread is in the middle of an allocation, or has
 * died in one (then its slab is never used again); or, in the first call only and without ZK_ALLOC_WIPE=phase, another
 * thread has room left in a chunk that was used before. */
int zk_wipe_phase(void);

/* Runs body(arg) inside a phase that ends when body returns or is left by zk_escape. A plain
 * longjmp out of body is not noticed when it happens: the next begin on this thread finds that the
 * frame is gone, ends the orphaned phase, counts it (zk_stats.orphans) and says so once, except
 * under nesting=recycle. Errors: those of zk_begin_phase, and ENOMEM; body has not been run then. */
int zk_phase(void (*body)(void *arg), void *arg);

/* A phase from here to the end of the enclosing block:
 *
 *     { ZK_PHASE_SCOPE(); prove(); }
 *
 * If the phase cannot begin, the scope does nothing. In C++ it also ends the phase when an
 * exception leaves the block. zk_phase, in contrast, treats an exception out of body like a
 * longjmp. */
#define ZK_PHASE_SCOPE()                                                                           \
    __attribute__((cleanup(zk_phase_scope_leave), unused)) struct zk_guard zk_phase_scope_;        \
    zk_phase_scope_enter(&zk_phase_scope_)

/* Runs body(arg). Returns 0 when body returns, or the code given to zk_escape inside it. */
int zk_catch(void (*body)(void *arg), void *arg);

/* The counterpart of a panic: ends every phase begun by zk_phase or ZK_PHASE_SCOPE since the
 * innermost zk_catch on this thread, innermost first, then makes that zk_catch return code (1 if
 * code is 0). Without a zk_catch: one line on stderr, then abort. Cleanups and destructors of the
 * frames between are not run. */
__attribute__((noreturn)) void zk_escape(int code);

/* Registers hook(arg) to run after each phase, on the thread that ended it, once allocations come from
 * system again: here a library can drain its queues. Hooks run in the order of registration. A hook
 * stays until it is removed, or until the library that contains it is closed. It must neither begin nor
 * end a phase. Errors: ENOMEM. */
int zk_on_phase_end(void (*hook)(void *arg), void *arg);

/* Removes hook(arg); if it was registered more than once, the latest. It may still be running on
 * another thread that has ended a phase. Errors: ENOENT it is not registered. */
int zk_remove_phase_end(void (*hook)(void *arg), void *arg);

/* Returns how many bytes the calling thread's slab served in the last phase, before the current
 * one, in which it was used: an allocation of this size would overwrite all of it. 0 if there is
 * none. */
size_t zk_high_water(void);

/* The state of ZK_PHASE_SCOPE, in the frame that contains it. Not to be used directly. */
struct zk_guard {
    size_t mark;
};
void zk_phase_scope_enter(struct zk_guard *guard);
void zk_phase_scope_leave(struct zk_guard *guard);

/* ---- Statistics ---- */

struct zk_stats {
    uint64_t phases;         /* begins that started a new phase */
    uint64_t arena_count;    /* blocks served from slabs */
    uint64_t arena_bytes;    /* their bytes, rounding and alignment included */
    uint64_t system_count;   /* blocks served by system, in a phase or not */
    uint64_t system_bytes;   /* their bytes, as asked for */
    uint64_t overflow_count; /* those of them that the arena had no slab or no room for */
    uint64_t overflow_bytes;
    uint64_t retained_count;  /* arena blocks neither freed nor discarded at the last begin */
    uint64_t rewinds;         /* recyclings of a slab in which nothing lived, and all blind ones */
    uint64_t walks;           /* recyclings of a slab in which something did */
    uint64_t reuses;          /* how often, inside a phase, bumping went back to dead memory */
    uint64_t reclaimed_bytes; /* bytes that recycling has freed, ever */
    uint64_t pinned_chunks;   /* chunks that each slab's last recycling kept for what lives there */
    uint64_t pinned_bytes;    /* their bytes */
    uint64_t orphans;         /* phases left without an end, by a longjmp or at a thread's end */
    uint64_t slabs;           /* slabs reserved */
    uint64_t slab_bytes;      /* bytes of each slab */
    uint64_t slabs_in_use;    /* slabs that a living thread holds */
    uint64_t misuses;         /* frees of what is not a live block, under ZK_ALLOC_MISUSE=ignore */
    /* How many of the 64 classes of sizes system serves in phases, since their blocks tended to
     * survive and to keep much dead memory (see pretenure); the smallest size among them; and the
     * smallest size above all of them. 0 if there are none. */
    uint64_t tenured_classes;
    size_t tenured_from;
    size_t tenured_below;
    const char *system; /* the file whose malloc is system; NULL if unknown */
};

/* Fills in *stats. Counts are exact if no other thread is inside the allocator. Errors: none. */
int zk_stats(struct zk_stats *stats);

/* Resets the counts to 0, except those that describe the present (retained, pinned, slabs). */
void zk_reset_stats(void);

/* ---- Audit: what would be unsafe under blind recycling? ----
 *
 * ZK_ALLOC_AUDIT=census keeps a list of all live blocks that were allocated in phases, of any size, and at each begin
 * counts those retained, by size and call stack. ZK_ALLOC_AUDIT=trap never reuses an address of an earlier phase, takes
 * away access to all earlier blocks at each begin, and counts what is touched all the same, by the program, or by the
 * kernel on its behalf (x86-64, Linux 5.11; elsewhere an access by the kernel is caught only if the preload library is
 * loaded and the program makes the call itself; otherwise the call fails with EFAULT). When the process ends, the
 * findings are written to ZK_ALLOC_AUDIT_OUT as TSV, one row for each size and call stack. zk-audit(1) runs a program
 * under both and says what they mean.
 */

struct zk_audit_summary {
    /* Census and trap: */
    uint64_t retained_count;       /* blocks retained at the last begin */
    uint64_t arena_retained_count; /* those of them in the arena, with this MIN_BYTES */
    /* Census: */
    uint64_t retained_max;       /* bytes of the largest block retained at any begin */
    uint64_t arena_retained_max; /* the same for those in the arena */
    uint64_t census_bytes;       /* bytes that the list of live blocks takes */
    /* Trap: */
    uint64_t touched_count;    /* stale accesses: at most one for each block and phase */
    uint64_t touched_max;      /* bytes of the largest block touched */
    uint64_t freed_late_count; /* retained, not touched, and freed in a later phase */
    uint64_t after_free_count; /* accesses to freed blocks, which are not due to the arena */
    uint64_t unwatched_count;  /* blocks that could not be watched, for want of room */
};

/* Fills in *summary; all 0 on failure. Errors: EINVAL no audit is on, or no phase has begun; ENOSYS the library was
 * built without the audit (ZKALLOC_AUDIT=OFF). */
int zk_audit_summary(struct zk_audit_summary *summary);

/* Writes the findings so far to fd. With a negative fd, writes them to ZK_ALLOC_AUDIT_OUT, instead
 * of at exit: for a process that ends by _exit. Errors: EINVAL no audit is on, or no phase has
 * begun; ENOSYS the library was built without the audit; those of write. */
int zk_audit_report(int fd);

/* ---- Configuration ---- */

/* In each of these, the value 0 is the default. */
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
    size_t slab_bytes;       /* ZK_ALLOC_SLAB_GB: address space of one slab; 0: no arena at all */
    enum zk_nesting nesting; /* ZK_ALLOC_NESTING: what a begin inside a phase does */
    enum zk_owner owner;     /* ZK_ALLOC_OWNER: who may begin and end while a phase is active */
    enum zk_realloc_rule realloc; /* ZK_ALLOC_REALLOC: may a system block grow into the arena? */
    enum zk_copy copy;            /* ZK_ALLOC_COPY: how realloc copies bytes */
    bool poison_reset;            /* ZK_ALLOC_POISON_RESET: recycled pages read as zero */
    enum zk_hugepage hugepage;    /* ZK_ALLOC_HUGEPAGE: page size of the arena */
    enum zk_audit audit;          /* ZK_ALLOC_AUDIT: what to look for */
    /* ZK_ALLOC_AUDIT_OUT: a path, in which %p stands for the process id; or NULL for stderr. The
     * caller keeps the string. */
    const char *audit_out;
    unsigned audit_depth; /* ZK_ALLOC_AUDIT_DEPTH: frames of a call stack, up to 32; 0: none */
    /* ZK_ALLOC_CHAOS=N[:seed]: a phase boundary about every N allocations; 0: none. Preload library
     * only, and only from the environment. */
    uint64_t chaos_every;
    uint64_t chaos_seed;
    /* ZK_ALLOC_TOOLS: is recycled memory reported to AddressSanitizer or Valgrind, if the program
     * runs under one? */
    enum zk_tools tools;
    /* ZK_ALLOC_MISUSE: what happens, under pinned, if a block is freed twice, or something that is
     * not a block. */
    enum zk_misuse misuse;
    /* ZK_ALLOC_DEEPBIND: what happens to dlopen's flag RTLD_DEEPBIND, which gives a library another
     * malloc. Preload library only. */
    enum zk_deepbind deepbind;
    /* ZK_ALLOC_VERBOSE: one line at the first begin, or when the preload library is loaded. */
    bool verbose;
    /* ZK_ALLOC_PRETENURE: under pinned, are sizes left to system whose blocks tend to outlive their
     * phases here and there, and so keep much dead memory? */
    enum zk_pretenure pretenure;
    /* ZK_ALLOC_WIPE: is memory that the arena recycles overwritten with zeros before it is used
     * again, at the boundary and inside a phase? This turns pretenure off. */
    enum zk_wipe wipe;
};

/* Replaces the whole configuration. On failure nothing has changed. Errors: EBUSY a phase has begun
 * before (the configuration is fixed from then on); EINVAL a value is out of range; ENOSYS an audit
 * is wanted, but the library was built without it (ZKALLOC_AUDIT=OFF). */
int zk_configure(const struct zk_config *config);

/* Fills in *config with what is in force: the defaults, overridden by the environment, overridden
 * by zk_configure. Once the arena is reserved, slab_bytes is the size that was granted. Errors:
 * none. */
int zk_config(struct zk_config *config);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
