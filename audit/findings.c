/*
 * findings.c - groups findings by the lines that stand for them: all stacks that lead to one line,
 * in all processes, are one row. Joins the two runs of the program.
 */
#include "audit.h"
#include "traces.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- Places */

/* If the report itself names its places, those names are taken. */
static void name_place(struct place *place, uint32_t trace, struct strings *strings)
{
    const struct frame *frame;
    const struct scope *scope;
    const char *path;
    char text[512];
    size_t count;

    if (known(place->file) || known(place->symbol) || (scope = blame(trace, &frame)) == NULL)
        return;
    path = object_at(frame->object)->path;
    place->symbol = scope->function;
    place->file = scope->file;
    place->line = scope->line;
    if (!known(scope->file) && *path != '\0')
        place->module = path; /* nothing else identifies it */
    if (!known(scope->file) && scope->owner == OWNER_USER)
        objects_all(&count)[frame->object].unlined = true;
    snprintf(text, sizeof text, "%.400s+0x%" PRIx64, *path == '\0' ? "?" : base_name(path),
             frame->offset);
    place->frame = strings_add(strings, text);
}

/* The text of a place. Places with the same text are the same to a reader. */
static const char *where(const struct place *place, const char *site, struct strings *strings)
{
    const char *result;
    char *text;

    if (!known(place->file) && !known(place->symbol))
        return place->frame != NULL ? place->frame : site;
    if (asprintf(&text, "%s:%" PRIu64 " %s", known(place->file) ? place->file : place->module,
                 place->line, place->symbol) < 0)
        die(3, "out of memory");
    result = strings_add(strings, text);
    free(text);
    return result;
}

/* ---- Rows of the same places */

static int compare_blocks(const struct finding *a, const struct finding *b)
{
    int order = strcmp(a->where, b->where);

    if (order != 0)
        return order;
    if (a->size != b->size)
        return a->size < b->size ? -1 : 1;
    return (a->asked > b->asked) - (a->asked < b->asked);
}

/* A total order: equal ones are the same row, from two stacks or from two processes. */
int finding_compare(const struct finding *a, const struct finding *b)
{
    int order = compare_blocks(a, b);

    if (order != 0)
        return order;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    order = strcmp(a->access_where, b->access_where);
    return order != 0 ? order : strcmp(a->access, b->access);
}

static int compare(const void *a, const void *b)
{
    const struct finding *left = a;
    const struct finding *right = b;
    int order = finding_compare(left, right);

    /* which of them gives the merged row its site must not depend on chance */
    if (order == 0)
        order = strcmp(left->site, right->site);
    return order != 0 ? order : strcmp(left->access_site, right->access_site);
}

/* The census has a range of phases, which is widened. The trap has one access, whose phases and
 * offset belong together: the earliest access is kept. */
static void merge(struct finding *into, const struct finding *from)
{
    if (into->kind == RETAINED) {
        into->phase_first = least(into->phase_first, from->phase_first);
        into->phase_last = most(into->phase_last, from->phase_last);
    } else if (from->phase_first < into->phase_first ||
               (from->phase_first == into->phase_first && from->phase_last < into->phase_last)) {
        into->phase_first = from->phase_first;
        into->phase_last = from->phase_last;
        into->offset = from->offset;
    }
    into->count = sum(into->count, from->count);
    into->first = sum(into->first, from->first);
    into->bytes = sum(into->bytes, from->bytes);
    into->threads = most(into->threads, from->threads);
    into->last_use = uses_join(into->last_use, from->first_use, from->last_use);
}

static void sort_and_merge(struct findings *findings)
{
    size_t kept = 0;

    if (findings->count == 0)
        return;
    qsort(findings->at, findings->count, sizeof *findings->at, compare);
    for (size_t i = 1; i < findings->count; i++) {
        if (finding_compare(&findings->at[kept], &findings->at[i]) == 0)
            merge(&findings->at[kept], &findings->at[i]);
        else
            findings->at[++kept] = findings->at[i];
    }
    findings->count = kept + 1;
}

/* Several instructions of one line may touch the same blocks, which must not be counted twice:
 * there are at most as many as the rows of all places saw first. */
static void limit_counts(struct findings *findings)
{
    for (size_t from = 0, to; from < findings->count; from = to) {
        uint64_t blocks = UNKNOWN;

        for (to = from;
             to < findings->count && compare_blocks(&findings->at[from], &findings->at[to]) == 0 &&
             findings->at[from].kind == findings->at[to].kind;
             to++)
            blocks = sum(blocks, findings->at[to].first);
        for (size_t i = from; i < to; i++)
            if (findings->at[i].kind == TOUCHED || findings->at[i].kind == DISCARDED)
                findings->at[i].count = least(findings->at[i].count, blocks);
    }
}

void findings_name(struct findings *findings, struct strings *strings)
{
    for (size_t i = 0; i < findings->count; i++) {
        struct finding *finding = &findings->at[i];
        const struct use *use = use_at(finding->first_use);

        name_place(&finding->made, use->made, strings);
        name_place(&finding->accessed, use->accessed, strings);
        finding->where = where(&finding->made, finding->site, strings);
        finding->access_where = where(&finding->accessed, finding->access_site, strings);
    }
    sort_and_merge(findings);
    limit_counts(findings);
}

/* ---- The two runs */

static void append(struct findings *findings, const struct finding *finding)
{
    findings->at = grow(findings->at, findings->count, sizeof *findings->at);
    findings->at[findings->count++] = *finding;
}

/* How many blocks the trap saw touched, of those whose rows begin at trap->at[t]; UNKNOWN if it
 * does not say. */
static uint64_t count_touched(const struct findings *trap, size_t t, const struct finding *census)
{
    uint64_t touched = UNKNOWN;

    for (; t < trap->count && compare_blocks(census, &trap->at[t]) == 0; t++)
        if (trap->at[t].kind == TOUCHED)
            touched = sum(touched, trap->at[t].first);
    return touched;
}

/* Combines a row of the census, which knows how many blocks there are, with one of the trap, which
 * knows which place touches them, and maybe how many of them. */
static struct finding combine(const struct finding *census, const struct finding *trap,
                              uint64_t touched)
{
    struct finding both = *trap;

    both.count = touched == UNKNOWN      ? census->count
                 : trap->kind == TOUCHED ? least(trap->count, touched)
                                         : trap->count;
    both.bytes = both.count * census->size;
    both.threads = census->threads;
    both.first_use = census->first_use; /* of the blocks; the trap's uses have the accesses */
    both.last_use = census->last_use;
    return both;
}

/* Appends the blocks of the census that are in none of the trap's rows. */
static void append_others(struct findings *joined, const struct finding *census, uint64_t told)
{
    struct finding others = *census;

    if (told >= census->count)
        return;
    others.count -= told;
    others.bytes = others.count * others.size;
    append(joined, &others);
}

/* Appends a row of the census and the trap's rows for the same blocks, which begin at trap->at[t];
 * returns where they end. */
static size_t join_row(struct findings *joined, const struct finding *census,
                       const struct findings *trap, size_t t)
{
    uint64_t touched = count_touched(trap, t, census);
    uint64_t told = 0; /* for how many blocks the trap says what became of them */

    for (; t < trap->count && compare_blocks(census, &trap->at[t]) == 0; t++) {
        const struct finding *row = &trap->at[t];
        struct finding both = combine(census, row, touched);

        if (row->kind == TOUCHED ||
            (row->kind == FREED_LATE && (touched != UNKNOWN || told == 0))) {
            append(joined, &both);
            told = touched == UNKNOWN     ? census->count
                   : row->kind == TOUCHED ? most(told, touched)
                                          : told + both.count;
        } else {
            append(joined, row);
        }
    }
    append_others(joined, census, told);
    return t;
}

static int by_kind(const void *a, const void *b)
{
    const struct finding *left = a;
    const struct finding *right = b;

    if (left->kind != right->kind)
        return left->kind < right->kind ? -1 : 1;
    if (left->size != right->size)
        return left->size > right->size ? -1 : 1;
    if (strcmp(left->site, right->site) != 0)
        return strcmp(left->site, right->site);
    if (strcmp(left->access_site, right->access_site) != 0)
        return strcmp(left->access_site, right->access_site);
    return finding_compare(left, right);
}

struct findings findings_join(const struct findings *census, const struct findings *trap)
{
    struct findings joined = {0};
    size_t t = 0;

    for (size_t c = 0; c < census->count; c++) {
        for (; t < trap->count && compare_blocks(&trap->at[t], &census->at[c]) < 0; t++)
            append(&joined, &trap->at[t]);
        t = join_row(&joined, &census->at[c], trap, t);
    }
    for (; t < trap->count; t++)
        append(&joined, &trap->at[t]);
    if (joined.count > 0)
        qsort(joined.at, joined.count, sizeof *joined.at, by_kind);
    return joined;
}

/* ---- Groups, for a person */

static void include(struct group *group, const struct finding *finding)
{
    if (group->made == NULL)
        *group = (struct group){.made = finding,
                                .size_least = UNKNOWN,
                                .count = UNKNOWN,
                                .bytes = UNKNOWN,
                                .touched = UNKNOWN,
                                .threads = UNKNOWN};
    group->findings = grow(group->findings, group->finding_count, sizeof(void *)); /* pointers */
    group->findings[group->finding_count++] = finding;
    group->size_least = least(group->size_least, finding->size);
    group->size_most = most(group->size_most, finding->size);
    group->asked_most = most(group->asked_most, finding->asked);
    group->threads = most(group->threads, finding->threads);
    group->freed_late = group->freed_late || finding->kind == FREED_LATE;
    if (finding->kind == RETAINED) {
        group->count = sum(group->count, finding->count);
        group->bytes = sum(group->bytes, finding->bytes);
    }
    if (finding->kind != TOUCHED)
        return;
    group->touched = sum(group->touched, finding->first);
    if (group->touch == NULL || finding->size > group->touch->size ||
        (finding->size == group->touch->size && finding->count > group->touch->count))
        group->touch = finding;
}

static int by_access(const void *a, const void *b)
{
    const struct finding *const *left = a;
    const struct finding *const *right = b;

    return strcmp((*left)->access_where, (*right)->access_where);
}

/* Counts places: a line that touches blocks of many sizes is one place. */
static void count_touches(struct group *group)
{
    const char *last = NULL;

    qsort(group->findings, group->finding_count, sizeof(void *), by_access);
    for (size_t i = 0; i < group->finding_count; i++) {
        if (group->findings[i]->kind != TOUCHED)
            continue;
        if (last == NULL || strcmp(last, group->findings[i]->access_where) != 0)
            group->touches++;
        last = group->findings[i]->access_where;
    }
}

static int by_risk(const void *a, const void *b)
{
    const struct group *left = a;
    const struct group *right = b;

    if ((left->touch == NULL) != (right->touch == NULL))
        return left->touch == NULL ? 1 : -1;
    if (left->size_most != right->size_most)
        return left->size_most > right->size_most ? -1 : 1;
    if (left->count != right->count)
        return left->count > right->count ? -1 : 1;
    return strcmp(left->made->where, right->made->where);
}

bool finding_in_group(const struct finding *finding)
{
    return finding->kind == TOUCHED || finding->kind == RETAINED || finding->kind == FREED_LATE;
}

/* Of the rows about retained blocks in both lists, the one whose place comes first; NULL at the
 * end. */
static const struct finding *next_by_place(const struct findings *census, size_t *c,
                                           const struct findings *trap, size_t *t)
{
    while (*t < trap->count && !finding_in_group(&trap->at[*t]))
        ++*t;
    if (*c < census->count &&
        (*t == trap->count || strcmp(census->at[*c].where, trap->at[*t].where) <= 0))
        return &census->at[(*c)++];
    return *t < trap->count ? &trap->at[(*t)++] : NULL;
}

/* The group of the current place: [0] for blocks below min_bytes, [1] for the others. Added when
 * there is none yet. */
static struct group *group_for(struct groups *groups, size_t *first, const struct finding *finding,
                               uint64_t min_bytes)
{
    if (*first < groups->count && strcmp(groups->at[*first].made->where, finding->where) != 0)
        *first = groups->count;
    for (size_t i = *first; i < groups->count; i++)
        if ((groups->at[i].asked_most >= min_bytes) == (finding->asked >= min_bytes))
            return &groups->at[i];
    groups->at = grow(groups->at, groups->count, sizeof *groups->at);
    groups->at[groups->count] = (struct group){0};
    return &groups->at[groups->count++];
}

struct groups groups_of(const struct findings *census, const struct findings *trap,
                        uint64_t min_bytes)
{
    struct groups groups = {0};
    const struct finding *finding;
    size_t first = 0;
    size_t c = 0;
    size_t t = 0;

    while ((finding = next_by_place(census, &c, trap, &t)) != NULL)
        include(group_for(&groups, &first, finding, min_bytes), finding);
    for (size_t i = 0; i < groups.count; i++) {
        count_touches(&groups.at[i]);
        groups.at[i].stacks = uses_stacks(groups.at[i].findings, groups.at[i].finding_count);
    }
    if (groups.count > 0)
        qsort(groups.at, groups.count, sizeof *groups.at, by_risk);
    return groups;
}

void groups_free(struct groups *groups)
{
    for (size_t i = 0; i < groups->count; i++)
        free(groups->at[i].findings);
    free(groups->at);
}
