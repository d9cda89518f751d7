/*
 * trap.c - the region is one long bump: the order of addresses is the order of birth, and everything
 * that came before a begin lies below one address.
 *
 * Our handlers run wherever they interrupt the program. They may take the locks below, because
 * nothing here, in tally.c or in site.c reads or writes a block of the program while holding one. But
 * the program's handler for another signal may interrupt us and do so: what it touches is noted, and
 * counted afterwards.
 */
#include "trap.h"
#include "config.h"
#include "epoch.h"
#include "misuse.h"
#include "os.h"
#include "region.h"
#include "report.h"
#include "thread.h"
#include "trap_inside.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

struct zk_trap zk_trap;

enum { late_max = 8 };

/* What handlers have touched while the thread was in here. */
static _Thread_local struct {
    volatile bool inside;
    volatile unsigned late_count;
    struct late {
        char *address;
        enum zk_access access;
        uintptr_t pc;
    } late[late_max];
} own __attribute__((tls_model(ZK_TLS_MODEL)));

static const size_t region_bytes = (size_t)4 << 40;
static const size_t region_least_bytes = (size_t)64 << 20;
static const size_t dead_bytes_max = (size_t)8 << 20;
static const size_t open_bytes = (size_t)16 << 20; /* opened at a time */

/* ---- The lock ---- */

bool zk_trap_is_inside(void)
{
    return own.inside;
}

void zk_trap_enter(void)
{
    own.inside = true;
    atomic_signal_fence(memory_order_seq_cst);
}

/* In the child of a fork, drops the parent's counts, places and calls. */
static void take_lock(void)
{
    zk_lock(&zk_trap.lock);
    if (zk_trap.epoch == zk_epoch())
        return;
    zk_trap.counts = (struct zk_trap_counts){0};
    zk_places_forget();
    zk_trap_callers_forget();
    zk_trap.epoch = zk_epoch();
}

void zk_trap_lock_for_fault(void)
{
    zk_trap_enter();
    take_lock();
    zk_trap_calls_end();
}

void zk_trap_lock(void)
{
    zk_trap_lock_for_fault();
    zk_trap_lingering_ends();
}

static void admit_late(void)
{
    unsigned count = own.late_count < late_max ? own.late_count : late_max;
    zk_site sites[late_max];

    for (unsigned i = 0; i < count; i++)
        sites[i] = zk_site_at(own.late[i].pc);
    take_lock();
    for (unsigned i = 0; i < count; i++)
        zk_trap_admit(own.late[i].address, own.late[i].access, sites[i], NULL);
    if (own.late_count > late_max)
        zk_trap_count_unwatched(0, 0, 0);
    own.late_count = 0;
    zk_unlock(&zk_trap.lock);
}

void zk_trap_unlock(void)
{
    zk_unlock(&zk_trap.lock);
    if (own.late_count > 0)
        admit_late();
    atomic_signal_fence(memory_order_seq_cst);
    own.inside = false;
}

static char *page_of(char *address)
{
    return address - ((uintptr_t)address & (zk_os_page_bytes() - 1));
}

bool zk_trap_note_late(char *address, size_t bytes, enum zk_access access, uintptr_t pc)
{
    char *start = page_of(address);
    size_t left = (size_t)(zk_trap.sealed - start);

    if (own.late_count < late_max)
        own.late[own.late_count] = (struct late){address, access, pc};
    own.late_count++;
    return zk_os_allow(start, bytes < left ? zk_in_pages(bytes) : left);
}

/* ---- Counting. The lock is held; the tally's lock is taken inside. ---- */

static void count(enum zk_tally_kind kind, enum zk_access access, const struct zk_block *block,
                  size_t offset, zk_site access_site, bool first)
{
    struct zk_tally_key key = {.kind = (uint8_t)kind,
                               .access = (uint8_t)access,
                               .size = block->size,
                               .asked = block->asked,
                               .site = block->site,
                               .thread = block->thread,
                               .access_site = access_site};
    struct zk_tally_row *row;

    zk_tally_lock();
    row = zk_tally_row(&key);
    if (row != NULL && row->count++ == 0) {
        row->phase_first = block->phase;
        row->phase_last = zk_trap.phase;
        row->offset = offset;
    }
    if (row != NULL)
        row->first += first;
    zk_tally_unlock();
}

void zk_trap_count_unwatched(size_t size, uint32_t thread, zk_site site)
{
    const struct zk_block block = {
        .size = size, .asked = size, .site = site, .thread = thread, .phase = zk_trap.phase};

    zk_trap.counts.unwatched++;
    count(ZK_TALLY_UNWATCHED, ZK_ACCESS_NONE, &block, 0, 0, false);
}

void zk_trap_count_stale(struct zk_block *block, enum zk_access access, size_t offset,
                         zk_site access_site)
{
    enum zk_tally_kind kind = block->dead ? ZK_TALLY_DISCARDED : ZK_TALLY_TOUCHED;
    bool first = block->touched_in == 0;

    if (block->touched_in != zk_trap.phase) {
        block->touched_in = zk_trap.phase;
        zk_trap.counts.touched += !block->dead;
    }
    if (!block->dead && block->size > zk_trap.counts.largest_touched)
        zk_trap.counts.largest_touched = block->size;
    if (zk_place_is_new(block, access_site, access))
        count(kind, access, block, offset, access_site, first);
}

/* ---- Serving ---- */

/* The closer to the limit, the fewer blocks are watched, so that it is never reached: once more than half is
 * used, the fraction watched is twice the fraction that is left. */
static bool is_sampled_out(size_t bytes)
{
    size_t left = zk_trap.bytes_limit - zk_trap.live_bytes;

    if (bytes > left)
        return true;
    if (left > zk_trap.bytes_limit / 2)
        return false;
    zk_trap.sampled += 2 * left;
    if (zk_trap.sampled < zk_trap.bytes_limit)
        return true;
    zk_trap.sampled -= zk_trap.bytes_limit;
    return false;
}

/* Where a block of that many bytes can start; makes all of its pages accessible. NULL if there is
 * no room. */
static char *claim(size_t bytes, size_t align)
{
    char *start;

    if (is_sampled_out(bytes))
        return NULL;
    start = zk_trap.bump + (-(uintptr_t)zk_trap.bump & (align - 1));
    if (start < zk_trap.bump || start > zk_trap.end || bytes > (size_t)(zk_trap.end - start))
        return NULL;
    if (start + bytes > zk_trap.opened) {
        size_t wanted = (size_t)(start + bytes - zk_trap.opened);
        size_t left = (size_t)(zk_trap.end - zk_trap.opened);

        if (wanted < open_bytes)
            wanted = left < open_bytes ? left : open_bytes;
        if (!zk_os_allow(zk_trap.opened, wanted))
            return NULL;
        zk_trap.opened += wanted;
    }
    return start;
}

void *zk_trap_serve(size_t size, size_t align, uint32_t thread, struct zk_caller caller)
{
    size_t page = zk_os_page_bytes();
    size_t bytes = zk_in_pages(size);
    struct zk_block block = {.size = size, .asked = size, .thread = thread};

    zk_trap_enter();
    block.site = zk_site_of(caller);
    zk_trap_lock();
    block.phase = zk_trap.phase;
    if (bytes >= size)
        block.start = claim(bytes, align > page ? align : page);
    if (block.start != NULL && !zk_block_add(&block))
        block.start = NULL;
    if (block.start == NULL) {
        zk_trap_count_unwatched(size, thread, block.site);
    } else {
        zk_trap.bump = block.start + bytes;
        zk_trap.added++;
        zk_trap.live_bytes += bytes;
    }
    zk_trap_unlock();
    return block.start;
}

/* Reports a free of p, which is not a live block. block is the block that it was, or that it lies
 * in, or NULL. */
static void tell_misuse(const void *p, const struct zk_block *block)
{
    char site[160] = "an unknown place";

    if (block == NULL) {
        zk_misuse(p, "not a block that was ever served");
        return;
    }
    zk_report_site(block->site, site, sizeof site);
    if (block->start == p)
        zk_misuse(p, "freed twice, a block of %zu bytes that was allocated in %s", block->size,
                  site);
    else
        zk_misuse(p,
                  "not a block, but %zu bytes inside of one of %zu bytes that was allocated in %s",
                  (size_t)((const char *)p - block->start), block->size, site);
}

/* The address is not reused, so that a later access cannot be mistaken for one to another block; except if so
 * many blocks come and go in one phase that the pages would cost more than everything else. */
static void free_block(struct zk_block *block)
{
    const size_t many = 1 << 16;
    size_t bytes = zk_block_bytes(block);

    block->freed = true;
    zk_trap.live_bytes -= bytes;
    if (zk_trap.added > many && block->phase == zk_trap.phase &&
        block->start + bytes == zk_trap.bump && block->start >= zk_trap.sealed &&
        zk_block_take_back(block)) {
        if (zk_trap.dirty < zk_trap.bump)
            zk_trap.dirty = zk_trap.bump;
        zk_trap.bump -= bytes;
        return;
    }
    zk_os_discard(block->start, bytes);
}

/* A discarded block no longer belongs to the program: to free it counts as a stale access. */
static void free_dead_block(struct zk_block *block)
{
    zk_trap_count_stale(block, ZK_ACCESS_NONE, 0, 0);
    if (block->bytes_kept) {
        zk_trap.dead_bytes -= zk_block_bytes(block);
        zk_os_discard(block->start, zk_block_bytes(block));
    }
    block->dead = block->bytes_kept = false;
}

void zk_trap_free(void *p)
{
    int saved = errno;
    struct zk_block *block;
    struct zk_block wrong = {0};
    bool known;
    bool right;

    zk_trap_lock();
    block = zk_block_around(p);
    known = block != NULL;
    right = known && block->start == p && (!block->freed || block->discarded || block->dead);
    if (known && !right)
        wrong = *block;
    if (right && !block->freed) {
        if (block->phase != zk_trap.phase && block->touched_in == 0) {
            zk_trap.counts.freed_late++;
            count(ZK_TALLY_FREED_LATE, ZK_ACCESS_NONE, block, 0, 0, false);
        }
        free_block(block);
    } else if (right && block->dead) {
        free_dead_block(block);
    }
    zk_trap_unlock();
    if (!right)
        tell_misuse(p, known ? &wrong : NULL);
    errno = saved;
}

void zk_trap_clear(void *p, size_t bytes)
{
    char *dirty;

    zk_trap_lock();
    dirty = zk_trap.dirty;
    zk_trap_unlock();
    if ((char *)p < dirty)
        memset(p, 0, bytes < (size_t)(dirty - (char *)p) ? bytes : (size_t)(dirty - (char *)p));
}

void zk_trap_resized(const void *p, size_t size)
{
    struct zk_block *block;

    zk_trap_lock();
    block = zk_block_at(p);
    if (block != NULL && block->start == p && block->size < size)
        block->size = size; /* within the granule, so within the same pages */
    if (block != NULL && block->start == p && zk_settings.realloc != ZK_REALLOC_STICKY)
        block->asked = block->size;
    zk_trap_unlock();
}

void zk_trap_moved(const void *from, const void *to)
{
    const struct zk_block *was;
    struct zk_block *block;

    zk_trap_lock();
    was = zk_block_at(from);
    block = zk_block_at(to);
    if (was != NULL && was->start == from && block != NULL && block->start == to)
        block->asked = was->asked;
    zk_trap_unlock();
}

size_t zk_trap_usable(const void *p)
{
    const size_t granule = 16;
    const struct zk_block *block;
    size_t bytes = 0;

    zk_trap_lock();
    block = zk_block_around(p);
    if (block != NULL)
        bytes = (block->size + granule - 1) & ~(granule - 1);
    zk_trap_unlock();
    return bytes;
}

/* ---- Opening. The lock is held. ---- */

/* Opens everything until the next begin: no more accesses are seen, and a line on stderr says so. */
static bool open_all(void)
{
    if (zk_trap.all_open) /* another thread has just faulted, too */
        return true;
    if (!zk_os_allow(zk_trap.base, (size_t)(zk_trap.opened - zk_trap.base)))
        return false;
    zk_trap.all_open = true;
    zk_os_say("trap: no more stale accesses are seen in phase %u: "
              "there were so many that the process runs out of mappings; raise vm.max_map_count",
              zk_trap.phase);
    zk_trap_count_unwatched(0, 0, 0);
    return true;
}

/* The limit on mappings is reached: closes what was opened, so that its next access is seen again. Only a limited
 * number of times in a phase. */
static bool close_opened(void)
{
    enum { closings_max = 16 }; /* in a phase */

    if (zk_trap.closings == closings_max || zk_trap.all_open)
        return false;
    zk_trap.closings++;
    for (size_t i = 0; i < zk_trap.blocks->count; i++)
        zk_trap.blocks->at[i].open = false;
    zk_trap.mappings = 0;
    return zk_trap_seal();
}

/* Opens pages until the next begin, which takes that many more mappings. If there are too many,
 * closes or opens everything: the program needs some too. */
static bool open_again(char *start, size_t bytes, long mappings)
{
    if (zk_trap.mappings + mappings > zk_trap.mappings_limit && !close_opened())
        return open_all();
    if (!zk_os_allow(start, bytes))
        return open_all();
    zk_trap.mappings += mappings;
    return true;
}

/* Blocks that are open and adjacent share a mapping. */
bool zk_trap_open_block(struct zk_block *block)
{
    const struct zk_blocks *all = zk_trap.blocks;
    const struct zk_block *before = block > all->at ? block - 1 : NULL;
    const struct zk_block *behind = block + 1 < all->at + all->count ? block + 1 : NULL;
    size_t bytes = zk_block_bytes(block);
    long mappings = 2;

    if (before != NULL && before->open && before->start + zk_block_bytes(before) == block->start)
        mappings -= 2;
    if (behind != NULL && behind->open && block->start + bytes == behind->start)
        mappings -= 2;
    block->open = open_again(block->start, bytes, mappings);
    return block->open;
}

/* Opens the page of address, and the next one, into which the access may reach, for one instruction. */
bool zk_trap_open_pages(const struct zk_block *block, char *address, struct zk_opening *opening)
{
    size_t page = zk_os_page_bytes();
    size_t left;

    opening->start = page_of(address);
    left = (size_t)(block->start + zk_block_bytes(block) - opening->start);
    opening->bytes = left < 2 * page ? left : 2 * page;
    if (zk_trap.mappings + 2 <= zk_trap.mappings_limit &&
        zk_os_allow(opening->start, opening->bytes))
        return true;
    opening->bytes = 0;
    return false;
}

void zk_trap_close(const struct zk_opening *opening)
{
    const struct zk_block *block = zk_block_around(opening->start);

    if (zk_trap.all_open || (block != NULL && block->open))
        return;
    zk_os_deny(opening->start, opening->bytes);
}

/* ---- Stale accesses ---- */

void zk_trap_touch(const void *p, struct zk_caller caller)
{
    struct zk_block *block;
    zk_site site;

    if (!zk_trap_is_sealed(p))
        return;
    zk_trap_enter();
    site = zk_site_of(caller);
    zk_trap_lock();
    block = zk_block_around(p);
    if (block != NULL && (!block->freed || block->dead) && block->phase != zk_trap.phase &&
        !block->open) {
        zk_trap_count_stale(block, ZK_ACCESS_READ, (size_t)((const char *)p - block->start), site);
        zk_trap_open_block(block);
    }
    zk_trap_unlock();
}

bool zk_trap_admit(char *address, enum zk_access access, zk_site site, struct zk_opening *opening)
{
    struct zk_block *block = zk_block_around(address);
    char *start = page_of(address);

    if (block != NULL && (!block->freed || block->dead)) {
        if (block->open) /* another thread has just faulted on it, too */
            return true;
        if (!zk_detour) /* otherwise the report itself has touched it */
            zk_trap_count_stale(block, access, (size_t)(address - block->start), site);
        return (opening != NULL && zk_trap_open_pages(block, address, opening)) ||
               zk_trap_open_block(block);
    }
    zk_trap.counts.after_free++;
    if (block != NULL)
        count(ZK_TALLY_FREED, access, block, (size_t)(address - block->start), site, false);
    else
        count(ZK_TALLY_FREED, access, &(struct zk_block){.start = start}, 0, site, false);
    return open_again(start, zk_os_page_bytes(), 2);
}

/* ---- Phases ---- */

/* The memory that the program may have; looked up while it still may ask. */
static size_t memory_limit(void)
{
    static _Atomic size_t bytes;

    if (bytes == 0)
        bytes = zk_os_memory_limit();
    return bytes;
}

/* Half of memory and address space, and a quarter of the mappings, are left to the program. */
struct zk_trap_limits zk_trap_limits(void)
{
    size_t address = zk_os_address_limit();

    return (struct zk_trap_limits){
        .memory = memory_limit() / 2,
        .address = address / 2 < region_bytes ? address / 2 : region_bytes,
        .mappings = zk_os_mappings_max() / 4 * 3,
    };
}

void zk_trap_load(void)
{
    memory_limit();
    zk_trap_catch_faults();
}

void zk_trap_start(void)
{
    struct zk_trap_limits limits = zk_trap_limits();
    size_t page = zk_os_page_bytes();
    size_t bytes = limits.address & ~(page - 1);

    if (zk_settings.slab_bytes == 0)
        return;
    while (bytes >= region_least_bytes && (zk_trap.base = zk_os_bar(bytes)) == NULL)
        bytes = bytes / 2 & ~(page - 1);
    if (zk_trap.base == NULL) {
        zk_os_say("trap: address space for %zu MiB refused: nothing is watched; "
                  "raise the limit (ulimit -v)",
                  region_least_bytes >> 20);
        return;
    }
    zk_os_hugepages(zk_trap.base, bytes, 0);
    zk_trap.end = zk_trap.base + bytes;
    zk_trap.bump = zk_trap.opened = zk_trap.sealed = zk_trap.base;
    zk_trap.bytes_limit = limits.memory & ~(page - 1);
    if (zk_trap.bytes_limit > bytes)
        zk_trap.bytes_limit = bytes;
    zk_trap.mappings_limit = (long)limits.mappings;
    zk_region_is(zk_trap.base, bytes);
}

/* Keeps the bytes of some discarded blocks, so that a program that still uses them goes on with the
 * right data. */
static bool outlives_begin(struct zk_block *block)
{
    size_t bytes = zk_block_bytes(block);

    block->open = false;
    if (block->discarded) {
        block->discarded = false;
        block->dead = true;
        block->bytes_kept = zk_trap.dead_bytes + bytes <= dead_bytes_max;
        if (block->bytes_kept)
            zk_trap.dead_bytes += bytes;
        else
            zk_os_discard(block->start, bytes);
    }
    return !block->freed || block->dead;
}

static size_t count_live(void)
{
    size_t live = 0;

    for (size_t i = 0; zk_trap.blocks != NULL && i < zk_trap.blocks->count; i++)
        live += !zk_trap.blocks->at[i].freed;
    return live;
}

void zk_trap_begin(uint32_t phase)
{
    if (zk_trap.base == NULL)
        return;
    zk_trap_lock();
    zk_trap.phase = phase;
    zk_blocks_keep(outlives_begin); /* without memory for the new table, freed ones stay */
    zk_trap.mappings = 0;
    zk_trap.all_open = false;
    zk_trap.added = 0;
    zk_trap.closings = 0;
    zk_trap.counts.retained = count_live();
    __atomic_store_n(&zk_trap.sealed, zk_trap.bump, __ATOMIC_RELAXED);
    if (!zk_trap_seal()) {
        zk_trap_count_unwatched(0, 0, 0);
        zk_os_say("trap: the kernel refused to take access away: phase %u is not watched", phase);
    }
    zk_trap_catch_faults();
    zk_trap_unlock();
}

void zk_trap_discard(uint32_t phase)
{
    zk_trap_lock();
    for (size_t i = 0; zk_trap.blocks != NULL && i < zk_trap.blocks->count; i++) {
        struct zk_block *block = &zk_trap.blocks->at[i];

        if (block->phase != phase || block->freed)
            continue;
        block->freed = block->discarded = true;
        zk_trap.live_bytes -= zk_block_bytes(block);
    }
    zk_trap_unlock();
}

struct zk_trap_counts zk_trap_counts(void)
{
    struct zk_trap_counts counts;

    zk_trap_lock();
    counts = zk_trap.counts;
    zk_trap_unlock();
    return counts;
}
