/*
 * epoch.c - counting processes, from parent to child.
 */
#include "epoch.h"
#include "os.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* Used before the library is loaded, and if the kernel cannot wipe. */
static _Atomic uint32_t unwiped = 1;

_Atomic uint32_t *zk_epoch_word = &unwiped;

static struct {
    _Atomic uint32_t last;    /* at least this process's number; a child starts with a copy */
    _Atomic bool child_known; /* found wiped since before_fork last ran */
} epoch = {.last = 1};

uint32_t zk_epoch_next(void)
{
    uint32_t next = atomic_load(&epoch.last) + 1;
    uint32_t wiped = 0;

    /* In this order: a child that another thread forks between the two must not get a number that this
     * process has. If several threads come here at once, the first exchange decides. */
    atomic_store(&epoch.last, next);
    atomic_store(&epoch.child_known, true);
    if (atomic_compare_exchange_strong(zk_epoch_word, &wiped, next))
        return next;
    return wiped;
}

/* For kernels that cannot wipe, and emulators that only claim to. These handlers take no lock and do not
 * allocate. */
static void before_fork(void)
{
    atomic_store(&epoch.child_known, false);
}

static void in_child(void)
{
    if (!atomic_load(&epoch.child_known))
        atomic_store(zk_epoch_word, 0);
}

void zk_epoch_load(void)
{
    _Atomic uint32_t *word = zk_os_wiped_word();

    if (word != NULL)
        zk_epoch_word = word;
    pthread_atfork(before_fork, NULL, in_child);
}
