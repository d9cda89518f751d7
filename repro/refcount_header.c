/*
 * refcount_header - a reference count at the front of a large block reads filler.
 *
 * A shared pointer keeps its counts in the same block as the payload, before it. If the payload is
 * large, the block comes from the arena; and when it is kept across a boundary, the counts are the
 * first words that the next phase overwrites.
 */
#include "models/shared_pointer.h"
#include "repro.h"

#include <stdlib.h>

enum variant { LEAK, UNDERFLOW };

static const char *const variants[] = {"leak", "underflow", NULL};

static struct shared_pointer *make(size_t payload_bytes)
{
    struct shared_pointer *pointer = shared_pointer_new(NULL, payload_bytes);

    if (pointer == NULL)
        abort();
    return pointer;
}

/* One owner reads the payload and makes a second owner, and both drop their pointers: the block
 * should be freed once. */
static void use_and_drop(struct repro_run *run, struct shared_pointer *kept)
{
    size_t before = shared_pointer_strong_count(kept);
    struct shared_pointer *second = shared_pointer_clone(kept);
    size_t after = shared_pointer_strong_count(kept);

    if (before != 1 || after != 2)
        repro_wrong(run, "the count reads %zx, a clone makes it %zx, and it never falls to 0",
                    before, after);
    shared_pointer_drop(second);
    shared_pointer_drop(kept);
}

/* One of two owners drops its pointer: the other one's block should stay alive. */
static void drop_one_of_two(struct repro_run *run, struct shared_pointer *kept)
{
    size_t before = shared_pointer_strong_count(kept);

    shared_pointer_drop(kept);
    if (before != 2)
        repro_wrong(
            run,
            "two owners, and the count reads %zx: the first to let go frees what the other uses",
            before);
    else
        shared_pointer_drop(kept);
}

static void body(struct repro_run *run)
{
    enum variant variant = (enum variant)repro_option(run, "variant");
    struct shared_pointer *kept = NULL;

    if (variant == UNDERFLOW)
        repro_fill_with(run, 1); /* the new phase's data: an array of ones */
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        if (kept != NULL && variant == LEAK)
            use_and_drop(run, kept);
        else if (kept != NULL)
            drop_one_of_two(run, kept);
        kept = make(repro_option(run, "payload"));
        if (variant == UNDERFLOW)
            kept = shared_pointer_clone(kept);
        repro_end(run);
    }
    if (variant == UNDERFLOW)
        shared_pointer_drop(kept);
    shared_pointer_drop(kept);
}

static const struct repro_option options[] = {
    {"variant", "what lies on the counts", LEAK, 0, 0, variants},
    {"payload", "bytes that are shared", 16384, 1, 1 << 24, NULL},
    {0},
};

static const struct repro_law law = {
    .formula = "(payload + 7) / 8 * 8 + 16 + 1",
    .source =
        "two counts of 8 bytes in front of the payload, all of it rounded up to their alignment (ArcInner, std of Rust 1.63 to 1.95)",
    .at =
        (const char *const[]){"--payload 496", "--payload 497", "--payload 4073", "--payload 4079",
                              "--payload 4080", "--payload 8176", "--payload 16384", NULL},
};

static const struct repro_finding findings[] = {
    {"F22", "user_visible", "A reference count at the front of a large block reads filler", "high",
     "open under blind recycling at any MIN_BYTES up to the block's size"},
    {0},
};

/* The strong count is the block's first word, the weak one its second, and each block comes after
 * the filler. leak: a clone, and two drops that do not make the count 0, subtract 1 from its filler
 * in all. underflow: the count reads as 1, so the first drop makes the strong count 0, and with it
 * the weak one; they are 8 bytes apart, which counts as one run. */
static size_t damage(const struct repro_run *run, unsigned cycle, struct repro_damage *runs)
{
    size_t offset = (cycle - 1) * ((repro_option(run, "payload") + 7) / 8 * 8 + 16);

    if (repro_option(run, "variant") == LEAK)
        runs[0] = (struct repro_damage){.offset = offset, .bytes = 1, .known = 1, .last = {0x54}};
    else
        runs[0] = (struct repro_damage){.offset = offset, .bytes = 9, .known = 9, .last = {0}};
    return 1;
}

const struct repro repro = {
    .id = "R14",
    .slug = "refcount_header",
    .class = "retained user data",
    .title = "a reference count at the front of a large block reads filler",
    .seed = "F22",
    .severity = "high",
    .explain =
        "A shared pointer (Rust's Arc, C++'s make_shared) keeps two counts in front of its payload, in one\n"
        "block: 16400 bytes for a payload of 16384. That is more than the usual threshold, so the block\n"
        "comes from the arena, and the counts, which are small, come with it.\n"
        "\n"
        "Kept across a boundary, the block is overwritten by what the next phase allocates first. With\n"
        "bytes of 0x55, the count of strong pointers reads 0x5555555555555555; a clone makes it ...56, two\n"
        "drops make it ...54, and it never falls to 0: the object is never freed, and nothing is reported.\n"
        "\n"
        "With other data it is worse. --variant underflow: the new phase's data are ones, so the count\n"
        "reads 1 where there are two owners, and the first to let go frees what the other one is using.\n"
        "\n"
        "Routing covers small shared objects, not large ones: 16401 is the threshold for this one.\n",
    .body = body,
    .damage = damage,
    .filler = 0x5555555555555555u,
    .options = options,
    .expect = {[REPRO_NONE] = REPRO_CORRUPT,
               [REPRO_FLUSH] = REPRO_CORRUPT,
               [REPRO_ROUTE] = REPRO_CORRUPT,
               [REPRO_SEED] = REPRO_CORRUPT,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
    .variants = (const struct repro_variant[]){{"--variant underflow",
                                                {[REPRO_NONE] = REPRO_CORRUPT,
                                                 [REPRO_FLUSH] = REPRO_CORRUPT,
                                                 [REPRO_ROUTE] = REPRO_CORRUPT,
                                                 [REPRO_SEED] = REPRO_CORRUPT,
                                                 [REPRO_PINNED] = REPRO_CLEAN,
                                                 [REPRO_SYSTEM] = REPRO_CLEAN}},
                                               {0}},
    .findings = findings,
    .law = &law,
};
