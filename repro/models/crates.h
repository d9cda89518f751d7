/*
 * crates.h - which releases of the Rust crates the models are faithful to: those of Debian 12, or
 * those of 2026. The choice holds for the whole process.
 *
 *     structure                          debian12                        2026
 *     epoch record                       2104 bytes (crossbeam-epoch     2304, aligned to 128 (since 0.9.16;
 *                                        0.9.13)                         to 0.9.20)
 *     a pool's record of a thread        56 bytes (rayon-core 1.10.1)    48 (1.13)
 *     a pool that includes its maker     no                              yes (use_current_thread, since
 *                                                                        rayon 1.8)
 *     entering and leaving a span        takes and drops a reference     neither (since 0.3.21)
 *                                        (tracing-subscriber 0.3.16)
 *     identifier of the page behind the  panic (sharded-slab 0.1.4)      not found (since 0.1.7)
 *     last one
 *     a thread's table of current spans  two with the registry           at a thread's first use
 *                                        (thread_local 1.1.4)            (1.1.10)
 *     an entry of a span's map of data    24 bytes (TypeId of 8, Rust 1.63)   32 (of 16, since Rust 1.72)
 *     a shard of a concurrent map        56 bytes (dashmap 5.4.0)        128, aligned to 128 (6)
 *     a runtime's counters of a worker    none (tokio 1.24)               128, aligned to 128 (1.53)
 *
 * All other structures are the same in both: the injector's block and the worker's deque
 * (crossbeam-deque 0.8.1 and 0.8.7), bags and their nodes, sleep states, registry, pages of slots,
 * hash tables, reference counts, vectors.
 */
#ifndef CRATES_H
#define CRATES_H

enum crates { CRATES_DEBIAN12, CRATES_2026 };

/* Makes the choice. To be called before any model is used, while there is one thread. Without it:
 * debian12. */
void crates_choose(enum crates crates);

enum crates crates_chosen(void);

/* The names, for a repro's option --crates; ended by NULL. */
extern const char *const crates_names[];

/* Debian 12's are the default: the distribution on which all tables are made has them as packages
 * (librust-rayon-dev and others), and the seed was measured with them. */
#define CRATES_OPTION                                                                              \
    {                                                                                              \
        "crates", "releases of the Rust crates", CRATES_DEBIAN12, 0, 0, crates_names               \
    }

#endif
