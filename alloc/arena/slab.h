/*
 * slab.h - one thread's part of the region: a bump pointer, and the books that tell blocks apart.
 *
 * A slab is divided into chunks of 64 pages (at most 1 MiB). Blocks may cross from one chunk into the
 * next; chunks exist so that the books can be looked up by address. Each chunk has a log: the low 32 bits
 * of the address of every block that starts in it, in the order of bumping, which is the order of
 * addresses. A block ends where the next one starts, and the last one of a chunk at the chunk's tail. So
 * the books cost 4 bytes a block, lie apart from the data, and take one store to write. A free sets a
 * mark, one bit for each granule, by which a second free is recognised.
 *
 * One thread at a time holds a slab and writes its books; other threads may read them at any moment (for
 * the size of a block that was passed to them), and free blocks in the slab. None of them ever waits for
 * the holder, which may not be running, or may be dead.
 */
#ifndef ZK_SLAB_H
#define ZK_SLAB_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A floor that only size SIZE_MAX reaches, for which no slab has room. */
#define ZK_FLOOR_CLOSED SIZE_MAX

enum {
    ZK_GRANULE = 16,      /* every block is aligned to it, and every size rounded up to it */
    ZK_GRANULE_SHIFT = 4, /* log2 of it */
    /* Blocks of at least this size have the chunk that they start in to themselves (pinned), or start on a page (blind);
     * so many of those served in a phase are remembered: see serve_again. */
    ZK_LARGE_FROM = 1 << 20,
    ZK_LARGE_KNOWN = 4,
};

/* Bytes that a block of that size takes up. */
static inline size_t zk_in_granules(size_t size)
{
    return (size + ZK_GRANULE - 1) & ~(size_t)(ZK_GRANULE - 1);
}

/* The chunks used in this phase, and those pinned, are linked in the order of addresses. */
#define ZK_NO_CHUNK UINT32_MAX

struct chunk {
    alignas(64) _Atomic(char *) tail; /* where its last block ends; valid once closed */
    _Atomic uint32_t blocks;          /* entries in its log; valid once closed */
    _Atomic uint32_t open;            /* 1 while bumping is in it; 0: closed */
    _Atomic uint32_t freed;           /* blocks freed by the holder (pinned only, like all below) */
    _Atomic uint32_t freed_sum;       /* low 32 bits of their addresses, added up */
    _Atomic uint32_t freed_elsewhere; /* blocks freed by other threads */
    _Atomic uint32_t elsewhere_sum;   /* of their addresses, likewise */
    _Atomic uint32_t next;            /* the next chunk used or pinned, or ZK_NO_CHUNK */
    uint32_t waste;          /* dead bytes, when last weighed; the holder's own, like those below */
    _Atomic uint64_t word;   /* the last phase that used it; 0: it holds no memory */
    uint32_t given;          /* those of them in pages that have been given back */
    bool trimmed;            /* are those all such pages, as of when it was last weighed? */
    bool taught;             /* were the sizes of its live blocks ever learned? */
    uint32_t weighed_blocks; /* 1 + live blocks when last weighed; 0: not since it was entered */
    uint32_t wiped;          /* 1 + live blocks when its dead bytes were last wiped; 0: never */
};

/* What is known of the program's large zeroed blocks; see zero.c. */
struct zk_zeroing {
    char *tried;       /* what was given back, to see whether it would be touched; or NULL */
    size_t passed;     /* bytes that were in use, since the last try */
    unsigned wait;     /* pieces of them before the next try; 1: all are given back */
    unsigned patience; /* pieces of them until a try is given up */
    uint64_t random;   /* which pages are looked at */
};

struct slab {
    /* What the fast paths touch, in two cache lines. */
    _Atomic size_t floor; /* smallest size the fast path serves; closed by begin and end */
    _Atomic(char *) bump; /* next free byte, a multiple of the granule */
    char *limit;          /* end of the current chunk, or of the run if that comes first */
    _Atomic(_Atomic uint32_t *) log; /* where the next block is entered */
    _Atomic size_t marked_bytes;     /* = bytes if frees are marked (pinned), else 0 */
    _Atomic uint64_t freed;          /* blocks of this slab freed by its holder, ever */
    _Atomic unsigned moves;          /* odd while the holder changes chunks (begin_move) */
    _Atomic uint64_t opened;         /* usable chunks, set once access is granted */

    /* The second one hardly ever changes, and is all that other threads' frees need of what the holder writes. */
    char *base;              /* first byte */
    struct chunk *chunks;    /* one per chunk, and one for "past the end" */
    unsigned chunk_shift;    /* log2 of the bytes of a chunk; see zk_chunk_shift */
    bool pinned;             /* recycled by chunks */
    _Atomic size_t bytes;    /* size of the slab, less what was given back; 0 in zk_no_slab */
    _Atomic uint64_t *marks; /* of the holder's frees: a bit for each granule */
    _Atomic uint64_t *marks_elsewhere; /* of other threads' frees */
    char *logs;                        /* an entry for each granule */
    _Atomic uint64_t extent;           /* usable chunks << 32 | existing chunks; see commit.c */

    /* The books; see above. */
    _Atomic size_t current;        /* the chunk that bump is in */
    _Atomic uint64_t closed_count; /* blocks entered before the current chunk was, ever */
    _Atomic uint64_t closed_bytes; /* bytes bumped over before run_start was reached, ever */
    _Atomic(char *) run_start;     /* where bumping in the current chunk started */
    _Atomic uint64_t still_count;  /* while moves is odd: blocks and bytes served before that */
    _Atomic uint64_t still_bytes;

    /* The holder's own. */
    char *run_end; /* end of the free run that bump is in: a pinned chunk, or the slab's end */
    _Atomic uint32_t first; /* first chunk in the list, or ZK_NO_CHUNK */
    uint32_t last;          /* the last one in the list that bump has reached or passed */
    uint32_t pin;           /* the next pinned chunk ahead of bump */
    uint32_t skip;          /* bumping starts over behind this chunk: no run before it has room */
    uint64_t unwalked;      /* begins since the complete list was last walked, ... */
    uint64_t walked_bytes;  /* ... bytes served, ever, by then, ... */
    uint64_t walked_kept;   /* ... bytes that its chunks kept then, ... */
    uint64_t kept_more;     /* ... and how many more, in new chunks, are kept since */
    uint64_t looked_in;     /* the last phase within which, or after which, it was walked */
    uint64_t bytes_before;  /* served before the phase of `word`, ever */
    size_t high_water;      /* bytes served in the last phase before it that used the slab */
    char *dirty;            /* all at or above is zero: never handed out, or given back since */
    char *soiled;           /* likewise, or wiped since */
    uint64_t tended;        /* the phase in which unused memory was last given back */
    uint64_t told_count;    /* blocks that chaos has counted */
    char *furthest;         /* how far bump came in this phase before it last started over */
    uint64_t listed;        /* chunks in the list */
    uint64_t doubt; /* nonzero if bad frees are let pass: the slab's counts prove nothing then */
    uint64_t spanned_in;     /* mark_used: in this phase, the chunks ... */
    uint32_t spanned_first;  /* ... from this one on ... */
    uint32_t spanned_behind; /* ... to before this one are recorded, and not entered since */
    uint64_t freed_before;   /* blocks freed, ever, at the last search for dead chunks ... */
    uint64_t served_before;  /* ... and bytes served, ever, by then */
    uint64_t refused;        /* bytes that there was no room for since then */
    size_t waste;            /* dead bytes in kept chunks, as of the last recycling; see tenure.h */
    uint64_t weighed_in;     /* the phase in which zk_slab_learn_within last ran; ... */
    size_t weighed_from;     /* ... it weighs once this many bytes are kept */
    size_t detoured;         /* bytes that system served instead, of sizes that are learned; ... */
    uint64_t detoured_from;  /* ... bytes served here, ever, when that was 0; ... */
    size_t drained_from;     /* ... zk_slab_drain is called once it is as much as this, ... */
    unsigned patience;       /* ... which is this many times the least */
    struct zk_zeroing zeroing; /* of large blocks; see zero.c */
    bool wipes;                /* memory is wiped before it is served; see wipe.h */
    uint64_t wiped_in;         /* its last phase, if zk_wipe_all wiped it after that, ... */
    uint64_t wiped_freed;      /* ... with this many blocks freed, ever */
    uint64_t idle_in;    /* its last phase, when zk_wipe_idle last gave dead memory back, ... */
    uint64_t idle_freed; /* ... with this many blocks freed, ever; both under the phase lock */
    size_t too_large;    /* size that no run ahead has room for; SIZE_MAX: unknown */
    uint32_t large[ZK_LARGE_KNOWN]; /* chunks of large blocks, since bumping started over */
    unsigned large_next;            /* which of these is replaced next */
    unsigned growths; /* complete walks in a row that each found more kept than the one before */

    /* What recycling has done, ever; pinned_*: the last time. */
    _Atomic uint64_t rewinds;
    _Atomic uint64_t walks;
    _Atomic uint64_t reuses;
    _Atomic uint64_t reclaimed_bytes;
    _Atomic uint64_t pinned_chunks;
    _Atomic uint64_t pinned_bytes;

    /* A discard compares these two. */
    _Atomic uint64_t word;      /* the phase that the slab was last recycled for; by the holder */
    _Atomic uint64_t discarded; /* the last such phase that was discarded; by the discard */

    _Atomic uint32_t held; /* the holder's epoch; 0: free. Claimed by changing 0 to one's own */
    _Atomic bool retired;  /* never to be held again */
    _Atomic bool owed;     /* must be wiped when it is next recycled */
    _Atomic uint32_t busy; /* 1 while the holder may be changing chunks: see wipe.c */

    /* Written by any thread, so away from the rest. */
    alignas(64) _Atomic uint64_t freed_elsewhere; /* blocks freed by others, or discarded, ever */
};

/* Stands in for the slab of a thread without one: always closed, owns nothing. */
extern __attribute__((visibility("hidden"))) struct slab zk_no_slab;

/* ---- slab.c: layout, holding, bumping ---- */

/* Bytes of a chunk: 64 pages, at most 1 MiB. */
size_t zk_chunk_bytes(void);

/* log2 of zk_chunk_bytes: a constant where there is only one page size, since the fast path uses
 * it. */
static inline unsigned zk_chunk_shift(const struct slab *slab)
{
#if defined __x86_64__
    (void)slab;
    return 18;
#else
    return slab->chunk_shift;
#endif
}

/* Bytes of books for a slab of slab_bytes, a multiple of the page. */
size_t zk_slab_books_bytes(size_t slab_bytes);

/* Sets up a slab. slab points to room for its books, and base to `bytes` bytes for its data, both zero and
 * not accessible yet. pinned: count the live blocks of each chunk. False if the kernel refuses access. */
bool zk_slab_init(struct slab *slab, char *base, size_t bytes, bool pinned);

/* Makes the calling thread the holder. False if there is one already, or the slab is retired. */
bool zk_slab_claim(struct slab *slab);

/* Gives the slab up. Holder only, as its last act. */
void zk_slab_give_back(struct slab *slab);

bool zk_slab_is_held(struct slab *slab);

/* Gives the slab back on behalf of a dead holder. A block that it was in the middle of making is undone; if it
 * was in the middle of a larger change, the slab is retired. Call only if the holder is certainly dead, and on
 * one thread at a time. */
void zk_slab_abandon(struct slab *slab);

/* In the child of a fork, by the thread that forked, which holds `own`: abandons the slab if its holder does not
 * exist here. */
void zk_slab_inherit(struct slab *slab, const struct slab *own);

/* A block of size bytes, aligned to align (a power of two). NULL when the slab has no room. Holder
 * only. */
void *zk_slab_carve(struct slab *slab, size_t size, size_t align);

/* Grows the block at p from old_bytes to size bytes, in place. False unless it is the last block before bump and
 * there is room after it. Pinned, holder only. */
bool zk_slab_grow(struct slab *slab, char *p, size_t old_bytes, size_t size);

/* Lets the fast path serve at most that many bytes before the slow path is taken again. Holder only. */
void zk_slab_tighten(struct slab *slab, size_t bytes);

/* ---- reclaim.c: what recycling does to the books ---- */

/* Blind, for the phase of word: forgets every block; the next one starts at the first byte. Holder
 * only. */
void zk_slab_rewind(struct slab *slab, uint64_t word);

/* Pinned, for the phase of word: forgets the chunks in which nothing lives, and bumps between the
 * others from now on. The blocks of the slab's last phase count as dead if it was discarded. Holder
 * only. */
void zk_slab_reclaim(struct slab *slab, uint64_t word);

/* Called from time to time, just after reclaiming. Under pinned, gives memory that no phase has used for long
 * back to the kernel, so that it is not held for ever. What every phase uses stays mapped. Holder only. */
void zk_slab_tend(struct slab *slab, uint64_t word);

/* Within a phase, when something has been freed: goes back to chunks that are dead by now, if that is
 * worth it for a block of that size. Holder only. */
void zk_slab_reuse(struct slab *slab, size_t size, size_t align);

/* System serves a block of size bytes, which is a size that is learned. True if there were so many that zk_slab_drain is
 * to be called. Any slab that the calling thread holds; or zk_no_slab. */
static inline bool zk_slab_detours(struct slab *slab, size_t size)
{
    return slab->pinned && (slab->detoured += size) >= slab->drained_from;
}

/* Most of what was in the slab is now served by system: gives back all memory in which nothing lives, unless the slab
 * still serves more than that. Holder only. */
void zk_slab_drain(struct slab *slab);

/* Declares the blocks of the phase of word dead, if that is the last phase that slab served. Any
 * thread, one at a time; the holder must no longer be allocating in that phase. */
void zk_slab_discard(struct slab *slab, uint64_t word);

/* How many blocks are dead because their phase was discarded; 0 once the slab has been recycled. Any
 * thread; exact if the holder is not allocating. */
uint64_t zk_slab_discarded_blocks(struct slab *slab);

/* Calls visit(arg, start, bytes) for each free run, the one that bump is in included. Holder only.
 */
void zk_slab_each_run(struct slab *slab, void (*visit)(void *arg, char *start, size_t bytes),
                      void *arg);

/* Bytes served since the slab was last recycled, or how far bump came, if that is less: within a phase,
 * memory may be served more than once. Holder only. */
size_t zk_slab_phase_bytes(const struct slab *slab);

/* ---- commit.c: which of a slab's pages can be used ---- */

/* Cleans up after a holder that may have died in the middle of zk_slab_commit: chunks that are not certainly
 * usable no longer count as usable. */
void zk_slab_uncommit(struct slab *slab);

/* Makes all chunks below end usable, with their books. False if the kernel refuses, or the address space
 * was given back. Holder only. */
bool zk_slab_commit(struct slab *slab, const char *end);

/* Bytes of address space above the usable part. */
size_t zk_slab_spare_bytes(struct slab *slab);

/* Unmaps that address space, for good. Any thread. */
void zk_slab_cut(struct slab *slab);

/* ---- marks.c: every block is freed once ---- */

/* Counts the free of p, which lies in slab, on a thread that does not hold slab. */
void zk_slab_free_elsewhere(struct slab *slab, const void *p, bool pinned);

/* The free of p, which lies in slab. False if nothing has been served there since the slab was recycled; that is
 * reported. */
bool zk_slab_may_free_ahead(struct slab *slab, const void *p);

/* The holder's free of p found its mark there already. */
void zk_slab_freed_twice(struct slab *slab, const void *p);

/* For a closed chunk in which as many blocks were freed as had been entered. If the freed addresses are those
 * of its blocks, forgets the blocks, and the chunk can be entered again. If not, reports the misuse; if the
 * program goes on after that, returns false. Holder only. */
bool zk_slab_renew(struct slab *slab, uint32_t chunk);

/* Forgets the blocks of a chunk, freed or not. Holder only. */
void zk_slab_unmark(struct slab *slab, uint32_t chunk);

/* The same, and frees of what is not a block. For a chunk in which nothing lives, and whose frees zk_slab_renew has found
 * wrong or does not check: a block that starts where something was freed must not be taken for dead. Holder only. */
void zk_slab_forget_frees(struct slab *slab, uint32_t chunk);

/* Has the block at p been freed? A concurrent free on another thread may not be seen yet. */
bool zk_slab_is_freed(const struct slab *slab, const char *p);

/* ---- waste.c: dead memory in kept chunks; holder only ---- */

/* Sets how many bytes the slab wastes: see zk_tenure_waste. */
void zk_slab_set_waste(struct slab *slab, size_t bytes);

/* At the end of a phase, when kept chunks hold kept_bytes: if too much of that is dead, gives the dead pages back, and
 * learns the sizes that live there. */
void zk_slab_learn(struct slab *slab, size_t kept_bytes);

/* The same in the middle of a phase. There much is dead only for a while, and reused soon, so more may be wasted; and
 * it looks again only when a quarter more is kept than the last time. */
void zk_slab_learn_within(struct slab *slab, size_t kept_bytes);

/* Gives back the dead pages of kept chunks that no phase since `word` has used. Returns their bytes. */
size_t zk_slab_trim(struct slab *slab, uint64_t word);

/* ---- books.c: reading, by any thread ---- */

/* Bytes from p, which lies in slab, to the end of its block. For a block of an earlier phase (a bug
 * in the caller), some number that stays within the slab. */
size_t zk_slab_block_bytes(struct slab *slab, const void *p);

/* Start of the live block that p lies in; the chunk's first byte if there is none. */
const char *zk_slab_block_start(struct slab *slab, const void *p);

/* What a slab has served since the start of the process. Exact if its holder is not serving a block
 * right now. */
struct slab_totals {
    uint64_t count;
    uint64_t bytes;
    uint64_t freed;
};
struct slab_totals zk_slab_totals(struct slab *slab);

#endif
