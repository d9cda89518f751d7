/*
 * confirm.c - the guaranteed bound is computed from sizes, but routing decides where a block lives.
 * Two more runs check it: at the bound, no retained block is in the arena; at one byte less, there
 * is one.
 */
#include "audit.h"

#include <inttypes.h>
#include <stdlib.h>

/* If a run takes longer, further ones are made only on request. */
enum { CHEAP_MS = 2000 };

static bool is_to_confirm(const struct audit *audit)
{
    return audit->verdict == UNSAFE && audit->lack == LACKS_NOTHING &&
           audit->guaranteed.is == EXACT && audit->guaranteed.value > audit->min_bytes &&
           audit->options->confirm != CONFIRM_NEVER && runs_interrupted() == 0;
}

/* Makes a census at another MIN_BYTES, for the largest block retained in the arena. Returns the
 * reason if it gives no answer. */
static enum confirmed ask(struct audit *audit, uint64_t min_bytes, uint64_t *arena_retained,
                          struct strings *strings)
{
    struct options options = *audit->options;
    struct run run = {.name = "census", .hidden = true, .brief = audit->census.took_ms <= CHEAP_MS};
    enum confirmed confirmed = CONFIRMED;

    options.min_bytes = min_bytes;
    run_make(&run, &options, strings);
    *arena_retained = run.report.arena_retained;
    if (run.status != audit->census.status || run.report.silent > 0 || run.report.running > 0 ||
        run.report.processes != audit->census.report.processes)
        confirmed = CONFIRM_FAILED;
    else if (run.report.min_bytes != min_bytes || run.report.min_bytes_most != min_bytes)
        confirmed = CONFIRM_IGNORED;
    else if (*arena_retained == UNKNOWN)
        confirmed = NOT_CONFIRMED;
    audit->confirmation.above = run_above(&run, RETAINED);
    report_free(&run.report);
    free(run.unseen.at);
    return runs_interrupted() != 0 ? NOT_CONFIRMED : confirmed;
}

void confirm_make(struct audit *audit, struct strings *strings)
{
    struct confirmation *confirmation = &audit->confirmation;

    if (!is_to_confirm(audit) || audit->census.report.arena_retained == UNKNOWN)
        return;
    confirmation->bound = audit->guaranteed.value;
    confirmation->is = CONFIRM_COSTS;
    if (audit->options->confirm == CONFIRM_CHEAP && audit->census.took_ms > CHEAP_MS)
        return;
    confirmation->is = ask(audit, confirmation->bound, &confirmation->at, strings);
    if (confirmation->is != CONFIRMED)
        return;
    if (confirmation->at > 0) {
        confirmation->is = CONFIRM_HIGHER;
        return;
    }
    confirmation->is = ask(audit, confirmation->bound - 1, &confirmation->below, strings);
    if (confirmation->is == CONFIRMED && confirmation->below == 0)
        confirmation->is = CONFIRM_LOWER;
}

const char *const confirmed_names[] = {
    [CONFIRMED] = "confirmed",   [CONFIRM_HIGHER] = "higher",   [CONFIRM_LOWER] = "lower",
    [CONFIRM_FAILED] = "failed", [CONFIRM_IGNORED] = "ignored", [CONFIRM_COSTS] = "costs",
};

void confirm_note(const struct audit *audit, struct lines *lines)
{
    const struct confirmation *confirmation = &audit->confirmation;
    uint64_t bound = confirmation->bound;

    switch (confirmation->is) {
    case NOT_CONFIRMED:
        break;
    case CONFIRMED:
        lines_add(lines,
                  "Confirmed by two runs: at %" PRIu64 " the arena retains nothing, at %" PRIu64
                  " it does.",
                  bound, bound - 1);
        break;
    case CONFIRM_HIGHER:
        lines_add(lines,
                  "Not confirmed: in a run at %" PRIu64 " the arena retained a block of %" PRIu64
                  " bytes. The runs differ.",
                  bound, confirmation->at);
        break;
    case CONFIRM_LOWER:
        lines_add(lines,
                  "Confirmed by a run at %" PRIu64 "; but at %" PRIu64
                  ", too, the arena retained nothing: less may do.",
                  bound, bound - 1);
        break;
    case CONFIRM_FAILED:
        lines_add(lines,
                  "Not confirmed: a run at %" PRIu64
                  " or a byte less did not end and report as the first did.",
                  bound);
        break;
    case CONFIRM_IGNORED:
        lines_add(lines,
                  "Not confirmed by a run at %" PRIu64 ": the program sets MIN_BYTES itself.",
                  bound);
        break;
    case CONFIRM_COSTS:
        lines_add(lines,
                  "Not confirmed: a run at %" PRIu64
                  " and one at a byte less take %.0f s each. --confirm makes them.",
                  bound, (double)audit->census.took_ms / 1000);
        break;
    }
}
