/*
 * stacks.c - prints whole stacks for a person: each with its blocks, one line per scope.
 */
#include "audit.h"
#include "traces.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int by_trace(const void *a, const void *b)
{
    const struct part *left = a;
    const struct part *right = b;

    return (left->trace > right->trace) - (left->trace < right->trace);
}

static int by_bytes(const void *a, const void *b)
{
    const struct part *left = a;
    const struct part *right = b;

    if (left->bytes != right->bytes)
        return left->bytes > right->bytes ? -1 : 1;
    return by_trace(a, b);
}

/* Unites the parts that have the same stack. */
static void unite(struct parts *parts)
{
    size_t kept = 0;

    if (parts->count == 0)
        return;
    qsort(parts->at, parts->count, sizeof *parts->at, by_trace);
    for (size_t i = 1; i < parts->count; i++) {
        if (parts->at[i].trace != parts->at[kept].trace) {
            parts->at[++kept] = parts->at[i];
            continue;
        }
        parts->at[kept].count = sum(parts->at[kept].count, parts->at[i].count);
        parts->at[kept].bytes = sum(parts->at[kept].bytes, parts->at[i].bytes);
    }
    parts->count = kept + 1;
    qsort(parts->at, parts->count, sizeof *parts->at, by_bytes);
}

static void collect(struct parts *parts, const struct finding *finding, bool accesses)
{
    bool counts = finding->kind == RETAINED && !accesses; /* the trap counts accesses */

    for (uint32_t number = finding->first_use; number != 0; number = use_next(finding, number)) {
        const struct use *use = use_at(number);

        parts->at = grow(parts->at, parts->count, sizeof *parts->at);
        parts->at[parts->count++] = (struct part){.trace = accesses ? use->accessed : use->made,
                                                  .count = counts ? use->count : UNKNOWN,
                                                  .bytes = counts ? use->bytes : UNKNOWN};
    }
}

static void add_scopes(uint32_t number, struct lines *lines)
{
    struct trace trace = trace_at(number);

    for (uint32_t i = 0; i < trace.count; i++) {
        const struct frame *frame = frame_at(trace.frames[i]);
        const char *module = object_at(frame->object)->path;
        char *site;

        if (asprintf(&site, "%s+0x%" PRIx64, *module == '\0' ? "?" : module, frame->offset) < 0)
            die(3, "out of memory");
        for (uint32_t s = 0; s < frame->scope_count; s++) {
            const struct scope *scope = &frame->scopes[s];
            struct place place = {.module = not_known,
                                  .symbol = scope->function,
                                  .file = scope->file,
                                  .line = scope->line,
                                  .frame = site};

            lines_add(lines, "        %s", location(&place, site, screen_columns() - 8).text);
        }
        free(site);
    }
}

static void add_parts(struct parts parts, const char *noun, struct lines *lines)
{
    for (size_t i = 0; i < parts.count; i++) {
        const struct part *part = &parts.at[i];
        char blocks[160] = "";

        if (part->count != UNKNOWN)
            snprintf(blocks, sizeof blocks, ", %s, %s", amount(part->count, "block").text,
                     amount(part->bytes, "byte").text);
        lines_add(lines, "      %s %zu of %zu%s", noun, i + 1, parts.count, blocks);
        add_scopes(part->trace, lines);
    }
    free(parts.at);
}

struct parts group_stacks(const struct group *group, bool accesses)
{
    struct parts parts = {0};

    for (size_t i = 0; i < group->finding_count; i++)
        if (!accesses || group->findings[i]->kind == TOUCHED)
            collect(&parts, group->findings[i], accesses);
    unite(&parts);
    return parts;
}

void stacks_add(const struct group *group, struct lines *lines)
{
    add_parts(group_stacks(group, false), "stack", lines);
}

void access_stacks_add(const struct group *group, struct lines *lines)
{
    add_parts(group_stacks(group, true), "stack of an access", lines);
}
