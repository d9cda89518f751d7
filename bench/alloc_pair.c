/*
 * alloc_pair.c - what one malloc and one free cost.
 *
 * The pairs run inside phases of 16 MiB (or 256 pairs, whose bytes are not touched), so that a slab
 * is reused warm, as in a prover's rounds; begin and end are timed too. With --malloc, the same
 * pairs on malloc and free: the C library's, or those of whatever library LD_PRELOAD names.
 */
#include "zkalloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const size_t phase_bytes = (size_t)16 << 20;
static const size_t phase_pairs = 256; /* of larger blocks, so that begin and end do not count */

static void usage(void)
{
    fputs("usage: alloc_pair [--malloc] N SIZE\n"
          "  prints the ns of one malloc+free pair of SIZE bytes, over N pairs\n"
          "  --malloc  malloc and free instead of zk_malloc and zk_free (for LD_PRELOAD)\n"
          "  the arena's switches are ZK_ALLOC_*; MIN_BYTES is 0 here unless it is set\n",
          stderr);
    exit(2);
}

static size_t parse_count(const char *text, const char *what)
{
    char *end;
    unsigned long long number;

    errno = 0;
    number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || number == 0) {
        fprintf(stderr, "alloc_pair: %s: %s: want a whole number from 1 on\n", what, text);
        exit(2);
    }
    return (size_t)number;
}

/* Without these two barriers a compiler may remove a pair whose block is not used. */
static void pairs_zk(size_t count, size_t size)
{
    for (; count > 0; count--) {
        void *p = zk_malloc(size);
        __asm__ volatile("" : "+r"(p) : : "memory");
        zk_free(p);
    }
}

static void pairs_libc(size_t count, size_t size)
{
    for (; count > 0; count--) {
        void *p = malloc(size);
        __asm__ volatile("" : "+r"(p) : : "memory");
        free(p);
    }
}

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

int main(int argc, char **argv)
{
    bool libc = argc > 1 && strcmp(argv[1], "--malloc") == 0;
    size_t pairs;
    size_t size;
    size_t per_phase;
    double started;

    if (argc != 3 + libc)
        usage();
    pairs = parse_count(argv[1 + libc], "N");
    size = parse_count(argv[2 + libc], "SIZE");
    per_phase = phase_bytes / size + 1;
    if (per_phase < phase_pairs)
        per_phase = phase_pairs;
    setenv("ZK_ALLOC_MIN_BYTES", "0", 0);

    started = now_ns();
    for (size_t done = 0; done < pairs; done += per_phase) {
        size_t count = pairs - done < per_phase ? pairs - done : per_phase;

        if (libc) {
            pairs_libc(count, size);
            continue;
        }
        if (zk_begin_phase() != 0) {
            perror("alloc_pair: zk_begin_phase");
            return 3;
        }
        pairs_zk(count, size);
        zk_end_phase();
    }
    printf("%.2f\n", (now_ns() - started) / (double)pairs);
    return 0;
}
