/*
 * counted_loop.c - a program whose counts are known: between workload_begin and workload_end, phase number i of each
 * proof runs a loop of 2 * N * i instructions, reads a byte of each of the first `lines` cache
 * lines of an untouched block, and grows a block of 20000 bytes that has another one right after
 * it.
 *
 *     counted_loop [--iters PROOFS] [--log-size LOG2_N] [--report FILE] ...      further options of the provers: ignored
 *
 * Functions, options and report are named as in the provers, so that the same scripts run it.
 */
#include "counters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { phases = 2, lines = 5000, line_bytes = 64, most_proofs = 16 };

void workload_begin(void);
void workload_end(void);

__attribute__((weak)) int zk_begin_phase(void);
__attribute__((weak)) int zk_end_phase(void);

static struct counters begun, sum;
static void *behind[most_proofs * phases]; /* blocks that keep others from growing where they are */

__attribute__((noinline)) void workload_begin(void)
{
    counters_read(&begun);
    if (zk_begin_phase != NULL && zk_begin_phase() != 0)
        exit(3);
}

__attribute__((noinline)) void workload_end(void)
{
    struct counters now;

    if (zk_end_phase != NULL && zk_end_phase() != 0)
        exit(3);
    counters_read(&now);
    for (unsigned i = 0; i < COUNTER_COUNT; i++)
        sum.of[i] += now.of[i] - begun.of[i];
}

/* Two instructions each time on x86-64 and on aarch64. */
__attribute__((noinline)) static void loop(unsigned long times)
{
#if defined(__x86_64__)
    __asm__ volatile("1: dec %0\n\tjnz 1b" : "+r"(times)::"cc");
#elif defined(__aarch64__)
    __asm__ volatile("1: subs %0, %0, #1\n\tb.ne 1b" : "+r"(times)::"cc");
#else
#error "a loop of two instructions is wanted here"
#endif
}

/* Four instructions or so each time; a miss of each cache each time. */
__attribute__((noinline)) static void touch(const volatile char *block)
{
    for (unsigned i = 0; i < lines; i++)
        (void)block[i * line_bytes];
}

/* The block after it stays, so that the first one has to move: 20000 bytes, or the few more that it
 * may hold. */
__attribute__((noinline)) static void grow(unsigned long number)
{
    char *volatile block = malloc(20000);
    char *volatile moved;

    behind[number] = malloc(20000);
    if (block != NULL)
        memset(block, 1, 20000);
    moved = realloc(block, 60000);
    if (moved == NULL)
        abort();
    free(moved);
}

static void proof(unsigned long number, unsigned long times, char *blocks)
{
    for (unsigned i = 1; i <= phases; i++) {
        workload_begin();
        loop(times * i);
        touch(blocks + (i - 1) * lines * line_bytes);
        grow(number * phases + i - 1);
        workload_end();
    }
}

int main(int argc, char **argv)
{
    unsigned long proofs = 2, log_size = 10;
    const char *report = NULL;
    char *blocks;

    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--iters") == 0)
            proofs = strtoul(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--log-size") == 0)
            log_size = strtoul(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--report") == 0)
            report = argv[i + 1];
    }
    if (proofs < 1 || proofs > most_proofs || log_size > 40)
        return 2;
    blocks = calloc(proofs * phases, (size_t)lines * line_bytes);
    if (blocks == NULL)
        return 3;
    counters_open();
    for (unsigned long i = 0; i < proofs; i++)
        proof(i, 1UL << log_size, blocks + i * phases * lines * line_bytes);
    if (report != NULL) {
        FILE *file = fopen(report, "we");

        if (file == NULL)
            return 2;
        fprintf(file, "copied_bytes\t%llu\n",
                (unsigned long long)(sum.of[COUNTER_COPIED_BYTES] / proofs));
        if (fclose(file) != 0)
            return 2;
    }
    counters_close();
    for (unsigned i = 0; i < most_proofs * phases; i++)
        free(behind[i]);
    free(blocks);
    return 0;
}
