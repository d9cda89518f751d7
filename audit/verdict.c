/*
 * verdict.c - the bounds, whether the present MIN_BYTES is above them, and what raising it costs.
 */
#include "audit.h"

const char *const verdict_names[] = {"safe", "unsafe", "none"};
const char *const exactness_names[] = {"NA", "exact", "at_least", "at_most"};

bool audit_reported(const struct audit *audit)
{
    return run_reported(&audit->census) || run_reported(&audit->trap);
}

bool audit_watched(const struct audit *audit, const struct group *group)
{
    return run_reported(&audit->trap) && group->asked_most >= audit->trap.report.min_bytes_most;
}

static const struct run *basis_run(const struct audit *audit)
{
    return run_reported(&audit->census) ? &audit->census : &audit->trap;
}

static const struct report *basis(const struct audit *audit)
{
    return &basis_run(audit)->report;
}

/* The present MIN_BYTES, as the census reports it. So does a trap run, unless --watch replaced
 * it. */
static uint64_t present_min_bytes(const struct audit *audit)
{
    uint64_t reported = basis(audit)->min_bytes;

    if (!audit_reported(audit))
        return UNKNOWN;
    if (reported != UNKNOWN && (run_reported(&audit->census) || reported != audit->options->watch))
        return reported;
    return audit->options->assumed;
}

uint64_t run_above(const struct run *run, enum kind kind)
{
    uint64_t above = 0;

    for (size_t i = 0; i < run->report.findings.count; i++)
        if (run->report.findings.at[i].kind == kind && run->report.findings.at[i].size != UNKNOWN)
            above = most(above, run->report.findings.at[i].asked + 1);
    return above;
}

/* Did every process report, and count all that it found? */
static bool is_whole(const struct run *run)
{
    return run_reported(run) && run->report.silent == 0 && run->report.running == 0 &&
           run->report.lost == 0;
}

static struct bound bound_of(uint64_t value, bool exact)
{
    if (exact)
        return (struct bound){value, EXACT};
    if (value > 0)
        return (struct bound){value, AT_LEAST};
    return (struct bound){UNKNOWN, NOTHING};
}

static struct bound guaranteed_bound(const struct audit *audit)
{
    if (!run_reported(&audit->census))
        return (struct bound){UNKNOWN, NOTHING};
    if (audit->confirmation.is == CONFIRM_HIGHER)
        return bound_of(audit->confirmation.above, false);
    return bound_of(run_above(&audit->census, RETAINED), is_whole(&audit->census));
}

/* Blocks below the trap's MIN_BYTES were not watched. If no larger block was touched, one of these
 * may have been; but no touched block is larger than the largest retained one. */
static struct bound touched_bound(const struct audit *audit)
{
    const struct report *report = &audit->trap.report;
    uint64_t above;
    uint64_t watched_from;

    if (!run_reported(&audit->trap))
        return (struct bound){UNKNOWN, NOTHING};
    above = run_above(&audit->trap, TOUCHED);
    if (!is_whole(&audit->trap) || report_looked_away(report))
        return bound_of(above, false);
    watched_from = report->min_bytes == UNKNOWN ? 0 : report->min_bytes_most;
    if (audit->guaranteed.is == EXACT)
        watched_from = least(watched_from, audit->guaranteed.value);
    if (above > 0 || watched_from == 0)
        return (struct bound){above, EXACT};
    return (struct bound){watched_from, AT_MOST};
}

/* Was a block of at least MIN_BYTES seen? */
static bool exceeds(struct bound bound, uint64_t min_bytes)
{
    return (bound.is == EXACT || bound.is == AT_LEAST) && bound.value > min_bytes;
}

static enum lack lack_of(const struct audit *audit)
{
    const struct run *run = basis_run(audit);

    if (run->report.silent > 0 || run->report.running > 0)
        return LACKS_REPORTS;
    if (run->report.lost > 0)
        return LACKS_MEMORY;
    if (run->report.allocations == 0 && run->report.findings.count == 0)
        return LACKS_ALLOCATIONS;
    if (!run_reported(&audit->census) && report_looked_away(&run->report))
        return LACKS_SIGHT;
    if (audit->census.report.unsized && audit->options->min_bytes == UNKNOWN)
        return LACKS_REPORTS; /* the program's MIN_BYTES was not reported */
    return LACKS_NOTHING;
}

void audit_judge(struct audit *audit)
{
    audit->min_bytes = present_min_bytes(audit);
    audit->guaranteed = guaranteed_bound(audit);
    audit->touched = touched_bound(audit);
    audit->lack = audit_reported(audit) ? lack_of(audit) : LACKS_REPORTS;
    if (audit->lack == LACKS_ALLOCATIONS)
        audit->guaranteed = audit->touched = (struct bound){UNKNOWN, NOTHING};
    audit->verdict =
        audit->lack == LACKS_NOTHING ? SAFE : NO_VERDICT; /* what is missing might be unsafe */
    audit->discarded = run_reported(&audit->trap) ? run_above(&audit->trap, DISCARDED) : 0;
    if (audit_reported(audit) &&
        (exceeds(audit->guaranteed, audit->min_bytes) ||
         exceeds(audit->touched, audit->min_bytes) || audit->discarded > audit->min_bytes))
        audit->verdict = UNSAFE;
}

uint64_t audit_advice(const struct audit *audit)
{
    if (audit->verdict != UNSAFE)
        return 0;
    if (audit->touched.is == AT_MOST)
        return most(audit->guaranteed.value, audit->discarded);
    return most(most(audit->guaranteed.value, audit->touched.value), audit->discarded);
}

struct cost audit_cost(const struct audit *audit, uint64_t min_bytes)
{
    const struct report *report = basis(audit);
    struct cost cost = {.phases = report->phases};

    for (size_t i = 0; i < report->size_count; i++) {
        const struct size_range *range = &report->sizes[i];

        if (range->to < audit->min_bytes)
            continue;
        cost.of_bytes += range->bytes;
        if (range->from >= min_bytes)
            continue;
        cost.bytes += range->bytes;
        cost.at_most = cost.at_most || range->to >= min_bytes || range->from < audit->min_bytes;
    }
    return cost;
}
