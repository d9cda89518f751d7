/*
 * rare.h - flags for what only few processes do, in one word, so that the slow path checks them all
 * at once.
 */
#ifndef ZK_RARE_H
#define ZK_RARE_H

#include <stdatomic.h>
#include <stdbool.h>

enum {
    ZK_RARE_ATTENDED = 1 << 0, /* see observer.h */
    ZK_RARE_CHAOS = 1 << 1,    /* see chaos.h */
    ZK_RARE_DEFERS = 1 << 2,   /* see defer.h */
    ZK_RARE_NEW = 1 << 3,      /* the library is not loaded yet; see load.h */
};

/* Set when the library is loaded or the first phase begins, and constant from then on. Relaxed: a thread that
 * has seen a phase (by acquiring its word), or has a block that was served in one, sees the flags.
 *
 * Declared hidden, not only defined so: then the compiler loads it directly, without the table of offsets. */
extern __attribute__((visibility("hidden"))) _Atomic unsigned zk_rare_flags;

static inline unsigned zk_rare(void)
{
    return atomic_load_explicit(&zk_rare_flags, memory_order_relaxed);
}

static inline bool zk_attended(void)
{
    return (zk_rare() & ZK_RARE_ATTENDED) != 0;
}

static inline bool zk_chaos(void)
{
    return (zk_rare() & ZK_RARE_CHAOS) != 0;
}

#endif
