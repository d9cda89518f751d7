/*
 * guard_escape - the control of longjmp_escape: with the guard and the escape API.
 *
 * The same step fails inside the same phase, but zk_phase has opened the phase, and the failure
 * leaves it through zk_escape, which ends it on the way to zk_catch. What the handler then
 * allocates comes from the C library, and no phase ever touches it.
 */
#include "repro.h"

#include <stdlib.h>
#include <string.h>

enum { content = 0xCC, result_bytes = 64 << 10, scratch_bytes = 32 << 10 };

struct step {
    struct repro_run *run;
    unsigned char *result;
    void *scratch; /* held by the step when it failed; the handler frees it, as unwinding would */
    bool begun;
};

static void fail_inside_phase(void *arg)
{
    struct step *step = arg;

    if (step->result != NULL) {
        repro_check_bytes(step->run, "the buffer made after the escape", step->result, content,
                          result_bytes);
        zk_free(step->result);
        step->result = NULL;
    }
    step->scratch = zk_malloc(scratch_bytes);
    repro_check(step->run);
    zk_escape(1);
}

static void guarded_step(void *arg)
{
    struct step *step = arg;

    step->begun = repro_phase(step->run, fail_inside_phase, step);
}

static void body(struct repro_run *run)
{
    struct step step = {.run = run};

    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (zk_catch(guarded_step, &step) == 0)
            return; /* refused: the step did not run */
        zk_free(step.scratch);
        step.result = zk_malloc(result_bytes);
        if (step.result == NULL)
            abort();
        if (zk_owns(step.result))
            repro_wrong(run, "the buffer made after the escape comes from the arena");
        memset(step.result, content, result_bytes);
    }
    zk_free(step.result);
}

const struct repro repro = {
    .id = "R4",
    .slug = "guard_escape",
    .class = "phase left without an end",
    .title = "the control of longjmp_escape: guards end the phase",
    .seed = "F17",
    .severity = "info",
    .explain =
        "longjmp_escape shows what becomes of a phase that a longjmp leaves: it stays active, and what is\n"
        "allocated next is lost in the phase after. This is the same program, written with the guard\n"
        "(zk_phase) and the escape API (zk_catch, zk_escape).\n"
        "\n"
        "zk_phase notes its frame; zk_escape ends every phase noted since the innermost zk_catch, innermost\n"
        "first, and then jumps there. The handler's 64 KiB buffer comes from the C library, in every\n"
        "profile and at every MIN_BYTES, and keeps its bytes.\n"
        "\n"
        "It is a control: any outcome but clean is a bug in the allocator.\n",
    .body = body,
    .expect = {[REPRO_NONE] = REPRO_CLEAN,
               [REPRO_FLUSH] = REPRO_CLEAN,
               [REPRO_ROUTE] = REPRO_CLEAN,
               [REPRO_SEED] = REPRO_CLEAN,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
};
