/*
 * options.c - the command line of zk-sweep, checked.
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
    OPTION_KEEP_ENV,
    OPTION_VERSION,
    OPTION_HELP,
};

enum { SHARDS_MOST = 1000000 };

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
         "  --jobs N           runs at once (default: two for each processor)\n"
         "  --timeout MS       without progress for so long, a run hangs (default: the repro's "
         "own)\n"
         "  --out DIR          write sweep.tsv, thresholds.tsv, matrix.tsv and laws.tsv there: all "
         "of them or none\n"
         "  --costs FILE       what a MIN_BYTES costs, as make bench wrote it (default: cost.tsv "
         "in --out)\n"
         "  --for LIST         what the laws give there, such as threads=64,spans=200\n"
         "  --laws             only hold the laws against what is measured, each at all its "
         "values and in full\n"
         "  --shard I/N        only the I-th of N parts (from 1 on), for N machines; with --out, "
         "shard.tsv says which\n"
         "  --merge DIR...     make one set of tables of those of all shards\n"
         "  --list             print the runs, and run nothing\n"
         "  --repro-dir DIR    where the repro programs are (default: ../repro beside this "
         "program)\n"
         "  --keep-env         runs see the whole environment (default: nothing that may change "
         "what they show)\n"
         "  --version          print the version\n\n"
         "Exit status: 0 all as the repros declare, 1 an outcome is not, 2 usage or a table that "
         "cannot be written,\n"
         "3 a run failed, 130 interrupted (nothing is written).");
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

    free(options->thresholds); /* the option given last counts */
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
    static const char *const wanted = "none, flush, route, seed, pinned or system";
    char *save;

    memset(options->profiles, 0, sizeof options->profiles);
    options->profile_given = false;
    for (char *word = strtok_r(text, ", ", &save); word != NULL;
         word = strtok_r(NULL, ", ", &save)) {
        int i = 0;

        while (i < PROFILES && strcmp(word, profile_names[i]) != 0)
            i++;
        if (i == PROFILES)
            die(2, "--profile %s: want %s", word, wanted);
        options->profiles[i] = true;
        options->profile_given = true;
    }
    if (!options->profile_given)
        die(2, "--profile: empty: want %s", wanted);
}

static void parse_shard(struct options *options, const char *text)
{
    if (!parse_shard_name(text, &options->shard, &options->shards))
        die(2, "--shard %s: want I/N, such as 1/4, N at most %d", text, SHARDS_MOST);
    options->shard_given = true;
}

bool parse_shard_name(const char *text, unsigned *shard, unsigned *shards)
{
    char first[16];
    const char *slash = strchr(text, '/');
    unsigned long numbers[2];

    if (slash == NULL || (size_t)(slash - text) >= sizeof first)
        return false;
    memcpy(first, text, (size_t)(slash - text));
    first[slash - text] = '\0';
    if (!parse_number(first, &numbers[0]) || !parse_number(slash + 1, &numbers[1]) ||
        numbers[0] < 1 || numbers[0] > numbers[1] || numbers[1] > SHARDS_MOST)
        return false;
    *shard = (unsigned)numbers[0];
    *shards = (unsigned)numbers[1];
    return true;
}

bool in_shard(const struct options *options, size_t entry)
{
    return entry % options->shards == options->shard - 1;
}

/* Reports what getopt has refused; getopt itself prints nothing here. */
static _Noreturn void refuse_option(int code, char *const *argv)
{
    const char letter[] = {'-', (char)optopt, '\0'};
    const char *word = optopt > 0 && optopt < OPTION_JOBS ? letter : argv[optind - 1];

    if (code == ':')
        die(2, "%s: want a value behind it; see --help", word);
    if (optopt >= OPTION_JOBS)
        die(2, "%s: it takes no value; see --help", word);
    die(2, "%s: no such option, or short for several; see --help", word);
}

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
    {"keep-env", no_argument, NULL, OPTION_KEEP_ENV},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, OPTION_HELP},
    {0},
};

static void take(struct options *options, int code)
{
    switch (code) {
    case OPTION_JOBS:
        options->jobs = options->traps = parse_count("--jobs", optarg, 1024);
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
        options->merge = true;
        break;
    case OPTION_REPRO_DIR:
        options->repro_dir = optarg;
        break;
    case OPTION_KEEP_ENV:
        options->keep_environment = true;
        break;
    case OPTION_VERSION:
        puts("zk-sweep " ZK_VERSION);
        exit(0);
    default:
        print_help();
        exit(0);
    }
}

/* The folder of the repros in the build that this program belongs to. */
static const char *default_repro_dir(void)
{
    static char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/../repro", own_folder());
    return path;
}

void options_parse(struct options *options, int argc, char **argv)
{
    int code;

    opterr = 0;
    while ((code = getopt_long(argc, argv, ":", names, NULL)) != -1) {
        if (code == '?' || code == ':')
            refuse_option(code, argv);
        take(options, code);
    }
    options->rest = argv + optind;
    options->rest_count = (size_t)(argc - optind);
    if (!options->merge && options->rest_count > 0)
        die(2, "%s: an argument too many; see --help", options->rest[0]);
    if (options->merge && (options->out == NULL || options->rest_count == 0))
        die(2, "--merge: want --out DIR and the folders of the shards");
    if (options->merge && options->shard_given)
        die(2, "--merge: it makes all shards one: leave --shard out");
    if (options->laws && options->shard_given && options->out != NULL)
        die(2, "--laws --shard --out: a part of laws.tsv cannot be merged: leave --shard out");
    if (options->repro_dir == NULL)
        options->repro_dir = default_repro_dir();
    if (options->thresholds == NULL)
        parse_thresholds(options, default_thresholds);
}
