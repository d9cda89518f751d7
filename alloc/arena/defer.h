/*
 * defer.h - two allocators in one process are one too many. Where libzkalloc-preload.so is loaded, a
 * linked libzkalloc does nothing itself, and passes every call on: so that a block of malloc's and one
 * of zk_malloc's are in the same arena, and one begin is a begin for both.
 */
#ifndef ZK_DEFER_H
#define ZK_DEFER_H

#include "rare.h"
#include "route.h"
#include "zkalloc.h"

#include <stddef.h>

/* What a linked library asks of the preloaded one. The symbol has the version in its name. */
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

/* In the preload library these are the ones that others call. */
extern const struct zk_api zk_preload_api_4;

void zk_scope_enter(struct zk_guard *guard, void *returns);

/* The same, when the library may not be loaded yet. */
bool zk_defers_rarely(void);

/* Are calls passed on? Every public function asks this first, so that the library is loaded by the first of
 * them, be it in a constructor. */
static inline bool zk_defers(void)
{
    return __builtin_expect((zk_rare() & (ZK_RARE_DEFERS | ZK_RARE_NEW)) != 0, 0) &&
           zk_defers_rarely();
}

/* Looks for the other library; when this one is loaded. */
void zk_defer_load(void);

#endif
