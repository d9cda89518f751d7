/*
 * compiler.c - in each phase a tree of many small nodes is built; all nodes live to the end of the
 * phase and are then freed, but one in so many stays for ever, like a symbol or a type.
 */
#include "lifetime.h"

#include <stdlib.h>

enum { size_least = 24, size_range = 200 };

struct node {
    struct node *parent;
    uint64_t number;
    size_t size;
    char bytes[];
};

static struct node *make_node(struct node *const *nodes, size_t at, uint64_t number,
                              uint64_t *random)
{
    size_t size = size_least + next_random(random) % size_range;
    struct node *node = must_malloc(size);

    node->parent = at > 0 ? nodes[(random[0] >> 32) % at] : NULL;
    node->number = number;
    node->size = size;
    block_fill(node->bytes, size - sizeof *node, number);
    return node;
}

static void check_node(const struct node *node)
{
    block_check(node->bytes, node->size - sizeof *node, node->number);
}

/* The number of steps to the root. */
static size_t depth_of(const struct node *node)
{
    size_t depth = 0;

    for (; node->parent != NULL; node = node->parent)
        depth++;
    return depth;
}

static void run(const size_t *arguments)
{
    size_t phases = arguments[0];
    size_t count = arguments[1];
    size_t every = arguments[2];
    struct node **nodes = must_malloc(count * sizeof(struct node *));
    struct node **kept = must_malloc((phases * (count / every + 1)) * sizeof(struct node *));
    uint64_t random = 0x9e3779b97f4a7c15;
    size_t kept_count = 0;
    size_t kept_bytes = 0;
    volatile size_t depths = 0;

    clock_start();
    for (size_t phase = 0; phase < phases; phase++) {
        size_t live = 0;

        phase_begin();
        for (size_t i = 0; i < count; i++) {
            nodes[i] = make_node(nodes, i, phase * count + i, &random);
            live += nodes[i]->size;
        }
        note_live(kept_bytes + live);
        for (size_t i = 0; i < count; i += 16)
            depths += depth_of(nodes[i]);
        for (size_t i = 0; i < count; i++) {
            check_node(nodes[i]);
            if ((phase * count + i) % every == every / 2) {
                kept_bytes += nodes[i]->size;
                kept[kept_count++] = nodes[i];
            } else {
                free(nodes[i]);
            }
        }
        phase_end();
    }
    clock_stop();
    count_units(phases * count);
    for (size_t i = 0; i < kept_count; i++)
        check_node(kept[i]);
}

const struct lifetime lifetime = {
    .usage = "[PHASES [NODES [EVERY]]]: NODES of 24 to 223 bytes are built in each phase, and "
             "freed but for one in EVERY",
    .standard = {200, 20000, 1000},
    .least = {1, 1, 1},
    .most = {1000000, 100000000, 100000000},
    .run = run,
};
