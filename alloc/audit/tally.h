/*
 * tally.h - counts what an audit has found: the rows of its report.
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

/* Findings that agree in all of these are one row. */
struct zk_tally_key {
    size_t size;         /* of the block, as asked for */
    zk_site site;        /* that allocated it */
    size_t asked;        /* size that decided its route: the first request's */
    zk_site access_site; /* trap */
    uint32_t thread;     /* that allocated it */
    uint8_t kind;
    uint8_t access; /* trap */
};

/* How many begins a row's course has room for. */
enum { ZK_COURSE = 32 };

struct zk_tally_row {
    struct zk_tally_key key;
    uint64_t count;
    uint32_t phase_first;       /* census: first begin that found it; trap: of the allocation */
    uint32_t phase_last;        /* census: last begin that found it; trap: of the first access */
    size_t offset;              /* trap: offset in the block of the first access */
    uint64_t first;             /* trap: how many of `count` were the first touch of their block */
    uint32_t threads;           /* in a merged row: number of different threads */
    uint32_t stride;            /* in a merged row: begins between two entries of the course */
    uint32_t course[ZK_COURSE]; /* census: [i] is how many blocks were live at begin i * stride */
};

/* The row of key, made with count 0 if it is new. NULL if there is no memory, which is counted as
 * lost. The caller holds the tally's lock. */
struct zk_tally_row *zk_tally_row(const struct zk_tally_key *key);

/* A begin is about to count blocks: makes room for it in the courses. When these are full, drops every
 * second begin from each. The caller holds the lock. */
void zk_tally_begin(uint32_t phase);

/* Counts one more block of row as live at the begin of the last zk_tally_begin. The caller holds
 * the lock. */
void zk_tally_live(struct zk_tally_row *row);

void zk_tally_lock(void);
void zk_tally_unlock(void);

/* Calls visit for a copy of each row. Rows that differ only in the thread are merged. The order
 * depends only on the keys' sizes and kinds and the sites' numbers: largest first. The caller does not
 * hold the lock, and visit does not run under it either, since it writes and may block. */
void zk_tally_each(void (*visit)(void *arg, const struct zk_tally_row *row), void *arg);

/* Counts a finding as lost, for want of memory. The caller does not hold the lock. */
void zk_tally_lose(void);

/* Findings lost for want of memory. */
uint64_t zk_tally_lost(void);

#endif
