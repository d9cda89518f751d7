/*
 * zk_audit.c - the command line of zk-audit: runs a program under the census and under the trap,
 * and tells whether any block in it outlives its phase, and which MIN_BYTES keeps such blocks out
 * of the arena.
 */
#include "audit.h"
#include "begin_at.h"
#include "output.h"
#include "traces.h"
#include "zkalloc.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum option_code {
    OPTION_CENSUS = 256,
    OPTION_TRAP,
    OPTION_CHAOS,
    OPTION_BEGIN_AT,
    OPTION_END_AT,
    OPTION_TOP,
    OPTION_TSV,
    OPTION_SKIP,
    OPTION_STACKS,
    OPTION_RESOLVE,
    OPTION_REPORT,
    OPTION_JSON,
    OPTION_SARIF,
    OPTION_FOLDED,
    OPTION_HTML,
    OPTION_SUPPRESSIONS,
    OPTION_WRITE_SUPPRESSIONS,
    OPTION_BASELINE,
    OPTION_FAIL_ABOVE,
    OPTION_VERSION,
    OPTION_MIN_BYTES,
    OPTION_WATCH,
    OPTION_CONFIRM,
    OPTION_NO_CONFIRM,
    OPTION_HELP,
};

enum { TOP = 5 };

static void print_help(void)
{
    puts(
        "usage: zk-audit [options] -- PROGRAM ARGS...\n"
        "       zk-audit [options] --resolve FILE...\n"
        "       zk-audit [options] --report PID\n"
        "Runs PROGRAM twice and tells whether what it allocates in one phase is kept or used in a "
        "later one,\n"
        "which lines do that, and which MIN_BYTES keeps those blocks out of the arena.\n\n"
        "  --census        only the run that finds every retained block\n"
        "  --trap          only the run that catches every access to one\n"
        "  --min-bytes N   judge at this MIN_BYTES, such as 2048 or 64K (default: the program's)\n"
        "  --watch N       the trap watches blocks from N bytes on (default: MIN_BYTES)\n"
        "  --confirm, --no-confirm\n"
        "                  run it again at the MIN_BYTES that is advised, and at a byte less\n"
        "                  (default: where that is cheap)\n"
        "  --top K         show K sites (default: 5)\n"
        "  --stacks        show whole stacks, with what was inlined into them\n"
        "  --skip GLOB     functions or files that are not yours, such as 'my_alloc*' or\n"
        "                  '*/third_party/*'; @FILE has one in each line\n"
        "  --resolve       names what is in reports that were written without zk-audit: what\n"
        "                  ZK_ALLOC_AUDIT_OUT named, or a program's stderr (- is stdin)\n"
        "  --report PID    what a process under audit has found so far; it goes on\n"
        "  --json          a document on stdout, with everything\n"
        "  --sarif FILE    results that code hosts show at their lines\n"
        "  --folded FILE   stacks by retained bytes, for flame graphs and speedscope\n"
        "  --html FILE     a page: what is retained from begin to begin, sites, stacks\n"
        "  --suppressions FILE, --write-suppressions FILE\n"
        "                  what has been looked at, and does not count\n"
        "  --baseline FILE what an earlier --json had does not count\n"
        "  --fail-above N  exit 1 only if a bound is above N bytes\n"
        "  --tsv           a table on stdout; the program's stdout goes to stderr\n"
        "  --chaos N       a phase boundary about every N allocations (needs the preload "
        "library)\n"
        "  --begin-at F    a phase begins where the program enters the function F: a name, a part "
        "of\n"
        "                  one, or FILE:LINE; F@MODULE in that library\n"
        "  --end-at F      and ends where it enters that one\n"
        "  --version       print the version\n\n"
        "The report is on stderr. Exit status: 0 safe, 1 unsafe, 2 usage, 3 the program failed or\n"
        "there was nothing to audit. See man zk-audit.");
}

static pid_t parse_process(const char *text)
{
    char *end;
    long number;

    errno = 0;
    number = strtol(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || number <= 1)
        die(2, "--report %s: want the number of a process", text);
    return (pid_t)number;
}

static size_t parse_top(const char *text)
{
    char *end;
    unsigned long number;

    errno = 0;
    number = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || number == 0)
        die(2, "--top %s: want a number from 1 on", text);
    return number;
}

/* Checks N or N:SEED, which the library takes. */
static const char *parse_chaos(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    const char *seed = text + digits;

    if (digits == 0 || strspn(text, "0") == digits ||
        (*seed != '\0' &&
         (*seed != ':' || seed[1] == '\0' || seed[1 + strspn(seed + 1, "0123456789")] != '\0')))
        die(2, "--chaos %s: want a number of allocations from 1 on, such as 1000 or 1000:7", text);
    return text;
}

static uint64_t parse_size(const char *option, const char *text)
{
    uint64_t bytes;

    if (!parse_bytes(text, &bytes))
        die(2, "%s %s: want bytes, such as 4096, 64K, 1M or 2G", option, text);
    return bytes;
}

static void need_json(const char *option)
{
    if (!json_there())
        die(2, "%s: built without libjansson (Debian: libjansson-dev): build it with that", option);
}

static void parse_option(struct options *options, int code, const char *wrong)
{
    switch (code) {
    case OPTION_CENSUS:
        options->census = true;
        break;
    case OPTION_TRAP:
        options->trap = true;
        break;
    case OPTION_CHAOS:
        options->chaos = parse_chaos(optarg);
        break;
    case OPTION_BEGIN_AT:
        begin_at(optarg);
        break;
    case OPTION_END_AT:
        end_at(optarg);
        break;
    case OPTION_TOP:
        options->top = parse_top(optarg);
        options->top_given = true;
        break;
    case OPTION_TSV:
        options->tsv = true;
        break;
    case OPTION_SKIP:
        blame_skip(optarg);
        break;
    case OPTION_STACKS:
        options->stacks = true;
        break;
    case OPTION_RESOLVE:
        options->resolve = true;
        break;
    case OPTION_JSON:
        need_json("--json");
        options->json = true;
        break;
    case OPTION_SARIF:
        need_json("--sarif");
        options->sarif = optarg;
        break;
    case OPTION_FOLDED:
        options->folded = optarg;
        break;
    case OPTION_HTML:
        options->html = optarg;
        break;
    case OPTION_SUPPRESSIONS:
        suppressions_read(optarg);
        break;
    case OPTION_WRITE_SUPPRESSIONS:
        options->write_suppressions = optarg;
        break;
    case OPTION_BASELINE:
        need_json("--baseline");
        baseline_read(optarg);
        break;
    case OPTION_FAIL_ABOVE:
        options->fail_above = parse_size("--fail-above", optarg);
        break;
    case OPTION_VERSION:
        puts("zk-audit " ZK_VERSION);
        exit(0);
    case OPTION_REPORT:
        options->process = parse_process(optarg);
        break;
    case OPTION_MIN_BYTES:
        options->min_bytes = parse_size("--min-bytes", optarg);
        break;
    case OPTION_WATCH:
        options->watch = parse_size("--watch", optarg);
        break;
    case OPTION_CONFIRM:
        options->confirm = CONFIRM_ALWAYS;
        break;
    case OPTION_NO_CONFIRM:
        options->confirm = CONFIRM_NEVER;
        break;
    case OPTION_HELP:
        print_help();
        exit(0);
    default:
        die(2, "%s: %s: see --help", wrong,
            code == ':' ? "its value is missing"
                        : "no such option, or a value that it does not take");
    }
}

/* The MIN_BYTES with which a program runs that does not set its own. */
static uint64_t assumed_min_bytes(const struct options *options)
{
    const char *environment = getenv("ZK_ALLOC_MIN_BYTES");
    uint64_t bytes;

    if (options->min_bytes != UNKNOWN)
        return options->min_bytes;
    if (environment != NULL && parse_bytes(environment, &bytes))
        return bytes;
    return ZK_DEFAULT_MIN_BYTES;
}

static void parse(struct options *options, int argc, char **argv)
{
    static const struct option names[] = {
        {"census", no_argument, NULL, OPTION_CENSUS},
        {"trap", no_argument, NULL, OPTION_TRAP},
        {"chaos", required_argument, NULL, OPTION_CHAOS},
        {"begin-at", required_argument, NULL, OPTION_BEGIN_AT},
        {"end-at", required_argument, NULL, OPTION_END_AT},
        {"top", required_argument, NULL, OPTION_TOP},
        {"tsv", no_argument, NULL, OPTION_TSV},
        {"skip", required_argument, NULL, OPTION_SKIP},
        {"stacks", no_argument, NULL, OPTION_STACKS},
        {"resolve", no_argument, NULL, OPTION_RESOLVE},
        {"report", required_argument, NULL, OPTION_REPORT},
        {"json", no_argument, NULL, OPTION_JSON},
        {"sarif", required_argument, NULL, OPTION_SARIF},
        {"folded", required_argument, NULL, OPTION_FOLDED},
        {"html", required_argument, NULL, OPTION_HTML},
        {"suppressions", required_argument, NULL, OPTION_SUPPRESSIONS},
        {"write-suppressions", required_argument, NULL, OPTION_WRITE_SUPPRESSIONS},
        {"baseline", required_argument, NULL, OPTION_BASELINE},
        {"fail-above", required_argument, NULL, OPTION_FAIL_ABOVE},
        {"version", no_argument, NULL, OPTION_VERSION},
        {"min-bytes", required_argument, NULL, OPTION_MIN_BYTES},
        {"watch", required_argument, NULL, OPTION_WATCH},
        {"confirm", no_argument, NULL, OPTION_CONFIRM},
        {"no-confirm", no_argument, NULL, OPTION_NO_CONFIRM},
        {"help", no_argument, NULL, OPTION_HELP},
        {0},
    };
    int code;

    /* +: what follows PROGRAM belongs to it; ':': we print errors ourselves */
    while ((code = getopt_long(argc, argv, "+:", names, NULL)) != -1)
        parse_option(options, code, argv[optind - 1]);
    if (optind < argc && options->process != 0)
        die(2, "--report: it asks a process, and runs no program: leave %s out", argv[optind]);
    if (optind == argc && options->process != 0)
        return;
    if (optind == argc && options->resolve)
        die(2, "--resolve: no report: want zk-audit --resolve FILE...");
    if (optind == argc)
        die(2, "no program: want zk-audit [options] -- PROGRAM ARGS...");
    if (options->json && options->tsv)
        die(2, "--json, --tsv: stdout can have one of them");
    if (options->sarif != NULL)
        output_check(options->sarif);
    if (options->folded != NULL)
        output_check(options->folded);
    if (options->html != NULL)
        output_check(options->html);
    if (options->write_suppressions != NULL)
        output_check(options->write_suppressions);
    options->command = argv + optind;
    options->assumed = assumed_min_bytes(options);
    if (!options->census && !options->trap)
        options->census = options->trap = true;
}

/* False if a second run would only show again that there is nothing to see. */
static bool go_on(const struct audit *audit)
{
    if (!audit->options->trap || runs_interrupted() != 0)
        return false;
    return !audit->census.made || run_reported(&audit->census);
}

static void make_runs(struct audit *audit, struct strings *strings)
{
    const struct options *options = audit->options;

    runs_start(options);
    if (options->census)
        run_make(&audit->census, options, strings);
    audit->trap.hidden = audit->census.made;
    if (go_on(audit)) {
        forecast_say(audit);
        run_make(&audit->trap, options, strings);
    }
    if (audit_reported(audit)) {
        audit_judge(audit);
        confirm_make(audit, strings);
    }
    runs_end();
}

/* No program runs, so stdout is ours. */
static void read_reports(struct audit *audit, struct strings *strings)
{
    screen = stdout;
    for (char **path = audit->options->command; *path != NULL; path++)
        report_read_alone(*path, audit, strings);
}

static void print(const struct audit *audit)
{
    struct lines notes = {0};

    notes_collect(audit, &notes);
    if (audit->options->sarif != NULL)
        sarif_write(audit->options->sarif, audit);
    if (audit->options->folded != NULL)
        folded_write(audit->options->folded, audit);
    if (audit->options->html != NULL)
        html_write(audit->options->html, audit);
    if (audit->options->write_suppressions != NULL)
        suppressions_write(audit->options->write_suppressions, audit);
    if (audit->options->json) {
        json_print(audit, &notes);
    } else if (audit->options->tsv) {
        for (size_t i = 0; i < notes.count; i++)
            fprintf(stderr, "zk-audit: %s\n", notes.at[i]);
        table_print(audit);
    } else {
        screen_print(audit, &notes);
    }
    lines_free(&notes);
}

/* Did a run fail, or is a process's report missing? */
static bool incomplete(const struct run *run)
{
    return run->made && (run_failed(run) || !run_reported(run) || run->report.silent > 0 ||
                         run->report.running > 0);
}

/* Does the answer fail: without --fail-above, if it is unsafe; with it, if a bound is above
 * that? */
static bool fails(const struct audit *audit)
{
    if (audit->options->fail_above == UNKNOWN)
        return audit->verdict == UNSAFE;
    if (audit->discarded > audit->options->fail_above)
        return true;
    for (size_t i = 0; i < audit->groups.count; i++)
        if (audit->groups.at[i].hidden == NULL &&
            audit->groups.at[i].asked_most >= audit->options->fail_above)
            return true;
    return false;
}

static int exit_status(const struct audit *audit)
{
    if (fails(audit))
        return run_failed(&audit->census) || run_failed(&audit->trap) ? 4 : 1;
    if (audit->verdict == NO_VERDICT || incomplete(&audit->census) || incomplete(&audit->trap))
        return 3;
    return 0;
}

int main(int argc, char **argv)
{
    struct options options = {
        .min_bytes = UNKNOWN, .watch = UNKNOWN, .top = TOP, .fail_above = UNKNOWN};
    struct audit audit = {
        .options = &options, .census = {.name = "census"}, .trap = {.name = "trap"}};
    struct strings strings = {0};
    int status;

    screen = stderr;
    parse(&options, argc, argv);
    if (options.process != 0)
        report_request(options.process, &audit, &strings);
    else if (options.resolve)
        read_reports(&audit, &strings);
    else
        make_runs(&audit, &strings);
    if (runs_interrupted() != 0 && !audit_reported(&audit)) {
        fputs("zk-audit: interrupted: no report\n", stderr);
        raise(runs_interrupted()); /* so that a shell's loop around us ends too */
    }
    frames_name();
    findings_name(&audit.census.report.findings, &strings);
    findings_name(&audit.trap.report.findings, &strings);
    audit_judge(&audit);
    audit.groups =
        groups_of(&audit.census.report.findings, &audit.trap.report.findings, audit.min_bytes);
    suppressions_apply(&audit);
    print(&audit);
    status = options.resolve ? 0 : exit_status(&audit);
    groups_free(&audit.groups);
    report_free(&audit.census.report);
    report_free(&audit.trap.report);
    free(audit.census.unseen.at);
    free(audit.trap.unseen.at);
    strings_free(&strings);
    return status;
}
