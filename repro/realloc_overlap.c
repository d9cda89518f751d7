/*
 * realloc_overlap - growing a block across a boundary copies between ranges that overlap.
 *
 * A block of 8 KiB is at the start of the slab. In the next phase, 4 KiB of scratch memory are
 * allocated but not written to yet; then the block grows to 16 KiB. The new block starts in the
 * middle of the old one. All bytes are still there; whether they arrive depends on the direction of
 * the copy.
 */
#include "repro.h"

#include <stdlib.h>
#include <string.h>

enum {
    scratch_bytes = 4 << 10, /* so the overlap is 4 KiB: the upper half of the old block */
    old_bytes = 8 << 10,
    new_bytes = 16 << 10,
    quarter = 2 << 10,
};

/* Each 2 KiB of the block has a value of its own, so that a misplaced byte shows. */
static unsigned char content(size_t at)
{
    return (unsigned char)(0x10 + at / quarter);
}

static unsigned char *make(void)
{
    unsigned char *block = zk_malloc(old_bytes);

    if (block == NULL)
        abort();
    for (size_t i = 0; i < old_bytes; i++)
        block[i] = content(i);
    return block;
}

static void check(struct repro_run *run, const unsigned char *block)
{
    for (size_t at = 0; at < old_bytes; at += quarter)
        repro_check_bytes(run, "the grown block differs", block + at, content(at), quarter);
}

/* Tests what this platform's memcpy does with the same overlap. That is undefined, so it is tested
 * and not relied on.
 */
__attribute__((unused)) static bool memcpy_copes(void)
{
    static unsigned char memory[new_bytes];
    void *(*volatile copy)(void *, const void *, size_t) =
        memcpy; /* the library's, not the compiler's */

    for (size_t i = 0; i < old_bytes; i++)
        memory[i] = content(i);
    copy(memory + scratch_bytes, memory, old_bytes);
    for (size_t i = 0; i < old_bytes; i++)
        if (memory[scratch_bytes + i] != content(i))
            return false;
    return true;
}

static void body(struct repro_run *run)
{
#ifndef __SANITIZE_ADDRESS__ /* it forbids this test */
    repro_note(run, "this platform's memcpy %s the same overlap",
               memcpy_copes() ? "copes with" : "fails on");
#endif
    for (unsigned cycle = 0; cycle < repro_cycles(run); cycle++) {
        unsigned char *block;
        void *scratch;

        repro_cycle(run);
        if (zk_begin_phase() != 0) {
            repro_refused(run, "begin");
            return;
        }
        block = make();
        zk_end_phase();

        zk_begin_phase();
        scratch = zk_malloc(scratch_bytes); /* not written to: the old bytes are all intact */
        block = zk_realloc_sized(block, old_bytes, 1, new_bytes);
        if (block == NULL)
            abort();
        check(run, block);
        zk_free(block);
        zk_free(scratch);
        zk_end_phase();
    }
}

static const struct repro_finding findings[] = {
    {"F26", "realloc",
     "Growing across a boundary can overlap source and destination; a forward copy destroys the upper half",
     "high", "fixed by copy=memmove, the default"},
    {"Z5", "realloc",
     "glibc's memcpy hides the overlap on this platform: it copes with it (it is memmove), "
     "so only an explicit forward copy shows the bug; the seed's claim about memcpy is not confirmed here",
     "low", "fixed by copy=memmove, which does not rely on it", REPRO_SYSTEM, REPRO_CLEAN},
    {0},
};

/* The new block starts scratch_bytes, two quarters, after the old one: when a forward copy reaches
 * the upper two quarters, it has already overwritten them with the lower two. */
static size_t damage(const struct repro_run *run, unsigned cycle, struct repro_damage *runs)
{
    (void)run, (void)cycle;
    for (size_t i = 0; i < 2; i++)
        runs[i] =
            (struct repro_damage){.bytes = quarter, .known = 1, .last = {content(i * quarter)}};
    return 2;
}

const struct repro repro = {
    .id = "R9",
    .slug = "realloc_overlap",
    .class = "realloc",
    .title = "growing a block across a boundary copies between ranges that overlap",
    .seed = "F26",
    .severity = "high",
    .explain =
        "realloc makes a new block, copies, and frees the old one. The two never overlap, so memcpy will\n"
        "do, except in a phase arena: the old block belongs to the phase before, its bytes have been\n"
        "recycled, and the new block may be carved right out of them.\n"
        "\n"
        "Here a block of 8 KiB lies at the slab's first byte. In the next phase, 4 KiB of scratch come\n"
        "first, which nobody has written to yet, and then the block grows to 16 KiB. The new block starts\n"
        "in the middle of the old one. A copy that goes forward writes the lower half over the upper half\n"
        "before it has read that; memmove goes backward, and every byte arrives.\n"
        "\n"
        "What a C library's memcpy does here is undefined, and differs: it is reported in the note. On\n"
        "glibc 2.36 for x86-64 memcpy is memmove, so the bug hides; with an explicit forward copy it shows.\n"
        "memmove does not make keeping the block right: one write to the scratch before the copy, and the\n"
        "upper half is gone in any case (realloc_across_phase). What is judged here is the copy alone.\n",
    .body = body,
    .damage = damage,
    .expect = {[REPRO_NONE] = REPRO_CORRUPT,
               [REPRO_FLUSH] = REPRO_CORRUPT,
               [REPRO_ROUTE] = REPRO_CORRUPT,
               [REPRO_SEED] = REPRO_CLEAN,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
    .variants = (const struct repro_variant[]){{"--switch copy=memmove",
                                                {[REPRO_NONE] = REPRO_CLEAN,
                                                 [REPRO_FLUSH] = REPRO_CLEAN,
                                                 [REPRO_ROUTE] = REPRO_CLEAN,
                                                 [REPRO_SEED] = REPRO_CLEAN,
                                                 [REPRO_PINNED] = REPRO_CLEAN,
                                                 [REPRO_SYSTEM] = REPRO_CLEAN}},
                                               {0}},
    .findings = findings,
};
