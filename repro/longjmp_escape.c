/*
 * longjmp_escape - a panic that skips the end leaves the phase active.
 *
 * A step of the program fails inside a phase and escapes by longjmp to a handler outside of it,
 * past the zk_end_phase. The handler believes that the phase is over and allocates a buffer to
 * keep: it still comes from the arena, and the next phase overwrites it.
 */
#include "repro.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

enum { content = 0xCC };

static jmp_buf handler;

static void fail_inside_phase(struct repro_run *run)
{
    repro_check(run);
    longjmp(handler, 1);
}

static void body(struct repro_run *run)
{
    const size_t size = repro_user_bytes(run, 64 << 10);
    unsigned char *volatile result = NULL; /* changed between setjmp and longjmp */

    for (volatile unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (setjmp(handler) == 0) {
            if (!repro_begin(run))
                return;
            if (result != NULL) {
                repro_check_bytes(run, "the buffer made after the escape differs", result, content,
                                  size);
                zk_free(result);
            }
            fail_inside_phase(run);
            repro_end(run); /* never reached */
        }
        result = zk_malloc(size);
        if (result == NULL)
            abort();
        memset(result, content, size);
    }
    zk_free(result);
}

static const struct repro_finding findings[] = {
    {"F17", "public_api",
     "A panic that skips the end leaves the arena active; what is allocated afterwards is overwritten by the next phase",
     "high",
     "fixed by guards and the escape API (guard_escape); a raw begin is refused under nesting=refuse"},
    {0},
};

/* none, flush, route, seed, pinned, system. Pinned keeps live blocks, however lax the contract
 * is. */
static const struct repro_variant variants[] = {
    {"--switch nesting=recycle --switch owner=any",
     {REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CLEAN, REPRO_CLEAN}},
    {0},
};

/* The buffer is the only block of its phase, and all of it is filler in the next. */
static size_t damage(const struct repro_run *run, unsigned cycle, struct repro_damage *runs)
{
    (void)cycle;
    runs[0] = (struct repro_damage){
        .bytes = repro_user_bytes(run, 64 << 10), .known = 1, .last = {REPRO_FILLER & 0xFF}};
    return 1;
}

const struct repro repro = {
    .id = "R3",
    .slug = "longjmp_escape",
    .class = "phase left without an end",
    .title = "a longjmp out of a phase leaves it active",
    .seed = "F17",
    .severity = "high",
    .explain =
        "begin and end are two calls, and anything that jumps from between them to behind them (a panic, a\n"
        "C++ exception, a longjmp) leaves the phase active. The handler that catches it makes a 64 KiB\n"
        "buffer: an error report, or the proof that did work out. The program believes that it is outside\n"
        "of any phase, where everything comes from the C library and lives as long as it likes. The\n"
        "allocator knows better, serves it from the slab, and the next begin hands its bytes out again.\n"
        "\n"
        "No MIN_BYTES saves this one. What is lost is not some library's bookkeeping but whatever the\n"
        "program allocates next, and large blocks are what an arena is for: the buffer here is 64 KiB, or\n"
        "MIN_BYTES where that is more.\n"
        "\n"
        "Under nesting=refuse, the next begin finds the phase still active and says EBUSY: the bug is not\n"
        "gone, but it is no longer silent.\n"
        "\n"
        "Cured by: zk_phase or ZK_PHASE_SCOPE with zk_escape, which end the phase on the way out\n"
        "(guard_escape is this program, with them); pinned recycling.\n",
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
