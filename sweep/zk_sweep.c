/*
 * zk_sweep.c - the command line of zk-sweep: repro x profile x MIN_BYTES, the bounds, the tables.
 */
#include "sweep.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum option_code {
    OPTION_JOBS = 256,
    OPTION_TIMEOUT,
    OPTION_ONLY,
    OPTION_PROFILE,
    OPTION_MIN_BYTES,
    OPTION_LIST,
    OPTION_OUT,
    OPTION_COSTS,
    OPTION_LAWS,
    OPTION_FOR,
    OPTION_SHARD,
    OPTION_MERGE,
    OPTION_REPRO_DIR,
    OPTION_HELP,
};

static char default_thresholds[] =
    "0 64 128 192 256 512 1024 1520 1521 2048 4096 4097 6144 8192 16384";

static void print_help(void)
{
    puts("usage: zk-sweep [options]\n"
         "       zk-sweep --out DIR --merge DIR...\n"
         "Runs every repro in every profile and at every MIN_BYTES, each run in its own process, "
         "finds the\n"
         "smallest MIN_BYTES without harm to the byte, and prints the table and the "
         "recommendation.\n\n"
         "  --only GLOB        repros whose name matches\n"
         "  --profile LIST     of none, flush, route, seed, pinned, system\n"
         "  --min-bytes LIST   thresholds to run, such as 0,1520,1521,4K\n"
         "  --jobs N           runs at once (default: processors online)\n"
         "  --timeout MS       without progress for so long, a run hangs (default: the repro's "
         "own)\n"
         "  --out DIR          write sweep.tsv, thresholds.tsv, matrix.tsv and laws.tsv there\n"
         "  --costs FILE       what a MIN_BYTES costs, as make bench wrote it (default: cost.tsv "
         "in --out)\n"
         "  --for LIST         what the laws give there, such as threads=64,spans=200\n"
         "  --laws             only hold the laws against what is measured, each at all its "
         "values and in full\n"
         "  --shard I/N        only the I-th of N parts (from 1 on), for N machines\n"
         "  --merge DIR...     make one set of tables of those of all shards\n"
         "  --list             print the runs, and run nothing\n"
         "  --repro-dir DIR    where the repro programs are (default: ../repro beside this "
         "program)\n\n"
         "Exit status: 0 all as the repros declare, 1 an outcome is not, 2 usage, 3 a run failed,\n"
         "130 interrupted (nothing is written).");
}

static unsigned parse_count(const char *what, const char *text, unsigned long most)
{
    unsigned long number;

    if (!parse_number(text, &number) || number == 0 || number > most)
        die(2, "%s %s: want a number from 1 to %lu", what, text, most);
    return (unsigned)number;
}

static long parse_threshold(const char *text)
{
    char *end;
    unsigned shift = 0;
    unsigned long number;

    errno = 0;
    number = strtoul(text, &end, 10);
    if (isdigit((unsigned char)*text) && *end != '\0' && strchr("kKmMgG", *end) != NULL) {
        shift = *end == 'k' || *end == 'K' ? 10 : *end == 'm' || *end == 'M' ? 20 : 30;
        end++;
    }
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 ||
        number > (unsigned long)LONG_MAX >> shift)
        die(2, "--min-bytes %s: want bytes, such as 0,1520,4K", text);
    return (long)(number << shift);
}

static int ascending(const void *a, const void *b)
{
    long left = *(const long *)a;
    long right = *(const long *)b;

    return (left > right) - (left < right);
}

static void parse_thresholds(struct options *options, char *text)
{
    char *save;

    free(options->thresholds); /* the last one given counts */
    options->thresholds = NULL;
    options->threshold_count = 0;
    for (char *word = strtok_r(text, ", ", &save); word != NULL;
         word = strtok_r(NULL, ", ", &save)) {
        options->thresholds =
            need(reallocarray(options->thresholds, options->threshold_count + 1, sizeof(long)));
        options->thresholds[options->threshold_count++] = parse_threshold(word);
    }
    if (options->threshold_count == 0)
        die(2, "--min-bytes: empty: want bytes, such as 0,1520,4K");
    qsort(options->thresholds, options->threshold_count, sizeof(long), ascending);
}

static void parse_profiles(struct options *options, char *text)
{
    char *save;

    memset(options->profiles, 0, sizeof options->profiles);
    options->profile_given = true;
    for (char *word = strtok_r(text, ", ", &save); word != NULL;
         word = strtok_r(NULL, ", ", &save)) {
        int i = 0;

        while (i < PROFILES && strcmp(word, profile_names[i]) != 0)
            i++;
        if (i == PROFILES)
            die(2, "--profile %s: want none, flush, route, seed, pinned or system", word);
        options->profiles[i] = true;
    }
}

static void parse_shard(struct options *options, const char *text)
{
    int length = 0;

    if (sscanf(text, "%u/%u%n", &options->shard, &options->shards, &length) != 2 ||
        text[length] != '\0' || options->shard < 1 || options->shard > options->shards)
        die(2, "--shard %s: want I/N, such as 1/4", text);
}

/* Returns whether --merge was given. */
static bool parse(struct options *options, int argc, char **argv)
{
    static const struct option names[] = {
        {"jobs", required_argument, NULL, OPTION_JOBS},
        {"timeout", required_argument, NULL, OPTION_TIMEOUT},
        {"only", required_argument, NULL, OPTION_ONLY},
        {"profile", required_argument, NULL, OPTION_PROFILE},
        {"min-bytes", required_argument, NULL, OPTION_MIN_BYTES},
        {"list", no_argument, NULL, OPTION_LIST},
        {"out", required_argument, NULL, OPTION_OUT},
        {"costs", required_argument, NULL, OPTION_COSTS},
        {"laws", no_argument, NULL, OPTION_LAWS},
        {"for", required_argument, NULL, OPTION_FOR},
        {"shard", required_argument, NULL, OPTION_SHARD},
        {"merge", no_argument, NULL, OPTION_MERGE},
        {"repro-dir", required_argument, NULL, OPTION_REPRO_DIR},
        {"help", no_argument, NULL, OPTION_HELP},
        {0},
    };
    bool merge = false;
    int code;

    while ((code = getopt_long(argc, argv, "", names, NULL)) != -1) {
        switch (code) {
        case OPTION_JOBS:
            options->jobs = parse_count("--jobs", optarg, 1024);
            break;
        case OPTION_TIMEOUT:
            options->timeout_ms = parse_count("--timeout", optarg, 3600000);
            break;
        case OPTION_ONLY:
            options->only = optarg;
            break;
        case OPTION_PROFILE:
            parse_profiles(options, optarg);
            break;
        case OPTION_MIN_BYTES:
            parse_thresholds(options, optarg);
            options->thresholds_given = true;
            break;
        case OPTION_LIST:
            options->list = true;
            break;
        case OPTION_OUT:
            options->out = optarg;
            break;
        case OPTION_COSTS:
            options->costs = optarg;
            break;
        case OPTION_LAWS:
            options->laws = true;
            break;
        case OPTION_FOR:
            options->asked = optarg;
            break;
        case OPTION_SHARD:
            parse_shard(options, optarg);
            break;
        case OPTION_MERGE:
            merge = true;
            break;
        case OPTION_REPRO_DIR:
            options->repro_dir = optarg;
            break;
        case OPTION_HELP:
            print_help();
            exit(0);
        default: /* getopt has said what is wrong */
            exit(2);
        }
    }
    if (!merge && optind < argc)
        die(2, "%s: an argument too many; see --help", argv[optind]);
    if (merge && (options->out == NULL || optind == argc))
        die(2, "--merge: want --out DIR and the folders of the shards");
    return merge;
}

/* The folder of the repros in the build that this program belongs to. */
static const char *default_repro_dir(void)
{
    static char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/../repro", own_folder());
    return path;
}

/* The table of costs beside the other ones, if it is there. */
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

/* Runs the plan, writes and prints; returns the exit status. */
static int sweep(const struct options *options, struct plan *plan,
                 const struct catalogue *catalogue, struct bound *bounds)
{
    const char *costs_path = options->costs != NULL ? options->costs : default_costs(options->out);
    struct costs *costs = costs_path != NULL ? costs_read(costs_path) : NULL;
    struct law_checks checks = {0};
    long recommended;
    size_t wrong;

    if (!runner_run(plan, catalogue, options, NULL, NULL) ||
        (options->profiles[ROUTE] &&
         !(bisect(plan, catalogue, options, bounds) && audited(plan, catalogue, options, bounds) &&
           laws_check(plan, catalogue, options, &checks))))
        return interrupted();
    if (options->out != NULL)
        tables_write(options->out, plan, catalogue, bounds, &checks);
    sites_name(bounds, catalogue->count);
    recommended = report_print(plan, catalogue, bounds);
    if (options->profiles[ROUTE]) {
        laws_print(catalogue, bounds, options->asked);
        laws_print_count(&checks);
    }
    if (costs != NULL)
        costs_print(costs, recommended);
    costs_free(costs);
    wrong = report_unexpected(plan, catalogue) + laws_report_missed(&checks, catalogue);
    laws_free(&checks);
    return wrong > 0 ? 1 : 0;
}

/* --laws: the laws and nothing else; returns the exit status. */
static int sweep_laws(const struct options *options, struct plan *plan,
                      const struct catalogue *catalogue)
{
    struct law_checks checks = {0};
    size_t missed;

    if (!laws_check(plan, catalogue, options, &checks))
        return interrupted();
    if (options->out != NULL)
        tables_write_laws(options->out, catalogue, &checks);
    laws_print(catalogue, NULL, options->asked);
    laws_print_count(&checks);
    missed = laws_report_missed(&checks, catalogue);
    laws_free(&checks);
    return missed > 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    struct options options = {
        .profiles = {true, true, true, true, true, true},
        .jobs = cpus < 1 ? 1 : (unsigned)cpus,

        .shard = 1,
        .shards = 1,
    };
    struct plan plan = {0};
    struct catalogue catalogue;
    struct bound *bounds;
    int status = 0;

    if (parse(&options, argc, argv))
        return tables_merge(options.out, argv + optind, (size_t)(argc - optind));
    if (options.repro_dir == NULL)
        options.repro_dir = default_repro_dir();
    if (options.thresholds == NULL)
        parse_thresholds(&options, default_thresholds);
    catalogue = catalogue_read(&options);
    bounds = need(calloc(catalogue.count, sizeof *bounds));
    if (options.asked != NULL)
        values_check_asked(&catalogue, options.asked);
    if (!options.laws)
        plan_grid(&plan, &catalogue, &options);
    if (options.list)
        plan_list(&plan, &catalogue);
    else if (options.laws)
        status = sweep_laws(&options, &plan, &catalogue);
    else
        status = sweep(&options, &plan, &catalogue, bounds);
    plan_free(&plan);
    for (size_t i = 0; i < catalogue.count; i++)
        free(bounds[i].report);
    catalogue_free(&catalogue);
    free(bounds);
    free(options.thresholds);
    return status;
}
