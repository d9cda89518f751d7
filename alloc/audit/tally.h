/*
 * tally.h - what an audit found, counted: the rows of its report.
 */
#ifndef ZK_TALLY_H
#define ZK_TALLY_H

#include "site.h"

#include <stddef.h>
#include <stdint.h>

enum zk_tally_kind {
    ZK_TALLY_RETAINED,   /* census: was live at a begin */
    ZK_TALLY_TOUCHED,    /* trap: retained, and then read or written */
    ZK_TALLY_FREED_LATE, /* trap: retained, not touched, and then freed */
    ZK_TALLY_FREED,      /* trap: read or written after it had been freed */
    ZK_TALLY_UNWATCHED,  /* trap: there was no room to watch it */
    ZK_TALLY_DISCARDED,  /* trap: read or written after it had been discarded */
};

enum zk_access { ZK_ACCESS_NONE, ZK_ACCESS_READ, ZK_ACCESS_WRITE };

/* Findings with the same of these are one row. */
struct zk_tally_key {
    size_t size;         /* of the block, as asked for */
    zk_site site;        /* that allocated it */
    size_t asked;        /* what decided its route: the first request's, if it has grown since */
    zk_site access_site; /* trap */
    uint32_t thread;     /* that allocated it */
    uint8_t kind;
    uint8_t access; /* trap */
};

/* How many begins the course of a row can tell of. */
enum { ZK_COURSE = 32 };

struct zk_tally_row {
    struct zk_tally_key key;
    uint64_t count;
    uint32_t phase_first; /* census: the begins that found it; trap: of the allocation ... */
    uint32_t phase_last;  /* ... and of the access, the first time */
    size_t offset;        /* trap: of the access in the block, the first time */
    uint64_t first;       /* trap: of count, those that had not been touched anywhere before */
    uint32_t threads;     /* in a merged row: how many different ones */
    uint32_t stride;      /* in a merged row: the course has every so manieth begin */
    uint32_t course[ZK_COURSE]; /* census: [i] is how many blocks were live at begin i * stride */
};

/* The row of key, counting from 0 when it is new; NULL when there is no memory, which is counted.
 * The caller holds the tally's lock. */
struct zk_tally_row *zk_tally_row(const struct zk_tally_key *key);

/* A begin finds blocks: there will be room for it in the course of each row, of which every second begin is
 * forgotten when there is not. The caller holds the lock. */
void zk_tally_begin(uint32_t phase);

/* One more block of row was live at the begin that was told last. The caller holds the lock. */
void zk_tally_live(struct zk_tally_row *row);

void zk_tally_lock(void);
void zk_tally_unlock(void);

/* Calls visit for a copy of each row, those that differ in the thread merged, in an order that depends
 * on nothing but the keys' sizes and kinds and the sites' numbers: largest first. The caller does not
 * hold the lock, nor does visit run under it: it writes, and may have to wait. */
void zk_tally_each(void (*visit)(void *arg, const struct zk_tally_row *row), void *arg);

/* A finding is not counted right, for want of memory. The caller does not hold the lock. */
void zk_tally_lose(void);

/* Findings that there was no memory to count. */
uint64_t zk_tally_lost(void);

#endif
