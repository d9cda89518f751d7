/*
 * malloc_pair.c - what one malloc and one free cost in a program that has phases only if the
 * allocator does: zk_begin_phase and zk_end_phase are weak, so the same program runs on any
 * allocator that LD_PRELOAD names.
 *
 *     malloc_pair N SIZE [THREADS] [--outside]
 *         prints the ns of one pair of SIZE bytes over N pairs, on each of THREADS threads at once, in
 *         phases of 16 MiB or 256 pairs; --outside: no phase is ever begun
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

__attribute__((weak)) int zk_begin_phase(void);
__attribute__((weak)) int zk_end_phase(void);

static const size_t phase_bytes = (size_t)16 << 20;

enum {
    threads_max = 64,
    phase_pairs =
        256, /* at least, so that begin and the barriers do not count; 4 GiB of a slab at most */
};

struct work {
    pthread_barrier_t meet; /* before and after each phase */
    size_t pairs;           /* of each thread in one phase */
    size_t phases;
    size_t size;
};

/* Without the barriers a compiler may remove a pair whose block is not used. */
static void run_pairs(size_t count, size_t size)
{
    for (; count > 0; count--) {
        void *p = malloc(size);
        __asm__ volatile("" : "+r"(p) : : "memory");
        free(p);
    }
}

static void *run_thread(void *arg)
{
    struct work *work = arg;

    for (size_t phase = 0; phase < work->phases; phase++) {
        pthread_barrier_wait(&work->meet);
        run_pairs(work->pairs, work->size);
        pthread_barrier_wait(&work->meet);
    }
    return NULL;
}

static void run_phases(struct work *work, bool inside)
{
    for (size_t phase = 0; phase < work->phases; phase++) {
        if (inside)
            zk_begin_phase();
        pthread_barrier_wait(&work->meet);
        run_pairs(work->pairs, work->size);
        pthread_barrier_wait(&work->meet);
        if (inside)
            zk_end_phase();
    }
}

static size_t parse(const char *text, size_t most)
{
    char *end;
    unsigned long long number = strtoull(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || number == 0 || number > most) {
        fprintf(stderr, "malloc_pair: %s: want a number from 1 to %zu\n", text, most);
        exit(2);
    }
    return (size_t)number;
}

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

int main(int argc, char **argv)
{
    bool outside = argc > 3 && strcmp(argv[argc - 1], "--outside") == 0;
    struct work work;
    pthread_t threads[threads_max];
    size_t thread_count;
    size_t pairs;
    double start;

    argc -= outside;
    if (argc < 3 || argc > 4) {
        fputs("usage: malloc_pair N SIZE [THREADS] [--outside]\n", stderr);
        return 2;
    }
    pairs = parse(argv[1], (size_t)1 << 40);
    work.size = parse(argv[2], (size_t)16 << 20);
    thread_count = argc > 3 ? parse(argv[3], threads_max) : 1;
    work.pairs = phase_bytes / (work.size + 16) + 1;
    if (work.pairs < phase_pairs)
        work.pairs = phase_pairs;
    work.phases = pairs / work.pairs + 1;
    pthread_barrier_init(&work.meet, NULL, (unsigned)thread_count);
    for (size_t i = 1; i < thread_count; i++)
        if (pthread_create(&threads[i], NULL, run_thread, &work) != 0)
            abort();
    run_pairs(1000, work.size);
    start = now_ns();
    run_phases(&work, !outside && zk_begin_phase != NULL);
    printf("%.2f\n", (now_ns() - start) / ((double)work.pairs * (double)work.phases));
    for (size_t i = 1; i < thread_count; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&work.meet);
    return 0;
}
