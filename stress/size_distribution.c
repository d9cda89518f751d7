/*
 * size_distribution - what a phase allocates, by size: in the arena and from system, and what a
 * threshold moves.
 *
 * One phase of a workload of the models (a thread pool, spans, a table) with the large buffers for
 * which arenas are made. Not a repro: nothing can go wrong within one phase. It prints a histogram,
 * and for each threshold of the sweep the blocks and bytes that it sends to the C library instead
 * of the arena.
 *
 * The linker puts the __wrap functions between the models and the allocator
 * (stress/CMakeLists.txt).
 */
#include "models/pool_team.h"
#include "models/span_registry.h"
#include "models/swiss_table.h"
#include "models/thread_pool.h"
#include "zkalloc.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { sizes_most = 1 << 16, spans = 64, buffers = 24, depth = 200 };

static struct {
    pthread_mutex_t lock;
    bool counting;
    size_t count;
    size_t sizes[sizes_most];
    bool arena[sizes_most];
} log_of = {.lock = PTHREAD_MUTEX_INITIALIZER};

void *__real_zk_malloc(size_t size);
void *__real_zk_calloc(size_t count, size_t size);
void *__real_zk_aligned_alloc(size_t align, size_t size);
void *__wrap_zk_malloc(size_t size);
void *__wrap_zk_calloc(size_t count, size_t size);
void *__wrap_zk_aligned_alloc(size_t align, size_t size);

static void *note(void *block, size_t size)
{
    pthread_mutex_lock(&log_of.lock);
    if (log_of.counting && log_of.count < sizes_most) {
        log_of.sizes[log_of.count] = size;
        log_of.arena[log_of.count++] = zk_owns(block);
    }
    pthread_mutex_unlock(&log_of.lock);
    return block;
}

void *__wrap_zk_malloc(size_t size)
{
    return note(__real_zk_malloc(size), size);
}

void *__wrap_zk_calloc(size_t count, size_t size)
{
    return note(__real_zk_calloc(count, size), count * size);
}

void *__wrap_zk_aligned_alloc(size_t align, size_t size)
{
    return note(__real_zk_aligned_alloc(align, size), size);
}

static void must(bool done, const char *what)
{
    if (done)
        return;
    fprintf(stderr, "size_distribution: %s failed\n", what);
    exit(3);
}

static void trace_spans(void)
{
    static const struct span_metadata step = {"step", "prover"};
    static const struct span_extension_type timing = {.id = 1, .value_bytes = 16};
    struct span_registry *registry = span_registry_create();
    uint64_t ids[spans];

    must(registry != NULL, "the registry");
    for (int i = 0; i < spans; i++)
        must(span_registry_new_span(registry, &step, &ids[i]) == SPAN_OK &&
                 span_registry_enter(registry, ids[i]) == SPAN_OK &&
                 span_registry_insert_extension(registry, ids[i], &timing, &ids[0]) == SPAN_OK,
             "a span");
    for (int i = spans; i-- > 0;)
        must(span_registry_exit(registry, ids[i]) == SPAN_OK &&
                 span_registry_close(registry, ids[i]) == SPAN_CLOSED,
             "closing a span");
    span_registry_destroy(registry);
}

/* The polynomials of a folding scheme: each has half the size of the one before. */
static void fold(void)
{
    for (int i = 0; i < buffers; i++) {
        size_t bytes = ((size_t)8 << 20) >> i % 12;
        void *buffer = zk_malloc(bytes);

        must(buffer != NULL, "a buffer");
        memset(buffer, i, bytes);
        zk_free(buffer);
    }
}

static void phase(void)
{
    struct pool *pool = pool_create_ordered(2);
    struct swiss_table table;

    must(pool != NULL, "the pool");
    must(pool_team_recurse(pool, depth) == depth, "the recursion");
    pool_destroy(pool);
    trace_spans();
    must(swiss_table_init_with_capacity(&table, 1000) == 0, "the table");
    swiss_table_deinit(&table);
    fold();
}

static void print_histogram(void)
{
    printf("%12s  %8s  %12s  %8s  %12s\n", "size up to", "arena", "bytes", "system", "bytes");
    for (size_t top = 16; top <= (size_t)8 << 20; top *= 2) {
        size_t count[2] = {0, 0};
        size_t bytes[2] = {0, 0};

        for (size_t i = 0; i < log_of.count; i++) {
            if (log_of.sizes[i] > top || (top > 16 && log_of.sizes[i] <= top / 2))
                continue;
            count[log_of.arena[i]]++;
            bytes[log_of.arena[i]] += log_of.sizes[i];
        }
        if (count[false] + count[true] > 0)
            printf("%12zu  %8zu  %12zu  %8zu  %12zu\n", top, count[true], bytes[true], count[false],
                   bytes[false]);
    }
}

static void print_thresholds(void)
{
    static const size_t thresholds[] = {64,   512,  1024, 1521,  2048, 2105,
                                        4096, 4097, 8193, 16385, 49153};
    size_t all = 0;

    for (size_t i = 0; i < log_of.count; i++)
        all += log_of.sizes[i];
    printf("\n%12s  %8s  %12s  %s\n", "MIN_BYTES", "moves", "bytes", "of all bytes");
    for (size_t t = 0; t < sizeof thresholds / sizeof *thresholds; t++) {
        size_t count = 0;
        size_t bytes = 0;

        for (size_t i = 0; i < log_of.count; i++) {
            if (log_of.sizes[i] >= thresholds[t])
                continue;
            count++;
            bytes += log_of.sizes[i];
        }
        printf("%12zu  %8zu  %12zu  %.2f %%\n", thresholds[t], count, bytes,
               all == 0 ? 0.0 : 100.0 * (double)bytes / (double)all);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        fprintf(stderr, "size_distribution: %s: takes no argument; the switches are ZK_ALLOC_*\n",
                argv[1]);
        return 2;
    }
    must(zk_begin_phase() == 0, "begin");
    log_of.counting = true;
    phase();
    log_of.counting = false;
    must(zk_end_phase() == 0, "end");
    must(log_of.count > 0 && log_of.count < sizes_most, "counting");
    print_histogram();
    print_thresholds();
    return 0;
}
