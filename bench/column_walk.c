/*
 * column_walk.c - what it costs to walk through many columns at the same time, as a prover that
 * stores its trace by columns does, on any malloc: the start of each column decides whether their
 * lines fit into the cache together.
 *
 *     column_walk COLUMNS BYTES
 *         prints the ns for each element of COLUMNS blocks of BYTES, allocated one after the other
 *         inside a phase: the best of 9 walks through all of them
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

__attribute__((weak)) int zk_begin_phase(void);
__attribute__((weak)) int zk_end_phase(void);

enum { columns_most = 64, walks = 9 };

static size_t parse(const char *text, size_t least, size_t most)
{
    char *end;
    unsigned long long number = strtoull(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || number < least || number > most) {
        fprintf(stderr, "column_walk: %s: want a number from %zu to %zu\n", text, least, most);
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

/* Walks row by row: every element depends on the others of its row, as in a constraint. */
static uint32_t walk(uint32_t *const *columns, size_t count, size_t rows)
{
    uint32_t sum = 0;

    for (size_t row = 0; row < rows; row++) {
        for (size_t i = 0; i < count; i++)
            sum += columns[i][row];
        columns[0][row] = sum;
    }
    return sum;
}

int main(int argc, char **argv)
{
    uint32_t *columns[columns_most];
    size_t count;
    size_t rows;
    double best = 0;
    volatile uint32_t seen;

    if (argc != 3) {
        fputs("usage: column_walk COLUMNS BYTES\n", stderr);
        return 2;
    }
    count = parse(argv[1], 1, columns_most);
    rows = parse(argv[2], 64, (size_t)1 << 30) / sizeof(uint32_t);
    if (zk_begin_phase != NULL && zk_begin_phase() != 0)
        return 3;
    for (size_t i = 0; i < count; i++) {
        columns[i] = malloc(rows * sizeof(uint32_t));
        if (columns[i] == NULL)
            return 3;
        for (size_t row = 0; row < rows; row++)
            columns[i][row] = (uint32_t)(i + row);
    }
    for (unsigned i = 0; i < walks; i++) {
        double start = now_ns();

        seen = walk(columns, count, rows);
        start = (now_ns() - start) / ((double)rows * (double)count);
        if (i == 0 || start < best)
            best = start;
    }
    (void)seen;
    printf("%.3f\n", best);
    for (size_t i = 0; i < count; i++)
        free(columns[i]);
    if (zk_end_phase != NULL)
        zk_end_phase();
    return 0;
}
