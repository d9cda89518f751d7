/*
 * hook.c - hooks in the order of registration. A hook's function lies in some loaded object, which may be
 * closed: a hook runs only while the object in which it was found at registration is still there.
 *
 * The list only grows. So running the hooks takes no lock, and a fork finds the list intact at any moment.
 */
#include "hook.h"
#include "defer.h"
#include "lock.h"
#include "object.h"
#include "system.h"
#include "zkalloc.h"

#include <errno.h>
#include <stdatomic.h>

struct hook {
    void (*run)(void *arg);
    void *arg;
    struct zk_object object;
    _Atomic bool removed;
    _Atomic(struct hook *) next;
};

static struct {
    struct zk_lock lock; /* held while adding or removing */
    _Atomic(struct hook *) first;
} hooks;

static bool is_there(const struct hook *hook)
{
    return !atomic_load(&hook->removed) && zk_object_is_same(&hook->object, (uintptr_t)hook->run);
}

void zk_hooks_run(void)
{
    for (struct hook *hook = atomic_load(&hooks.first); hook != NULL;
         hook = atomic_load(&hook->next))
        if (is_there(hook))
            hook->run(hook->arg);
}

void zk_hooks_prune(void)
{
    for (struct hook *hook = atomic_load(&hooks.first); hook != NULL;
         hook = atomic_load(&hook->next))
        if (!is_there(hook))
            atomic_store(&hook->removed, true);
}

/* Where to link the next hook. The lock is held. */
static _Atomic(struct hook *) *end_of_list(void)
{
    _Atomic(struct hook *) *link = &hooks.first;

    while (atomic_load(link) != NULL)
        link = &atomic_load(link)->next;
    return link;
}

int zk_on_phase_end(void (*run)(void *arg), void *arg)
{
    struct hook *hook;

    if (zk_defers())
        return zk_other->on_phase_end(run, arg);
    hook = zk_system_calloc(1, sizeof *hook);
    if (hook == NULL) {
        errno = ENOMEM;
        return -1;
    }
    hook->run = run;
    hook->arg = arg;
    hook->object = zk_object_at((uintptr_t)run);
    zk_lock(&hooks.lock);
    atomic_store(end_of_list(), hook);
    zk_unlock(&hooks.lock);
    return 0;
}

int zk_remove_phase_end(void (*run)(void *arg), void *arg)
{
    struct hook *found = NULL;

    if (zk_defers())
        return zk_other->remove_phase_end(run, arg);
    zk_lock(&hooks.lock);
    for (struct hook *hook = atomic_load(&hooks.first); hook != NULL;
         hook = atomic_load(&hook->next))
        if (hook->run == run && hook->arg == arg && is_there(hook))
            found = hook; /* the latest */
    if (found != NULL)
        atomic_store(&found->removed, true);
    zk_unlock(&hooks.lock);
    if (found != NULL)
        return 0;
    errno = ENOENT;
    return -1;
}
