/*
 * nested_phases - a begin inside a phase recycles what the outer phase still uses.
 *
 * A library function begins its own phase, inside its caller's phase. Under nesting=recycle the
 * inner begin rewinds the slab; the caller's block, allocated a moment ago in the outer phase, is
 * handed out again. Counting the depth hides it; refusing the inner begin is the answer.
 */
#include "repro.h"

#include <stdlib.h>
#include <string.h>

enum { outer_content = 0xCC };

/* The callee: a phase inside the caller's. False when it was refused. */
static bool inner_phase(struct repro_run *run)
{
    if (!repro_begin(run))
        return false;
    repro_end(run);
    return true;
}

static void body(struct repro_run *run)
{
    const size_t size = repro_user_bytes(run, 64 << 10);

    for (unsigned cycle = 0; cycle < repro_cycles(run); cycle++) {
        unsigned char *outer;

        repro_cycle(run);
        if (zk_begin_phase() != 0) { /* this boundary does not matter: nothing is kept across it */
            repro_refused(run, "outer begin");
            return;
        }
        outer = zk_malloc(size);
        if (outer == NULL)
            abort();
        memset(outer, outer_content, size);
        if (!inner_phase(run)) {
            zk_free(outer);
            return;
        }
        repro_check_bytes(run, "the outer phase's block differs", outer, outer_content, size);
        zk_free(outer);
        zk_end_phase();
    }
}

static const struct repro_finding findings[] = {
    {"F25", "public_api",
     "A nested begin recycles the outer phase; a depth counter hides it; refusing is the answer",
     "high", "fixed by nesting=refuse, the default"},
    {0},
};

/* none, flush, route, seed, pinned, system. Pinned keeps live blocks, however lax the contract
 * is. */
static const struct repro_variant variants[] = {
    {"--switch nesting=recycle --switch owner=any",
     {REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CLEAN, REPRO_CLEAN}},
    {"--switch nesting=count",
     {REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {0},
};

/* The outer block is the first in the slab, and the inner phase fills what was used of it. */
static size_t damage(const struct repro_run *run, unsigned cycle, struct repro_damage *runs)
{
    (void)cycle;
    runs[0] = (struct repro_damage){
        .bytes = repro_user_bytes(run, 64 << 10), .known = 1, .last = {REPRO_FILLER & 0xFF}};
    return 1;
}

const struct repro repro = {
    .id = "R6",
    .slug = "nested_phases",
    .class = "phase calls",
    .title = "a begin inside a phase recycles the outer phase",
    .seed = "F25",
    .severity = "high",
    .explain =
        "Phases look as if they nest: a prover begins one, calls a library, and the library, which has\n"
        "phases of its own, begins another. There is one generation for the whole process, though. If the\n"
        "inner begin starts a new one (nesting=recycle, the seed's first version), every slab is rewound,\n"
        "and what the outer phase allocated a moment ago is handed out again while its owner uses it.\n"
        "\n"
        "With a depth counter (nesting=count, --switch nesting=count) the inner begin and end do nothing,\n"
        "and the block survives. But then a phase whose end is skipped leaves the count one too high for\n"
        "good, and no phase ever begins again: --variant orphan shows that memory is then never recycled.\n"
        "\n"
        "With nesting=refuse the inner begin fails with EBUSY, and the caller learns of the mistake.\n"
        "\n"
        "No MIN_BYTES saves this one: the outer phase's data are what the arena is for.\n",
    .body = body,
    .damage = damage,
    .expect = {[REPRO_NONE] = REPRO_CORRUPT,
               [REPRO_FLUSH] = REPRO_CORRUPT,
               [REPRO_ROUTE] = REPRO_CORRUPT,
               [REPRO_SEED] = REPRO_REFUSED,
               [REPRO_PINNED] = REPRO_REFUSED,
               [REPRO_SYSTEM] = REPRO_CLEAN},
    .variants = variants,
    .findings = findings,
};
