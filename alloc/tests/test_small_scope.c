/*
 * test_small_scope.c - runs every sequence of operations up to a length, on a slab of few chunks: most bugs show within
 * a few steps.
 *
 * Each operation is a letter, some with a number:
 *
 *     a0 a1 a2   a block of a granule, of half a chunk, of one and a half
 *     f0 e0      block 0 is freed by the slab's holder; elsewhere (by another thread)
 *     g0 s0      block 0 grows to the next of the three sizes; shrinks to the one before
 *     b d        the next phase begins; this one is discarded
 *
 * Blocks are numbered in the order in which they were made. A sequence starts in a phase, on a slab in which nothing
 * lives, and ends by freeing what lives; then the slab must be entirely free. All sequences run in one process, one
 * after the other, so each of them also starts from what others left, and memory grows old.
 *
 * Checked after each operation: alignment, usable size, overlap; the bytes of a block when it is freed or resized,
 * and of all blocks at each begin and at the end; how many are retained; that the first block of a phase comes from
 * the arena if there are enough chunks that nothing keeps; and at the end, that the slab can serve a block of nearly
 * its size.
 *
 * Left out, since it makes no difference (--all-orders leaves nothing out):
 *
 *     - consecutive frees in any but ascending order: they do not affect each other;
 *     - a free by the holder as the last operation: all live blocks are then freed by it anyway;
 *     - outside of phases, new blocks and discards, and frees and resizes of system blocks: they do not concern the
 *       arena.
 *
 * With --age N, b stands for N phases, in each of which a block comes and goes, so that unused memory is given back.
 *
 * For "elsewhere", the calling thread acts as if it held no slab; with --elsewhere thread, another thread does it.
 * --oracle: the operations are the oracle's (oracle.h), on two threads that take turns; this is slower, and checks all
 * bytes. --blind: blind recycling, in which errors must be found.
 */
#include "oracle.h"
#include "small_scope.h"

#include "slab.h"
#include "zkalloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { default_length = 5 };
#else
enum { default_length = 6 };
#endif

enum { shard_length = 4 }; /* prefixes of this length are distributed among the shards */

static struct {
    unsigned length;
    unsigned shard;
    unsigned shards;
    bool all_orders;
    const char *replay;
} options = {.length = default_length, .shards = 1};

static uint64_t beginnings; /* prefixes seen so far */

/* ---- By the oracle ---- */

static struct oracle oracle = {.aborts = true};

static void start_oracle(void)
{
    const struct oracle_setup setup = {
        .recycle = scope.setup.blind ? ZK_RECYCLE_BLIND : ZK_RECYCLE_PINNED,
        .nesting = ZK_NESTING_RECYCLE,
        .slab_bytes = scope.setup.slab_chunks * zk_chunk_bytes(),
        .threads = 2,
    };

    scope_watch();
    oracle_start(&oracle, &setup);
}

/* Predicts the state after an operation, assuming that everything is in the arena and that resized blocks move.
 * Where that is not so, it does no harm: the oracle's operations are defined in every state. */
static void expect_step(struct scope_state *state, struct scope_op operation)
{
    struct scope_block *block = &state->blocks[operation.which];

    switch (operation.what) {
    case 'a':
        state->blocks[state->count++] = (struct scope_block){
            .class = operation.which, .live = true, .arena = true, .young = true};
        break;
    case 'f':
    case 'e':
        block->live = false;
        break;
    case 'g':
    case 's':
        block->class += operation.what == 'g' ? 1 : -1U;
        block->young = true;
        break;
    default:
        for (unsigned i = 0; i < state->count; i++) {
            if (operation.what == 'd' && state->blocks[i].young)
                state->blocks[i].live = false;
            state->blocks[i].young = false;
        }
        state->active = operation.what == 'b';
        break;
    }
}

/* Translates an operation for the oracle. state is the state after it. */
static struct oracle_op translated(const struct scope_state *state, struct scope_op operation)
{
    const size_t chunk = zk_chunk_bytes();
    const size_t sizes[SCOPE_CLASSES] = {ZK_GRANULE, chunk / 2, chunk / 2 * 3};
    struct oracle_op op = {.slot = operation.which, .align = 1};

    switch (operation.what) {
    case 'a':
        op.kind = ORACLE_MALLOC;
        op.slot = state->count - 1;
        op.size = sizes[operation.which];
        break;
    case 'f':
    case 'e':
        op.kind = ORACLE_FREE;
        op.thread = operation.what == 'e';
        break;
    case 'g':
    case 's':
        op.kind = ORACLE_REALLOC;
        op.size = sizes[state->blocks[operation.which].class % SCOPE_CLASSES]; /* any, if none */
        break;
    default:
        op.kind = operation.what == 'b' ? ORACLE_BEGIN : ORACLE_DISCARD;
        break;
    }
    return op;
}

static void run_by_oracle(unsigned length, struct scope_state *state)
{
    struct oracle_op ops[1 + SCOPE_LENGTH_MAX] = {{.kind = ORACLE_BEGIN, .align = 1}};

    *state = (struct scope_state){.active = true};
    for (unsigned i = 0; i < length; i++) {
        expect_step(state, scope.path[i]);
        ops[1 + i] = translated(state, scope.path[i]);
    }
    scope.length = length;
    scope.sequences++;
    oracle.progress = 0;
    oracle_run(&oracle, ops, 1 + length);
}

static void run(unsigned length, struct scope_state *state)
{
    if (scope.setup.oracle)
        run_by_oracle(length, state);
    else
        scope_run(length, state);
}

/* ---- All of them ---- */

static void explore(unsigned length);

static void go_on(unsigned length, char what, unsigned which)
{
    scope.path[length] = (struct scope_op){what, which};
    explore(length + 1);
}

/* Would freeing block `which` now come out of order: is the last operation a free that should come
 * after it? */
static bool is_out_of_order(unsigned length, unsigned which)
{
    const struct scope_op *last = &scope.path[length - 1];

    return length > 0 && (last->what == 'f' || last->what == 'e') && which < last->which &&
           !options.all_orders;
}

static void explore_block(unsigned length, const struct scope_block *block, unsigned which)
{
    if (!block->live || (!block->arena && !options.all_orders))
        return;
    if (!is_out_of_order(length, which)) {
        if (length + 1 < options.length || options.all_orders)
            go_on(length, 'f', which);
        go_on(length, 'e', which);
    }
    if (block->class + 1 < SCOPE_CLASSES)
        go_on(length, 'g', which);
    if (block->class > 0)
        go_on(length, 's', which);
}

static void explore(unsigned length)
{
    struct scope_state state;

    if (length == shard_length && beginnings++ % options.shards != options.shard)
        return;
    run(length, &state);
    if (length == options.length)
        return;
    for (unsigned class = 0; class < SCOPE_CLASSES && (state.active || options.all_orders);
         class ++)
        go_on(length, 'a', class);
    for (unsigned i = 0; i < state.count; i++)
        explore_block(length, &state.blocks[i], i);
    go_on(length, 'b', 0);
    if (state.active || options.all_orders)
        go_on(length, 'd', 0);
}

/* ---- Start ---- */

__attribute__((noreturn)) static void usage(const char *wrong)
{
    fprintf(stderr, "test_small_scope: %s\n", wrong);
    fputs(
        "usage: test_small_scope [--length N] [--shard I/N] [--chunks N] [--age N]\n"
        "                        [--elsewhere self|thread] [--all-orders] [--oracle] [--replay 'a0 g0 b ...']\n"
        "  exit status 0: nothing wrong; 1: something is, and the sequence is printed\n",
        stderr);
    exit(2);
}

static unsigned number(const char *text, unsigned least, unsigned most, char **end)
{
    unsigned long value = strtoul(text, end, 10);

    if (*text < '0' || *text > '9' || value < least || value > most)
        usage("a number is missing, or out of range");
    return (unsigned)value;
}

static unsigned whole_number(const char *text, unsigned least, unsigned most)
{
    char *end;
    unsigned value = number(text, least, most, &end);

    if (*end != '\0')
        usage("not a number");
    return value;
}

static void read_shard(const char *text)
{
    char *end;

    options.shard = number(text, 0, 9999, &end);
    if (*end != '/')
        usage("want --shard I/N");
    options.shards = whole_number(end + 1, 1, 10000);
    if (options.shard >= options.shards)
        usage("want --shard I/N, I from 0 to N - 1");
}

static void read_options(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";

        if (strcmp(argv[i], "--all-orders") == 0) {
            options.all_orders = true;
            continue;
        }
        if (strcmp(argv[i], "--blind") == 0) {
            scope.setup.blind = true;
            continue;
        }
        if (strcmp(argv[i], "--oracle") == 0) {
            scope.setup.oracle = true;
            continue;
        }
        if (strcmp(argv[i], "--length") == 0)
            options.length = whole_number(value, 1, SCOPE_LENGTH_MAX);
        else if (strcmp(argv[i], "--shard") == 0)
            read_shard(value);
        else if (strcmp(argv[i], "--chunks") == 0)
            scope.setup.slab_chunks = whole_number(value, 2, 64);
        else if (strcmp(argv[i], "--age") == 0)
            scope.setup.age = whole_number(value, 1, 1000);
        else if (strcmp(argv[i], "--replay") == 0)
            options.replay = value;
        else if (strcmp(argv[i], "--elsewhere") == 0 && strcmp(value, "thread") == 0)
            scope.setup.real_thread = true;
        else if (strcmp(argv[i], "--elsewhere") != 0 || strcmp(value, "self") != 0)
            usage("no such option");
        i++;
    }
}

/* Runs one sequence, if it is valid: each of its operations must be possible in its state. */
static void replay(const char *text)
{
    struct scope_state state;
    unsigned length = 0;

    for (; *text != '\0'; text += strspn(text, " ")) {
        char *end = (char *)(uintptr_t)text + 1;
        struct scope_op operation = {.what = *text};

        if (strchr("afegsbd", *text) == NULL || length == SCOPE_LENGTH_MAX)
            usage("not a sequence");
        if (*text != 'b' && *text != 'd')
            operation.which = number(text + 1, 0, SCOPE_LENGTH_MAX - 1, &end);
        scope.path[length++] = operation;
        text = end;
    }
    run(length, &state);
}

int main(int argc, char **argv)
{
    struct zk_stats stats;

    scope.setup = (struct scope_setup){.slab_chunks = 4, .age = 1};
    read_options(argc, argv);
    if (scope.setup.oracle)
        start_oracle();
    else
        scope_start();
    if (options.replay != NULL)
        replay(options.replay);
    else
        explore(0);
    zk_stats(&stats);
    if (options.replay == NULL && options.length >= 5 && options.shards == 1 &&
        !scope.setup.oracle &&
        (stats.walks == 0 || stats.reuses == 0 || scope.grown_in_place == 0 || scope.moved == 0 ||
         scope.strays == 0))
        scope_fail(NULL, "some kind of thing has never happened");
    printf("test_small_scope: %" PRIu64 " sequences of up to %u operations, nothing wrong: %" PRIu64
           " rewinds, %" PRIu64 " walks, %" PRIu64 " reuses, %" PRIu64
           " blocks grown in place, %" PRIu64 " moved, %" PRIu64 " beside the arena\n",
           scope.sequences, options.length, stats.rewinds, stats.walks, stats.reuses,
           scope.grown_in_place, scope.moved, scope.strays);
    return 0;
}
