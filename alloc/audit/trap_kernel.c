/*
 * trap_kernel.c - the kernel's accesses to blocks on behalf of the program. What a system call is given is opened
 * before the call is made, and stays open until it is over, even if a phase begins meanwhile: a thread may block
 * in a call for long.
 *
 * A thread's calls are over when the thread next comes here. And call.c clears in_call as soon as the call
 * returns, so that a begin on another thread can tell.
 */
#include "os.h"
#include "trap_inside.h"

#include <stdatomic.h>

enum { callers_max = 512, given_max = 8, busy_max = 64 };

/* A thread that makes calls. Only that thread accesses its record, but a begin reads in_call and given,
 * under the lock. */
struct caller {
    _Atomic uint32_t used;    /* 1 while a thread has it */
    _Atomic uint32_t in_call; /* cleared by call.c, or at the thread's next call */
    uint32_t count;
    struct given {
        char *block;
        zk_site site; /* where the call was made */
        enum zk_access access;
    } given[given_max];
};

static struct caller callers[callers_max];
static _Thread_local struct caller *own __attribute__((tls_model(ZK_TLS_MODEL)));
static _Atomic uint32_t nobody; /* stands in for in_call if there is no caller record */

static struct caller *own_caller(void)
{
    for (size_t i = 0; own == NULL && i < callers_max; i++) {
        uint32_t used = 0;

        if (!atomic_compare_exchange_strong(&callers[i].used, &used, 1))
            continue;
        own = &callers[i];
        atomic_store(&own->in_call, 1); /* we are preparing a call */
    }
    return own;
}

void zk_trap_caller_ends(void)
{
    if (own == NULL)
        return;
    atomic_store(&own->in_call, 0);
    own->count = 0;
    atomic_store(&own->used, 0);
    own = NULL;
}

/* Records are taken only under the lock, so all but our own are those of the parent's threads. */
void zk_trap_callers_forget(void)
{
    for (size_t i = 0; i < callers_max; i++) {
        if (&callers[i] == own)
            continue;
        atomic_store(&callers[i].in_call, 0);
        callers[i].count = 0;
        atomic_store(&callers[i].used, 0);
    }
}

bool zk_trap_is_sealed(const void *p)
{
    /* Relaxed: a thread that has learned of a begin, by whatever means, sees what the begin sealed. */
    return (const char *)p >= zk_trap.base &&
           (const char *)p < __atomic_load_n(&zk_trap.sealed, __ATOMIC_RELAXED);
}

bool zk_trap_holds(const void *p)
{
    return (const char *)p >= zk_trap.base && (const char *)p < zk_trap.end;
}

/* Is the block in use by a call of another thread? */
static bool is_busy(const char *block)
{
    for (size_t i = 0; i < callers_max; i++)
        for (size_t j = 0; atomic_load(&callers[i].in_call) != 0 && j < callers[i].count; j++)
            if (callers[i].given[j].block == block && &callers[i] != own)
                return true;
    return false;
}

void zk_trap_calls_end(void)
{
    if (own == NULL || own->count == 0 || atomic_load(&own->in_call) != 0)
        return;
    for (size_t i = 0; i < own->count; i++) {
        const struct zk_block *block = zk_block_at(own->given[i].block);

        if (block != NULL && block->start == own->given[i].block &&
            zk_trap_is_sealed(block->start) && !block->open && !block->freed && !zk_trap.all_open &&
            !is_busy(block->start))
            zk_os_deny(block->start, zk_block_bytes(block));
    }
    own->count = 0;
}

/* Records that the block is passed to a call of this thread, and opens it if it is sealed. */
static bool give(struct zk_block *block, enum zk_access access, zk_site site)
{
    struct caller *caller = own_caller();
    bool stale = zk_trap_is_sealed(block->start);

    if (stale)
        zk_trap_count_stale(block, access, 0, site);
    if (caller == NULL || caller->count == given_max)
        return !stale || zk_trap_open_block(block);
    if (stale && !block->open && !zk_os_allow(block->start, zk_block_bytes(block)))
        return zk_trap_open_block(block);
    caller->given[caller->count++] = (struct given){block->start, site, access};
    return true;
}

bool zk_trap_reach(char *address, enum zk_access access, uintptr_t pc)
{
    const size_t much = 1 << 20;
    struct zk_block *block;
    bool reached = false;
    zk_site site;

    if (zk_trap_is_inside())
        return zk_trap_is_sealed(address) && zk_trap_note_late(address, much, access, pc);
    zk_trap_enter();
    site = zk_site_behind(pc);
    zk_trap_lock();
    block = zk_block_around(address);
    if (block != NULL && !block->freed) {
        reached = zk_trap_is_sealed(address);
        give(block, access, site);
    } else if (zk_trap_is_sealed(address)) {
        reached = zk_trap_admit(address, access, site, NULL);
    }
    zk_trap_unlock();
    return reached;
}

void zk_trap_call_prepares(void)
{
    if (own == NULL)
        return;
    if (own->count > 0 && atomic_load(&own->in_call) == 0 && !zk_trap_is_inside()) {
        zk_trap_lock();
        zk_trap_unlock();
    }
    atomic_store(&own->in_call, 1); /* what the call is given from here on stays open */
}

_Atomic uint32_t *zk_trap_call_begins(void)
{
    if (own == NULL)
        return &nobody;
    atomic_store(&own->in_call, own->count > 0);
    return &own->in_call;
}

/* ---- A begin */

/* Blocks in use by calls, sorted by address. */
struct busy {
    struct zk_block *at[busy_max];
    size_t count;
    bool all; /* there are more than that */
};

static void add_busy(struct busy *busy, struct zk_block *block)
{
    size_t i = busy->count;

    for (size_t j = 0; j < busy->count; j++)
        if (busy->at[j] == block)
            return;
    if (busy->count == busy_max) {
        busy->all = true;
        return;
    }
    for (; i > 0 && busy->at[i - 1]->start > block->start; i--)
        busy->at[i] = busy->at[i - 1];
    busy->at[i] = block;
    busy->count++;
}

static void find_busy(struct busy *busy)
{
    for (size_t i = 0; i < callers_max; i++) {
        if (atomic_load(&callers[i].in_call) == 0 || &callers[i] == own)
            continue;
        for (size_t j = 0; j < callers[i].count; j++) {
            const struct given *given = &callers[i].given[j];
            struct zk_block *block = zk_block_at(given->block);

            if (block == NULL || block->start != given->block || block->freed ||
                !zk_trap_is_sealed(block->start))
                continue;
            zk_trap_count_stale(block, given->access, 0, given->site);
            add_busy(busy, block);
        }
    }
}

/* Makes no call for an empty range: qemu's emulation refuses that. */
static bool deny(char *from, const char *to)
{
    return from == to || zk_os_deny(from, (size_t)(to - from));
}

bool zk_trap_seal(void)
{
    struct busy busy = {.count = 0};
    char *from = zk_trap.base;
    bool sealed = true;

    find_busy(&busy);
    if (busy.all)
        zk_trap_count_unwatched(0, 0, 0);
    for (size_t i = 0; i < busy.count; i++) {
        sealed = deny(from, busy.at[i]->start) && sealed;
        from = busy.at[i]->start + zk_block_bytes(busy.at[i]);
    }
    return deny(from, zk_trap.sealed) && sealed;
}

/* ---- The last resort */

bool zk_trap_open_all(void)
{
    bool opened;

    if (zk_trap_is_inside())
        return false;
    zk_trap_lock();
    opened = zk_trap.sealed > zk_trap.base &&
             zk_os_allow(zk_trap.base, (size_t)(zk_trap.sealed - zk_trap.base));
    zk_trap_unlock();
    return opened;
}

bool zk_trap_is_sealing(void)
{
    /* Relaxed: as in zk_trap_is_sealed. */
    return __atomic_load_n(&zk_trap.sealed, __ATOMIC_RELAXED) != zk_trap.base;
}

void zk_trap_close_all(bool looked_away)
{
    zk_trap_lock();
    if (looked_away)
        zk_trap_count_unwatched(0, 0, 0);
    for (size_t i = 0; zk_trap.blocks != NULL && i < zk_trap.blocks->count; i++)
        zk_trap.blocks->at[i].open = false;
    if (!zk_trap.all_open)
        zk_trap_seal();
    zk_trap_unlock();
}
