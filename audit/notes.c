/*
 * notes.c - everything that a reader must know to judge the answer: whatever was missed, cut short
 * or contradictory gets a line.
 */
#include "audit.h"
#include "begin_at.h"
#include "output.h"
#include "traces.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>

enum { TAIL_LINES = 3, UNSEEN = 2 };

static void note_ending(const struct run *run, struct lines *lines)
{
    if (!run_failed(run))
        return;
    if (WIFSIGNALED(run->status))
        lines_add(lines, "The program failed: it died of SIG%s in the %s run.",
                  sigabbrev_np(WTERMSIG(run->status)), run->name);
    else
        lines_add(lines, "The program failed: exit status %d in the %s run.",
                  WEXITSTATUS(run->status), run->name);
}

/* The last lines that a hidden run printed. */
static void note_tail(const struct run *run, struct lines *lines)
{
    size_t end = run->tail_length;
    size_t begin;
    size_t count = 0;
    size_t columns = screen_columns() - strlen("  | ");

    while (end > 0 && isspace((unsigned char)run->tail[end - 1]))
        end--;
    for (begin = end; begin > 0; begin--)
        if (run->tail[begin - 1] == '\n' && ++count == TAIL_LINES)
            break;
    while (begin < end) {
        const char *line = run->tail + begin;
        const char *newline = memchr(line, '\n', end - begin);
        size_t length = newline == NULL ? end - begin : (size_t)(newline - line);

        lines_add(lines, "  | %.*s%s", (int)(length < columns ? length : columns - 3), line,
                  length < columns ? "" : "...");
        begin += length + 1;
    }
}

/* When nothing reported: lists every program that ran without the library, which is why. True if
 * the audited program itself did. */
static bool note_why_unseen(const struct run *run, struct lines *lines)
{
    const struct unseen *unseen = &run->unseen;
    bool program = false;

    for (size_t i = 0; i < unseen->count && i < UNSEEN; i++) {
        lines_add(lines, "The library was not loaded into %s: %s.", unseen->at[i].path,
                  unseen->at[i].why);
        lines_add(lines, "  What to do: %s.", unseen->at[i].advice);
        program = program || unseen->at[i].program;
    }
    return program;
}

/* Would a note on this run only repeat the one on the run before? */
static bool is_unseen_again(const struct run *run, const struct run *before)
{
    const struct missed *now = run->unseen.at;

    return before->report.processes > 0 && before->unseen.count == run->unseen.count &&
           strcmp(before->unseen.at->path, now->path) == 0 &&
           strcmp(before->unseen.at->why, now->why) == 0;
}

/* When other processes reported: says how many were not seen. before is NULL for the first run. */
static void note_unseen(const struct run *run, const struct run *before, struct lines *lines)
{
    const struct unseen *unseen = &run->unseen;

    if (unseen->count > 0 && (before == NULL || !is_unseen_again(run, before)))
        lines_add(lines, "The library was not loaded into %s, such as %s: %s.",
                  amount(unseen->count, "program").text, unseen->at[0].path, unseen->at[0].why);
}

static void note_no_phase(const struct run *run, const struct options *options, struct lines *lines)
{
    if (begin_at_function() != NULL)
        lines_add(lines, "No phase was begun in the %s run: %s was never entered.", run->name,
                  begin_at_function());
    else
        lines_add(lines, "No phase was begun in the %s run: nothing to audit (%s%s).", run->name,
                  options->chaos == NULL
                      ? "it must call zk_begin_phase, or be given --begin-at FUNCTION"
                      : "it allocates too little for --chaos ",
                  options->chaos == NULL ? "" : options->chaos);
}

static void note_missing(const struct run *run, const struct run *before,
                         const struct options *options, struct lines *lines)
{
    if (!run->made)
        return;
    if (run->report.processes + run->report.silent + run->report.running == 0 &&
        !note_why_unseen(run, lines))
        note_no_phase(run, options, lines);
    if (run->report.processes > 0)
        note_unseen(run, before, lines);
    if (run->report.silent > 0)
        lines_add(lines, "No report from %s of the %s run: killed, or ended by _exit.",
                  amount(run->report.silent, "process").text, run->name);
    if (run->report.running > 0)
        lines_add(lines, "No report from %s of the %s run: still running in the background.",
                  amount(run->report.running, "process").text, run->name);
}

static void note_stopped(const struct audit *audit, struct lines *lines)
{
    int number = runs_interrupted();

    if (number == 0)
        return;
    lines_add(lines, "Interrupted by SIG%s%s", sigabbrev_np(number),
              audit->options->trap && !audit->trap.made
                  ? ": the trap run was not made (zk-audit --trap makes it alone)."
                  : ".");
}

/* Accesses after free: the one to the largest block in full, of the others the number. */
static void note_freed(const struct findings *findings, struct lines *lines)
{
    const struct finding *worst = NULL;
    uint64_t count = 0;
    char what[96];

    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->at[i];

        if (finding->kind != FREED)
            continue;
        count = sum(count, finding->count);
        if (worst == NULL || finding->size > worst->size)
            worst = finding;
    }
    if (worst == NULL)
        return;
    if (worst->size == 0) /* its memory belongs to another block by now */
        snprintf(what, sizeof what, "a block that was freed long before");
    else
        snprintf(what, sizeof what, "a block of %s", amount(worst->size, "byte").text);
    lines_add(lines, "%s after free, the program's own bug: a %s of %s",
              amount(count, "access").text, worst->access, what);
    lines_add(lines, "  by %s",
              location(&worst->accessed, worst->access_site, screen_columns() - 5).text);
    if (known(worst->site))
        lines_add(lines, "  made at %s",
                  location(&worst->made, worst->site, screen_columns() - 10).text);
}

/* A row without a site and a size is about no block: it says that the kernel had no mappings left,
 * and that nothing was seen for the rest of that phase. */
static void note_unwatched(const struct report *report, struct lines *lines)
{
    const struct findings *findings = &report->findings;
    uint64_t blocks = 0;
    uint64_t largest = 0;
    uint64_t phases = 0;

    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->at[i];

        if (finding->kind != UNWATCHED)
            continue;
        if (finding->size == 0 && !known(finding->site)) {
            phases = sum(phases, finding->count);
            continue;
        }
        blocks = sum(blocks, finding->count);
        largest = most(largest, finding->size);
    }
    if (blocks > 0)
        lines_add(lines, "The trap could not watch %s of up to %s: no memory or address space.",
                  amount(blocks, "block").text, amount(largest, "byte").text);
    if (report->kernel_unseen)
        lines_add(lines,
                  "The trap does not see all that the kernel reads and writes for the program.");
    if (report->places_unseen)
        lines_add(lines,
                  "So much is touched that some of the places which touch it may be missing.");
    if (phases > 0)
        lines_add(lines, "The trap missed accesses in %s: raise vm.max_map_count.",
                  amount(phases, "phase").text);
}

/* MIN_BYTES may differ from what was asked for: a program can set its own. */
static void note_min_bytes(const struct audit *audit, struct lines *lines)
{
    const struct report *census = &audit->census.report;
    const struct report *trap = &audit->trap.report;
    uint64_t asked = audit->options->min_bytes;
    uint64_t wanted = audit->options->watch != UNKNOWN ? audit->options->watch : asked;

    if (run_reported(&audit->census) && census->min_bytes != census->min_bytes_most)
        lines_add(lines,
                  "Processes ran at MIN_BYTES %" PRIu64 " to %" PRIu64 "; the smallest counts.",
                  census->min_bytes, census->min_bytes_most);
    else if (run_reported(&audit->census) && asked != UNKNOWN && census->min_bytes != asked)
        lines_add(lines, "The program sets MIN_BYTES itself: %" PRIu64 ", not %" PRIu64 ".",
                  census->min_bytes, asked);
    if (run_reported(&audit->trap) && wanted != UNKNOWN && trap->min_bytes_most > wanted &&
        trap->min_bytes_most != UNKNOWN)
        lines_add(lines,
                  "The program sets MIN_BYTES itself: blocks below %" PRIu64 " were not watched.",
                  trap->min_bytes_most);
}

/* Both runs are of the same program, so any difference between them weakens the answer. */
static void note_differences(const struct audit *audit, struct lines *lines)
{
    if (audit->trap.stdin_null)
        lines_add(lines,
                  "The trap run had no stdin, for a pipe or a terminal cannot be rewound: if the "
                  "program reads it, give a file.");
    if (!run_reported(&audit->census) || !run_reported(&audit->trap))
        return;
    if (audit->census.report.phases != audit->trap.report.phases)
        lines_add(lines,
                  "The runs differ: %" PRIu64 " phases in the census, %" PRIu64 " in the trap.",
                  audit->census.report.phases, audit->trap.report.phases);
    if (audit->touched.is != AT_MOST && audit->touched.is != NOTHING &&
        audit->touched.value > audit->guaranteed.value)
        lines_add(lines, "The runs differ: the trap saw larger retained blocks than the census.");
}

/* How reliable the names are. */
static void note_names(const struct audit *audit, struct lines *lines)
{
    size_t count;
    const struct object *objects = objects_all(&count);

    if (audit->census.report.unsized && audit->options->min_bytes == UNKNOWN)
        lines_add(lines, "The program's MIN_BYTES is not known, for there is no .phases beside the "
                         "report: --min-bytes says it.");
    if (!frames_have_lines())
        lines_add(lines, "Names only, no source lines: llvm-symbolizer is not installed (Debian: "
                         "apt-get install llvm).");
    for (size_t i = 0; i < count && frames_have_lines(); i++)
        if (objects[i].unlined && objects[i].readable != NULL)
            lines_add(lines, "%s has no debug information, or not for all: compile it with -g.",
                      objects[i].path);
    for (size_t i = 0; i < count; i++)
        if (objects[i].used && objects[i].changed)
            lines_add(lines,
                      "%s is not the file that ran: it has another build id, and its names "
                      "are not used.",
                      objects[i].path);
}

/* Explains why no allocation was seen. */
static void note_allocator(const struct audit *audit, struct lines *lines)
{
    const char *program = audit->options->command[0];
    bool guessed = false;
    const char *allocator = unseen_allocator(program, &guessed);

    if (guessed)
        lines_add(
            lines,
            "%s seems to have %s inside, by a text in it (its symbols are stripped), which the "
            "library does not see: build it without.",
            program, allocator);
    else if (allocator != NULL)
        lines_add(lines, "%s has %s inside, which the library does not see: build it without.",
                  program, allocator);
    else
        lines_add(lines,
                  "Either it allocates nothing in phases, or by an allocator of its own: let "
                  "that call zk_malloc.");
}

void notes_collect(const struct audit *audit, struct lines *lines)
{
    note_stopped(audit, lines);
    note_ending(&audit->census, lines);
    note_ending(&audit->trap, lines);
    if (audit->trap.hidden && run_failed(&audit->trap) && !run_failed(&audit->census))
        note_tail(&audit->trap, lines);
    note_missing(&audit->census, NULL, audit->options, lines);
    note_missing(&audit->trap, &audit->census, audit->options, lines);
    if (audit->trap.made) {
        note_freed(&audit->trap.report.findings, lines);
        note_unwatched(&audit->trap.report, lines);
    }
    if (audit->lack == LACKS_ALLOCATIONS)
        note_allocator(audit, lines);
    confirm_note(audit, lines);
    note_min_bytes(audit, lines);
    note_differences(audit, lines);
    suppressions_note(audit, lines);
    note_names(audit, lines);
}
