/*
 * slab.h - one thread's part of the region: a bump pointer, and the books that tell blocks apart.
 *
 * A slab is divided into chunks of 64 pages (at most 1 MiB). Bumping takes no notice of chunks;
 * they exist so that the books can be looked up by address. Each chunk has a log: the low 32 bits
 * of the address of every block that starts in it, in the order of bumping, which is the order of
 * addresses. A block ends where the next one starts, and the last one of a chunk at the chunk's
 * tail. So the books cost 4 bytes a block, lie apart from the data, and are written by one store.
 *
 * One thread at a time holds a slab and writes its books; others may read them (to size a block
 * that was handed to them). The sequence count `moves` is odd while the holder is changing chunks.
 */
#ifndef ZK_SLAB_H
#define ZK_SLAB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A floor that no size reaches, except SIZE_MAX, which no slab has room for. */
#define ZK_FLOOR_CLOSED SIZE_MAX

enum {
    ZK_GRANULE = 16,               /* alignment of every block, and what sizes are rounded up to */
    ZK_PAGE_ALIGNED_FROM = 1 << 20 /* blocks of at least this size start on a page */
};

struct chunk {
    _Atomic(char *) tail;    /* where bumping went on after this chunk; valid once it is closed */
    _Atomic uint32_t blocks; /* entries in its log; valid once it is closed */
};

struct slab {
    /* What the fast paths touch, in one cache line. */
    _Atomic size_t floor; /* smallest size the fast path serves; closed by begin and end */
    _Atomic(char *) bump; /* next free byte, a multiple of the granule */
    char *limit;          /* end of the current chunk */
    _Atomic(_Atomic uint32_t *) log; /* where the next block is entered */
    char *base;                      /* first byte, and ... */
    size_t bytes;                    /* ... size of the slab; 0 in zk_no_slab */
    _Atomic uint64_t freed;          /* arena blocks freed by holders of this slab, ever */

    /* The books; see above. */
    _Atomic unsigned moves;        /* odd while the holder changes chunks */
    _Atomic size_t current;        /* the chunk that bump is in */
    _Atomic uint64_t closed_count; /* blocks entered before the current chunk was, ever */
    _Atomic uint64_t closed_bytes; /* bytes bumped over before run_start was reached, ever */
    _Atomic(char *) run_start;     /* where bumping in the current chunk started */
    struct chunk *chunks;          /* one per chunk, and one for "past the end" */
    char *logs;                    /* chunk_bytes / 4 bytes per chunk */

    /* The holder's own. */
    uint64_t word;     /* the phase that the slab was recycled for */
    size_t high_water; /* bytes used in the phase before that */
    char *dirty;       /* what lies at or above has never been handed out: it is zero */

    bool held;    /* by a living thread; guarded by the thread lock */
    bool retired; /* never to be held again; guarded by the thread lock */
};

/* What a thread without a slab holds: always closed, owns nothing. */
extern struct slab zk_no_slab;

/* Bytes of a chunk: 64 pages, at most 1 MiB. */
size_t zk_chunk_bytes(void);

/* Bytes of books for a slab of slab_bytes, a multiple of the page. */
size_t zk_slab_books_bytes(size_t slab_bytes);

/* slab points to zeroed books. */
void zk_slab_init(struct slab *slab, char *base, size_t bytes);

/* A block of size bytes, aligned to align (a power of two). NULL when the slab has no room. Holder
 * only. */
void *zk_slab_carve(struct slab *slab, size_t size, size_t align);

/* Forgets every block: the next one starts at the first byte. Holder only. */
void zk_slab_rewind(struct slab *slab);

/* Bytes from p, which lies in slab, to the end of its block. For a block of an earlier phase (a bug
 * in the caller) some number that does not lead out of the slab. Any thread. */
size_t zk_slab_block_bytes(struct slab *slab, const void *p);

/* What a slab has served since the beginning. Any thread. */
struct slab_totals {
    uint64_t count;
    uint64_t bytes;
    uint64_t freed;
};
struct slab_totals zk_slab_totals(struct slab *slab);

#endif
