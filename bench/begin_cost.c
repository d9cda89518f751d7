/*
 * begin_cost.c - what a begin and the first allocation after it cost, under either recycling.
 *
 *     begin_cost rewind blind|pinned N
 *         N begins with nothing retained, and a block of 4 KiB in each: for callgrind
 *     begin_cost
 *         a table: time of a begin after a phase of 16 MiB, 128 MiB and 1 GiB in which some blocks
 *         are retained, and time of a phase of large blocks, pinned to blind, as the median of
 *         pairs
 */
#include "zkalloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MIB = 1 << 20, rounds = 10, pairs_each = 25, walks = 21 };

static double clock_us(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static double now_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

__attribute__((noreturn)) static void die(const char *what)
{
    fprintf(stderr, "begin_cost: %s: %s\n", what, strerror(errno));
    exit(3);
}

static void configure(enum zk_recycle recycle, size_t slab_bytes)
{
    struct zk_config config = {.recycle = recycle, .slab_bytes = slab_bytes};

    if (zk_configure(&config) != 0)
        die("zk_configure");
}

static void begin(void)
{
    if (zk_begin_phase() != 0)
        die("zk_begin_phase");
}

static int by_value(const void *a, const void *b)
{
    const double *left = a;
    const double *right = b;

    return (*left > *right) - (*left < *right);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_value);
    return values[count / 2];
}

static void rewinds(size_t count)
{
    for (; count > 0; count--) {
        begin();
        zk_free(zk_malloc(4096));
        zk_end_phase();
    }
}

/* Microseconds of one begin and first allocation, after a phase of blocks of 16 KiB that fill
 * `bytes` bytes; `keep` of them, evenly spread, are retained all the time. */
static double walk_us(size_t bytes, size_t keep)
{
    enum { block = 16384 };
    size_t count = bytes / block;
    void **kept = calloc(keep + 1, sizeof *kept);
    double times[walks];
    size_t next = 0;

    if (kept == NULL)
        die("calloc");
    begin();
    for (size_t i = 0; i < count; i++) {
        void *p = zk_malloc(block);

        if (keep != 0 && i * keep / count == next && next < keep)
            kept[next++] = p;
        else
            zk_free(p);
    }
    zk_end_phase();
    for (size_t i = 0; i < walks; i++) {
        double started = now_us();

        begin();
        zk_free(zk_malloc(4096));
        times[i] = now_us() - started;
        for (size_t j = 0; j < count - keep; j++)
            zk_free(zk_malloc(block));
        zk_end_phase();
    }
    for (size_t i = 0; i < keep; i++)
        zk_free(kept[i]);
    free(kept);
    return median(times, walks);
}

/* Microseconds of a phase: elapsed, and of processor time. */
struct cost {
    double wall_us;
    double cpu_us;
};

/* A phase of 16 blocks of 1 to 16 MiB. Every page is written. */
static struct cost large_phase(void)
{
    double wall = now_us();
    double cpu = clock_us(CLOCK_THREAD_CPUTIME_ID);

    begin();
    for (size_t mib = 1; mib <= 16; mib++) {
        char *p = zk_malloc(mib * MIB);

        memset(p, (int)mib, mib * MIB);
        zk_free(p);
    }
    zk_end_phase();
    return (struct cost){now_us() - wall, clock_us(CLOCK_THREAD_CPUTIME_ID) - cpu};
}

/* A child that runs one phase for each byte it reads. */
struct timer {
    int ask;
    int answer;
};

static struct timer start_timer(enum zk_recycle recycle)
{
    int ask[2];
    int answer[2];
    char byte;

    if (pipe(ask) != 0 || pipe(answer) != 0)
        die("pipe");
    fflush(NULL);
    switch (fork()) {
    case -1:
        die("fork");
    case 0:
        configure(recycle, (size_t)256 * MIB);
        large_phase(); /* faults the pages in */
        close(ask[1]);
        while (read(ask[0], &byte, 1) == 1) {
            struct cost cost = large_phase();

            if (write(answer[1], &cost, sizeof cost) != (ssize_t)sizeof cost)
                break;
        }
        _exit(0);
    default:
        close(ask[0]);
        close(answer[1]);
        return (struct timer){ask[1], answer[0]};
    }
}

static struct cost ask_timer(const struct timer *timer)
{
    struct cost cost;

    if (write(timer->ask, "", 1) != 1 ||
        read(timer->answer, &cost, sizeof cost) != (ssize_t)sizeof cost)
        die("child");
    return cost;
}

/* Medians over pairs of phases, one right after the other. The processes are new in each round,
 * since their physical pages make a difference too. */
static void compare_phases(void)
{
    double wall[rounds * pairs_each];
    double cpu[rounds * pairs_each];
    double blind_us[rounds * pairs_each];
    size_t pairs = 0;

    for (size_t round = 0; round < rounds; round++) {
        struct timer blind = start_timer(ZK_RECYCLE_BLIND);
        struct timer pinned = start_timer(ZK_RECYCLE_PINNED);

        for (size_t i = 0; i < pairs_each; i++, pairs++) {
            struct cost first = ask_timer(i % 2 == 0 ? &blind : &pinned);
            struct cost second = ask_timer(i % 2 == 0 ? &pinned : &blind);
            struct cost of_blind = i % 2 == 0 ? first : second;
            struct cost of_pinned = i % 2 == 0 ? second : first;

            wall[pairs] = of_pinned.wall_us / of_blind.wall_us;
            cpu[pairs] = of_pinned.cpu_us / of_blind.cpu_us;
            blind_us[pairs] = of_blind.wall_us;
        }
        close(blind.ask);
        close(blind.answer);
        close(pinned.ask);
        close(pinned.answer);
        while (wait(NULL) > 0)
            continue;
    }
    printf("phase_16_large_blocks\tblind_us\t%.0f\n", median(blind_us, pairs));
    printf("phase_16_large_blocks\tpinned_to_blind\t%.4f\n", median(wall, pairs));
    printf("phase_16_large_blocks\tpinned_to_blind_cpu\t%.4f\n", median(cpu, pairs));
}

static void print_walk(size_t used_mib, size_t keep)
{
    fflush(NULL);
    if (fork() == 0) {
        configure(ZK_RECYCLE_PINNED, (size_t)4096 * MIB);
        printf("begin_after_%zu_mib\tretained_%zu_us\t%.1f\n", used_mib, keep,
               walk_us(used_mib * MIB, keep));
        exit(0);
    }
    wait(NULL);
}

int main(int argc, char **argv)
{
    static const size_t keeps[] = {0, 1, 16, 256, 4096};

    if (argc == 4 && strcmp(argv[1], "rewind") == 0) {
        configure(strcmp(argv[2], "blind") == 0 ? ZK_RECYCLE_BLIND : ZK_RECYCLE_PINNED,
                  (size_t)64 * MIB);
        rewinds(strtoul(argv[3], NULL, 10));
        return 0;
    }
    if (argc != 1) {
        fputs("usage: begin_cost [rewind blind|pinned N]\n", stderr);
        return 2;
    }
    for (size_t mib = 16; mib <= 1024; mib *= 8)
        for (size_t i = 0; i < sizeof keeps / sizeof *keeps && keeps[i] <= mib * 4; i++)
            print_walk(mib, keeps[i]);
    compare_phases();
    return 0;
}
