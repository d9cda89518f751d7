/*
 * oracle.c - the model: what each operation does to the table, and what must hold after it.
 */
#include "oracle.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint64_t number_step = 0x9e3779b97f4a7c15u;
static const uint64_t word_step = 0xbf58476d1ce4e5b9u;

void oracle_fill(char *p, size_t size, uint64_t number)
{
    uint64_t word = (number + 1) * number_step;
    size_t i = 0;

    for (; i + sizeof word <= size; i += sizeof word, word += word_step)
        memcpy(p + i, &word, sizeof word);
    memcpy(p + i, &word, size - i);
}

/* Index of the first byte that differs from the pattern, or size. */
static size_t first_difference(const char *p, size_t size, uint64_t number)
{
    uint64_t word = (number + 1) * number_step;
    size_t i = 0;

    for (; i + sizeof word <= size; i += sizeof word, word += word_step)
        if (memcmp(p + i, &word, sizeof word) != 0)
            break;
    for (size_t j = 0; i < size && j < sizeof word; i++, j++)
        if (p[i] != ((const char *)&word)[j])
            return i;
    return size;
}

void oracle_fail(const struct oracle *oracle, int status, const char *format, ...)
{
    char line[512];
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (length > (int)sizeof line - 1)
        length = (int)sizeof line - 1;
    dprintf(STDOUT_FILENO, "%.*s (operation %zu)\n", length, line, oracle->progress);
    if (oracle->aborts)
        abort();
    _exit(status);
}

#define BLOCK_FORMAT "block %" PRIu64 " at %p (%zu bytes, generation %" PRIu64 ", thread %u, %s)"
#define BLOCK_VALUES(block)                                                                        \
    (block)->number, (void *)(block)->p, (block)->size, (block)->generation, (block)->thread,      \
        (block)->arena ? "arena" : "system"

static bool overlap(const struct oracle_block *a, const struct oracle_block *b)
{
    return a->p < b->p + b->usable && b->p < a->p + a->usable;
}

/* Checks a block's bytes, and nothing else. */
static void check_pattern(struct oracle *oracle, const struct oracle_block *block, const char *at,
                          size_t size)
{
    size_t offset = first_difference(at, size, block->number);

    if (offset != size)
        oracle_fail(oracle, ORACLE_PATTERN, "pattern mismatch: byte %zu of " BLOCK_FORMAT, offset,
                    BLOCK_VALUES(block));
}

void oracle_check_block(struct oracle *oracle, const struct oracle_block *block)
{
    check_pattern(oracle, block, block->p, block->size);
    if (!oracle_reaches(oracle, block))
        return;
    if (oracle->setup.recycle == ZK_RECYCLE_BLIND)
        return; /* under blind, the size of a retained block is meaningless */
    if (zk_usable_size(block->p) < block->usable)
        oracle_fail(oracle, ORACLE_WRONG, "usable size shrank: %zu of " BLOCK_FORMAT,
                    zk_usable_size(block->p), BLOCK_VALUES(block));
}

static int by_address(const void *a, const void *b)
{
    const struct oracle_block *const *left = a;
    const struct oracle_block *const *right = b;

    return ((*left)->p > (*right)->p) - ((*left)->p < (*right)->p);
}

void oracle_check_all(struct oracle *oracle)
{
    struct oracle_block *live[ORACLE_SLOTS];
    size_t count = 0;

    for (size_t i = 0; i < ORACLE_SLOTS; i++)
        if (oracle->blocks[i].p != NULL && oracle_reaches(oracle, &oracle->blocks[i]))
            live[count++] = &oracle->blocks[i];
    for (size_t i = 0; i < count; i++)
        oracle_check_block(oracle, live[i]);
    qsort(live, count, sizeof *live, by_address); /* NOLINT(bugprone-sizeof-expression): pointers */
    for (size_t i = 0; i + 1 < count && oracle->setup.recycle == ZK_RECYCLE_PINNED; i++)
        if (live[i]->p + zk_usable_size(live[i]->p) > live[i + 1]->p)
            oracle_fail(oracle, ORACLE_OVERLAP,
                        "usable size %zu reaches into the next block: " //
                        BLOCK_FORMAT,
                        zk_usable_size(live[i]->p), BLOCK_VALUES(live[i]));
}

/* Fills a new block, and enters it in the table. */
static void admit(struct oracle *oracle, const struct oracle_op *op, struct oracle_block block)
{
    const struct oracle_block *under = NULL;

    block.usable = zk_usable_size(block.p);
    block.number = oracle->next_number++;
    block.arena = zk_owns(block.p);
    block.thread = op->thread;
    if (((uintptr_t)block.p & (op->align - 1)) != 0 || (uintptr_t)block.p % 16 != 0)
        oracle_fail(oracle, ORACLE_WRONG, "not aligned to %zu: " BLOCK_FORMAT, op->align,
                    BLOCK_VALUES(&block));
    if (block.usable < block.size)
        oracle_fail(oracle, ORACLE_WRONG, "usable size is only %zu: " BLOCK_FORMAT, block.usable,
                    BLOCK_VALUES(&block));
    /* All usable bytes may be used. (ThreadSanitizer disagrees about the C library's blocks of size
     * 0.) */
    if (block.number % 4 == 0 && block.size != 0)
        block.size = block.usable;
    for (size_t i = 0; i < ORACLE_SLOTS; i++)
        if (oracle->blocks[i].p != NULL && overlap(&oracle->blocks[i], &block))
            under = &oracle->blocks[i];
    oracle_fill(block.p, block.size, block.number);
    oracle->blocks[op->slot] = block;
    if (under == NULL)
        return;
    oracle_check_block(oracle, under);
    oracle_fail(oracle, ORACLE_OVERLAP, "overlap: " BLOCK_FORMAT " lies on the one at %p",
                BLOCK_VALUES(&block), (void *)under->p);
}

static void release(struct oracle *oracle, struct oracle_block *block)
{
    if (block->p == NULL)
        return;
    oracle_check_block(oracle, block);
    if (oracle_reaches(oracle, block))
        zk_free(block->p);
    block->p = NULL;
}

/* ---- Who holds a slab ---- */

void oracle_note_stats(struct oracle *oracle, const struct zk_stats *stats)
{
    oracle->slabs = (unsigned)stats->slabs;
    oracle->learned_before = oracle->learned;
    oracle->learned = (struct oracle_sizes){0, 0};
    if (stats->tenured_classes > 0)
        oracle->learned =
            (struct oracle_sizes){(size_t)stats->tenured_from, (size_t)stats->tenured_below};
}

static struct zk_stats stats_seen_by(struct oracle *oracle, unsigned thread)
{
    struct zk_stats stats;

    zk_stats(&stats);
    oracle_note_stats(oracle, &stats);
    if (thread == oracle->forker)
        oracle->vanished = 0; /* it has just freed the slabs that they held */
    return stats;
}

static void enter_holder(struct oracle *oracle, unsigned thread)
{
    oracle->holds[thread] = true;
    oracle->holders++;
    if (oracle->holders_most < oracle->holders)
        oracle->holders_most = oracle->holders;
}

void oracle_drop_holder(struct oracle *oracle, unsigned thread)
{
    oracle->holders -= oracle->holds[thread];
    oracle->holds[thread] = oracle->known[thread] = false;
}

/* A block due to the arena has been served to a thread without a slab: now it has one, if one was free. */
static void expect_holder(struct oracle *oracle, unsigned thread, bool arena,
                          const struct zk_stats *stats)
{
    uint64_t others = oracle->holders + oracle->vanished;

    if (stats->slabs_in_use == others + 1)
        enter_holder(oracle, thread);
    else if (stats->slabs_in_use != others || arena || others + oracle->lost < stats->slabs)
        oracle_fail(
            oracle, ORACLE_WRONG,
            "%" PRIu64 " of %" PRIu64 " slabs in use after a block %s, and before it %" PRIu64,
            stats->slabs_in_use, stats->slabs, arena ? "of the arena" : "of system", others);
}

static bool is_among(struct oracle_sizes sizes, size_t size)
{
    size_t rounded = (size + 15) & ~(size_t)15;

    return rounded >= sizes.from && size < sizes.below;
}

/* May pretenuring have learned the size? The model does not know exactly which sizes it has learned. What it had learned may
 * have been forgotten by the very block that system then served: draining recycles the slab (zk_route_detour). */
static bool is_learned(const struct oracle *oracle, const struct zk_stats *stats, size_t size)
{
    if (stats->tenured_classes > 0 &&
        (oracle->setup.pretenure == ZK_PRETENURE_OFF || oracle->ever_discarded ||
         oracle->setup.wipe == ORACLE_WIPE_PHASE))
        oracle_fail(oracle, ORACLE_WRONG,
                    "%" PRIu64 " classes of sizes are learned, and should not be",
                    stats->tenured_classes);
    return (is_among(oracle->learned, size) || is_among(oracle->learned_before, size)) &&
           stats->overflow_count == oracle->overflows;
}

/* A block due to the arena has been served. */
static void account(struct oracle *oracle, unsigned thread, size_t size, bool arena)
{
    struct zk_stats stats;

    if (!oracle->exact)
        return;
    if (arena && oracle->holds[thread] && (oracle->vanished == 0 || oracle->forker != thread))
        return;
    stats = stats_seen_by(oracle, thread);
    if (!arena && is_learned(oracle, &stats, size))
        return;
    oracle->overflows += !arena;
    if (stats.overflow_count != oracle->overflows)
        oracle_fail(oracle, ORACLE_WRONG, "overflow: %" PRIu64 ", and should be %" PRIu64,
                    stats.overflow_count, oracle->overflows);
    if (!oracle->holds[thread])
        expect_holder(oracle, thread, arena, &stats);
}

static bool is_due_to_arena(const struct oracle *oracle, size_t size)
{
    return oracle->depth > 0 && size >= oracle->setup.min_bytes;
}

void oracle_make_known(struct oracle *oracle, unsigned thread)
{
    const size_t size = 1;
    void *p = zk_malloc(size);

    oracle->known[thread] = true;
    if (is_due_to_arena(oracle, size))
        account(oracle, thread, size, zk_owns(p));
    zk_free(p);
}

/* ---- Operations ---- */

static void check_zero(struct oracle *oracle, const char *call, const char *p, size_t size)
{
    if (p != NULL && size > 0 && (p[0] != 0 || memcmp(p, p + 1, size - 1) != 0))
        oracle_fail(oracle, ORACLE_WRONG, "%s: not all of %zu bytes are zero", call, size);
}

/* Admits a block that did not exist before this operation. due: it should come from the arena. */
static void admit_new(struct oracle *oracle, const struct oracle_op *op, char *p, bool due)
{
    if (p == NULL)
        oracle_fail(oracle, ORACLE_WRONG, "no memory for %zu bytes", op->size);
    oracle->known[op->thread] = true;
    if (due)
        account(oracle, op->thread, op->size, zk_owns(p));
    else if (oracle->exact && zk_owns(p))
        oracle_fail(oracle, ORACLE_WRONG, "from the arena, and not due to it: %zu bytes", op->size);
    admit(oracle, op,
          (struct oracle_block){.p = p, .size = op->size, .generation = oracle->generation});
}

static void allocate(struct oracle *oracle, const struct oracle_op *op)
{
    char *p;

    release(oracle, &oracle->blocks[op->slot]);
    if (oracle->arena_only && !is_due_to_arena(oracle, op->size))
        return;
    switch (op->kind) {
    case ORACLE_ALIGNED:
        p = zk_aligned_alloc(op->align, op->size);
        break;
    case ORACLE_CALLOC:
        p = zk_calloc(1, op->size);
        check_zero(oracle, "calloc", p, op->size);
        break;
    default:
        p = zk_malloc(op->size);
        break;
    }
    if (oracle->setup.wipe == ORACLE_WIPE_PHASE && zk_owns(p))
        check_zero(oracle, "malloc, where memory is wiped", p, op->size);
    admit_new(oracle, op, p, is_due_to_arena(oracle, op->size));
}

static void resize(struct oracle *oracle, const struct oracle_op *op)
{
    struct oracle_block *block = &oracle->blocks[op->slot];
    struct oracle_block old = *block;
    bool due = is_due_to_arena(oracle, op->size);
    char *p;

    if (oracle->arena_only && (!due || (old.p != NULL && !old.arena)))
        return;
    if (old.p == NULL) {
        p = op->kind == ORACLE_REALLOC ? zk_realloc(NULL, op->size)
                                       : zk_realloc_sized(NULL, 0, op->align, op->size);
        admit_new(oracle, op, p, due);
        return;
    }
    oracle_check_block(oracle, &old);
    p = op->kind == ORACLE_REALLOC ? zk_realloc(old.p, op->size)
                                   : zk_realloc_sized(old.p, old.size, op->align, op->size);
    block->p = NULL;
    if (op->size == 0) {
        if (p != NULL)
            oracle_fail(oracle, ORACLE_WRONG, "realloc to 0 gave a block");
        return;
    }
    if (p == NULL)
        oracle_fail(oracle, ORACLE_WRONG, "no memory for %zu bytes", op->size);
    check_pattern(oracle, &old, p, old.size < op->size ? old.size : op->size);
    if (!old.arena)
        oracle->known[op->thread] = true; /* system blocks are counted for their thread */
    if (p != old.p)
        admit_new(oracle, op, p, due && old.arena); /* system blocks stay in system */
    else
        admit(oracle, op,
              (struct oracle_block){.p = p, .size = op->size, .generation = old.generation});
}

static void expect(struct oracle *oracle, const char *call, int result, int error)
{
    int got = result == 0 ? 0 : errno;

    if (got != error)
        oracle_fail(oracle, ORACLE_WRONG, "%s: %d (%s), and should be %d", call, got, strerror(got),
                    error);
}

static void check_retained(struct oracle *oracle, unsigned thread)
{
    struct zk_stats stats = stats_seen_by(oracle, thread);
    uint64_t live = oracle->kept;

    for (size_t i = 0; i < ORACLE_SLOTS; i++)
        live += oracle->blocks[i].p != NULL && oracle->blocks[i].arena;
    if (stats.retained_count < live ||
        (stats.retained_count > live + oracle->strangers && !oracle->discarded))
        oracle_fail(oracle, ORACLE_WRONG, "%" PRIu64 " blocks retained, and should be %" PRIu64,
                    stats.retained_count, live);
    if (stats.orphans != 0)
        oracle_fail(oracle, ORACLE_WRONG, "%" PRIu64 " orphans", stats.orphans);
    if (stats.slabs_in_use != oracle->holders + oracle->vanished)
        oracle_fail(oracle, ORACLE_WRONG, "%" PRIu64 " slabs in use, and should be %u",
                    stats.slabs_in_use, oracle->holders + oracle->vanished);
}

static void begin(struct oracle *oracle, const struct oracle_op *op)
{
    bool starts = oracle->depth == 0 || oracle->setup.nesting == ZK_NESTING_RECYCLE;

    oracle_check_all(oracle);
    oracle->known[op->thread] = true;
    if (!oracle->exact) {
        expect(oracle, "zk_begin_phase", zk_begin_phase(), 0);
        return;
    }
    expect(oracle, "zk_begin_phase", zk_begin_phase(),
           starts || oracle->setup.nesting == ZK_NESTING_COUNT ? 0 : EBUSY);
    if (starts) {
        oracle->depth = 1;
        oracle->owner = op->thread;
        oracle->generation++;
        check_retained(oracle, op->thread);
    } else if (oracle->setup.nesting == ZK_NESTING_COUNT) {
        oracle->depth++;
        stats_seen_by(oracle, op->thread); /* a begin settles if the slab has long not been used */
    }
}

/* Ends the phase and wipes, at once or later. */
static void end_and_wipe(struct oracle *oracle, unsigned thread)
{
    if (zk_wipe_phase() != 0 && errno != EAGAIN)
        expect(oracle, "zk_wipe_phase", -1, EAGAIN);
    if (thread == oracle->forker)
        oracle->vanished = 0; /* wiping settles */
    oracle->depth -= oracle->exact && oracle->depth > 0;
}

static void end(struct oracle *oracle, unsigned thread)
{
    oracle->known[thread] = true;
    if (oracle->setup.wipe == ORACLE_WIPE_CALL) {
        end_and_wipe(oracle, thread);
        return;
    }
    if (!oracle->exact) {
        if (zk_end_phase() != 0 && errno != EINVAL)
            expect(oracle, "zk_end_phase", -1, EINVAL);
        return;
    }
    expect(oracle, "zk_end_phase", zk_end_phase(), oracle->depth > 0 ? 0 : EINVAL);
    oracle->depth -= oracle->depth > 0;
}

static void discard(struct oracle *oracle)
{
    for (size_t i = 0; i < ORACLE_SLOTS && oracle->depth == 1; i++) {
        struct oracle_block *block = &oracle->blocks[i];

        if (block->p == NULL || !block->arena || block->generation != oracle->generation)
            continue;
        oracle_check_block(oracle, block);
        block->p = NULL;
        oracle->discarded = oracle->ever_discarded = true;
    }
    expect(oracle, "zk_discard_phase", zk_discard_phase(), oracle->depth > 0 ? 0 : EINVAL);
    oracle->depth -= oracle->depth > 0;
}

/* An orphaned phase would do no harm, but it would be reported on stderr. */
static void leave(struct oracle *oracle, const struct oracle_op *op)
{
    while (oracle->exact && oracle->setup.nesting != ZK_NESTING_RECYCLE && oracle->depth > 0 &&
           oracle->owner == op->thread)
        end(oracle, op->thread);
    if (op->thread == oracle->forker) {
        if (oracle->known[op->thread])
            oracle->vanished = 0; /* the ending thread settles; else their slabs are lost */
        oracle->forker = ORACLE_THREADS_MAX;
    }
    oracle_drop_holder(oracle, op->thread);
}

static void whole(struct oracle *oracle, unsigned thread)
{
    struct zk_stats stats = stats_seen_by(oracle, thread);
    struct zk_config config;
    void *p;

    zk_config(&config);
    if (!oracle->holds[thread] && oracle->holders + oracle->vanished + oracle->lost >= stats.slabs)
        return; /* there are fewer slabs than threads */
    if (oracle->kept + oracle->strangers > 0)
        return;
    p = zk_malloc(config.slab_bytes);
    if (!zk_owns(p))
        oracle_fail(oracle, ORACLE_WRONG,
                    "nothing lives, and the slab has no room for %zu bytes: %" PRIu64
                    " chunks pinned",
                    config.slab_bytes, stats.pinned_chunks);
    account(oracle, thread, config.slab_bytes, true);
    zk_free(p);
}

void oracle_step(struct oracle *oracle, const struct oracle_op *op)
{
    switch (op->kind) {
    case ORACLE_MALLOC:
    case ORACLE_ALIGNED:
    case ORACLE_CALLOC:
        allocate(oracle, op);
        break;
    case ORACLE_REALLOC:
    case ORACLE_REALLOC_SIZED:
        resize(oracle, op);
        break;
    case ORACLE_FREE:
        release(oracle, &oracle->blocks[op->slot]);
        break;
    case ORACLE_BEGIN:
        begin(oracle, op);
        break;
    case ORACLE_END:
        end(oracle, op->thread);
        break;
    case ORACLE_DISCARD:
        oracle->known[op->thread] = true;
        discard(oracle);
        break;
    case ORACLE_EXIT:
        leave(oracle, op);
        break;
    case ORACLE_WHOLE:
        whole(oracle, op->thread);
        break;
    case ORACLE_FORK: /* done by the caller */
    case ORACLE_KINDS:
        break;
    }
}

void oracle_start(struct oracle *oracle, const struct oracle_setup *setup)
{
    struct zk_config environment;
    struct zk_config config;

    expect(oracle, "zk_config", zk_config(&environment), 0);
    config = (struct zk_config){
        .recycle = setup->recycle,
        .min_bytes = setup->min_bytes,
        .slab_bytes = setup->slab_bytes,
        .nesting = setup->nesting,
        .owner = ZK_OWNER_ANY,
        .pretenure = setup->pretenure,
        .poison_reset = setup->poison_reset,
        .wipe = setup->wipe == ORACLE_WIPE_PHASE ? ZK_WIPE_PHASE : ZK_WIPE_OFF,
        /* Errors of blind recycling must be found by the model, not by a memory debugger. */
        .tools = setup->recycle == ZK_RECYCLE_BLIND ? ZK_TOOLS_IGNORE : environment.tools,
    };

    oracle->setup = *setup;
    expect(oracle, "zk_configure", zk_configure(&config), 0);
}
