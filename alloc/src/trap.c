/*
 * trap.c - the region is one long bump: blocks in the order of their addresses are blocks in the
 * order of their birth, and all that came before a begin lies below one address.
 *
 * The handler runs wherever the program was. It may take the locks below, because nothing here, nor
 * in tally.c or site.c, reads or writes a block of the program while it holds one. A handler of the
 * program's may, of a signal that comes meanwhile: what that one touches is looked at afterwards.
 */
#include "trap.h"
#include "config.h"
#include "epoch.h"
#include "fatal.h"
#include "lock.h"
#include "misuse.h"
#include "os.h"
#include "region.h"
#include "report.h"
#include "tally.h"
#include "thread.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <ucontext.h>

enum { catchers_max = 4 };

struct block {
    char *start;
    size_t size; /* as asked for */
    zk_site site;
    uint32_t thread;
    uint32_t phase;
    bool freed;
    bool discarded; /* by the end of its phase, hence freed: its bytes stay until the next begin */
    bool open;      /* again, since the last begin */
    bool touched;   /* in a phase that is not its own */
};

/* By address. Added to, or replaced as a whole: so the child of a fork finds them in order. */
struct blocks {
    size_t count;
    size_t room;
    struct block at[];
};

static struct blocks no_blocks;

static struct {
    struct zk_lock lock; /* guards all of this */
    uint32_t epoch;      /* the process that the counts are of */
    char *base;
    char *end;
    char *bump;
    char *opened; /* up to here, pages can be used */
    char *sealed; /* what lies below is of earlier phases */
    uint32_t phase;
    struct blocks *blocks;
    size_t live_bytes;  /* in pages */
    size_t bytes_limit; /* of those */
    long mappings;      /* that opening blocks has made, since the last begin */
    long mappings_limit;
    bool all_open;                         /* since the last begin */
    struct sigaction before[catchers_max]; /* what each of our handlers has replaced */
    size_t catchers;                       /* of them in use */
    struct zk_trap_counts counts;
} trap = {.blocks = &no_blocks};

enum { late_max = 8 };

/* What was touched while the thread was in here. */
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
static const size_t region_least_bytes = (size_t)1 << 30;
static const size_t open_bytes = (size_t)16 << 20; /* at a time */

static size_t in_pages(size_t size)
{
    size_t page = zk_os_page_bytes();

    return size == 0 ? page : (size + page - 1) & ~(page - 1);
}

static bool admit(char *address, enum zk_access access, zk_site site);
static void count_unwatched(size_t size, uint32_t thread, zk_site site);

/* ---- The lock ---- */

/* From here to unlock, the calling thread may hold locks that its fault handler would want. */
static void enter(void)
{
    own.inside = true;
    atomic_signal_fence(memory_order_seq_cst);
}

/* No begin, and no access, of the parent's was the child's. */
static void take_lock(void)
{
    zk_lock(&trap.lock);
    if (trap.epoch != zk_epoch())
        trap.counts = (struct zk_trap_counts){0};
    trap.epoch = zk_epoch();
}

static void lock(void)
{
    enter();
    take_lock();
}

static void admit_late(void)
{
    unsigned count = own.late_count < late_max ? own.late_count : late_max;
    zk_site sites[late_max];

    for (unsigned i = 0; i < count; i++)
        sites[i] = zk_site_at(own.late[i].pc);
    take_lock();
    for (unsigned i = 0; i < count; i++)
        admit(own.late[i].address, own.late[i].access, sites[i]);
    if (own.late_count > late_max)
        count_unwatched(0, 0, 0);
    own.late_count = 0;
    zk_unlock(&trap.lock);
}

static void unlock(void)
{
    zk_unlock(&trap.lock);
    if (own.late_count > 0)
        admit_late();
    atomic_signal_fence(memory_order_seq_cst);
    own.inside = false;
}

/* ---- Blocks ---- */

/* The last block that starts at or below p; NULL if none does. The lock is held. */
static struct block *block_at(const void *p)
{
    size_t low = 0;
    size_t high = trap.blocks->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (trap.blocks->at[middle].start <= (const char *)p)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? NULL : &trap.blocks->at[low - 1];
}

/* The block whose pages p lies in. */
static struct block *block_around(const void *p)
{
    struct block *block = block_at(p);

    if (block == NULL || (const char *)p >= block->start + in_pages(block->size))
        return NULL;
    return block;
}

static size_t bytes_of_blocks(size_t room)
{
    return sizeof(struct blocks) + room * sizeof(struct block);
}

static struct blocks *new_blocks(size_t room)
{
    struct blocks *blocks = zk_os_map(bytes_of_blocks(room));

    if (blocks != NULL)
        blocks->room = room;
    return blocks;
}

static void replace_blocks(struct blocks *by)
{
    struct blocks *old = trap.blocks;

    atomic_signal_fence(memory_order_seq_cst);
    trap.blocks = by;
    atomic_signal_fence(memory_order_seq_cst);
    if (old != &no_blocks)
        zk_os_unmap(old, bytes_of_blocks(old->room));
}

static bool room_for_block(void)
{
    const struct blocks *old = trap.blocks;
    struct blocks *more;

    if (old->count < old->room)
        return true;
    more = new_blocks(old->room == 0 ? 4096 : 2 * old->room);
    if (more == NULL)
        return false;
    memcpy(more->at, old->at, old->count * sizeof *more->at);
    more->count = old->count;
    replace_blocks(more);
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
    block->touched = true;
    trap.counts.touched++;
    if (block->size > trap.counts.largest_touched)
        trap.counts.largest_touched = block->size;
    count(ZK_TALLY_TOUCHED, access, block, offset, access_site);
}

/* ---- Serving ---- */

void *zk_trap_serve(size_t size, size_t align, uint32_t thread, struct zk_caller caller)
{
    size_t page = zk_os_page_bytes();
    size_t bytes = in_pages(size);
    char *start = NULL;
    zk_site site;

    enter();
    site = zk_site_of(caller);
    lock();
    if (bytes >= size && room_for_block())
        start = claim(bytes, align > page ? align : page);
    if (start == NULL) {
        count_unwatched(size, thread, site);
    } else {
        trap.blocks->at[trap.blocks->count] = (struct block){
            .start = start, .size = size, .site = site, .thread = thread, .phase = trap.phase};
        atomic_signal_fence(memory_order_seq_cst);
        trap.blocks->count++;
        trap.live_bytes += bytes;
        trap.counts.served++;
        trap.counts.bytes += bytes;
    }
    unlock();
    return start;
}

/* p is no block that lives; if it is one that did, or lies in one that does, that is `block`. */
static void tell_misuse(const void *p, const struct block *block)
{
    char site[160] = "nobody knows where";

    if (block == NULL) {
        zk_misuse(p, "no block that was ever served");
        return;
    }
    zk_report_site(block->site, site, sizeof site);
    if (block->start == p)
        zk_misuse(p, "freed twice, a block of %zu bytes that was allocated in %s", block->size,
                  site);
    else
        zk_misuse(p, "no block, but %zu bytes inside of one of %zu bytes that was allocated in %s",
                  (size_t)((const char *)p - block->start), block->size, site);
}

void zk_trap_free(void *p)
{
    int saved = errno;
    struct block *block;
    struct block wrong = {0};
    bool known;
    bool right;

    lock();
    block = block_around(p);
    known = block != NULL;
    right = known && block->start == p && (!block->freed || block->discarded);
    if (known && !right)
        wrong = *block;
    if (right && !block->freed) {
        block->freed = true;
        trap.live_bytes -= in_pages(block->size);
        zk_os_discard(block->start, in_pages(block->size));
        if (block->phase != trap.phase && !block->touched) {
            trap.counts.freed_late++;
            count(ZK_TALLY_FREED_LATE, ZK_ACCESS_NONE, block, 0, 0);
        }
    }
    unlock();
    if (!right)
        tell_misuse(p, known ? &wrong : NULL);
    errno = saved;
}

void zk_trap_resized(const void *p, size_t size)
{
    struct block *block;

    lock();
    block = block_at(p);
    if (block != NULL && block->start == p && block->size < size)
        block->size = size; /* within the granule, so in the same pages */
    unlock();
}

size_t zk_trap_usable(const void *p)
{
    const size_t granule = 16;
    const struct block *block;
    size_t bytes = 0;

    lock();
    block = block_around(p);
    if (block != NULL)
        bytes = (block->size + granule - 1) & ~(granule - 1);
    unlock();
    return bytes;
}

/* Gives access to everything, until the next begin: no access is seen any more, and that is told. */
static bool open_all(void)
{
    if (trap.all_open) /* another thread faulted a moment before */
        return true;
    if (!zk_os_allow(trap.base, (size_t)(trap.opened - trap.base)))
        return false;
    trap.all_open = true;
    zk_os_say("trap: no more stale accesses are seen in phase %u: there were so many that the "
              "process runs out of mappings; raise vm.max_map_count",
              trap.phase);
    count_unwatched(0, 0, 0);
    return true;
}

/* Gives access to the pages again, until the next begin, which takes so many mappings more. The
 * program needs some as well. */
static bool open_again(char *start, size_t bytes, long mappings)
{
    if (trap.mappings + mappings > trap.mappings_limit || !zk_os_allow(start, bytes))
        return open_all();
    trap.mappings += mappings;
    return true;
}

/* Open neighbours are one mapping with it. */
static bool open_block(struct block *block)
{
    const struct blocks *all = trap.blocks;
    const struct block *before = block > all->at ? block - 1 : NULL;
    const struct block *behind = block + 1 < all->at + all->count ? block + 1 : NULL;
    size_t bytes = in_pages(block->size);
    long mappings = 2;

    if (before != NULL && before->open && before->start + in_pages(before->size) == block->start)
        mappings -= 2;
    if (behind != NULL && behind->open && block->start + bytes == behind->start)
        mappings -= 2;
    block->open = open_again(block->start, bytes, mappings);
    return block->open;
}

void zk_trap_touch(const void *p, struct zk_caller caller)
{
    struct block *block;
    zk_site site;

    if ((const char *)p >= __atomic_load_n(&trap.sealed, __ATOMIC_RELAXED)) /* see on_fault */
        return;
    enter();
    site = zk_site_of(caller);
    lock();
    block = block_around(p);
    if (block != NULL && !block->freed && block->phase != trap.phase && !block->open) {
        count_touched(block, ZK_ACCESS_READ, (size_t)((const char *)p - block->start), site);
        open_block(block);
    }
    unlock();
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
        if (block->open) /* another thread faulted on it a moment before */
            return true;
        if (!zk_detour) /* else the report itself did */
            count_touched(block, access, (size_t)(address - block->start), site);
        return open_block(block);
    }
    trap.counts.after_free++;
    if (block != NULL)
        count(ZK_TALLY_FREED, access, block, (size_t)(address - block->start), site);
    else
        count(ZK_TALLY_FREED, access, &(struct block){.start = start}, 0, site);
    return open_again(start, page, 2);
}

/* The program's handler of another signal touches what is stale, and the thread was in here. */
static bool note_late(char *address, enum zk_access access, uintptr_t pc)
{
    size_t page = zk_os_page_bytes();

    if (own.late_count < late_max)
        own.late[own.late_count] = (struct late){address, access, pc};
    own.late_count++;
    return zk_os_allow(address - ((uintptr_t)address & (page - 1)), page);
}

static void on_fault(size_t catcher, int signal, siginfo_t *info, void *context)
{
    int saved = errno;
    char *address = info->si_addr;
    uintptr_t pc = program_counter(context);
    bool ours = info->si_code == SEGV_ACCERR && (uintptr_t)address != pc;

    /* Relaxed: a thread that has learned of a begin by whatever means sees what it sealed. */
    ours =
        ours && address >= trap.base && address < __atomic_load_n(&trap.sealed, __ATOMIC_RELAXED);
    if (ours && own.inside) {
        ours = note_late(address, access_of(context), pc);
    } else if (ours) {
        zk_site site;

        enter(); /* the unwinder reads what the loader has made, perhaps in an earlier phase */
        site = zk_site_at(pc);
        lock();
        ours = admit(address, access_of(context), site);
        unlock();
    }
    errno = saved;
    if (!ours)
        zk_fatal_pass_on(signal, info, context, &trap.before[catcher]);
}

/* The program may set a handler of its own after we did, and that one may pass on, or give back, what
 * it does not know to the one that was there before: ours. So what is put in its place is another
 * one, and the first goes on passing to where it did. */
static void catch_0(int signal, siginfo_t *info, void *context)
{
    on_fault(0, signal, info, context);
}

static void catch_1(int signal, siginfo_t *info, void *context)
{
    on_fault(1, signal, info, context);
}

static void catch_2(int signal, siginfo_t *info, void *context)
{
    on_fault(2, signal, info, context);
}

static void catch_3(int signal, siginfo_t *info, void *context)
{
    on_fault(3, signal, info, context);
}

static void (*const catchers[catchers_max])(int, siginfo_t *, void *) = {catch_0, catch_1, catch_2,
                                                                         catch_3};

static bool is_ours(const struct sigaction *action)
{
    for (size_t i = 0; i < catchers_max; i++)
        if ((action->sa_flags & SA_SIGINFO) != 0 && action->sa_sigaction == catchers[i])
            return true;
    return false;
}

/* The one that passes on to the same handler already, or one more, or the last. */
static size_t catcher_for(const struct sigaction *now)
{
    for (size_t i = 0; i < trap.catchers; i++)
        if (trap.before[i].sa_handler == now->sa_handler)
            return i;
    return trap.catchers < catchers_max ? trap.catchers++ : catchers_max - 1;
}

/* Other signals wait: their handlers may touch what is stale, and would find the locks taken. This one
 * does not: the handler itself may read what is stale, and is killed if it cannot be told. */
static void catch_faults(void)
{
    struct sigaction now;
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    size_t catcher;

    if (sigaction(SIGSEGV, NULL, &now) != 0 || is_ours(&now))
        return;
    catcher = catcher_for(&now);
    trap.before[catcher] = now;
    action.sa_sigaction = catchers[catcher];
    sigfillset(&action.sa_mask);
    sigdelset(&action.sa_mask, SIGSEGV);
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
    trap.bytes_limit = (zk_os_memory_bytes() / 2) & ~(page - 1);
    if (trap.bytes_limit > bytes)
        trap.bytes_limit = bytes;
    trap.mappings_limit = (long)(zk_os_mappings_max() / 4 * 3);
    zk_region_is(trap.base, bytes);
}

/* Where there is no memory for the rest, they stay, as freed ones. */
static void forget_freed(void)
{
    struct blocks *old = trap.blocks;
    struct blocks *kept = new_blocks(old->room);

    for (size_t i = 0; i < old->count; i++) {
        struct block *block = &old->at[i];

        if (block->discarded)
            zk_os_discard(block->start, in_pages(block->size));
        block->discarded = false;
        block->open = false;
        if (kept != NULL && !block->freed)
            kept->at[kept->count++] = *block;
    }
    if (kept != NULL)
        replace_blocks(kept);
}

static size_t count_live(void)
{
    size_t live = 0;

    for (size_t i = 0; i < trap.blocks->count; i++)
        live += !trap.blocks->at[i].freed;
    return live;
}

void zk_trap_begin(uint32_t phase)
{
    if (trap.base == NULL)
        return;
    lock();
    trap.phase = phase;
    forget_freed();
    trap.mappings = 0;
    trap.all_open = false;
    trap.counts.retained = count_live();
    __atomic_store_n(&trap.sealed, trap.bump, __ATOMIC_RELAXED);
    if (!zk_os_deny(trap.base, (size_t)(trap.bump - trap.base)))
        zk_os_say("trap: the kernel refused to take access away: phase %u is not watched", phase);
    catch_faults();
    unlock();
}

void zk_trap_discard(uint32_t phase)
{
    lock();
    for (size_t i = 0; i < trap.blocks->count; i++) {
        struct block *block = &trap.blocks->at[i];

        if (block->phase != phase || block->freed)
            continue;
        block->freed = block->discarded = true;
        trap.live_bytes -= in_pages(block->size);
    }
    unlock();
}

struct zk_trap_counts zk_trap_counts(void)
{
    struct zk_trap_counts counts;

    lock();
    counts = trap.counts;
    unlock();
    return counts;
}
