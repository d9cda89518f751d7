/*
 * soundness.c - can a prover whose memory is damaged make a proof that verifies, but claims
 * something false? The campaign: which proofs to make, in which part, and what is printed.
 */
#include "table.h"

#include <getopt.h>
#include <inttypes.h>
#include <omp.h>
#include <stdlib.h>
#include <unistd.h>

enum { proofs_usual = 120000, proofs_most = 100000000 };

struct command {
    uint64_t seed;
    uint64_t proofs;
    unsigned part; /* from 1 on */
    unsigned parts;
    unsigned tries;
    const char *out;
    bool merge;
    char **files;
    int file_count;
};

_Noreturn static void usage(void)
{
    printf(
        "usage: soundness [--seed N] [--proofs N] [--part I/N] [--out FILE]\n"
        "       soundness --merge --out FILE PART...\n"
        "Damages the memory of four provers while they prove, and tells what became of the proofs; "
        "and looks for\n"
        "false proofs that verifiers accept which leave one check out. See docs/soundness.md.\n\n"
        "  --seed N     of what is damaged, and of the statements (1)\n"
        "  --proofs N   damaged proofs in all parts together, a multiple of %d (%d)\n"
        "  --part I/N   only the I-th of N parts, 1 <= I <= N <= %d (1/1)\n"
        "  --out FILE   write the table there\n"
        "  --merge      no proofs: add up the tables of all parts\n"
        "  --help\n\n"
        "Exit status: 0 no false proof verifies, and each broken verifier is found out; 1 not so; "
        "2 usage, or a table\n"
        "that is not whole; 3 a proof cannot be made at all.\n",
        TABLE_SLICES, proofs_usual, TABLE_SLICES);
    exit(fflush(stdout) == 0 ? 0 : 2);
}

_Noreturn static void wrong(const char *option, const char *text, const char *want)
{
    fprintf(stderr, "soundness: %s %s: want %s: see --help\n", option, text, want);
    exit(2);
}

/* Reads a number from text; *end is the position after it. False if there is none, or if it is
 * above `most`. */
static bool number(const char *text, char **end, uint64_t most, uint64_t *value)
{
    if (*text < '0' || *text > '9')
        return false;
    *value = strtoull(text, end, 10);
    return *value <= most;
}

static void parse_part(struct command *command, const char *text)
{
    uint64_t part = 0, parts = 0;
    char *end;

    if (!number(text, &end, TABLE_SLICES, &part) || *end != '/' ||
        !number(end + 1, &end, TABLE_SLICES, &parts) || *end != '\0' || part < 1 || part > parts)
        wrong("--part", text, "I/N, 1 <= I <= N <= 120");
    command->part = (unsigned)part;
    command->parts = (unsigned)parts;
}

static struct command parse(int argc, char **argv)
{
    static const struct option options[] = {
        {"seed", required_argument, NULL, 's'},  {"proofs", required_argument, NULL, 'n'},
        {"part", required_argument, NULL, 'p'},  {"out", required_argument, NULL, 'o'},
        {"merge", no_argument, NULL, 'm'},       {"help", no_argument, NULL, 'h'},
        {"tries", required_argument, NULL, 't'}, {0},
    };
    struct command command = {
        .seed = 1, .proofs = proofs_usual, .part = 1, .parts = 1, .tries = CONTROL_TRIES};
    uint64_t tries;
    char *end;
    int letter;

    while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (letter) {
        case 's':
            if (!number(optarg, &end, 1000000000, &command.seed) || *end != '\0')
                wrong("--seed", optarg, "a number up to 1000000000");
            break;
        case 'n':
            if (!number(optarg, &end, proofs_most, &command.proofs) || *end != '\0' ||
                command.proofs == 0 || command.proofs % TABLE_SLICES != 0)
                wrong("--proofs", optarg, "a multiple of 120, up to 100000000");
            break;
        case 'p':
            parse_part(&command, optarg);
            break;
        case 't':
            if (!number(optarg, &end, CONTROL_TRIES, &tries) || *end != '\0' || tries == 0)
                wrong("--tries", optarg, "a number from 1 to 20000");
            command.tries = (unsigned)tries;
            break;
        case 'o':
            command.out = optarg;
            break;
        case 'm':
            command.merge = true;
            break;
        case 'h':
            usage();
        default:
            exit(2); /* getopt_long has printed why */
        }
    }
    command.files = argv + optind;
    command.file_count = argc - optind;
    if (command.merge && (command.out == NULL || command.file_count == 0))
        wrong("--merge", "", "--out FILE, and the tables of all parts");
    if (!command.merge && command.file_count > 0)
        wrong("argument", command.files[0], "none without --merge");
    return command;
}

/* ---- Running ---------------------------------------------------------------------------------- */

/* Provers that take longer get fewer trials. */
static enum prover prover_of(uint64_t n)
{
    static const enum prover turns[] = {
        PROVER_FRI, PROVER_SUMCHECK, PROVER_FRI,      PROVER_HASHSIG, PROVER_FRI,
        PROVER_FRI, PROVER_SUMCHECK, PROVER_SUMCHECK, PROVER_HASHSIG, PROVER_ROUNDS,
    };

    return turns[n % (sizeof turns / sizeof turns[0])];
}

static void run_slice(struct table *table, struct stage stages[PROVERS][2], unsigned slice)
{
    const size_t count = (size_t)(table->proofs / TABLE_SLICES);
    struct trial *trials = workload_zeroed(count * sizeof *trials);
    struct verdict *verdicts = workload_zeroed(count * sizeof *verdicts);

    for (size_t i = 0; i < count; i++) {
        const uint64_t n = slice * count + i;

        trials[i] = trial_plan(&stages[prover_of(n)][0], table->seed, n);
    }
    for (unsigned prover = 0; prover < PROVERS; prover++)
        trial_run_both(stages[prover], trials, count, verdicts);
    for (size_t i = 0; i < count; i++)
        table_count(table, slice, &trials[i], verdicts[i]);
    free(trials);
    free(verdicts);
}

/* Control i is run together with slice i. */
static void run(struct table *table, const struct command *command)
{
    static struct stage stages[PROVERS][2];

    for (unsigned prover = 0; prover < PROVERS; prover++)
        for (unsigned weak = 0; weak < 2; weak++)
            stage_set_up(&stages[prover][weak], (enum prover)prover, 0, weak == 1, command->seed);
    for (unsigned slice = 0; slice < TABLE_SLICES; slice++) {
        if (slice % command->parts != command->part - 1)
            continue;
        if (isatty(STDERR_FILENO))
            fprintf(stderr, "\rsoundness: slice %u of %d ", slice + 1, TABLE_SLICES);
        run_slice(table, stages, slice);
        if (slice < table->control_count)
            control_run(&table->controls[slice], command->seed, command->tries);
    }
    if (isatty(STDERR_FILENO))
        fputc('\n', stderr);
    for (unsigned prover = 0; prover < PROVERS; prover++)
        for (unsigned weak = 0; weak < 2; weak++)
            stage_tear_down(&stages[prover][weak]);
}

/* ---- Printing
 * ---------------------------------------------------------------------------------- */

static void print_line(const struct table *table, const char *name,
                       struct table_selection selection)
{
    uint64_t counts[OUTCOMES], proofs;

    table_sum(table, selection, counts);
    proofs = table_proofs(counts);
    if (proofs == 0)
        return;
    printf("%-15s %9" PRIu64, name, proofs);
    for (unsigned o = 0; o < OUTCOMES; o++)
        printf("  %9" PRIu64, counts[o]);
    if (counts[OUTCOME_FALSE] == 0)
        printf("  %8.2g", table_bound(proofs));
    putchar('\n');
}

static void print_proofs(const struct table *table)
{
    struct table_selection s = table_all;

    printf("%-15s %9s", "", "proofs");
    for (unsigned o = 0; o < OUTCOMES; o++)
        printf("  %9s", outcome_name((enum outcome)o));
    puts("  false <=");
    for (s.prover = 0; s.prover < PROVERS; s.prover++)
        print_line(table, prover_name((enum prover)s.prover), s);
    for (s.damage = 0; s.damage < TABLE_DAMAGES; s.damage++)
        print_line(table, table_damage_name(s.damage), s);
    print_line(table, "all", table_all);
}

/* Did every control that was run find a false proof? */
static bool print_controls(const struct table *table)
{
    bool found = true;

    for (unsigned i = 0; i < table->control_count; i++) {
        const struct control *control = &table->controls[i];
        const struct trial *finder = &control->finder;

        if (!control->run)
            continue;
        found = found && (control->found || control->accidents);
        printf("%-8s without %-11s ", prover_name(control->prover),
               control_check_name(control->check));
        if (control->found)
            printf("accepts a false proof after %5u%s: %s, %s, %s\n", control->tried,
                   control->accidents ? TABLE_ACCIDENTS : "",
                   table_damage_name(table_damage_of(finder)),
                   memory_kind_name(finder->target.kind),
                   memory_moment_name(finder->target.moment));
        else if (control->accidents)
            printf("accepts none of %u by accident\n", control->tried);
        else
            printf("accepts none of %u: THE CAMPAIGN DOES NOT FIND IT\n", control->tried);
    }
    return found;
}

int main(int argc, char **argv)
{
    static struct table table;
    const struct command command = parse(argc, argv);
    uint64_t counts[OUTCOMES];
    const char *lacking = NULL;
    bool found;

    omp_set_num_threads(1);
    if (command.out != NULL)
        table_try(command.out);
    memory_start();
    table_start(&table, command.merge ? 0 : command.seed, command.merge ? 0 : command.proofs);
    if (command.merge) {
        for (int i = 0; i < command.file_count; i++)
            table_add(&table, command.files[i]);
        lacking = table_lacks(&table);
    } else {
        run(&table, &command);
    }
    if (lacking != NULL) {
        fprintf(stderr,
                "soundness: --merge: %s is in none of the files: want the tables of all parts\n",
                lacking);
        return 2;
    }
    if (command.out != NULL)
        table_write(&table, command.out);
    print_proofs(&table);
    found = print_controls(&table);
    table_sum(&table, table_all, counts);
    if (fflush(stdout) != 0)
        return 2;
    return counts[OUTCOME_FALSE] == 0 && found ? 0 : 1;
}
