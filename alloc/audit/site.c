/*
 * site.c - unwinding is slow (a microsecond), and programs allocate in the same places over and
 * over. So each thread remembers the "shapes" of stacks that it has unwound: which words above the
 * caller's frame held which return addresses. If all of these words are unchanged, it is the same
 * stack. They are compared from the innermost outwards: as long as all have matched, the functions
 * are those that the shape was taken from, so the next return address is where theirs was.
 */
#include "site.h"
#include "config.h"
#include "lock.h"
#include "object.h"
#include "os.h"
#include "thread.h"

#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unwind.h>

enum {
    cache_ways = 4,
    cache_sets = 128,
    sites_per_page = 1024, /* stacks are kept in pieces that never move */
    site_pages_max = 1024,
};

struct stack {
    uint32_t hash;
    uint32_t depth;
    zk_where frames[]; /* as many as the configured depth */
};

static struct {
    struct zk_lock lock; /* guards all of this */
    char *pages[site_pages_max];
    uint32_t count;  /* stacks kept; the first has number 1 */
    uint32_t *index; /* open addressing: number of a stack, or 0 */
    uint32_t index_room;
} sites;

static size_t stack_bytes(void)
{
    return sizeof(struct stack) + zk_settings.audit_depth * sizeof(zk_where);
}

static struct stack *stack_of(uint32_t number)
{
    char *page = sites.pages[(number - 1) / sites_per_page];

    return (struct stack *)(void *)(page + (number - 1) % sites_per_page * stack_bytes());
}

static uint32_t hash_frames(const zk_where *frames, size_t depth)
{
    uint64_t hash = depth;

    for (size_t i = 0; i < depth; i++)
        hash = (hash ^ frames[i]) * 0x9E3779B97F4A7C15u ^ hash >> 29;
    return (uint32_t)(hash >> 32);
}

/* The lock is held. */
static uint32_t *index_slot(uint32_t *index, uint32_t room, uint32_t hash, const zk_where *frames,
                            size_t depth)
{
    uint32_t at = hash & (room - 1);

    for (;; at = (at + 1) & (room - 1)) {
        const struct stack *stack;

        if (index[at] == 0)
            return &index[at];
        stack = stack_of(index[at]);
        if (frames != NULL && stack->hash == hash && stack->depth == depth &&
            memcmp(stack->frames, frames, depth * sizeof *frames) == 0)
            return &index[at];
    }
}

/* A stack is stored before it is counted, so all that are counted are complete. But in the child of a fork,
 * another thread of the parent may have been changing the index: then it is rebuilt. */
static void lock(void)
{
    if (!zk_lock(&sites.lock))
        return;
    sites.index = NULL;
    sites.index_room = 0;
}

/* Keeps the index at most half full. The lock is held. */
static bool index_grow(void)
{
    uint32_t room = sites.index_room == 0 ? 4096 : 2 * sites.index_room;
    uint32_t *index;

    if (sites.count < sites.index_room / 2)
        return true;
    while (room / 2 <= sites.count)
        room *= 2;
    index = zk_os_map(room * sizeof *index);
    if (index == NULL)
        return false;
    for (uint32_t number = 1; number <= sites.count; number++)
        *index_slot(index, room, stack_of(number)->hash, NULL, 0) = number;
    zk_os_unmap(sites.index, sites.index_room * sizeof *index);
    sites.index = index;
    sites.index_room = room;
    return true;
}

/* The lock is held. 0 if there is no memory. */
static zk_site keep(const zk_where *frames, size_t depth, uint32_t hash)
{
    char **page = &sites.pages[sites.count / sites_per_page];
    struct stack *stack;

    if (sites.count == site_pages_max * sites_per_page)
        return 0;
    if (*page == NULL)
        *page = zk_os_map(sites_per_page * stack_bytes());
    if (*page == NULL)
        return 0;
    stack = stack_of(sites.count + 1);
    stack->hash = hash;
    stack->depth = (uint32_t)depth;
    memcpy(stack->frames, frames, depth * sizeof *frames);
    atomic_signal_fence(memory_order_seq_cst);
    return ++sites.count;
}

/* Stacks are the same if they lie in the same places of the same objects. */
static zk_site intern(const uintptr_t *addresses, size_t depth)
{
    zk_where frames[ZK_AUDIT_DEPTH_MAX];
    uint32_t hash;
    zk_site site = 0;

    if (depth == 0)
        return 0;
    lock();
    for (size_t i = 0; i < depth; i++)
        frames[i] = zk_where_of(addresses[i]);
    hash = hash_frames(frames, depth);
    if (index_grow()) {
        uint32_t *slot = index_slot(sites.index, sites.index_room, hash, frames, depth);

        if (*slot == 0)
            *slot = keep(frames, depth, hash);
        site = *slot;
    }
    zk_unlock(&sites.lock);
    return site;
}

size_t zk_site_frames(zk_site site, zk_where *frames)
{
    const struct stack *stack;

    if (site == 0)
        return 0;
    lock();
    stack = stack_of(site);
    zk_unlock(&sites.lock); /* stored stacks do not change */
    memcpy(frames, stack->frames, stack->depth * sizeof *frames);
    return stack->depth;
}

/* ---- Unwinding ---- */

struct walk {
    uintptr_t from;  /* the first frame wanted is at this code address ... */
    uintptr_t frame; /* ... and, unless this is 0, with this canonical address */
    bool found;
    size_t wanted;
    size_t depth;
    uintptr_t function;                     /* start of the first frame's function */
    uintptr_t frames[ZK_AUDIT_DEPTH_MAX];   /* addresses inside the call instructions */
    uintptr_t returns[ZK_AUDIT_DEPTH_MAX];  /* return addresses */
    uintptr_t pointers[ZK_AUDIT_DEPTH_MAX]; /* stack pointers */
};

static _Unwind_Reason_Code step(struct _Unwind_Context *context, void *arg)
{
    struct walk *walk = arg;
    int before_call = 0;
    uintptr_t address = _Unwind_GetIPInfo(context, &before_call);
    uintptr_t pointer = _Unwind_GetCFA(context);

    if (address == walk->from && (walk->frame == 0 || pointer == walk->frame))
        walk->found = true;
    if (!walk->found)
        return _URC_NO_REASON;
    if (walk->depth == walk->wanted || address == 0)
        return _URC_NORMAL_STOP;
    if (walk->depth == 0)
        walk->function = _Unwind_GetRegionStart(context);
    walk->frames[walk->depth] = before_call ? address : address - 1;
    walk->returns[walk->depth] = address;
    walk->pointers[walk->depth] = pointer;
    walk->depth++;
    return _URC_NO_REASON;
}

static void unwind(struct walk *walk)
{
    _Unwind_Backtrace(step, walk);
    if (walk->depth > 0 || walk->wanted == 0)
        return;
    walk->frames[0] = walk->from - (walk->frame != 0); /* no unwind tables: better one than none */
    walk->depth = 1;
}

/* ---- Shapes ---- */

/* A word of the stack that holds a return address. */
struct word {
    uintptr_t offset; /* in bytes, from the caller's frame */
    uintptr_t value;
};

struct shape {
    struct zk_caller caller;
    zk_site site;
    uint32_t word_count;
    struct word words[]; /* one less than the frames */
};

struct cache {
    uint32_t turn;   /* which way of a set to replace next */
    uint32_t closed; /* objects_closed when the shapes were taken */
    _Alignas(struct shape) char shapes[];
};

static size_t shape_bytes(void)
{
    return sizeof(struct shape) + zk_settings.audit_depth * sizeof(struct word);
}

static size_t cache_bytes(void)
{
    return sizeof(struct cache) + (size_t)cache_sets * cache_ways * shape_bytes();
}

static struct shape *shape_at(struct cache *cache, size_t set, size_t way)
{
    return (struct shape *)(void *)(cache->shapes + (set * cache_ways + way) * shape_bytes());
}

static size_t set_of(struct zk_caller caller)
{
    uint64_t hash = (caller.returns ^ caller.frame << 16) * 0x9E3779B97F4A7C15u;

    return (size_t)(hash >> 32) % cache_sets;
}

/* Counts closed objects: others may now lie at their addresses. */
static _Atomic uint32_t objects_closed;

void zk_site_closed(void)
{
    atomic_fetch_add(&objects_closed, 1);
}

static int count_closed(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    *(unsigned long long *)arg = info->dlpi_subs;
    return 1;
}

/* Only the preload library sees dlclose. Without it, relies on the loader's count. */
void zk_site_begin(void)
{
    static unsigned long long before;
    unsigned long long now = 0;

    dl_iterate_phdr(count_closed, &now);
    if (now != before)
        zk_site_closed();
    before = now;
}

/* Drops all shapes if an object has been closed since: some may contain addresses in it. */
static void forget_closed(struct cache *cache)
{
    uint32_t closed = atomic_load(&objects_closed);

    if (cache->closed == closed)
        return;
    for (size_t set = 0; set < cache_sets; set++)
        for (size_t way = 0; way < cache_ways; way++)
            shape_at(cache, set, way)->caller = (struct zk_caller){0};
    cache->closed = closed;
}

/* The calling thread's cache, or NULL. */
static struct cache *own_cache(void)
{
    void **cache = zk_thread_observers();

    if (cache == NULL)
        return NULL;
    if (*cache == NULL)
        *cache = zk_os_map(cache_bytes());
    if (*cache != NULL)
        forget_closed(*cache);
    return *cache;
}

void zk_site_forget(void **cache)
{
    zk_os_unmap(*cache, cache_bytes());
    *cache = NULL;
}

/* Reads words in other functions' frames, which AddressSanitizer would report. */
__attribute__((no_sanitize("address"))) static bool matches(const struct shape *shape,
                                                            struct zk_caller caller)
{
    if (shape->caller.returns != caller.returns || shape->caller.frame != caller.frame)
        return false;
    for (uint32_t i = 0; i < shape->word_count; i++) {
        const struct word *word = &shape->words[i];

        if (*(const volatile uintptr_t *)(caller.frame + word->offset) != word->value)
            return false;
    }
    return true;
}

/* Where on the stack between two frames a return address is stored; 0 if nowhere. Searches from the
 * top: on x86-64 it is the first word. */
__attribute__((no_sanitize("address"))) static uintptr_t find_word(uintptr_t low, uintptr_t high,
                                                                   uintptr_t value)
{
    for (uintptr_t at = high - sizeof at; at >= low && at < high; at -= sizeof at)
        if (*(const volatile uintptr_t *)at == value)
            return at;
    return 0;
}

static void remember(struct cache *cache, struct zk_caller caller, const struct walk *walk,
                     zk_site site)
{
    struct shape *shape = shape_at(cache, set_of(caller), cache->turn++ % cache_ways);

    shape->caller = (struct zk_caller){0};
    if (site == 0 || !walk->found)
        return;
    for (size_t i = 1; i < walk->depth; i++) {
        uintptr_t at = find_word(walk->pointers[i - 1], walk->pointers[i], walk->returns[i]);

        if (at == 0)
            return; /* in a register, or signed: unwind each time */
        shape->words[i - 1] = (struct word){at - caller.frame, walk->returns[i]};
    }
    shape->word_count = (uint32_t)(walk->depth - 1);
    shape->site = site;
    shape->caller = caller;
}

/* Apart from zk_site_of, which is called for every block and seldom has to unwind: a walk is a kilobyte. */
__attribute__((noinline)) static zk_site unwound_site(struct zk_caller caller, struct cache *cache)
{
    struct walk walk = {
        .from = caller.returns, .frame = caller.frame, .wanted = zk_settings.audit_depth};
    zk_site site;

    unwind(&walk);
    site = intern(walk.frames, walk.depth);
    if (cache != NULL)
        remember(cache, caller, &walk, site);
    return site;
}

zk_site zk_site_of(struct zk_caller caller)
{
    struct cache *cache;

    if (zk_settings.audit_depth == 0)
        return 0;
    cache = own_cache();
    for (size_t way = 0; cache != NULL && way < cache_ways; way++) {
        const struct shape *shape = shape_at(cache, set_of(caller), way);

        if (matches(shape, caller))
            return shape->site;
    }
    return unwound_site(caller, cache);
}

/* Is the C library linked statically, into the same file as we are? Then its code cannot be told apart from
 * the program's. */
static bool is_inside(const struct zk_object *library)
{
    uintptr_t here = (uintptr_t)zk_site_at;

    return here >= library->start && here < library->end;
}

static bool is_of_c_library(uintptr_t pc)
{
    static struct zk_object library; /* every thread writes the same */

    if (library.end == 0)
        library = zk_object_at((uintptr_t)getenv);
    return pc >= library.start && pc < library.end && !is_inside(&library);
}

uint32_t zk_site_caller(zk_site site)
{
    static uint32_t library; /* as above */
    static zk_where own;     /* as above */
    zk_where frames[ZK_AUDIT_DEPTH_MAX];
    size_t depth = zk_site_frames(site, frames);
    size_t first = 0;

    if (library == 0) {
        lock();
        own = zk_where_of((uintptr_t)zk_site_at);
        library = zk_where_object(zk_where_of((uintptr_t)getenv));
        zk_unlock(&sites.lock);
    }
    while (first < depth && zk_where_object(frames[first]) == library &&
           zk_where_object(own) != library)
        first++;
    if (first == depth)
        first = 0;
    return hash_frames(frames + first, depth - first);
}

/* behind: pc is the address after a system call's instruction, and the site is in that. */
static zk_site site_at(uintptr_t pc, bool behind)
{
    struct walk walk = {.from = pc, .wanted = zk_settings.audit_depth};

    unwind(&walk);
    if (behind && walk.depth > 0 && walk.frames[0] == pc)
        walk.frames[0]--;
    if (walk.function != 0 && is_of_c_library(pc)) /* all of memcpy is one place */
        walk.frames[0] = walk.function;
    return intern(walk.frames, walk.depth);
}

zk_site zk_site_at(uintptr_t pc)
{
    return site_at(pc, false);
}

zk_site zk_site_behind(uintptr_t pc)
{
    return site_at(pc, true);
}
