/*
 * print.c - the outcome: three lines for people, one record for machines.
 */
#include "run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *signal_word(int signal)
{
    const char *word = sigabbrev_np(signal);

    return word != NULL ? word : "?";
}

/* Where a fault was, worded so that it is the same in every run. */
static const char *address_kind(const struct report *report, uint64_t filler)
{
    if (report->signal != SIGSEGV && report->signal != SIGBUS)
        return "";
    if (!report->address_known)
        return " at a non-canonical address";
    if (report->address < 65536)
        return " near address 0";
    if (report->address >> 32 == filler >> 32 || (report->address ^ filler) >> 40 == 0)
        return " at an address made of filler";
    return " at an unmapped address";
}

/* "one run of 17 bytes per boundary", or whatever else the damaged runs have in common. */
static void describe_extents(const struct report *report, char *text, size_t room)
{
    bool same = report->extent_count <= RUN_EXTENTS_MAX;
    size_t shown = same ? report->extent_count : RUN_EXTENTS_MAX;
    size_t cycles = report->corrupt_cycles > 0 ? report->corrupt_cycles : 1;
    size_t per_cycle = report->extent_count / cycles;

    for (size_t i = 1; i < shown; i++)
        same = same && report->extents[i].bytes == report->extents[0].bytes;
    if (same && per_cycle * cycles == report->extent_count)
        snprintf(text, room, "%zu run%s of %zu bytes per boundary", per_cycle,
                 per_cycle == 1 ? "" : "s", report->extents[0].bytes);
    else if (report->corrupt_bytes % cycles == 0)
        snprintf(text, room, "%zu runs, %zu bytes per boundary", per_cycle,
                 report->corrupt_bytes / cycles);
    else
        snprintf(text, room, "%zu runs, %zu bytes", report->extent_count, report->corrupt_bytes);
}

/* The last column of the record: one clause, the same in every run. */
static void detail(const struct repro_run *run, enum repro_outcome outcome, char *text, size_t room)
{
    const struct report *report = run->report;
    char extents[RUN_TEXT_MAX] = "";

    if (report->extent_count > 0)
        describe_extents(report, extents, sizeof extents);
    switch (outcome) {
    case REPRO_CRASH:
        snprintf(text, room, "SIG%s%s", signal_word(report->signal),
                 address_kind(report, run->word));
        break;
    case REPRO_HANG:
        snprintf(text, room, "no progress within the time limit");
        break;
    case REPRO_REFUSED:
    case REPRO_SKIP:
        snprintf(text, room, "%s", report->reason);
        break;
    case REPRO_STALE:
        snprintf(text, room, "the largest block touched has %zu bytes", report->touched_max);
        break;
    case REPRO_CORRUPT:
        snprintf(text, room, "%s%s%s", report->wrong,
                 report->wrong[0] != '\0' && extents[0] != '\0' ? ": " : "", extents);
        break;
    default:
        snprintf(text, room, "%s", report->note[0] != '\0' ? report->note : "NA");
        break;
    }
}

static const char *min_bytes_text(const struct settings *settings, char *text, size_t room)
{
    size_t min_bytes = profile_min_bytes(settings);

    if (min_bytes == SIZE_MAX)
        snprintf(text, room, "NA");
    else
        snprintf(text, room, "%zu", min_bytes);
    return text;
}

static const char *colour(enum repro_outcome outcome)
{
    static const char *const none = "";

    if (!isatty(STDOUT_FILENO) || getenv("NO_COLOR") != NULL)
        return none;
    switch (outcome) {
    case REPRO_CLEAN:
    case REPRO_REFUSED:
        return "\033[32m";
    case REPRO_LATENT:
    case REPRO_SKIP:
        return "\033[33m";
    default:
        return "\033[31m";
    }
}

/* The second of the three lines for people: what was seen. */
static void print_finding(const struct repro_run *run, enum repro_outcome outcome)
{
    const struct report *report = run->report;
    char text[3 * RUN_TEXT_MAX];

    detail(run, outcome, text, sizeof text);
    switch (outcome) {
    case REPRO_CLEAN:
        printf("  nothing of an earlier phase lay in recycled memory, nothing was wrong%s%s\n",
               report->note[0] != '\0' ? "; " : "", report->note);
        break;
    case REPRO_LATENT:
        printf("  %llu block%s of an earlier phase lay in recycled memory",
               (unsigned long long)report->retained_count, report->retained_count == 1 ? "" : "s");
        if (report->retained_known)
            printf(", the largest of %zu bytes", report->retained_max);
        printf("; no harm seen: unsafe by luck\n");
        break;
    case REPRO_CORRUPT:
        printf("  %s", text);
        if (report->extent_count > 0)
            printf(", the first at offset %zu", report->extents[0].offset);
        putchar('\n');
        break;
    case REPRO_CRASH:
        printf("  %s", text);
        if (report->address_known)
            printf(" (0x%llx)", (unsigned long long)report->address);
        printf(", in cycle %u\n", report->cycles);
        break;
    case REPRO_HANG:
        if (report->proven)
            printf("  proven: %s; in cycle %u\n",
                   report->endless_why != NULL ? report->endless_why
                                               : "every thread waits for another",
                   report->cycles);
        else
            printf("  no progress for %u ms, in cycle %u\n", run->settings.limit_ms,
                   report->cycles);
        break;
    default:
        printf("  %s\n", text);
        break;
    }
}

static void print_rerun(const struct repro_run *run)
{
    const struct settings *settings = &run->settings;

    printf("  rerun: %s --profile %s", program_invocation_name, profile_name(settings->profile));
    if (settings->min_bytes_given && settings->profile != REPRO_SYSTEM)
        printf(" --min-bytes %zu", settings->min_bytes);
    printf(" --cycles %u", settings->cycles);
    if (settings->threads != default_threads())
        printf(" --threads %u", settings->threads);
    if (!settings->filler && settings->audit == ZK_AUDIT_OFF)
        printf(" --filler off");
    if (settings->audit != ZK_AUDIT_OFF)
        printf(" --audit %s", settings->audit == ZK_AUDIT_TRAP ? "trap" : "census");
    for (unsigned i = 0; i < settings->switch_count; i++)
        printf(" --switch %s", settings->switches[i]);
    for (size_t i = 0; repro.options != NULL && repro.options[i].name != NULL; i++) {
        const struct repro_option *own = &repro.options[i];

        if (settings->options[i] == own->initial)
            continue;
        if (own->words != NULL)
            printf(" --%s %s", own->name, own->words[settings->options[i]]);
        else if (option_is_flag(own))
            printf(" --%s", own->name);
        else
            printf(" --%s %lu", own->name, settings->options[i]);
    }
    printf(" (debug: --no-fork; why: --explain)\n");
}

void print_human(const struct repro_run *run, enum repro_outcome outcome, bool verbose)
{
    const struct report *report = run->report;
    const char *start = colour(outcome);
    char min_bytes[32];

    min_bytes_text(&run->settings, min_bytes, sizeof min_bytes);
    printf("%s: %s%s%s", repro.slug, start, outcome_name(outcome), *start != '\0' ? "\033[0m" : "");
    if (outcome == REPRO_CORRUPT)
        printf(" in %u of %u cycles", report->corrupt_cycles, report->cycles);
    else if (outcome == REPRO_CLEAN || outcome == REPRO_LATENT)
        printf(" in %u cycles", report->cycles);
    printf(", profile %s, MIN_BYTES %s\n", profile_name(run->settings.profile), min_bytes);
    print_finding(run, outcome);
    print_rerun(run);
    for (size_t i = 0; verbose && i < report->extent_count && i < RUN_EXTENTS_MAX; i++)
        printf("  cycle %u: %zu bytes at offset %zu\n", report->extents[i].cycle,
               report->extents[i].bytes, report->extents[i].offset);
}

void print_record(const struct repro_run *run, enum repro_outcome outcome)
{
    const struct report *report = run->report;
    char min_bytes[32];
    char text[3 * RUN_TEXT_MAX];

    detail(run, outcome, text, sizeof text);
    printf("%s\t%s\t%s\t%s\t%u\t%u\t", repro.slug, profile_name(run->settings.profile),
           min_bytes_text(&run->settings, min_bytes, sizeof min_bytes), outcome_name(outcome),
           report->cycles, report->corrupt_cycles);
    if (report->extent_count > 0)
        printf("%zu\t%zu", report->extents[0].offset, report->corrupt_bytes);
    else
        printf("NA\t%zu", report->corrupt_bytes);
    printf("\t%llu\t", (unsigned long long)report->retained_count);
    if (report->retained_known && report->retained_count > 0)
        printf("%zu\t%s\n", report->retained_max, text);
    else
        printf("NA\t%s\n", text);
}

void print_explanation(void)
{
    char text[64];

    printf("%s (%s): %s\n\n%s\n", repro.slug, repro.id, repro.title, repro.explain);
    printf("Expected:");
    for (int i = 0; i < REPRO_PROFILES; i++)
        printf(" %s %s%s", profile_name((enum repro_profile)i),
               outcomes_text(outcomes_declared((enum repro_profile)i), text, sizeof text),
               i + 1 < REPRO_PROFILES ? ";" : ".\n");
}

static void print_options(void)
{
    printf("threads\t%u\n", default_threads());
    for (size_t i = 0; repro.options != NULL && repro.options[i].name != NULL; i++) {
        const struct repro_option *own = &repro.options[i];

        printf("option\t%s\t%s\t%lu\t%lu\t%lu\t", own->name,
               own->counts != NULL ? own->counts : own->name, own->initial, own->least, own->most);
        for (size_t w = 0; own->words != NULL && own->words[w] != NULL; w++)
            printf("%s%s", w == 0 ? "" : ",", own->words[w]);
        puts(own->words != NULL ? "" : "-");
    }
}

static void print_laws(void)
{
    for (const struct repro_law *law = repro.law; law != NULL; law = law->next) {
        printf("law\t%s\t%s\t%s\n", law->formula, law->arguments != NULL ? law->arguments : "-",
               law->source);
        for (size_t i = 0; law->at[i] != NULL; i++)
            printf("law_at\t%s\n", *law->at[i] != '\0' ? law->at[i] : "-");
    }
}

/* The descriptor as text, for zk-sweep and findings.sh: on each line a key, a tab, and the key's
 * fields. */
void print_description(void)
{
    const unsigned harm = REPRO_STALE | REPRO_CORRUPT | REPRO_CRASH | REPRO_HANG;
    char text[64];

    printf(
        "id\t%s\nslug\t%s\nclass\t%s\ntitle\t%s\nseed\t%s\nseverity\t%s\nclaim\t%s\ncycles\t%u\n",
        repro.id, repro.slug, repro.class, repro.title, repro.seed, repro.severity,
        repro.claim != NULL ? repro.claim : "NA", default_cycles());
    if (repro.at_length != NULL)
        printf("at_length\t%s\n", repro.at_length);
    for (int i = 0; i < REPRO_PROFILES; i++)
        printf("expect\t%s\t%s\n", profile_name((enum repro_profile)i),
               outcomes_text(outcomes_declared((enum repro_profile)i), text, sizeof text));
    print_options();
    print_laws();
    for (size_t v = 0; repro.variants != NULL && repro.variants[v].arguments != NULL; v++)
        for (int i = 0; i < REPRO_PROFILES; i++)
            printf("variant\t%s\t%s\t%s\n", repro.variants[v].arguments,
                   profile_name((enum repro_profile)i),
                   outcomes_text(repro.variants[v].expect[i], text, sizeof text));
    for (size_t i = 0; repro.findings != NULL && repro.findings[i].id != NULL; i++) {
        const struct repro_finding *finding = &repro.findings[i];

        printf("finding\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", finding->id, finding->category,
               finding->description, finding->severity, finding->fix_status,
               profile_name(finding->shown_in),
               outcomes_text(finding->shown_by != 0 ? finding->shown_by : harm, text, sizeof text),
               finding->arguments != NULL ? finding->arguments : "-");
    }
}
