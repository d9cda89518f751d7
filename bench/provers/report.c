/*
 * report.c - the results of a run: a few lines for people, and a file of keys and values.
 *
 * The first proof is reported separately: it faults in the pages and warms the caches. The figures
 * are medians over the others.
 */
#include "report.h"

#include "failure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A figure of one proof. */
typedef double figure(const struct phase_sample *sample, unsigned which);

static double time_ms(const struct phase_sample *sample, unsigned which)
{
    (void)which;
    return (double)sample->time_ns / 1e6;
}

static double bytes_asked(const struct phase_sample *sample, unsigned which)
{
    (void)which;
    return (double)sample->bytes;
}

static double blocks_asked(const struct phase_sample *sample, unsigned which)
{
    (void)which;
    return (double)sample->blocks;
}

static double count_of(const struct phase_sample *sample, unsigned which)
{
    return (double)sample->counters.of[which];
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return (left > right) - (left < right);
}

/* A quantile of a figure over the warm proofs, interpolated between neighbours; the first proof's
 * figure if there is no warm one. */
static double quantile(const struct report *report, double fraction, figure *of, unsigned which)
{
    unsigned skipped = report->command->options.iterations > 1;
    unsigned count = report->command->options.iterations - skipped;
    double *values = workload_alloc(count * sizeof *values);
    double place = fraction * (count - 1);
    unsigned below = (unsigned)place;
    double value;

    for (unsigned i = 0; i < count; i++)
        values[i] = of(&report->samples[i + skipped], which);
    qsort(values, count, sizeof *values, compare);
    value = values[below];
    if (below + 1 < count)
        value += (place - below) * (values[below + 1] - value);
    free(values);
    return value;
}

static double median(const struct report *report, figure *of, unsigned which)
{
    return quantile(report, 0.5, of, which);
}

/* The mean over the warm proofs, or the first one's figure: for figures that are too coarse for a
 * single proof. */
static double mean(const struct report *report, figure *of, unsigned which)
{
    unsigned skipped = report->command->options.iterations > 1;
    unsigned count = report->command->options.iterations - skipped;
    double sum = 0;

    for (unsigned i = 0; i < count; i++)
        sum += of(&report->samples[i + skipped], which);
    return sum / count;
}

unsigned report_verified(const struct report *report)
{
    unsigned count = 0;

    for (unsigned i = 0; i < report->command->options.iterations; i++)
        count += report->verified[i];
    return count;
}

static void print_wrong(const struct report *report)
{
    const struct tamper *tamper = &report->tamper;
    const char *name = report->workload->name;

    for (unsigned i = 0; i < report->command->options.iterations; i++)
        if (!report->verified[i])
            fprintf(stderr, "%s: proof %u does not verify\n", name, i + 1);
    if (tamper->rejected != tamper->tried)
        fprintf(stderr, "%s: a tampered proof is accepted: %s\n", name, tamper->accepted);
    if (!tamper->untouched)
        fprintf(stderr, "%s: a proof that verified does not verify again\n", name);
}

static void print_counters(const struct report *report)
{
    static const char *const names[COUNTER_EVENTS] = {"page faults", "context switches", "cycles",
                                                      "instructions", "dTLB misses"};
    char absent[80] = "";

    printf("  a proof:");
    for (unsigned i = 0; i < COUNTER_EVENTS; i++) {
        if (counters_have(i))
            printf("%s %.0f %s", i == 0 ? "" : ",", median(report, count_of, i), names[i]);
        else
            snprintf(absent + strlen(absent), sizeof absent - strlen(absent), "%s%s",
                     absent[0] == '\0' ? "" : ", ", names[i]);
    }
    if (absent[0] != '\0')
        printf("; not counted on this machine: %s", absent);
    putchar('\n');
}

void report_print(const struct report *report)
{
    const double mib = 1 << 20;
    unsigned iterations = report->command->options.iterations;

    printf("%s: %u of %u proofs verified, %u of %u tampered ones rejected\n",
           report->workload->name, report_verified(report), iterations, report->tamper.rejected,
           report->tamper.tried);
    printf("  ");
    if (iterations > 1)
        printf("%.1f ms a proof (%.1f to %.1f), ", median(report, time_ms, 0),
               quantile(report, 0.25, time_ms, 0), quantile(report, 0.75, time_ms, 0));
    printf("the first %.1f ms; %.1f MiB in %.0f blocks; peak %.1f MiB resident%s\n",
           time_ms(&report->samples[0], 0), median(report, bytes_asked, 0) / mib,
           median(report, blocks_asked, 0), (double)report->peak_bytes / mib,
           phase_is_on() ? "" : "; no phases");
    print_counters(report);
    print_wrong(report);
}

static void write_counters(const struct report *report, FILE *file)
{
    static const char *const keys[COUNTER_EVENTS] = {"page_faults", "context_switches", "cycles",
                                                     "instructions", "dtlb_misses"};

    for (unsigned i = 0; i < COUNTER_EVENTS; i++) {
        if (counters_have(i))
            fprintf(file, "%s\t%.0f\n", keys[i], median(report, count_of, i));
        else
            fprintf(file, "%s\tNA\n", keys[i]);
    }
    fprintf(file, "system_ms\t%.3f\n", mean(report, count_of, COUNTER_SYSTEM_US) / 1000);
    if (counters_have(COUNTER_COPIED_BYTES))
        fprintf(file, "copied_bytes\t%.0f\n", median(report, count_of, COUNTER_COPIED_BYTES));
    else
        fputs("copied_bytes\tNA\n", file);
}

static void write_times(const struct report *report, FILE *file)
{
    fprintf(file, "first_ms\t%.3f\n", time_ms(&report->samples[0], 0));
    if (report->command->options.iterations == 1)
        fputs("warm_ms\tNA\nwarm_ms_low\tNA\nwarm_ms_high\tNA\n", file);
    else
        fprintf(file, "warm_ms\t%.3f\nwarm_ms_low\t%.3f\nwarm_ms_high\t%.3f\n",
                median(report, time_ms, 0), quantile(report, 0.25, time_ms, 0),
                quantile(report, 0.75, time_ms, 0));
}

static void write_all(const struct report *report, FILE *file)
{
    const struct workload_options *options = &report->command->options;

    fprintf(file, "name\t%s\niterations\t%u\nlog_size\t%u\nthreads\t%u\nspans\t%u\nseed\t%llu\n",
            report->workload->name, options->iterations, options->log_size, options->threads,
            options->spans, (unsigned long long)options->seed);
    fprintf(file, "phases\t%s\nproofs_verified\t%u\ntampered\t%u\ntampered_rejected\t%u\n",
            phase_is_on() ? "on" : "off", report_verified(report), report->tamper.tried,
            report->tamper.rejected);
    write_times(report, file);
    fprintf(file, "phase_bytes\t%.0f\nphase_count\t%.0f\npeak_rss_bytes\t%llu\n",
            median(report, bytes_asked, 0), median(report, blocks_asked, 0),
            (unsigned long long)report->peak_bytes);
    write_counters(report, file);
}

static FILE *open_temporary(const char *temporary, const char *path)
{
    FILE *file = fopen(temporary, "wex");

    if (file != NULL)
        return file;
    failure(2, "--report %s: %s: want a file in a directory that can be written to", path,
            strerror(errno));
}

void report_write(const struct report *report, const char *path)
{
    size_t bytes = strlen(path) + 32;
    char *temporary = workload_alloc(bytes);
    bool written;
    FILE *file;

    snprintf(temporary, bytes, "%s.%ld.tmp", path, (long)getpid());
    file = open_temporary(temporary, path);
    write_all(report, file);
    written = fflush(file) == 0 && ferror(file) == 0;
    if (fclose(file) == 0 && written && rename(temporary, path) == 0) {
        free(temporary);
        return;
    }
    unlink(temporary);
    failure(2, "--report %s: not written: want a file, and room for it", path);
}
