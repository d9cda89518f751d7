/*
 * findings.c - puts together what the two runs found: by site and size, for both runs have the same
 * program, and offsets in its files do not move.
 */
#include "audit.h"
#include "symbols.h"

#include <stdlib.h>
#include <string.h>

static void name_place(struct place *place, const char *site, struct strings *strings)
{
    const char *offset = strstr(site, "+0x");
    struct zk_symbol symbol;

    if (known(place->file) || !known(place->module) || offset == NULL ||
        !zk_symbol_find(place->module, strtoull(offset + 1, NULL, 16), &symbol))
        return;
    if (symbol.function[0] != '\0')
        place->symbol = strings_add(strings, symbol.function);
    if (symbol.file[0] != '\0') {
        place->file = strings_add(strings, symbol.file);
        place->line = symbol.line;
    }
}

void findings_name(struct findings *findings, struct strings *strings)
{
    for (size_t i = 0; i < findings->count; i++) {
        struct finding *finding = &findings->at[i];

        name_place(&finding->made, finding->site, strings);
        name_place(&finding->accessed, finding->access_site, strings);
    }
}

static void append(struct findings *findings, const struct finding *finding)
{
    findings->at = grow(findings->at, findings->count, sizeof *findings->at);
    findings->at[findings->count++] = *finding;
}

static int compare_blocks(const struct finding *a, const struct finding *b)
{
    int order = strcmp(a->site, b->site);

    return order != 0 ? order : (a->size > b->size) - (a->size < b->size);
}

/* The census knows how many blocks, the trap what became of them. */
static struct finding combine(const struct finding *census, const struct finding *trap)
{
    struct finding both = *trap;

    both.count = census->count;
    both.bytes = census->bytes;
    both.threads = census->threads;
    return both;
}

/* Appends a row of the census and the trap's rows for the same blocks, which begin at trap->at[t];
 * returns where they end. */
static size_t join_row(struct findings *joined, const struct finding *census,
                       const struct findings *trap, size_t t)
{
    bool told = false; /* what became of the blocks of the census */

    for (; t < trap->count && compare_blocks(census, &trap->at[t]) == 0; t++) {
        const struct finding *row = &trap->at[t];
        struct finding both = combine(census, row);

        if (row->kind == TOUCHED || (row->kind == FREED_LATE && !told)) {
            append(joined, &both);
            told = true;
        } else {
            append(joined, row);
        }
    }
    if (!told)
        append(joined, census);
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

static void include(struct group *group, const struct finding *finding)
{
    if (group->made == NULL)
        *group = (struct group){
            .made = finding, .size_least = UNKNOWN, .count = UNKNOWN, .threads = UNKNOWN};
    group->size_least = least(group->size_least, finding->size);
    group->size_most = most(group->size_most, finding->size);
    group->threads = most(group->threads, finding->threads);
    group->freed_late = group->freed_late || finding->kind == FREED_LATE;
    if (finding->kind == RETAINED)
        group->count = sum(group->count, finding->count);
    if (finding->kind != TOUCHED)
        return;
    group->touches++;
    if (group->touch == NULL || finding->size > group->touch->size)
        group->touch = finding;
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
    return strcmp(left->made->site, right->made->site);
}

/* The row of either list whose site comes first, of those that tell of retained blocks; NULL at the
 * end. */
static const struct finding *next_by_site(const struct findings *census, size_t *c,
                                          const struct findings *trap, size_t *t)
{
    while (*t < trap->count && trap->at[*t].kind != TOUCHED && trap->at[*t].kind != FREED_LATE)
        ++*t;
    if (*c < census->count &&
        (*t == trap->count || strcmp(census->at[*c].site, trap->at[*t].site) <= 0))
        return &census->at[(*c)++];
    return *t < trap->count ? &trap->at[(*t)++] : NULL;
}

struct groups groups_of(const struct findings *census, const struct findings *trap)
{
    struct groups groups = {0};
    const struct finding *finding;
    size_t c = 0;
    size_t t = 0;

    while ((finding = next_by_site(census, &c, trap, &t)) != NULL) {
        struct group *last = groups.count == 0 ? NULL : &groups.at[groups.count - 1];

        if (last == NULL || strcmp(last->made->site, finding->site) != 0) {
            groups.at = grow(groups.at, groups.count, sizeof *groups.at);
            last = &groups.at[groups.count++];
            *last = (struct group){0};
        }
        include(last, finding);
    }
    if (groups.count > 0)
        qsort(groups.at, groups.count, sizeof *groups.at, by_risk);
    return groups;
}
