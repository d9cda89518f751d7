/*
 * tools.c - the program may be built with AddressSanitizer or without: its functions are weak here,
 * so that one library serves both. Valgrind is reached by client requests, which are no-ops
 * elsewhere.
 */
#include "tools.h"
#include "config.h"
#include "observer.h"
#include "region.h"
#include "slab.h"

#include <string.h>

#if defined __has_include
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define HAVE_VALGRIND 1
#endif
#endif

__attribute__((weak)) void __asan_poison_memory_region(void const volatile *start, size_t bytes);
__attribute__((weak)) void __asan_unpoison_memory_region(void const volatile *start, size_t bytes);
__attribute__((weak)) int __asan_address_is_poisoned(void const volatile *at);

static bool memcheck; /* set by the first begin */

static bool asan(void)
{
    return __asan_poison_memory_region != NULL;
}

#if HAVE_VALGRIND

/* To memcheck the region is one pool, known by its base address. */
static char *pool(void)
{
    return atomic_load_explicit(&zk_region.base, memory_order_relaxed); /* set for good by now */
}

/* Valgrind's other tools answer 0. */
static bool ask_memcheck(void)
{
    char probe;

    return VALGRIND_MAKE_MEM_DEFINED(&probe, sizeof probe) != 0;
}

static void create_pool(void)
{
    VALGRIND_CREATE_MEMPOOL(pool(), 0, 0);
    VALGRIND_MAKE_MEM_NOACCESS(pool(), atomic_load(&zk_region.bytes));
}

static void pool_served(void *p, size_t bytes)
{
    VALGRIND_MEMPOOL_ALLOC(pool(), p, bytes);
}

static void pool_zeroed(void *p, size_t bytes)
{
    VALGRIND_MAKE_MEM_DEFINED(p, bytes);
}

static bool addressable(const char *at)
{
    char bits;

    return VALGRIND_GET_VBITS(at, &bits, 1) == 1;
}

/* Makes all bytes of a block addressable. Those that are already are a prefix of it: finds its end
 * by bisection. */
static void pool_usable(const char *p, size_t bytes)
{
    size_t low = 0;
    size_t high = bytes - 1;

    if (!addressable(p) || addressable(p + high))
        return;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (addressable(p + middle))
            low = middle;
        else
            high = middle;
    }
    VALGRIND_MAKE_MEM_UNDEFINED(p + high, bytes - high);
    VALGRIND_MEMPOOL_CHANGE(pool(), p, p, bytes);
}

static void pool_freed(void *p)
{
    VALGRIND_MEMPOOL_FREE(pool(), p);
}

static void pool_recycled(void)
{
    VALGRIND_MEMPOOL_TRIM(pool(), pool(), 0);
}

static void pool_open(void *start, size_t bytes)
{
    VALGRIND_MAKE_MEM_DEFINED(start, bytes);
}

static void pool_close(void *start, size_t bytes)
{
    VALGRIND_MAKE_MEM_NOACCESS(start, bytes);
}

#else

static bool ask_memcheck(void)
{
    return false;
}

static void create_pool(void)
{
}

static void pool_served(void *p, size_t bytes)
{
    (void)p;
    (void)bytes;
}

static void pool_zeroed(void *p, size_t bytes)
{
    (void)p;
    (void)bytes;
}

static void pool_usable(const char *p, size_t bytes)
{
    (void)p;
    (void)bytes;
}

static void pool_freed(void *p)
{
    (void)p;
}

static void pool_recycled(void)
{
}

static void pool_open(void *start, size_t bytes)
{
    (void)start;
    (void)bytes;
}

static void pool_close(void *start, size_t bytes)
{
    (void)start;
    (void)bytes;
}

#endif

/* Memcheck would take minutes for slabs of the default size. */
static size_t slab_bytes(size_t wanted)
{
    const size_t most = (size_t)16 << 20;

    if (wanted != ZK_DEFAULT_SLAB_BYTES || !ask_memcheck())
        return wanted;
    return most;
}

static bool wanted(void)
{
    if (zk_settings.audit != ZK_AUDIT_OFF || zk_settings.tools == ZK_TOOLS_IGNORE)
        return false;
    memcheck = ask_memcheck();
    return memcheck || asan();
}

static void start(void)
{
    if (memcheck)
        create_pool();
}

static void recycled(void *from, size_t bytes)
{
    if (asan())
        __asan_poison_memory_region(from, bytes);
    if (memcheck)
        pool_recycled();
}

/* Blind recycling: everything below each bump pointer is recycled. */
static void begin(uint64_t word)
{
    (void)word;
    if (zk_settings.recycle != ZK_RECYCLE_BLIND)
        return;
    for (unsigned i = 0; i < zk_region.slabs; i++) {
        struct slab *slab = zk_region_slab(i);

        recycled(slab->base, (size_t)(atomic_load(&slab->bump) - slab->base));
    }
}

static size_t bytes_of(const void *p)
{
    return zk_slab_block_bytes(zk_region_slab_of(p), p);
}

static void born(const void *p, const struct zk_wish *wish, uint64_t word)
{
    void *at = (void *)(uintptr_t)p;

    (void)wish;
    (void)word;
    if (!zk_region_holds(p))
        return;
    if (asan())
        __asan_unpoison_memory_region(p, bytes_of(p));
    if (memcheck)
        pool_served(at, bytes_of(p));
}

static void zeroed(void *p, size_t bytes)
{
    if (memcheck)
        pool_zeroed(p, bytes);
}

/* Reads the block, so that the debugger reports a stale one before another block takes its place. */
static void moving(const void *p, size_t bytes)
{
    /* Through a volatile pointer, so that the compiler cannot drop the call: AddressSanitizer
     * checks its arguments, memcheck its reads. */
    static void *(*volatile copy)(void *, const void *, size_t) = memcpy;
    const char *from = p;
    char to[256];

    for (size_t i = 0; i < bytes; i += sizeof to)
        copy(to, from + i, bytes - i < sizeof to ? bytes - i : sizeof to);
}

/* May be more than was served, where an aligned block after it has left a gap. Does nothing if p was
 * recycled. */
static void usable(void *p, size_t bytes)
{
    if (bytes == 0)
        return;
    if (asan() && !__asan_address_is_poisoned(p))
        __asan_unpoison_memory_region(p, bytes);
    if (memcheck)
        pool_usable(p, bytes);
}

/* Blind recycling does not track frees: what is freed is poisoned when it is recycled. */
static void gone(void *p)
{
    size_t bytes;

    if (!zk_region_holds(p))
        return;
    bytes = bytes_of(p);
    usable(p, bytes);
    if (zk_settings.recycle == ZK_RECYCLE_BLIND)
        return;
    if (asan())
        __asan_poison_memory_region(p, bytes);
    if (memcheck)
        pool_freed(p);
}

static void open_free(void *from, size_t bytes)
{
    if (asan())
        __asan_unpoison_memory_region(from, bytes);
    if (memcheck)
        pool_open(from, bytes);
}

static void close_free(void *from, size_t bytes)
{
    if (asan())
        __asan_poison_memory_region(from, bytes);
    if (memcheck)
        pool_close(from, bytes);
}

const struct zk_observer zk_tools_observer = {
    .wanted = wanted,
    .start = start,
    .begin = begin,
    .born = born,
    .zeroed = zeroed,
    .gone = gone,
    .usable = usable,
    .moving = moving,
    .open = open_free,
    .close = close_free,
    .slab_bytes = slab_bytes,
};
