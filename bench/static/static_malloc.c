/*
 * static_malloc.c - malloc at the physical limit: the same program on buffers that were allocated
 * and touched before the clock started. For LD_PRELOAD, and only for benchmarks.
 *
 * The phases of the first proof are recorded; then every allocation gets a buffer (plan.c), all buffers are
 * mapped at once and touched. From then on, malloc number i of a thread in a phase returns buffer number i:
 * a load, a comparison and a store. Where the program deviates from its first proof, glibc serves,
 * as it does outside of phases, and that is counted. Threads are numbered for life, in the order of
 * their first allocations in phases; a thread that comes later has no buffers.
 *
 * BENCH_STATIC_PERIOD   phases of one proof, default 1
 * BENCH_STATIC_PAGES    small, or huge: ask for huge pages; default huge
 * BENCH_STATIC_SIZES    a file, to which "size count" of the first proof's allocations is written
 * BENCH_STATIC_VERBOSE  1: a summary at exit, even if every allocation had its buffer
 */
#include "plan.h"
#include "record.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT    __attribute__((visibility("default")))
#define likely(x) __builtin_expect(!!(x), 1)

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t align, size_t size);
void __libc_free(void *p);

EXPORT int zk_begin_phase(void);
EXPORT int zk_end_phase(void);

enum { granule = 16, line_bytes = 64, line_from = 1024, look_ahead = 16 };

static const size_t huge_page = (size_t)2 << 20;

/* Before each buffer. Release and acquire: the thread that frees a buffer may not be the one that
 * gets it next. */
struct header {
    size_t bytes; /* of the buffer */
    _Atomic uint32_t busy;
    uint32_t unused;
};

/* What malloc number i is expected to ask for, and the buffer that it gets. */
struct slot {
    size_t size;
    char *data;
};

struct counts {
    uint64_t served;
    uint64_t served_bytes;
    uint64_t missed; /* had no buffer */
    uint64_t missed_bytes;
};

struct thread {
    _Alignas(line_bytes) struct slot *slots;
    size_t next; /* the slot of the next malloc */
    size_t end;
    uint64_t phase; /* in which next is valid */
    size_t first[record_positions + 1];
    struct counts counts;
};

enum mode { outside, recording, replaying };

static struct {
    _Atomic enum mode mode;
    _Atomic uint64_t phase;  /* counts the begins */
    _Atomic uint32_t number; /* of the next thread */
    uint32_t period;
    uint32_t position; /* of this phase in its proof */
    _Atomic bool planned;
    char *begin; /* where the buffers are */
    char *end;
    struct thread threads[record_threads];
} all;

static _Thread_local uint32_t my_number; /* the number plus one; 0: none yet */

/* NULL if there are too many threads. */
static struct thread *myself(void)
{
    if (my_number == 0)
        my_number = atomic_fetch_add(&all.number, 1) + 1;
    return my_number <= record_threads ? &all.threads[my_number - 1] : NULL;
}

static bool is_buffer(const void *p)
{
    return (const char *)p >= all.begin && (const char *)p < all.end;
}

static struct header *header_of(void *data)
{
    return (struct header *)data - 1;
}

/* Relaxed: the program itself orders its begin before what its threads do in the phase. */
static enum mode mode(void)
{
    return atomic_load_explicit(&all.mode, memory_order_relaxed);
}

/* ---- The plan ------------------------------------------------------------------------------------------ */

static void *need(void *p)
{
    if (p == NULL || p == MAP_FAILED) {
        fprintf(stderr, "bench_static: no memory for the buffers: %s\n", strerror(errno));
        abort();
    }
    return p;
}

/* Advances *offset past a buffer of these bytes, and returns the offset of its data. Large ones
 * start on a cache line; the header before each keeps buffers of a power of two from all starting
 * at the same page offset. */
static size_t lay_out(size_t *offset, size_t bytes, size_t align)
{
    size_t data;

    if (align < granule)
        align = granule;
    if (align < line_bytes && bytes >= line_from)
        align = line_bytes;
    data = (*offset + sizeof(struct header) + align - 1) & ~(align - 1);
    *offset = data + ((bytes + granule - 1) & ~(size_t)(granule - 1));
    return data;
}

/* Each thread's buffers start on a page of their own, to which no other thread writes. */
static size_t lay_out_all(const struct plan *plans, size_t **offsets)
{
    size_t total = 0;

    for (size_t t = 0; t < record_threads; t++) {
        total = (total + 4095) & ~(size_t)4095;
        offsets[t] = need(__libc_calloc(plans[t].count + 1, sizeof *offsets[t]));
        for (size_t i = 0; i < plans[t].count; i++)
            offsets[t][i] = lay_out(&total, plans[t].buffers[i].bytes, plans[t].buffers[i].align);
    }
    return total;
}

/* Maps bytes of memory, and touches all of it. */
static void map_buffers(size_t bytes)
{
    const char *pages = getenv("BENCH_STATIC_PAGES");
    char *mapped;

    bytes = (bytes + huge_page - 1) & ~(huge_page - 1);
    mapped = need(mmap(NULL, bytes + huge_page, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    all.begin = mapped + (-(uintptr_t)mapped & (huge_page - 1));
    all.end = all.begin + bytes;
    madvise(all.begin, bytes,
            pages != NULL && strcmp(pages, "small") == 0 ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
    for (char *page = all.begin; page < all.end; page += 4096)
        *(volatile char *)page = 0;
}

static void set_up_thread(size_t number, const struct plan *plan, const size_t *offsets)
{
    struct thread *thread = &all.threads[number];
    struct record *record = &record_of[number];

    thread->slots = need(__libc_calloc(record->count + 1, sizeof *thread->slots));
    for (size_t i = 0; i < plan->count; i++)
        header_of(all.begin + offsets[i])->bytes = plan->buffers[i].bytes;
    for (size_t i = 0; i < record->count; i++)
        thread->slots[i] = (struct slot){record->allocations[i].size,
                                         all.begin + offsets[record->allocations[i].buffer]};
    memcpy(thread->first, record->first, sizeof thread->first);
    __libc_free(record->allocations);
    record->allocations = NULL;
}

/* Called at the end of the first proof. */
static void plan_all(void)
{
    static struct plan plans[record_threads];
    static size_t *offsets[record_threads];
    const char *sizes = getenv("BENCH_STATIC_SIZES");

    record_position(all.period);
    record_close();
    if (sizes != NULL)
        record_write_sizes(sizes);
    for (size_t t = 0; t < record_threads; t++)
        plan_make(&plans[t], record_of[t].allocations, record_of[t].count);
    map_buffers(lay_out_all(plans, offsets));
    for (size_t t = 0; t < record_threads; t++) {
        set_up_thread(t, &plans[t], offsets[t]);
        plan_release(&plans[t]);
        __libc_free(offsets[t]);
    }
    all.planned = true;
}

/* ---- Phases -------------------------------------------------------------------------------------------- */

__attribute__((constructor)) static void set_up(void)
{
    const char *period = getenv("BENCH_STATIC_PERIOD");
    unsigned long number = period == NULL ? 1 : strtoul(period, NULL, 10);

    if (number < 1 || number > record_positions) {
        fprintf(stderr, "bench_static: BENCH_STATIC_PERIOD: want a number from 1 to %d\n",
                record_positions);
        _exit(2);
    }
    all.period = (uint32_t)number;
}

EXPORT int zk_begin_phase(void)
{
    uint64_t phase = atomic_load(&all.phase);

    all.position = (uint32_t)(phase % all.period);
    atomic_store(&all.phase, phase + 1);
    if (!all.planned)
        record_position(all.position);
    atomic_store(&all.mode, all.planned ? replaying : recording);
    return 0;
}

EXPORT int zk_end_phase(void)
{
    atomic_store(&all.mode, outside);
    if (!all.planned && all.position + 1 == all.period)
        plan_all();
    return 0;
}

/* ---- Blocks -------------------------------------------------------------------------------------------- */

/* The slot for a block of that size, or NULL. Usually the next one; else one of the right size a
 * little further on, since the program may have left out an allocation of its first proof; else the
 * next one, if its buffer is large enough. */
static struct slot *find_slot(struct thread *thread, size_t size)
{
    for (size_t i = thread->next; i < thread->end && i <= thread->next + look_ahead; i++)
        if (likely(thread->slots[i].size == size)) {
            thread->next = i + 1;
            return &thread->slots[i];
        }
    if (thread->next < thread->end && header_of(thread->slots[thread->next].data)->bytes >= size)
        return &thread->slots[thread->next++];
    return NULL;
}

/* Returns a buffer that is not in use, or NULL. */
static void *replay(size_t size, size_t align)
{
    struct thread *thread = myself();
    uint64_t phase = atomic_load_explicit(&all.phase, memory_order_relaxed);
    struct slot *slot;

    if (thread == NULL)
        return NULL;
    if (thread->phase != phase) {
        thread->phase = phase;
        thread->next = thread->first[all.position];
        thread->end = thread->first[all.position + 1];
    }
    slot = find_slot(thread, size);
    if (slot == NULL || ((uintptr_t)slot->data & (align - 1)) != 0 ||
        atomic_load_explicit(&header_of(slot->data)->busy, memory_order_acquire) != 0) {
        thread->counts.missed++;
        thread->counts.missed_bytes += size;
        return NULL;
    }
    atomic_store_explicit(&header_of(slot->data)->busy, 1, memory_order_relaxed);
    thread->counts.served++;
    thread->counts.served_bytes += size;
    return slot->data;
}

/* Called after glibc has served p. */
static void *recorded(void *p, size_t size, size_t align)
{
    if (mode() == recording && p != NULL && myself() != NULL)
        record_malloc(my_number - 1, p, size, align);
    return p;
}

EXPORT void *malloc(size_t size)
{
    void *p = likely(mode() == replaying) ? replay(size, 1) : NULL;

    return likely(p != NULL) ? p : recorded(__libc_malloc(size), size, 1);
}

EXPORT void free(void *p)
{
    int saved = errno;

    if (likely(is_buffer(p))) {
        atomic_store_explicit(&header_of(p)->busy, 0, memory_order_release);
        return;
    }
    if (!all.planned && p != NULL)
        record_free(my_number - 1, p);
    __libc_free(p);
    errno = saved;
}

EXPORT void *calloc(size_t count, size_t size)
{
    size_t bytes;
    void *p;

    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    p = mode() == replaying ? replay(bytes, 1) : NULL;
    return p != NULL ? memset(p, 0, bytes) : recorded(__libc_calloc(count, size), bytes, 1);
}

static void *aligned(size_t align, size_t size)
{
    void *p = mode() == replaying && align <= huge_page ? replay(size, align) : NULL;

    return p != NULL ? p : recorded(__libc_memalign(align, size), size, align);
}

/* While recording, a block that grows counts as one block, with as much room as it needs in the
 * end. */
static void *system_realloc(void *p, size_t size)
{
    struct recorded who;
    bool known = !all.planned && record_take(p, &who);
    void *q = __libc_realloc(p, size);

    if (known && q != NULL)
        record_return(q, size, who);
    else if (known)
        record_return(p, 0, who);
    return q;
}

EXPORT void *realloc(void *p, size_t size)
{
    void *q;

    if (p == NULL)
        return malloc(size);
    if (size == 0) {
        free(p);
        return NULL;
    }
    if (!is_buffer(p))
        return system_realloc(p, size);
    if (size <= header_of(p)->bytes)
        return p;
    q = malloc(size);
    if (q == NULL)
        return NULL;
    memcpy(q, p, header_of(p)->bytes);
    free(p);
    return q;
}

EXPORT int posix_memalign(void **out, size_t align, size_t size)
{
    void *p;

    if (align < sizeof(void *) || (align & (align - 1)) != 0)
        return EINVAL;
    p = aligned(align, size);
    if (p == NULL)
        return ENOMEM;
    *out = p;
    return 0;
}

EXPORT void *memalign(size_t align, size_t size)
{
    size_t power = granule;

    while (power < align && power <= SIZE_MAX / 2)
        power *= 2;
    return aligned(power, size);
}

EXPORT void *aligned_alloc(size_t align, size_t size)
{
    return memalign(align, size);
}

EXPORT void *valloc(size_t size)
{
    return aligned(4096, size);
}

EXPORT void *pvalloc(size_t size)
{
    return aligned(4096, (size + 4095) & ~(size_t)4095);
}

/* glibc's function has no second name to call it by. */
EXPORT size_t malloc_usable_size(void *p)
{
    union {
        void *object;
        size_t (*function)(void *p);
    } found;

    if (p == NULL)
        return 0;
    if (is_buffer(p))
        return header_of(p)->bytes;
    found.object = dlsym(RTLD_NEXT, "malloc_usable_size");
    return found.object == NULL ? 0 : found.function(p);
}

__attribute__((destructor)) static void tell(void)
{
    const char *verbose = getenv("BENCH_STATIC_VERBOSE");
    struct counts sum = {0};

    for (size_t t = 0; t < record_threads; t++) {
        sum.served += all.threads[t].counts.served;
        sum.served_bytes += all.threads[t].counts.served_bytes;
        sum.missed += all.threads[t].counts.missed;
        sum.missed_bytes += all.threads[t].counts.missed_bytes;
    }
    if (verbose != NULL && strcmp(verbose, "1") == 0)
        dprintf(2,
                "bench_static: %zu MiB of buffers; %" PRIu64 " allocations, %" PRIu64
                " bytes served\n",
                (size_t)(all.end - all.begin) >> 20, sum.served, sum.served_bytes);
    if (sum.missed != 0)
        dprintf(2,
                "bench_static: no buffer for %" PRIu64 " of %" PRIu64 " allocations, %" PRIu64
                " of %" PRIu64 " bytes\n",
                sum.missed, sum.missed + sum.served, sum.missed_bytes,
                sum.missed_bytes + sum.served_bytes);
}
