/*
 * audit_cost.c - a program of large blocks and a program of small ones, to be run with an audit and
 * without (ZK_ALLOC_AUDIT): scripts/bench_audit.sh compares them.
 *
 *     audit_cost large|small|pairs     prints the milliseconds that its phases took
 *
 * large: buffers of 64 KiB to 4 MiB are allocated, written, read and freed, as in a prover. small:
 * a search tree of nodes of 48 bytes is built, searched and freed. pairs: malloc and free, and
 * nothing else: the worst case.
 */
#include "zkalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    large_phases = 12,
    large_buffers = 48,
    small_phases = 4,
    small_nodes = 100000,
    pair_phases = 4,
    pair_count = 500000,
};

static unsigned long next_random(unsigned long *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void *need(void *p)
{
    if (p == NULL)
        abort();
    return p;
}

static unsigned long large_phase(void)
{
    static unsigned long *buffers[large_buffers];
    unsigned long sum = 0;

    for (unsigned i = 0; i < large_buffers; i++) {
        size_t bytes = (size_t)64 << (10 + i % 7);
        size_t words = bytes / sizeof(unsigned long);

        buffers[i] = need(zk_malloc(bytes));
        for (size_t w = 0; w < words; w++)
            buffers[i][w] = w * i;
        for (size_t w = 0; w < words; w++)
            sum += buffers[i][w] ^ sum >> 3;
    }
    for (unsigned i = 0; i < large_buffers; i++)
        zk_free(buffers[i]);
    return sum;
}

struct node {
    unsigned long key;
    struct node *left;
    struct node *right;
    unsigned long value[3];
};

/* The place of key, or the place where it belongs. */
static struct node **find(struct node **at, unsigned long key)
{
    while (*at != NULL && (*at)->key != key)
        at = key < (*at)->key ? &(*at)->left : &(*at)->right;
    return at;
}

static void insert(struct node **root, unsigned long key)
{
    struct node **at = find(root, key);

    if (*at != NULL)
        return;
    *at = need(zk_calloc(1, sizeof **at));
    (*at)->key = key;
}

static void take_down(struct node *node)
{
    if (node == NULL)
        return;
    take_down(node->left);
    take_down(node->right);
    zk_free(node);
}

static unsigned long small_phase(void)
{
    struct node *root = NULL;
    unsigned long state = 88172645463325252u;
    unsigned long found = 0;

    for (unsigned i = 0; i < small_nodes; i++)
        insert(&root, next_random(&state));
    state = 88172645463325252u;
    for (unsigned i = 0; i < small_nodes; i++)
        found += *find(&root, next_random(&state)) != NULL;
    take_down(root);
    return found;
}

static unsigned long pair_phase(void)
{
    unsigned long sum = 0;

    for (unsigned i = 0; i < pair_count; i++) {
        unsigned char *block = need(zk_malloc(64));

        *(volatile unsigned char *)block = 1;
        sum += *(volatile unsigned char *)block;
        zk_free(block);
    }
    return sum;
}

static double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        unsigned phases;
        unsigned long (*run)(void);
    } workloads[] = {{"large", large_phases, large_phase},
                     {"small", small_phases, small_phase},
                     {"pairs", pair_phases, pair_phase}};

    for (size_t i = 0; argc == 2 && i < sizeof workloads / sizeof *workloads; i++) {
        volatile unsigned long sum = 0;
        double start = 0;

        if (strcmp(argv[1], workloads[i].name) != 0)
            continue;
        for (unsigned phase = 0; phase <= workloads[i].phases; phase++) {
            if (phase == 1)
                start = now_ms(); /* the first one is not timed: it takes the page faults */
            if (zk_begin_phase() != 0)
                abort();
            sum += workloads[i].run();
            zk_end_phase();
        }
        printf("%.3f\n", now_ms() - start);
        return 0;
    }
    fputs("usage: audit_cost large|small|pairs\n", stderr);
    return 2;
}
