/*
 * defer.h - where libzkalloc-preload.so is loaded, a linked libzkalloc does nothing itself, and passes
 * every call on to it. So malloc and zk_malloc serve from the same arena, and a begin is one for both.
 */
#ifndef ZK_DEFER_H
#define ZK_DEFER_H

#include "rare.h"
#include "route.h"
#include "zkalloc.h"

#include <stddef.h>

/* What a linked library calls in the preloaded one. The symbol's name contains the version of this
 * struct. */
struct zk_api {
    void *(*route)(struct zk_wish wish);
    void *(*zeroed)(struct zk_wish wish);
    void *(*resize)(void *p, struct zk_wish wish);
    void *(*resize_sized)(void *p, size_t old_size, struct zk_wish wish);
    void (*free)(void *p);
    size_t (*usable_size)(const void *p);
    bool (*owns)(const void *p);
    int (*begin_phase)(void);
    int (*end_phase)(void);
    int (*discard_phase)(void);
    int (*wipe_phase)(void);
    int (*phase)(void (*body)(void *arg), void *arg);
    void (*scope_enter)(struct zk_guard *guard, void *returns);
    void (*scope_leave)(struct zk_guard *guard);
    int (*catch)(void (*body)(void *arg), void *arg);
    void (*escape)(int code);
    int (*on_phase_end)(void (*hook)(void *arg), void *arg);
    int (*remove_phase_end)(void (*hook)(void *arg), void *arg);
    size_t (*high_water)(void);
    int (*stats)(struct zk_stats *stats);
    void (*reset_stats)(void);
    int (*audit_summary)(struct zk_audit_summary *summary);
    int (*audit_report)(int fd);
    int (*configure)(const struct zk_config *config);
    int (*config)(struct zk_config *config);
};

/* NULL, unless there is another library to pass calls on to. Set when this one is loaded. */
extern const struct zk_api *zk_other;

/* The preload library's own table, which a linked library looks up. */
extern const struct zk_api zk_preload_api_4;

void zk_scope_enter(struct zk_guard *guard, void *returns);

/* zk_defers, for when the library may not be loaded yet: loads it first. */
bool zk_defers_rarely(void);

/* Are calls passed on? Every public function asks this first, so that whichever is called first, even in a
 * constructor, loads the library. */
static inline bool zk_defers(void)
{
    return __builtin_expect((zk_rare() & (ZK_RARE_DEFERS | ZK_RARE_NEW)) != 0, 0) &&
           zk_defers_rarely();
}

/* Looks for the other library. Called when this one is loaded. */
void zk_defer_load(void);

#endif
