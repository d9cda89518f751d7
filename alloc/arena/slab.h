/*
 * slab.h - one thread's part of the region: a bump pointer, and the books that tell blocks apart.
 *
 * A slab is divided into chunks of 64 pages (at most 1 MiB). Bumping takes no notice of chunks;
 * they exist so that the books can be looked up by address. Each chunk has a log: the low 32 bits
 * of the address of every block that starts in it, in the order of bumping, which is the order of
 * addresses. A block ends where the next one starts, and the last one of a chunk at the chunk's
 * tail. So the books cost 4 bytes a block, lie apart from the data, and are written by one store.
 * A free leaves a mark, one bit for each granule: so a block is freed once, and never again.
 *
 * One thread at a time holds a slab and writes its books; others may read them at any moment (to size a
 * block that was handed to them), and free what lies in it. None of them ever waits for the holder, which
 * may not be running, or not be there any more.
 */
#ifndef ZK_SLAB_H
#define ZK_SLAB_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A floor that no size reaches, except SIZE_MAX, which no slab has room for. */
#define ZK_FLOOR_CLOSED SIZE_MAX

enum {
    ZK_GRANULE = 16,      /* alignment of every block, and what sizes are rounded up to */
    ZK_GRANULE_SHIFT = 4, /* log2 of it */
    ZK_LARGE_FROM =
        1 << 20 /* blocks of at least this size have the chunk they start in to themselves (pinned),
                                      or start on a page (blind) */
};

/* The bytes that a block of size bytes takes. */
static inline size_t zk_in_granules(size_t size)
{
    return (size + ZK_GRANULE - 1) & ~(size_t)(ZK_GRANULE - 1);
}

/* The chunks used in this phase, and those pinned, are linked in the order of addresses. */
#define ZK_NO_CHUNK UINT32_MAX

struct chunk {
    alignas(64) _Atomic(char *) tail; /* where bumping left it; valid once it is closed */
    _Atomic uint32_t blocks;          /* entries in its log; valid once it is closed */
    _Atomic uint32_t open;            /* bumping is in it: not closed */
    _Atomic uint32_t freed;           /* of those, by the holder (pinned only; so is all below) */
    _Atomic uint32_t freed_sum;       /* low 32 bits of their addresses, added up */
    _Atomic uint32_t freed_elsewhere; /* of those, by other threads */
    _Atomic uint32_t elsewhere_sum;   /* as above */
    _Atomic uint32_t next;            /* the next chunk used or pinned, or ZK_NO_CHUNK */
    uint32_t waste;                   /* bytes of it that are dead, ... */
    _Atomic uint64_t word; /* the last phase that put something there; 0: it holds no memory */
    uint64_t
        weighed; /* ... if it was looked since this phase, its last: the holder's, and so is: */
    uint32_t
        trimmed_blocks; /* that lived when its dead pages were last given back; 0: they were not */
    uint32_t
        wiped; /* blocks that lived when its dead bytes were last wiped, and one; 0: they were not */
};

/* What is known of the program's large zeroed blocks; see zero.c. */
struct zk_zeroing {
    uintptr_t
        tried; /* number of a piece that was given back, to see whether it would be touched; 0: none is */
    unsigned wait; /* pieces that are overwritten before the next try; 1: all are given back */
    unsigned overwritten; /* since the last try */
};

struct slab {
    /* What the fast paths touch, in two cache lines. */
    _Atomic size_t floor; /* smallest size the fast path serves; closed by begin and end */
    _Atomic(char *) bump; /* next free byte, a multiple of the granule */
    char *limit;          /* end of the current chunk, or of the run if that comes first */
    _Atomic(_Atomic uint32_t *) log; /* where the next block is entered */
    char *base;                      /* first byte */
    _Atomic size_t marked_bytes;     /* of the slab, if frees are marked (pinned); else 0 */
    _Atomic uint64_t freed;          /* blocks of this slab freed by its holder, ever */
    _Atomic uint64_t *marks;         /* those of the holder's frees, a bit for each granule */
    struct chunk *chunks;            /* one per chunk, and one for "past the end" */
    unsigned chunk_shift;            /* log2 of the bytes of a chunk; see zk_chunk_shift */
    bool pinned;                     /* recycled by chunks */
    _Atomic size_t bytes; /* size of the slab, less what was given back; 0 in zk_no_slab */

    /* The books; see above. */
    _Atomic uint64_t *marks_elsewhere; /* those of other threads' frees */
    char *logs;                        /* an entry for each granule */
    _Atomic uint64_t
        extent; /* chunks that can be used << 32 | chunks that there are; see commit.c */
    _Atomic uint64_t opened;       /* chunks that can be used, once that is so */
    _Atomic unsigned moves;        /* odd while the holder changes chunks */
    _Atomic size_t current;        /* the chunk that bump is in */
    _Atomic uint64_t closed_count; /* blocks entered before the current chunk was, ever */
    _Atomic uint64_t closed_bytes; /* bytes bumped over before run_start was reached, ever */
    _Atomic(char *) run_start;     /* where bumping in the current chunk started */
    _Atomic uint64_t
        still_count; /* while moves is odd: blocks and bytes served, ever, as of before */
    _Atomic uint64_t still_bytes;

    /* The holder's own. */
    char *run_end; /* end of the free run that bump is in: a pinned chunk, or the slab's end */
    _Atomic uint32_t first; /* chunk of the list, or ZK_NO_CHUNK */
    uint32_t last;          /* the latest one that bump has reached or passed */
    uint32_t pin;           /* the next pinned one ahead of bump */
    uint64_t bytes_before;  /* served before that phase, ever */
    size_t high_water;      /* bytes served in the phase before that */
    char *dirty;            /* what lies at or above has never been handed out: it is zero */
    char *
        soiled; /* or has been wiped since it was last handed out: at or above this, too, it is zero */
    uint64_t tended;     /* the phase in which what is not used was last given back */
    uint64_t told_count; /* blocks that chaos has been told of */
    char *furthest;      /* that bump reached in this phase, before it last started over */
    uint64_t listed;     /* chunks in the list */
    uint64_t
        doubt; /* not 0 if the program goes on after it has freed what is no block: the counts of
                               the whole slab prove nothing then */
    uint64_t spanned_in;    /* the phase in which chunks ... */
    uint32_t spanned_first; /* ... from this one on ... */
    uint32_t spanned_last;  /* ... to this one were last said to be in use, as parts of blocks */
    uint64_t freed_before;  /* blocks freed, ever, when it was last looked what has died ... */
    uint64_t served_before; /* ... and bytes served, ever */
    uint64_t refused;       /* bytes refused since then, for want of room */
    size_t waste; /* bytes that are kept and dead, as of the last recycling; see tenure.h */
    uint64_t
        weighed_in; /* the phase in which it was last looked, before its end, whether to weigh chunks; */
    size_t weighed_from;       /* and so many bytes must be kept in it for that */
    struct zk_zeroing zeroing; /* of large blocks */
    bool wipes;                /* what bumping comes to is wiped before it is served; see wipe.h */
    uint64_t
        wiped_in; /* the phase, its last, since which its dead bytes were wiped from outside, ... */
    uint64_t wiped_freed; /* ... when so many blocks had been freed, ever */
    size_t too_large;     /* that no run ahead has room for; SIZE_MAX: not known */
    unsigned growths; /* recycles in a row after which more was pinned than after the one before */

    /* What recycling did, ever; pinned as of the last time. */
    _Atomic uint64_t rewinds;
    _Atomic uint64_t walks;
    _Atomic uint64_t reuses;
    _Atomic uint64_t reclaimed_bytes;
    _Atomic uint64_t pinned_chunks;
    _Atomic uint64_t pinned_bytes;

    /* The holder's to write; a discard compares them. */
    _Atomic uint64_t word;      /* the phase that the slab was recycled for */
    _Atomic uint64_t discarded; /* the last such phase that was discarded; written by its end */

    _Atomic uint32_t
        held; /* by a living thread, of the process with this epoch; 0: free. Whoever turns 0
                              into its epoch is the holder */
    _Atomic bool retired;  /* never to be held again */
    _Atomic bool owed;     /* it is to be wiped when it is next recycled */
    _Atomic uint32_t busy; /* the holder is where it may change chunks: see wipe.c */

    /* Written by any thread, so away from the rest. */
    alignas(64) _Atomic uint64_t freed_elsewhere; /* blocks of this slab freed by others, or
                                                     discarded, ever */
};

/* What a thread without a slab holds: always closed, owns nothing. */
extern struct slab zk_no_slab;

/* ---- slab.c: layout, holding, bumping ---- */

/* Bytes of a chunk: 64 pages, at most 1 MiB. */
size_t zk_chunk_bytes(void);

/* log2 of them: a constant where pages have one size only, since the fast path asks. */
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

/* slab points to books, and base to bytes, that nobody can access as yet, and that are zero. pinned: count
 * the live blocks of each chunk. False if the kernel refuses access. */
bool zk_slab_init(struct slab *slab, char *base, size_t bytes, bool pinned);

/* Makes the calling thread the holder. False when there is one, or must be none. */
bool zk_slab_claim(struct slab *slab);

/* The holder's last act. */
void zk_slab_give_back(struct slab *slab);

bool zk_slab_is_held(struct slab *slab);

/* Gives it back in the place of a holder that is dead. What that was in the middle of making is undone; if it was
 * in the middle of more, nobody may hold the slab any more. By whoever is sure of it, and alone. */
void zk_slab_abandon(struct slab *slab);

/* In the child of a fork, by the thread that forked, which holds own: the slab is abandoned, if it was held by a
 * thread that is not here. */
void zk_slab_inherit(struct slab *slab, const struct slab *own);

/* A block of size bytes, aligned to align (a power of two). NULL when the slab has no room. Holder
 * only. */
void *zk_slab_carve(struct slab *slab, size_t size, size_t align);

/* Makes the block at p, which ends `old_bytes` behind it, one of size bytes, where it is. False unless it is the
 * last before bump, and there is room behind it. Pinned, holder only. */
bool zk_slab_grow(struct slab *slab, char *p, size_t old_bytes, size_t size);

/* Lets the fast path serve at most so many bytes before the slow path is taken again. Holder only. */
void zk_slab_tighten(struct slab *slab, size_t bytes);

/* ---- reclaim.c: what recycling does to the books ---- */

/* Blind, for the phase of word: forgets every block; the next one starts at the first byte. Holder
 * only. */
void zk_slab_rewind(struct slab *slab, uint64_t word);

/* Pinned, for the phase of word: forgets the chunks in which nothing lives, and bumps between the
 * others from now on. What was allocated in the phase before counts as dead if that was discarded.
 * Holder only. */
void zk_slab_reclaim(struct slab *slab, uint64_t word);

/* From time to time, just after that: memory that no phase has used for long is given back to the system, pinned.
 * What is neither used nor kept shall not hold memory for ever; what is used in each phase stays warm. Holder
 * only. */
void zk_slab_tend(struct slab *slab, uint64_t word);

/* Within a phase: bumping goes back to what has died by now, if that is worth while for a block of that
 * size. Something has. Holder only. */
void zk_slab_reuse(struct slab *slab, size_t size, size_t align);

/* The phase of word is over, and its blocks are dead: so it is if it is the last one that slab
 * served. Any thread, one at a time; the holder may not be allocating in that phase any more. */
void zk_slab_discard(struct slab *slab, uint64_t word);

/* Blocks that are dead because their phase was discarded, and whose slab has not been recycled since. Any
 * thread; exact when the holder is not allocating. */
uint64_t zk_slab_discarded_blocks(struct slab *slab);

/* Calls visit(arg, start, bytes) for each free run, the one that bump is in included. Holder only.
 */
void zk_slab_each_run(struct slab *slab, void (*visit)(void *arg, char *start, size_t bytes),
                      void *arg);

/* Bytes served since the slab was last recycled, or what was reached of it if that is less: what has been
 * freed in the phase may have served more than once. Holder only. */
size_t zk_slab_phase_bytes(const struct slab *slab);

/* ---- commit.c: which of its pages a slab can use ---- */

/* In the place of a holder that was in the middle of zk_slab_commit, perhaps: what is not certain to be usable is
 * not. */
void zk_slab_uncommit(struct slab *slab);

/* Makes all below end usable, with their books. False when the kernel refuses, or it was given back. Holder
 * only. */
bool zk_slab_commit(struct slab *slab, const char *end);

/* Bytes of address space behind what can be used. */
size_t zk_slab_spare_bytes(struct slab *slab);

/* Gives that address space back to the system, for good. Any thread. */
void zk_slab_cut(struct slab *slab);

/* ---- marks.c: every block is freed once ---- */

/* Counts the end of p, which lies in slab, by a thread that does not hold it. */
void zk_slab_free_elsewhere(struct slab *slab, const void *p, bool pinned);

/* The holder's free of p found its mark there already. */
void zk_slab_freed_twice(struct slab *slab, const void *p);

/* A closed chunk, in which as many blocks were freed as were entered: if it was these, they are forgotten, and
 * the chunk can be entered again. If it was not, and the program goes on all the same, false. Holder only. */
bool zk_slab_renew(struct slab *slab, uint32_t chunk);

/* Forgets the blocks of a chunk, be they freed or not. Holder only. */
void zk_slab_unmark(struct slab *slab, uint32_t chunk);

/* Has the block at p been freed? What is freed meanwhile by another thread may not be seen as yet. */
bool zk_slab_is_freed(const struct slab *slab, const char *p);

/* ---- waste.c: what kept chunks hold that is dead; holder only ---- */

/* Says that the slab wastes so many bytes: see zk_tenure_waste. */
void zk_slab_set_waste(struct slab *slab, size_t bytes);

/* At the end of a phase after which chunks of kept_bytes are kept: if too much of that is dead, learns which sizes
 * live. */
void zk_slab_learn(struct slab *slab, size_t kept_bytes);

/* The same in the middle of a phase, in which much is dead for a while that is used again soon: so more may be wasted,
 * and it is looked at when there is twice as much as the last time. */
void zk_slab_learn_within(struct slab *slab, size_t kept_bytes);

/* Gives back the dead pages of chunks that are kept and that no phase since `word` has used. */
void zk_slab_trim(struct slab *slab, uint64_t word);

/* ---- books.c: reading, by any thread ---- */

/* Bytes from p, which lies in slab, to the end of its block. For a block of an earlier phase (a bug
 * in the caller) some number that does not lead out of the slab. */
size_t zk_slab_block_bytes(struct slab *slab, const void *p);

/* Where the block starts that p lies in, if that is live; the chunk's first byte if it has no block there. */
const char *zk_slab_block_start(struct slab *slab, const void *p);

/* What a slab has served since the beginning. Exact when its holder is not in the middle of serving. */
struct slab_totals {
    uint64_t count;
    uint64_t bytes;
    uint64_t freed;
};
struct slab_totals zk_slab_totals(struct slab *slab);

#endif
