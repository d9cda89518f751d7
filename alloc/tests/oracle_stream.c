/*
 * oracle_stream.c - operations from a seed, from bytes, and from text.
 */
#include "oracle.h"

#include <stdlib.h>
#include <string.h>

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

uint64_t oracle_random(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15u; /* splitmix64 */

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static size_t below(uint64_t *state, size_t limit)
{
    return (size_t)(oracle_random(state) % limit);
}

/* One of the values; a value listed several times is more likely. */
#define ONE_OF(state, values) ((values)[below((state), sizeof(values) / sizeof *(values))])

void oracle_random_setup(uint64_t seed, struct oracle_setup *setup)
{
    static const size_t floors[] = {0, 0, 0, 0, 700, 4096};
    static const size_t slabs[] = {1 * MIB, 1 * MIB, 4 * MIB, 16 * MIB, 64 * MIB};
    static const enum zk_nesting nestings[] = {ZK_NESTING_RECYCLE, ZK_NESTING_RECYCLE,
                                               ZK_NESTING_REFUSE, ZK_NESTING_COUNT};

    setup->min_bytes = ONE_OF(&seed, floors);
    setup->slab_bytes = ONE_OF(&seed, slabs);
    setup->nesting = ONE_OF(&seed, nestings);
    setup->poison_reset = below(&seed, 4) == 0;
    setup->pretenure = below(&seed, 2) == 0 ? ZK_PRETENURE_LEARN : ZK_PRETENURE_OFF;
    setup->wipe = (enum oracle_wipe)below(&seed, 3);
}

/* Mostly small; sometimes close to a chunk's size, sometimes many chunks. */
static size_t random_size(uint64_t *state)
{
    static const size_t limits[] = {17,      65,      300,      300,      2 * KIB,
                                    2 * KIB, 5 * KIB, 20 * KIB, 20 * KIB, 100 * KIB};
    size_t pick = below(state, 1000);

    if (pick < 4)
        return below(state, 5 * MIB);
    if (pick < 8)
        return (1 + below(state, 2)) * MIB + 4 * KIB; /* often the size of a block that was freed */
    if (pick < 20)
        return 256 * KIB - 64 + below(state, 8) * 16; /* about a chunk, with 4 KiB pages */
    if (pick < 40)
        return below(state, 600 * KIB);
    return below(state, ONE_OF(state, limits));
}

static size_t random_align(uint64_t *state)
{
    size_t pick = below(state, 100);

    if (pick < 80)
        return (size_t)1 << below(state, 9);
    return pick < 98 ? (size_t)1 << (9 + below(state, 10)) : (size_t)1 << (19 + below(state, 4));
}

static struct oracle_op random_fork(uint64_t *state, unsigned thread)
{
    return (struct oracle_op){.kind = ORACLE_FORK,
                              .thread = thread,
                              .slot = (unsigned)below(state, ORACLE_WAYS),
                              .size = below(state, 1000000),
                              .align = (size_t)4 << below(state, 7)};
}

struct oracle_op oracle_random_op(uint64_t *state, const struct oracle_setup *setup,
                                  unsigned thread)
{
    /* Of 1000. */
    static const unsigned weights[ORACLE_KINDS] = {
        [ORACLE_MALLOC] = 420,       [ORACLE_ALIGNED] = 40, [ORACLE_CALLOC] = 50,
        [ORACLE_REALLOC] = 60,       [ORACLE_FREE] = 360,   [ORACLE_BEGIN] = 24,
        [ORACLE_REALLOC_SIZED] = 22, [ORACLE_END] = 18,     [ORACLE_DISCARD] = 2,
        [ORACLE_EXIT] = 4,
    };
    struct oracle_op op = {.thread = thread, .align = 1};
    size_t pick = below(state, 1000);

    if (setup->forks > 0 && below(state, 1000000) < setup->forks)
        return random_fork(state, thread);
    while (op.kind < ORACLE_EXIT && pick >= weights[op.kind])
        pick -= weights[op.kind++];
    op.slot = (unsigned)below(state, ORACLE_SLOTS);
    op.size = random_size(state);
    if (op.kind == ORACLE_ALIGNED || op.kind == ORACLE_REALLOC_SIZED)
        op.align = random_align(state);
    return op;
}

void oracle_random_ops(uint64_t seed, const struct oracle_setup *setup, struct oracle_op *ops,
                       size_t count)
{
    unsigned thread = 0;

    for (size_t i = 0; i < count; i++) {
        if (below(&seed, 6) == 0)
            thread = (unsigned)below(&seed, setup->threads);
        ops[i] = oracle_random_op(&seed, setup, thread);
    }
}

/* How many of slot, size and align an operation uses. */
static unsigned fields_of(enum oracle_kind kind)
{
    switch (kind) {
    case ORACLE_ALIGNED:
    case ORACLE_REALLOC_SIZED:
    case ORACLE_FORK:
        return 3;
    case ORACLE_MALLOC:
    case ORACLE_CALLOC:
    case ORACLE_REALLOC:
        return 2;
    case ORACLE_FREE:
        return 1;
    default:
        return 0;
    }
}

/* Five bytes an operation: kind, thread and slot, two of size, how much to shift it. Any bytes make
 * some operation. */
size_t oracle_decode(const uint8_t *bytes, size_t size, const struct oracle_setup *setup,
                     struct oracle_op *ops, size_t room)
{
    size_t count = 0;
    unsigned forks = 2; /* they take milliseconds */

    for (; size >= 5 && count < room; bytes += 5, size -= 5, count++) {
        size_t units = (bytes[2] | (size_t)bytes[3] << 8) % 1024;
        /* Mostly small shifts: an input should take milliseconds. */
        unsigned shift = bytes[4] >= 250 ? 11 : bytes[4] % 4u * (bytes[4] / 4 % 4u);

        ops[count] = (struct oracle_op){
            .kind = (enum oracle_kind)(bytes[0] % (ORACLE_EXIT + 1)),
            .thread = bytes[0] / 16 % setup->threads,
            .slot = bytes[1] % ORACLE_SLOTS,
            .size = units << shift, /* to 2 MiB */
            .align = 1,
        };
        if (ops[count].kind == ORACLE_EXIT && bytes[1] >= 192 && forks > 0) {
            forks--;
            ops[count].kind = ORACLE_FORK;
        }
        if (fields_of(ops[count].kind) == 3)
            ops[count].align = (size_t)1 << bytes[2] / 4 % 23;
    }
    return count;
}

static const char *const kind_names[ORACLE_KINDS] = {
    [ORACLE_MALLOC] = "malloc",
    [ORACLE_ALIGNED] = "aligned",
    [ORACLE_CALLOC] = "calloc",
    [ORACLE_REALLOC] = "realloc",
    [ORACLE_REALLOC_SIZED] = "realloc_sized",
    [ORACLE_FREE] = "free",
    [ORACLE_BEGIN] = "begin",
    [ORACLE_END] = "end",
    [ORACLE_DISCARD] = "discard",
    [ORACLE_EXIT] = "exit",
    [ORACLE_FORK] = "fork",
    [ORACLE_WHOLE] = "whole",
};

void oracle_print(FILE *out, const struct oracle_setup *setup, const struct oracle_op *ops,
                  size_t count)
{
    fprintf(
        out,
        "setup recycle %d nesting %d pretenure %d poison %d wipe %d min_bytes %zu slab_bytes %zu "
        "threads %u\n",
        (int)setup->recycle, (int)setup->nesting, (int)setup->pretenure, (int)setup->poison_reset,
        (int)setup->wipe, setup->min_bytes, setup->slab_bytes, setup->threads);
    for (size_t i = 0; i < count; i++) {
        unsigned fields = fields_of(ops[i].kind);

        fprintf(out, "%s thread %u", kind_names[ops[i].kind], ops[i].thread);
        if (fields > 0)
            fprintf(out, " slot %u", ops[i].slot);
        if (fields > 1)
            fprintf(out, " size %zu", ops[i].size);
        if (fields > 2)
            fprintf(out, " align %zu", ops[i].align);
        fputc('\n', out);
    }
}

static bool parse_setup(const char *line, struct oracle_setup *setup)
{
    int recycle, nesting, pretenure, poison, wipe; /* NOLINT(readability-isolate-declaration) */

    /* NOLINTNEXTLINE(cert-err34-c): a number that is too large is just a bad test file */
    if (sscanf(line,
               "setup recycle %d nesting %d pretenure %d poison %d wipe %d min_bytes %zu "
               "slab_bytes %zu "
               "threads %u",
               &recycle, &nesting, &pretenure, &poison, &wipe, &setup->min_bytes,
               &setup->slab_bytes, &setup->threads) != 8)
        return false;
    setup->recycle = (enum zk_recycle)recycle;
    setup->nesting = (enum zk_nesting)nesting;
    setup->pretenure = (enum zk_pretenure)pretenure;
    setup->poison_reset = poison != 0;
    setup->wipe = (enum oracle_wipe)wipe;
    return setup->threads >= 1 && setup->threads <= ORACLE_THREADS_MAX;
}

static bool parse_op(const char *line, const struct oracle_setup *setup, struct oracle_op *op)
{
    char name[16];
    int got;

    *op = (struct oracle_op){.align = 1};
    /* NOLINTNEXTLINE(cert-err34-c) */
    got = sscanf(line, "%15s thread %u slot %u size %zu align %zu", name, &op->thread, &op->slot,
                 &op->size, &op->align);
    while (op->kind < ORACLE_KINDS && strcmp(name, kind_names[op->kind]) != 0)
        op->kind++;
    return op->kind < ORACLE_KINDS && got >= 2 + (int)fields_of(op->kind) &&
           op->thread < setup->threads && op->slot < ORACLE_SLOTS && op->align != 0 &&
           (op->align & (op->align - 1)) == 0;
}

size_t oracle_parse(FILE *in, struct oracle_setup *setup, struct oracle_op **ops, size_t *count)
{
    char line[256];
    size_t room = 0;
    size_t number = 0;
    bool set_up = false;

    *ops = NULL;
    *count = 0;
    while (fgets(line, sizeof line, in) != NULL) {
        number++;
        if (line[0] == '#' || line[0] == '\n')
            continue;
        if (!set_up) {
            set_up = parse_setup(line, setup);
            if (!set_up)
                return number;
            continue;
        }
        if (*count == room) {
            struct oracle_op *more = realloc(*ops, (room = 2 * room + 64) * sizeof **ops);

            if (more == NULL)
                return number;
            *ops = more;
        }
        if (!parse_op(line, setup, &(*ops)[*count]))
            return number;
        ++*count;
    }
    return set_up ? 0 : number + 1;
}
