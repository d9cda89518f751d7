/*
 * main.c - the command line of every repro.
 */
#include "environment.h"
#include "run.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum option_code {
    OPTION_PROFILE = 256,
    OPTION_MIN_BYTES,
    OPTION_CYCLES,
    OPTION_THREADS,
    OPTION_TIMEOUT,
    OPTION_FILLER,
    OPTION_SWITCH,
    OPTION_AUDIT,
    OPTION_EXPECT,
    OPTION_TSV,
    OPTION_VERBOSE,
    OPTION_NO_FORK,
    OPTION_EXPLAIN,
    OPTION_DESCRIBE,
    OPTION_VERSION,
    OPTION_HELP,
    OPTION_OWN, /* from here on, the options of the repro itself */
};

enum { own_options_at = 16 }; /* the number of options that every repro has */

/* The time limit where no hang can be proven. It is long, since a slow run that ends is no hang;
 * and longer with sanitizers, which make everything slower. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { default_limit_ms = 40000 };
#else
enum { default_limit_ms = 10000 };
#endif

struct command {
    struct settings settings;
    unsigned expected; /* outcomes, from --expect; 0 without it */
    bool expect_declared;
    bool tsv;
    bool verbose;
    bool no_fork;
};

static _Noreturn void fail_usage(const char *what, const char *value, const char *wanted)
{
    fprintf(stderr, "%s: %s %s: %s\n", repro.slug, what, value, wanted);
    exit(2);
}

/* Reports what getopt has refused; getopt itself prints nothing here. */
static _Noreturn void refuse_option(int code, const char *word)
{
    const char letter[] = {'-', (char)optopt, '\0'};

    if (optopt > 0 && optopt < OPTION_PROFILE)
        word = letter;
    if (code == ':')
        fail_usage("option", word, "want a value behind it; see --help");
    if (optopt >= OPTION_PROFILE)
        fail_usage("option", word, "takes no value; see --help");
    fail_usage("option", word, "no such option, or short for several; see --help");
}

/* Exits after all output has been written; if that fails, with an error. */
static _Noreturn void finish(int status)
{
    errno = 0;
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        fprintf(stderr, "%s: stdout: %s: what was printed is not whole\n", repro.slug,
                errno != 0 ? strerror(errno) : "a write failed");
        _exit(3);
    }
    exit(status);
}

/* Digits with an optional K, M or G. */
static unsigned long parse_number(const char *what, const char *text, unsigned long least,
                                  unsigned long most)
{
    char wanted[96];
    unsigned shift = 0;
    unsigned long number;
    char *end;

    snprintf(wanted, sizeof wanted, "want a number from %lu to %lu", least, most);
    errno = 0;
    number = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)*text) || errno != 0)
        fail_usage(what, text, wanted);
    if (*end != '\0' && strchr("kKmMgG", *end) != NULL)
        shift = *end == 'k' || *end == 'K' ? 10 : *end == 'm' || *end == 'M' ? 20 : 30;
    if (end[shift != 0] != '\0' || number > most >> shift || number << shift < least)
        fail_usage(what, text, wanted);
    return number << shift;
}

static unsigned long parse_word(const char *what, const char *text, const char *const *words)
{
    char wanted[256] = "want";
    size_t used = strlen(wanted);

    for (unsigned long i = 0; words[i] != NULL; i++) {
        if (strcmp(text, words[i]) == 0)
            return i;
        used += (size_t)snprintf(wanted + used, sizeof wanted - used, "%s %s", i == 0 ? "" : " or",
                                 words[i]);
    }
    fail_usage(what, text, wanted);
}

static const char *const audits[] = {"off", "census", "trap", NULL};

static void print_own_options(void)
{
    for (size_t i = 0; repro.options != NULL && repro.options[i].name != NULL; i++) {
        const struct repro_option *own = &repro.options[i];
        char left[64];

        snprintf(left, sizeof left, "--%s%s", own->name,
                 option_is_flag(own)  ? ""
                 : own->words != NULL ? " W"
                                      : " N");
        printf("  %-15s ", left);
        for (size_t w = 0; own->words != NULL && own->words[w] != NULL; w++)
            printf("%s%s", own->words[w], own->words[w + 1] != NULL ? ", " : ": ");
        if (option_is_flag(own))
            printf("%s\n", own->meaning);
        else if (own->words != NULL)
            printf("%s (default %s)\n", own->meaning, own->words[own->initial]);
        else
            printf("%s (default %lu)\n", own->meaning, own->initial);
    }
}

static void print_help(void)
{
    printf(
        "usage: %s [options]\n"
        "%s\n\n"
        "  --profile P     none (default), flush, route, seed, pinned or system\n"
        "  --min-bytes N   MIN_BYTES, instead of the profile's own\n"
        "  --cycles N      phase boundaries to cross (default %u)\n"
        "  --threads N     threads that the structure has (default %u)\n"
        "  --filler W      on (default) or off: overwrite what each phase used, in the next\n"
        "  --switch K=V    nesting=, owner=, realloc= or copy=, instead of the profile's own\n"
        "  --audit A       census or trap: report what is retained, or touched; no filler\n"
        "  --timeout MS    it hangs after so long without progress, running or waiting (default %d)\n"
        "  --expect O      exit 0 if the outcome is O, or one of O,O,...; else 1\n"
        "                  declared: what the descriptor says, of the damage as well\n"
        "  --tsv           one record, in the columns of results/sweep.tsv\n"
        "  --verbose       list every damaged run of bytes\n"
        "  --no-fork       in this process, without time limit: for a debugger\n"
        "  --keep-env      keep the whole environment, even what may change the outcome\n"
        "  --explain       what this bug is, and what to expect\n"
        "  --describe      the descriptor, for programs\n"
        "  --version       print the version\n",
        repro.slug, repro.title, default_cycles(), default_threads(), default_limit_ms);
    print_own_options();
    printf(
        "\nExit status: 0 clean, 10 latent, 11 stale, 12 corrupt, 13 crash, 14 hang, 15 refused,\n"
        "77 cannot run here, 2 usage, 3 the harness failed. With --keep-env, ZK_ALLOC_SLAB_GB,\n"
        "ZK_ALLOC_HUGEPAGE and ZK_ALLOC_POISON_RESET are honoured; the other switches are the\n"
        "profile's. Without, only ZK_ALLOC_AUDIT and what belongs to it.\n");
}

static void parse_own_option(struct settings *settings, int index, const char *value)
{
    const struct repro_option *own = repro.options;
    char name[64];

    if (own == NULL)
        exit(3); /* getopt returns no code for missing operands */
    own += index;
    snprintf(name, sizeof name, "--%s", own->name);
    if (option_is_flag(own)) {
        settings->options[index] = 1;
        return;
    }
    if (own->words != NULL) {
        settings->options[index] = parse_word(name, value, own->words);
        return;
    }
    settings->options[index] = parse_number(name, value, own->least, own->most);
}

static void parse_option(struct command *command, int code, const char *value)
{
    struct settings *settings = &command->settings;
    int profile;

    switch (code) {
    case OPTION_PROFILE:
        profile = profile_by_name(value);
        if (profile < 0)
            fail_usage("--profile", value, "want none, flush, route, seed, pinned or system");
        settings->profile = (enum repro_profile)profile;
        break;
    case OPTION_MIN_BYTES:
        settings->min_bytes = parse_number("--min-bytes", value, 0, SIZE_MAX >> 1);
        settings->min_bytes_given = true;
        break;
    case OPTION_CYCLES:
        settings->cycles = (unsigned)parse_number("--cycles", value, 1, 1000000);
        break;
    case OPTION_THREADS:
        settings->threads = (unsigned)parse_number("--threads", value, 1, REPRO_THREADS_MAX);
        break;
    case OPTION_TIMEOUT:
        settings->limit_ms = (unsigned)parse_number("--timeout", value, 1, 3600000);
        break;
    case OPTION_FILLER:
        if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
            fail_usage("--filler", value, "want on or off");
        settings->filler = strcmp(value, "on") == 0;
        break;
    case OPTION_SWITCH:
        if (!profile_check_switch(value) || settings->switch_count == RUN_SWITCHES_MAX)
            fail_usage("--switch", value,
                       "want nesting=, owner=, realloc= or copy=, and one of its values");
        settings->switches[settings->switch_count++] = value;
        break;
    case OPTION_AUDIT:
        settings->audit = (enum zk_audit)parse_word("--audit", value, audits);
        break;
    case OPTION_EXPECT:
        command->expect_declared = strcmp(value, "declared") == 0;
        command->expected = command->expect_declared ? 0 : outcomes_by_name(value);
        if (!command->expect_declared && command->expected == 0)
            fail_usage(
                "--expect", value,
                "want clean, latent, stale, corrupt, crash, hang, refused, skip or declared");
        break;
    case OPTION_TSV:
        command->tsv = true;
        break;
    case OPTION_VERBOSE:
        command->verbose = true;
        break;
    case OPTION_NO_FORK:
        command->no_fork = true;
        break;
    case OPTION_EXPLAIN:
        print_explanation();
        finish(0);
    case OPTION_DESCRIBE:
        print_description();
        finish(0);
    case OPTION_VERSION:
        printf("%s %s\n", repro.slug, ZK_VERSION);
        finish(0);
    case OPTION_HELP:
        print_help();
        finish(0);
    default:
        parse_own_option(settings, code - OPTION_OWN, value);
        break;
    }
}

static void parse(struct command *command, int argc, char **argv)
{
    struct option options[own_options_at + RUN_OPTIONS_MAX + 1] = {
        {"profile", required_argument, NULL, OPTION_PROFILE},
        {"min-bytes", required_argument, NULL, OPTION_MIN_BYTES},
        {"cycles", required_argument, NULL, OPTION_CYCLES},
        {"threads", required_argument, NULL, OPTION_THREADS},
        {"audit", required_argument, NULL, OPTION_AUDIT},
        {"timeout", required_argument, NULL, OPTION_TIMEOUT},
        {"filler", required_argument, NULL, OPTION_FILLER},
        {"switch", required_argument, NULL, OPTION_SWITCH},
        {"expect", required_argument, NULL, OPTION_EXPECT},
        {"tsv", no_argument, NULL, OPTION_TSV},
        {"verbose", no_argument, NULL, OPTION_VERBOSE},
        {"no-fork", no_argument, NULL, OPTION_NO_FORK},
        {"explain", no_argument, NULL, OPTION_EXPLAIN},
        {"describe", no_argument, NULL, OPTION_DESCRIBE},
        {"version", no_argument, NULL, OPTION_VERSION},
        {"help", no_argument, NULL, OPTION_HELP},
    };
    int code;

    for (int i = 0; repro.options != NULL && repro.options[i].name != NULL && i < RUN_OPTIONS_MAX;
         i++) {
        options[own_options_at + i] =
            (struct option){repro.options[i].name,
                            option_is_flag(&repro.options[i]) ? no_argument : required_argument,
                            NULL, OPTION_OWN + i};
        command->settings.options[i] = repro.options[i].initial;
    }
    opterr = 0;
    while ((code = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (code == '?' || code == ':')
            refuse_option(code, argv[optind - 1]);
        parse_option(command, code, optarg);
    }
    if (optind < argc)
        fail_usage("argument", argv[optind], "takes none; see --help");
}

int main(int argc, char **argv)
{
    static struct repro_run run;
    struct zk_config environment;
    struct command command = {.settings = {.profile = REPRO_NONE,
                                           .cycles = default_cycles(),
                                           .threads = default_threads(),
                                           .limit_ms = default_limit_ms,
                                           .filler = true}};
    enum repro_outcome outcome;
    char wanted[64];

    argc = environment_define(repro.slug, argc, argv);
    zk_config(&environment);
    command.settings.audit = environment.audit;
    parse(&command, argc, argv);
    if (command.settings.audit != ZK_AUDIT_OFF)
        command.settings.filler = false;
    run.settings = command.settings;
    run.word = repro.filler != 0 ? repro.filler : REPRO_FILLER;
    if (command.no_fork ? !child_run_here(&run) : !child_run(&run))
        return 3;
    outcome = outcome_of(run.report);
    if (command.tsv)
        print_record(&run, outcome);
    else
        print_human(&run, outcome, command.verbose);

    if (command.expect_declared)
        command.expected = outcomes_declared(run.settings.profile);
    if (command.expected == 0)
        finish(outcome_exit(outcome));
    fflush(stdout);
    if ((command.expected & outcome) != 0) {
        if (command.expect_declared && outcome == REPRO_CORRUPT && run.settings.filler)
            finish(damage_is_declared(&run) ? 0 : 1);
        finish(0);
    }
    if (outcome == REPRO_SKIP)
        finish(outcome_exit(outcome));
    fprintf(stderr, "%s: expected %s, got %s\n", repro.slug,
            outcomes_text(command.expected, wanted, sizeof wanted), outcome_name(outcome));
    finish(1);
}
