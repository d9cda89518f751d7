/*
 * table.c - the answer for machines: one table on stdout, the bounds first.
 */
#include "audit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void print_text(const char *text, char after)
{
    printf("%s%c", text, after);
}

static void print_number(uint64_t number, char after)
{
    if (number == UNKNOWN)
        print_text(not_known, after);
    else
        printf("%" PRIu64 "%c", number, after);
}

static void print_place(const struct place *place)
{
    print_text(place->module, '\t');
    print_text(place->symbol, '\t');
    print_text(place->file, '\t');
    print_number(place->line, '\t');
}

/* A bound's row: its value is in the column for a size, its name in the one for a symbol. */
static void print_bound(const char *value, const char *name, enum exactness is)
{
    printf("bound\t%s\tNA\tNA\tNA\tNA\tNA\tNA\t%s", value, name);
    for (int i = 0; i < 10; i++)
        fputs("\tNA", stdout);
    printf("\t%s\tNA\n", exactness_names[is]);
}

static void print_numeric_bound(struct bound bound, const char *name)
{
    char text[32] = "NA";

    if (bound.value != UNKNOWN)
        snprintf(text, sizeof text, "%" PRIu64, bound.value);
    print_bound(text, name, bound.is);
}

static void print_finding(const struct finding *finding)
{
    print_text(kind_names[finding->kind], '\t');
    print_number(finding->size, '\t');
    print_number(finding->count, '\t');
    print_number(finding->threads, '\t');
    print_number(finding->bytes, '\t');
    print_number(finding->phase_first, '\t');
    print_number(finding->phase_last, '\t');
    print_place(&finding->made);
    print_text(finding->access, '\t');
    print_place(&finding->accessed);
    print_text(finding->site, '\t');
    print_number(uses_stacks((const struct finding *const[]){finding}, 1), '\t');
    print_text(finding->access_site, '\t');
    print_text(not_known, '\t');
    print_number(finding->asked, '\n');
}

void table_print(const struct audit *audit)
{
    struct findings joined =
        findings_join(&audit->census.report.findings, &audit->trap.report.findings);

    puts("kind\tsize\tcount\tthreads\tbytes\tphase_first\tphase_last\tmodule\tsymbol\tfile\tline\t"
         "access\taccess_module\taccess_symbol\taccess_file\taccess_line\tsite\tstacks\taccess_"
         "site\texactness\tasked");
    print_bound(verdict_names[audit->verdict], "verdict", NOTHING);
    print_numeric_bound(
        (struct bound){audit->min_bytes, audit->min_bytes == UNKNOWN ? NOTHING : EXACT},
        "min_bytes");
    print_numeric_bound(audit->guaranteed, "guaranteed");
    print_numeric_bound(audit->touched, "touched");
    for (size_t i = 0; i < joined.count; i++)
        print_finding(&joined.at[i]);
    free(joined.at);
    if (fflush(stdout) != 0)
        die(3, "stdout: %s: the table is not complete", strerror(errno));
}
