/*
 * zk_sweep.c - repro x profile x MIN_BYTES, the bounds, the tables.
 */
#include "sweep.h"

#include "environment.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Threads of many runs wait for each other, and those of a hang until it is proven: with one run for
 * each processor, a third of the processors' time is idle. */
enum { JOBS_PER_PROCESSOR = 2 };

/* The table of costs in the same folder as the others, if it exists. */
static const char *default_costs(const char *out)
{
    static char path[PATH_MAX];

    if (out == NULL)
        return NULL;
    snprintf(path, sizeof path, "%s/cost.tsv", out);
    return access(path, R_OK) == 0 ? path : NULL;
}

static int interrupted(void)
{
    fputs("zk-sweep: interrupted: nothing written\n", stderr);
    return 130;
}

/* Makes the plan's runs, writes the tables and prints the report; returns the exit status. */
static int sweep(const struct options *options, struct plan *plan,
                 const struct catalogue *catalogue, struct bound *bounds)
{
    const char *costs_path = options->costs != NULL ? options->costs : default_costs(options->out);
    struct costs *costs = costs_path != NULL ? costs_read(costs_path) : NULL;
    struct law_checks checks = {0};
    long recommended;
    size_t wrong;

    if (options->out != NULL)
        tables_check_replaced(options, plan, catalogue);
    if (!runner_run(plan, catalogue, options, NULL, NULL) ||
        (options->profiles[ROUTE] &&
         !(audited(plan, catalogue, options, bounds) && bisect(plan, catalogue, options, bounds) &&
           laws_check(plan, catalogue, options, &checks))))
        return interrupted();
    wrong = report_unexpected(plan, catalogue) + report_not_monotone(catalogue, bounds) +
            laws_report_missed(&checks, catalogue);
    if (options->out != NULL)
        tables_write(options, plan, catalogue, bounds, &checks, wrong);
    sites_name(bounds, catalogue->count);
    recommended = report_print(plan, catalogue, bounds);
    if (options->profiles[ROUTE]) {
        laws_print(catalogue, bounds, options->asked);
        laws_print_count(&checks);
    }
    if (costs != NULL)
        costs_print(costs, recommended);
    costs_free(costs);
    laws_free(&checks);
    return wrong > 0 ? 1 : 0;
}

/* --laws: checks only the laws; returns the exit status. */
static int sweep_laws(const struct options *options, struct plan *plan,
                      const struct catalogue *catalogue)
{
    struct law_checks checks = {0};
    size_t missed;

    if (options->out != NULL)
        tables_check_replaced(options, NULL, catalogue);
    if (!laws_check(plan, catalogue, options, &checks))
        return interrupted();
    missed = laws_report_missed(&checks, catalogue);
    if (options->out != NULL)
        tables_write_laws(catalogue, &checks);
    laws_print(catalogue, NULL, options->asked);
    laws_print_count(&checks);
    laws_free(&checks);
    return missed > 0 ? 1 : 0;
}

/* Everything but --merge; returns the exit status. */
static int run(const struct options *options)
{
    struct plan plan = {0};
    struct catalogue catalogue = catalogue_read(options);
    struct bound *bounds = need(calloc(catalogue.count, sizeof *bounds));
    int status = 0;

    if (options->shards > catalogue.count)
        die(2,
            "--shard %u/%u: there are %zu repros, and a part needs at least one: want N up to %zu",
            options->shard, options->shards, catalogue.count, catalogue.count);
    if (options->asked != NULL)
        values_check_asked(&catalogue, options->asked);
    if (!options->laws)
        plan_grid(&plan, &catalogue, options);
    if (options->list)
        plan_list(&plan, &catalogue);
    else if (options->laws)
        status = sweep_laws(options, &plan, &catalogue);
    else
        status = sweep(options, &plan, &catalogue, bounds);
    plan_free(&plan);
    for (size_t i = 0; i < catalogue.count; i++)
        free(bounds[i].report);
    catalogue_free(&catalogue);
    free(bounds);
    return status;
}

int main(int argc, char **argv)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned processors = online < 1 ? 1 : (unsigned)online;
    struct options options = {
        .profiles = {true, true, true, true, true, true},
        .jobs = JOBS_PER_PROCESSOR * processors,
        .traps = processors,
        .shard = 1,
        .shards = 1,
    };
    int status;

    streams_check();
    options_parse(&options, argc, argv);
    if (!options.keep_environment)
        environment_clear(ENVIRONMENT_OF_SWEEP, "zk-sweep");
    if (options.out != NULL && !options.list)
        folder_open(options.out);
    status = options.merge ? merge(options.rest, options.rest_count) : run(&options);
    free(options.thresholds);
    return status;
}
