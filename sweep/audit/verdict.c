/*
 * verdict.c - the bounds, whether the present MIN_BYTES is above them, and what raising it costs.
 */
#include "audit.h"

const char *const verdict_names[] = {"safe", "unsafe", "none"};

bool audit_reported(const struct audit *audit)
{
    return run_reported(&audit->census) || run_reported(&audit->trap);
}

static const struct report *basis(const struct audit *audit)
{
    return run_reported(&audit->census) ? &audit->census.report : &audit->trap.report;
}

/* The census tells of the program as it is. A trap run has a MIN_BYTES of 0 that is ours, unless the
 * program sets its own. */
static uint64_t present_min_bytes(const struct audit *audit)
{
    uint64_t reported = basis(audit)->min_bytes;

    if (!audit_reported(audit))
        return UNKNOWN;
    if (reported != UNKNOWN && (run_reported(&audit->census) || reported != 0))
        return reported;
    return audit->options->assumed;
}

/* One more than the largest block of that kind. */
static uint64_t bound(const struct run *run, enum kind kind)
{
    uint64_t above = 0;

    if (!run_reported(run))
        return UNKNOWN;
    for (size_t i = 0; i < run->report.findings.count; i++)
        if (run->report.findings.at[i].kind == kind && run->report.findings.at[i].size != UNKNOWN)
            above = most(above, run->report.findings.at[i].size + 1);
    return above;
}

/* Does a block of at least MIN_BYTES lie below the bound? */
static bool exceeds(uint64_t above, uint64_t min_bytes)
{
    return above != UNKNOWN && above > min_bytes;
}

void audit_judge(struct audit *audit)
{
    const struct report *report = basis(audit);

    audit->min_bytes = present_min_bytes(audit);
    audit->guaranteed = bound(&audit->census, RETAINED);
    audit->touched = bound(&audit->trap, TOUCHED);
    audit->verdict = SAFE;
    if (!audit_reported(audit) || report->silent > 0 || report->running > 0)
        audit->verdict = NO_VERDICT; /* what is missing might be unsafe */
    if (audit_reported(audit) &&
        (exceeds(audit->guaranteed, audit->min_bytes) || exceeds(audit->touched, audit->min_bytes)))
        audit->verdict = UNSAFE;
}

uint64_t audit_advice(const struct audit *audit)
{
    return audit->verdict == UNSAFE ? most(audit->guaranteed, audit->touched) : 0;
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
