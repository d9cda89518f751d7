/*
 * trap.c - the region is one long bump: blocks in the order of their addresses are blocks in the
 * order of their birth, and all that came before a begin lies below one address.
 *
 * The handler runs wherever the program was. It may take the locks below, because nothing here, nor
 * in tally.c or site.c, reads or writes a block of the program while it holds one.
 */
#include "trap.h"
#include "config.h"
#include "fatal.h"
#include "os.h"
#include "region.h"
#include "tally.h"
#include "thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

struct block {
    char *start;
    size_t size; /* as asked for */
    zk_site site;
    uint32_t thread;
    uint32_t phase;
    bool freed;
    bool open;    /* again, since the last begin */
    bool touched; /* in a phase that is not its own */
};

static struct {
    pthread_mutex_t lock; /* guards all of this */
    char *base;
    char *end;
    char *bump;
    char *opened; /* up to here, pages can be used */
    char *sealed; /* what lies below is of earlier phases */
    uint32_t phase;
    struct block *blocks; /* by address */
    size_t count;
    size_t room;
    size_t live_bytes;  /* in pages */
    size_t bytes_limit; /* of those */
    struct sigaction before;
    struct zk_trap_counts counts;
} trap = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const size_t region_bytes = (size_t)4 << 40;
static const size_t region_least_bytes = (size_t)1 << 30;
static const size_t open_bytes = (size_t)16 << 20; /* at a time */

static size_t in_pages(size_t size)
{
    size_t page = zk_os_page_bytes();

    return size == 0 ? page : (size + page - 1) & ~(page - 1);
}

/* ---- Blocks ---- */

/* The last block that starts at or below p; NULL if none does. The lock is held. */
static struct block *block_at(const void *p)
{
    size_t low = 0;
    size_t high = trap.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (trap.blocks[middle].start <= (const char *)p)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? NULL : &trap.blocks[low - 1];
}

/* The block whose pages p lies in. */
static struct block *block_around(const void *p)
{
    struct block *block = block_at(p);

    if (block == NULL || (const char *)p >= block->start + in_pages(block->size))
        return NULL;
    return block;
}

static bool room_for_block(void)
{
    size_t room = trap.room == 0 ? 4096 : 2 * trap.room;
    struct block *blocks;

    if (trap.count < trap.room)
        return true;
    blocks = zk_os_map(room * sizeof *blocks);
    if (blocks == NULL)
        return false;
    if (trap.count > 0)
        memcpy(blocks, trap.blocks, trap.count * sizeof *blocks);
    zk_os_unmap(trap.blocks, trap.room * sizeof *blocks);
    trap.blocks = blocks;
    trap.room = room;
    return true;
}

/* Where a block of bytes can start, with all of its pages usable; NULL when there is no room. */
static char *claim(size_t bytes, size_t align)
{
    char *start;

    if (bytes > trap.bytes_limit - trap.live_bytes)
        return NULL;
    start = trap.bump + (-(uintptr_t)trap.bump & (align - 1));
    if (start < trap.bump || start > trap.end || bytes > (size_t)(trap.end - start))
        return NULL;
    if (start + bytes > trap.opened) {
        size_t wanted = (size_t)(start + bytes - trap.opened);
        size_t left = (size_t)(trap.end - trap.opened);

        if (wanted < open_bytes)
            wanted = left < open_bytes ? left : open_bytes;
        if (!zk_os_allow(trap.opened, wanted))
            return NULL;
        trap.opened += wanted;
    }
    trap.bump = start + bytes;
    return start;
}

/* ---- What was seen. The lock is held; the tally's is taken inside. ---- */

static void count(enum zk_tally_kind kind, enum zk_access access, const struct block *block,
                  size_t offset, zk_site access_site)
{
    struct zk_tally_key key = {.kind = (uint8_t)kind,
                               .access = (uint8_t)access,
                               .size = block->size,
                               .site = block->site,
                               .thread = block->thread,
                               .access_site = access_site};
    struct zk_tally_row *row;

    zk_tally_lock();
    row = zk_tally_row(&key);
    if (row != NULL && row->count++ == 0) {
        row->phase_first = block->phase;
        row->phase_last = trap.phase;
        row->offset = offset;
    }
    zk_tally_unlock();
}

static void count_unwatched(size_t size, uint32_t thread, zk_site site)
{
    const struct block block = {.size = size, .site = site, .thread = thread, .phase = trap.phase};

    trap.counts.unwatched++;
    count(ZK_TALLY_UNWATCHED, ZK_ACCESS_NONE, &block, 0, 0);
}

static void count_touched(struct block *block, enum zk_access access, size_t offset,
                          zk_site access_site)
{
    block->open = true;
    block->touched = true;
    trap.counts.touched++;
    if (block->size > trap.counts.largest_touched)
        trap.counts.largest_touched = block->size;
    count(ZK_TALLY_TOUCHED, access, block, offset, access_site);
}

/* ---- Serving ---- */

void *zk_trap_serve(size_t size, size_t align, uint32_t thread, struct zk_caller caller)
{
    zk_site site = zk_site_of(caller);
    size_t page = zk_os_page_bytes();
    size_t bytes = in_pages(size);
    char *start = NULL;

    pthread_mutex_lock(&trap.lock);
    if (bytes >= size && room_for_block())
        start = claim(bytes, align > page ? align : page);
    if (start == NULL) {
        count_unwatched(size, thread, site);
    } else {
        trap.blocks[trap.count++] = (struct block){
            .start = start, .size = size, .site = site, .thread = thread, .phase = trap.phase};
        trap.live_bytes += bytes;
        trap.counts.served++;
        trap.counts.bytes += bytes;
    }
    pthread_mutex_unlock(&trap.lock);
    return start;
}

void zk_trap_free(void *p)
{
    int saved = errno;
    struct block *block;

    pthread_mutex_lock(&trap.lock);
    block = block_at(p);
    if (block != NULL && block->start == p && !block->freed) {
        block->freed = true;
        trap.live_bytes -= in_pages(block->size);
        zk_os_discard(block->start, in_pages(block->size));
        if (block->phase != trap.phase && !block->touched) {
            trap.counts.freed_late++;
            count(ZK_TALLY_FREED_LATE, ZK_ACCESS_NONE, block, 0, 0);
        }
    }
    pthread_mutex_unlock(&trap.lock);
    errno = saved;
}

size_t zk_trap_usable(const void *p)
{
    const size_t granule = 16;
    const struct block *block;
    size_t bytes = 0;

    pthread_mutex_lock(&trap.lock);
    block = block_around(p);
    if (block != NULL)
        bytes = (block->size + granule - 1) & ~(granule - 1);
    pthread_mutex_unlock(&trap.lock);
    return bytes;
}

/* Gives access to the pages again, until the next begin. Where the kernel has no more mappings to
 * give, to everything: no later access in this phase is seen then, and that is told. */
static bool open_again(char *start, size_t bytes)
{
    if (zk_os_allow(start, bytes))
        return true;
    if (!zk_os_allow(trap.base, (size_t)(trap.opened - trap.base)))
        return false;
    zk_os_say("trap: the kernel refused another mapping (vm.max_map_count): no more stale accesses "
              "are seen in phase %u",
              trap.phase);
    count_unwatched(0, 0, 0);
    return true;
}

void zk_trap_touch(const void *p, struct zk_caller caller)
{
    zk_site site = 0;
    struct block *block;

    if ((const char *)p >= __atomic_load_n(&trap.sealed, __ATOMIC_RELAXED)) /* see on_fault */
        return;
    site = zk_site_of(caller);
    pthread_mutex_lock(&trap.lock);
    block = block_around(p);
    if (block != NULL && !block->freed && block->phase != trap.phase && !block->open) {
        count_touched(block, ZK_ACCESS_READ, (size_t)((const char *)p - block->start), site);
        open_again(block->start, in_pages(block->size));
    }
    pthread_mutex_unlock(&trap.lock);
}

/* ---- Faults ---- */

static uintptr_t program_counter(const ucontext_t *context)
{
#if defined __x86_64__
    return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
#elif defined __aarch64__
    return (uintptr_t)context->uc_mcontext.pc;
#else
#error "where is the program counter?"
#endif
}

static enum zk_access access_of(const ucontext_t *context)
{
#if defined __x86_64__
    const unsigned long long write_bit = 2; /* of the page fault's error code */

    return ((unsigned long long)context->uc_mcontext.gregs[REG_ERR] & write_bit) != 0
               ? ZK_ACCESS_WRITE
               : ZK_ACCESS_READ;
#else
    /* The syndrome register is in a list of records behind the registers. */
    const uint32_t esr_magic = 0x45535201;
    const uint64_t write_not_read = 1u << 6;
    const unsigned char *at = context->uc_mcontext.__reserved;
    const unsigned char *end = at + sizeof context->uc_mcontext.__reserved;

    while (at + 16 <= end) {
        uint32_t head[2]; /* magic, bytes */
        uint64_t syndrome;

        memcpy(head, at, sizeof head);
        memcpy(&syndrome, at + sizeof head, sizeof syndrome);
        if (head[0] == esr_magic)
            return (syndrome & write_not_read) != 0 ? ZK_ACCESS_WRITE : ZK_ACCESS_READ;
        if (head[0] == 0 || head[1] == 0)
            break;
        at += head[1];
    }
    return ZK_ACCESS_NONE;
#endif
}

/* A stale access at address: counts it, and lets the program go on. The lock is held. */
static bool admit(char *address, enum zk_access access, zk_site site)
{
    struct block *block = block_around(address);
    size_t page = zk_os_page_bytes();
    char *start = address - ((uintptr_t)address & (page - 1));

    if (block != NULL && !block->freed) {
        /* Not so if another thread faulted on it a moment before, or the report itself does. */
        if (!block->open && !zk_detour)
            count_touched(block, access, (size_t)(address - block->start), site);
        return open_again(block->start, in_pages(block->size));
    }
    trap.counts.after_free++;
    if (block != NULL)
        count(ZK_TALLY_FREED, access, block, (size_t)(address - block->start), site);
    else
        count(ZK_TALLY_FREED, access, &(struct block){.start = start}, 0, site);
    return open_again(start, page);
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
    int saved = errno;
    char *address = info->si_addr;
    uintptr_t pc = program_counter(context);
    bool ours = info->si_code == SEGV_ACCERR && (uintptr_t)address != pc;

    /* Relaxed: a thread that has learned of a begin by whatever means sees what it sealed. */
    ours =
        ours && address >= trap.base && address < __atomic_load_n(&trap.sealed, __ATOMIC_RELAXED);
    if (ours) {
        zk_site site = zk_site_at(pc);

        pthread_mutex_lock(&trap.lock);
        ours = admit(address, access_of(context), site);
        pthread_mutex_unlock(&trap.lock);
    }
    errno = saved;
    if (!ours)
        zk_fatal_pass_on(signal, info, context, &trap.before);
}

/* The program may have set a handler of its own since: that one gets what is not ours. */
static void catch_faults(void)
{
    struct sigaction now;
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};

    if (sigaction(SIGSEGV, NULL, &now) != 0 ||
        ((now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == on_fault))
        return;
    trap.before = now;
    sigaction(SIGSEGV, &action, NULL);
}

/* ---- Phases ---- */

void zk_trap_start(void)
{
    size_t bytes = region_bytes;
    size_t page = zk_os_page_bytes();

    if (zk_settings.slab_bytes == 0)
        return;
    while (bytes >= region_least_bytes && (trap.base = zk_os_bar(bytes)) == NULL)
        bytes /= 2;
    if (trap.base == NULL) {
        zk_os_say("trap: address space for %zu MiB refused: nothing is watched; raise the limit "
                  "(ulimit -v)",
                  region_least_bytes >> 20);
        return;
    }
    zk_os_hugepages(trap.base, bytes, 0);
    trap.end = trap.base + bytes;
    trap.bump = trap.opened = trap.sealed = trap.base;
    trap.bytes_limit = (size_t)sysconf(_SC_PHYS_PAGES) / 2 * page;
    if (trap.bytes_limit > bytes)
        trap.bytes_limit = bytes;
    zk_region_is(trap.base, bytes);
}

static void forget_freed(void)
{
    size_t kept = 0;

    for (size_t i = 0; i < trap.count; i++)
        if (!trap.blocks[i].freed) {
            trap.blocks[kept] = trap.blocks[i];
            trap.blocks[kept++].open = false;
        }
    trap.count = kept;
}

void zk_trap_begin(uint32_t phase)
{
    if (trap.base == NULL)
        return;
    pthread_mutex_lock(&trap.lock);
    trap.phase = phase;
    forget_freed();
    trap.counts.retained = trap.count;
    __atomic_store_n(&trap.sealed, trap.bump, __ATOMIC_RELAXED);
    if (!zk_os_deny(trap.base, (size_t)(trap.bump - trap.base)))
        zk_os_say("trap: the kernel refused to take access away: phase %u is not watched", phase);
    catch_faults();
    pthread_mutex_unlock(&trap.lock);
}

void zk_trap_discard(uint32_t phase)
{
    pthread_mutex_lock(&trap.lock);
    for (size_t i = 0; i < trap.count; i++) {
        struct block *block = &trap.blocks[i];

        if (block->phase != phase || block->freed)
            continue;
        block->freed = true;
        trap.live_bytes -= in_pages(block->size);
    }
    pthread_mutex_unlock(&trap.lock);
}

struct zk_trap_counts zk_trap_counts(void)
{
    struct zk_trap_counts counts;

    pthread_mutex_lock(&trap.lock);
    counts = trap.counts;
    pthread_mutex_unlock(&trap.lock);
    return counts;
}

void zk_trap_fork_prepare(void)
{
    pthread_mutex_lock(&trap.lock);
}

void zk_trap_fork_parent(void)
{
    pthread_mutex_unlock(&trap.lock);
}

/* No begin, and no access, was the child's. */
void zk_trap_fork_child(void)
{
    trap.counts = (struct zk_trap_counts){0};
    pthread_mutex_unlock(&trap.lock);
}
