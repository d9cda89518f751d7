/*
 * screen.c - the answer for a person: whether it is safe, the bounds, which lines keep
 * blocks and which touch them later, and what to do. It fits on one screen, unless more was asked
 * for.
 */
#include "audit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Columns that any place fits into. */
enum { WIDE = 500 };

static const char *const headings[] = {"SAFE", "UNSAFE", "NO VERDICT"};
static const char *const colours[] = {"32", "31", "33"};

/* The blocks that blind recycling would hand out again: those of at least MIN_BYTES. */
struct exposed {
    uint64_t count; /* UNKNOWN without a census */
    uint64_t largest;
    size_t sites;
    size_t touched_sites;
};

static struct exposed count_exposed(const struct audit *audit, const struct groups *groups)
{
    struct exposed exposed = {.count = UNKNOWN};

    for (size_t i = 0; i < groups->count; i++) {
        const struct group *group = &groups->at[i];

        if (group->asked_most < audit->min_bytes || group->hidden != NULL)
            continue;
        exposed.count = sum(exposed.count, group->count);
        exposed.sites++;
        exposed.touched_sites += group->touch != NULL && group->touch->asked >= audit->min_bytes;
        exposed.largest = most(exposed.largest, group->size_most);
    }
    return exposed;
}

static void head_unsafe(const struct audit *audit, const struct exposed *exposed,
                        struct lines *lines)
{
    char touched[128] = "";

    if (!run_reported(&audit->trap))
        snprintf(touched, sizeof touched, " (touched: NA)");
    else if (exposed->touched_sites == 0)
        snprintf(touched, sizeof touched, ", none of them is touched later");
    else if (exposed->sites == 1)
        snprintf(touched, sizeof touched, ", and touched later");
    else
        snprintf(touched, sizeof touched, ", those of %s touched later",
                 amount(exposed->touched_sites, "site").text);
    if (exposed->count == UNKNOWN)
        lines_add(lines,
                  "UNSAFE at MIN_BYTES %" PRIu64 ": blocks of up to %" PRIu64
                  " bytes, made at %s, are touched in a later phase",
                  audit->min_bytes, exposed->largest, amount(exposed->sites, "site").text);
    else
        lines_add(lines, "UNSAFE at MIN_BYTES %" PRIu64 ": %s of %s%" PRIu64 " bytes %s retained%s",
                  audit->min_bytes, amount(exposed->count, "block").text,
                  exposed->count == 1 ? "" : "up to ", exposed->largest,
                  exposed->count == 1 ? "is" : "are", touched);
}

/* The first lines about blocks that were used after a discard. */
static void head_discarded(const struct audit *audit, struct lines *lines)
{
    lines_add(lines,
              "UNSAFE at MIN_BYTES %" PRIu64 " under every recycling: up to %" PRIu64
              " bytes are used after zk_discard_phase",
              audit->min_bytes, audit->discarded - 1);
}

static void head_safe(const struct audit *audit, struct lines *lines)
{
    if (audit->apart)
        lines_add(lines, "SAFE at MIN_BYTES %" PRIu64 ", apart from what is suppressed",
                  audit->min_bytes);
    else if (!run_reported(&audit->census))
        lines_add(lines,
                  "SAFE at MIN_BYTES %" PRIu64
                  ": no retained block of that size is touched (census: NA)",
                  audit->min_bytes);
    else if (audit->guaranteed.value == 0)
        lines_add(lines, "SAFE at MIN_BYTES %" PRIu64 ": no block is retained", audit->min_bytes);
    else
        lines_add(lines,
                  "SAFE at MIN_BYTES %" PRIu64
                  ": every retained block is smaller, the largest has %s",
                  audit->min_bytes, amount(audit->guaranteed.value - 1, "byte").text);
}

static void head_no_verdict(const struct audit *audit, struct lines *lines)
{
    static const char *const reasons[] = {
        [LACKS_REPORTS] = "nothing unsafe was reported, but the report is not complete",
        [LACKS_ALLOCATIONS] = "no allocation was seen in any phase",
        [LACKS_SIGHT] = "nothing unsafe was seen, but not all could be watched",
        [LACKS_MEMORY] = "nothing unsafe was seen, but there was no memory to count all",
    };

    if (audit_reported(audit))
        lines_add(lines, "NO VERDICT at MIN_BYTES %" PRIu64 ": %s", audit->min_bytes,
                  reasons[audit->lack]);
    else
        lines_add(lines, "NO VERDICT: there is no report");
}

static void add_bound(struct lines *lines, const char *name, const struct run *run,
                      struct bound bound, const char *meaning)
{
    static const char *const sides[] = {
        [EXACT] = "", [AT_LEAST] = "at least ", [AT_MOST] = "at most "};
    char value[48] = "NA";

    if (bound.is != NOTHING)
        snprintf(value, sizeof value, "%s%" PRIu64, sides[bound.is], bound.value);
    else
        meaning = run_reported(run) ? "not all was seen, and nothing of what was"
                                    : "that run was not made, or gave no report";
    lines_add(lines, "%-10s  %8s  %s", name, value, meaning);
}

void screen_verdict(const struct audit *audit, struct lines *lines)
{
    struct exposed exposed = count_exposed(audit, &audit->groups);

    bool discarded = audit->discarded > audit->min_bytes;

    if (discarded)
        head_discarded(audit, lines);
    if (audit->verdict == UNSAFE && (exposed.sites > 0 || !discarded))
        head_unsafe(audit, &exposed, lines);
    if (audit->verdict == SAFE)
        head_safe(audit, lines);
    if (audit->verdict == NO_VERDICT)
        head_no_verdict(audit, lines);
}

static void add_bounds(const struct audit *audit, struct lines *lines)
{
    add_bound(lines, "guaranteed", &audit->census, audit->guaranteed,
              "no block of this run would be retained in the arena");
    add_bound(lines, "touched", &audit->trap, audit->touched,
              "no retained block would be read or written");
}

/* Describes what became of the blocks. */
static void describe_fate(char *text, size_t room, const struct audit *audit,
                          const struct group *group)
{
    const char *later = group->asked_most < audit->min_bytes ? "" : " later";

    if (group->touch != NULL && group->count != UNKNOWN && group->touched < group->count)
        snprintf(text, room, ", %" PRIu64 " touched%s", group->touched, later);
    else if (group->touch != NULL)
        snprintf(text, room, ", touched%s", later);
    else if (group->freed_late)
        snprintf(text, room, ", freed late");
    else if (!audit_watched(audit, group))
        *text = '\0'; /* no trap run has looked */
    else
        snprintf(text, room, ", untouched");
}

void screen_blocks(char *text, size_t room, const struct audit *audit, const struct group *group)
{
    char threads[80] = "";
    char stacks[80] = "";
    char first[80] = "";
    char fate[80];

    describe_fate(fate, sizeof fate, audit, group);
    if (group->asked_most != group->size_most)
        snprintf(first, sizeof first, ", at first up to %" PRIu64, group->asked_most);
    if (group->threads != UNKNOWN)
        snprintf(threads, sizeof threads, ", %s", amount(group->threads, "thread").text);
    if (group->stacks > 1)
        snprintf(stacks, sizeof stacks, ", %s", amount(group->stacks, "stack").text);
    snprintf(text, room, "%s of %s bytes%s%s%s%s%s",
             group->count == UNKNOWN ? "blocks" : amount(group->count, "block").text,
             sizes_of(group).text, first, threads, stacks, fate,
             group->asked_most < audit->min_bytes ? " (below MIN_BYTES)" : "");
}

static void add_access(const struct audit *audit, const struct group *group, struct lines *lines)
{
    size_t columns = screen_columns();
    size_t others;
    const struct finding *touch = group->touch;
    char rest[80] = "";
    char offset[32] = "NA";
    size_t length = 0;

    if (touch->phase_first != UNKNOWN && touch->phase_last != UNKNOWN)
        length = (size_t)snprintf(rest, sizeof rest, ", %s later",
                                  amount(touch->phase_last - touch->phase_first, "phase").text);
    if (group->touches > 1)
        snprintf(rest + length, sizeof rest - length, "; and by %zu more", group->touches - 1);
    if (touch->offset != UNKNOWN)
        snprintf(offset, sizeof offset, "%" PRIu64, touch->offset);
    others = strlen("    write at offset  by ") + strlen(offset) + strlen(rest);
    lines_add(lines, "    %s at offset %s by %s%s", known_or(touch->access, "access"), offset,
              location(&touch->accessed, touch->access_site,
                       others + columns / 3 < columns ? columns - others : columns - 8)
                  .text,
              rest);
    if (audit->options->stacks)
        access_stacks_add(group, lines);
}

static void add_group(const struct audit *audit, const struct group *group, struct lines *lines)
{
    size_t columns = screen_columns();
    struct amount rule;
    char blocks[512];
    size_t length;

    screen_blocks(blocks, sizeof blocks, audit, group);
    length = strlen(blocks) + 4;
    if (length + strlen(location(&group->made->made, group->made->site, WIDE).text) > columns &&
        length + location_columns_least(&group->made->made) > columns) /* then a line of its own */
        length = 3;
    lines_add(lines, "  %s:%s%s",
              location(&group->made->made, group->made->site, columns - length).text,
              length == 3 ? "" : " ", length == 3 ? "" : blocks);
    if (length == 3)
        lines_add(lines, "    %s", blocks);
    if (growth_of(group, &rule))
        lines_add(lines, "    grows %s: a larger run needs more", rule.text);
    if (audit->options->stacks)
        stacks_add(group, lines);
    if (group->touch != NULL)
        add_access(audit, group, lines);
}

/* The largest block that was used after it had been discarded. */
static void add_discarded(const struct audit *audit, struct lines *lines)
{
    const struct findings *trap = &audit->trap.report.findings;
    const struct finding *worst = NULL;
    size_t places = 0;

    for (size_t i = 0; i < trap->count; i++) {
        const struct finding *row = &trap->at[i];

        if (row->kind != DISCARDED)
            continue;
        places++;
        if (worst == NULL || row->size > worst->size ||
            (row->size == worst->size && !known(worst->access)))
            worst = row;
    }
    if (worst == NULL)
        return;
    lines_add(lines, "  %s: %" PRIu64 " bytes, discarded and used later",
              location(&worst->made, worst->site, screen_columns() - 45).text, worst->size);
    lines_add(lines, "    %s by %s; rows like it: %zu", known_or(worst->access, "free"),
              location(&worst->accessed, worst->access_site, screen_columns() - 35).text, places);
}

static void add_groups(const struct audit *audit, const struct groups *groups, size_t room,
                       struct lines *lines)
{
    bool whole = audit->options->top_given || audit->options->stacks;
    size_t hidden = 0;
    size_t more = 0;
    size_t i;

    for (i = 0; i < groups->count && i - hidden < audit->options->top; i++) {
        struct lines some = {0};

        if (groups->at[i].hidden != NULL) {
            hidden++;
            continue;
        }

        add_group(audit, &groups->at[i], &some);
        /* At least one is always shown. */
        if (lines->count + some.count >= room && !whole && i > hidden) {
            lines_free(&some);
            break;
        }
        for (size_t line = 0; line < some.count; line++)
            lines_add(lines, "%s", some.at[line]);
        lines_free(&some);
    }
    for (size_t left = i; left < groups->count; left++)
        more += groups->at[left].hidden == NULL;
    if (more > 0)
        lines_add(lines, "  and %s more: --top %zu shows all", amount(more, "site").text,
                  i - hidden + more);
}

static void describe_cost(char *text, size_t room, const struct cost *cost)
{
    double percent = cost->of_bytes == 0 ? 0 : 100.0 * (double)cost->bytes / (double)cost->of_bytes;
    const char *bound = cost->at_most ? "at most " : "";

    if (percent > 0 && percent < 0.1) {
        bound = "less than ";
        percent = 0.1;
    }
    snprintf(text, room, "%s%.1f %% of the arena's bytes to system (%" PRIu64 " per phase)", bound,
             percent, cost->phases == 0 ? cost->bytes : cost->bytes / cost->phases);
}

void screen_advice(const struct audit *audit, struct lines *lines)
{
    uint64_t advice = audit_advice(audit);
    struct cost cost = audit_cost(audit, advice);
    char text[128];

    describe_cost(text, sizeof text, &cost);
    if (advice == 0) {
        if (audit->verdict == SAFE)
            lines_add(lines, "Nothing to set.");
    } else if (cost.bytes > cost.of_bytes / 2 && audit->discarded > audit->min_bytes) {
        lines_add(lines, "MIN_BYTES cannot help: %" PRIu64 " moves %s.", advice, text);
    } else if (cost.bytes > cost.of_bytes / 2) {
        lines_add(lines, "MIN_BYTES cannot help: use pinned recycling "
                         "(ZK_ALLOC_RECYCLE=pinned, the default)");
        lines_add(lines, "  %" PRIu64 " moves %s.", advice, text);
    } else {
        lines_add(lines, "Set ZK_ALLOC_MIN_BYTES=%" PRIu64, advice);
        lines_add(lines, "  It moves %s.", text);
    }
    if (audit->discarded > 0)
        lines_add(lines, "Pinned does not keep what zk_discard_phase gives up: end the phase by "
                         "zk_end_phase instead.");
    else
        lines_add(lines, "Pinned keeps retained blocks at any MIN_BYTES; the verdict is about "
                         "routing (blind recycling).");
}

/* Only on a terminal, and not if NO_COLOR is set. */
static bool coloured(void)
{
    const char *none = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");

    return isatty(fileno(screen)) && (none == NULL || *none == '\0') &&
           (terminal == NULL || strcmp(terminal, "dumb") != 0);
}

static void print_head(const struct audit *audit, const char *line)
{
    int length = (int)strlen(headings[audit->verdict]);

    if (coloured())
        fprintf(screen, "\033[1;%sm%.*s\033[0m%s\n", colours[audit->verdict], length, line,
                line + length);
    else
        fprintf(screen, "%s\n", line);
}

static void print(const struct lines *lines, size_t from)
{
    for (size_t i = from; i < lines->count; i++)
        fprintf(screen, "%s\n", lines->at[i]);
}

void screen_print(const struct audit *audit, const struct lines *notes)
{
    struct lines head = {0};
    struct lines sites = {0};
    struct lines advice = {0};
    size_t used;

    screen_verdict(audit, &head);
    if (audit_reported(audit))
        add_bounds(audit, &head);
    if (audit_reported(audit))
        screen_advice(audit, &advice);
    used = head.count + advice.count + notes->count;
    add_discarded(audit, &sites);
    add_groups(audit, &audit->groups, used < SCREEN_LINES ? SCREEN_LINES - used : 0, &sites);
    if (head.count > 0) { /* always true */
        print_head(audit, head.at[0]);
        print(&head, 1);
    }
    print(&sites, 0);
    print(&advice, 0);
    print(notes, 0);
    lines_free(&head);
    lines_free(&sites);
    lines_free(&advice);
}
