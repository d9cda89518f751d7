/*
 * json.c - the answer as one JSON document, for programs; and reading an earlier one. Its sites are
 * the rows of the screen.
 */
#include "json.h"
#include "output.h"

#if HAVE_JANSSON

#include "traces.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

bool json_there(void)
{
    return true;
}

/* File names are bytes; bytes that are not UTF-8 become question marks. */
json_t *json_text(const char *text)
{
    json_t *value;
    char *copy;

    if (text == NULL || !known(text))
        return json_null();
    value = json_string(text);
    if (value != NULL)
        return value;
    copy = need(strdup(text));
    for (char *at = copy; *at != '\0'; at++)
        if ((unsigned char)*at >= 0x80)
            *at = '?';
    value = need(json_string(copy));
    free(copy);
    return value;
}

json_t *json_number(uint64_t number)
{
    return number == UNKNOWN ? json_null() : json_integer((json_int_t)number);
}

void json_set(json_t *object, const char *name, json_t *value)
{
    if (value == NULL || json_object_set_new(object, name, value) != 0)
        die(3, "out of memory");
}

void json_add(json_t *array, json_t *value)
{
    if (value == NULL || json_array_append_new(array, value) != 0)
        die(3, "out of memory");
}

static void set_place(json_t *object, const struct place *place)
{
    json_set(object, "function", json_text(place->symbol));
    json_set(object, "file", json_text(known(place->file) ? from_here(place->file) : not_known));
    json_set(object, "line", json_number(place->line));
    json_set(object, "module", json_text(place->module));
}

/* The frames of a stack, innermost first, with inlined functions. */
static json_t *frames_of(uint32_t number)
{
    struct trace trace = trace_at(number);
    json_t *frames = json_array();

    for (uint32_t i = 0; i < trace.count; i++) {
        const struct frame *frame = frame_at(trace.frames[i]);

        for (uint32_t s = 0; s < frame->scope_count; s++) {
            const struct scope *scope = &frame->scopes[s];
            const struct place place = {.module = object_at(frame->object)->path,
                                        .symbol = scope->function,
                                        .file = scope->file,
                                        .line = scope->line};
            json_t *item = json_object();

            set_place(item, &place);
            json_set(item, "offset", json_number(frame->offset));
            json_set(item, "inlined", json_boolean(s + 1 < frame->scope_count));
            json_add(frames, item);
        }
    }
    return frames;
}

static json_t *stacks_of(const struct group *group, bool accesses)
{
    struct parts parts = group_stacks(group, accesses);
    json_t *stacks = json_array();

    for (size_t i = 0; i < parts.count; i++) {
        json_t *stack = json_object();

        if (!accesses) {
            json_set(stack, "count", json_number(parts.at[i].count));
            json_set(stack, "bytes", json_number(parts.at[i].bytes));
        }
        json_set(stack, "frames", frames_of(parts.at[i].trace));
        json_add(stacks, stack);
    }
    free(parts.at);
    return stacks;
}

static json_t *accesses_of(const struct group *group)
{
    json_t *accesses = json_array();

    for (size_t i = 0; i < group->finding_count; i++) {
        const struct finding *finding = group->findings[i];
        json_t *access;

        if (finding->kind != TOUCHED)
            continue;
        access = json_object();
        json_set(access, "access", json_text(finding->access));
        set_place(access, &finding->accessed);
        json_set(access, "size", json_number(finding->size));
        json_set(access, "offset", json_number(finding->offset));
        json_set(access, "phase_allocated", json_number(finding->phase_first));
        json_set(access, "phase_accessed", json_number(finding->phase_last));
        json_add(accesses, access);
    }
    return accesses;
}

static json_t *site_of(const struct audit *audit, const struct group *group)
{
    json_t *site = json_object();

    set_place(site, &group->made->made);
    json_set(site, "count", json_number(group->count));
    json_set(site, "size_least", json_number(group->size_least));
    json_set(site, "size_most", json_number(group->size_most));
    json_set(site, "bytes", json_number(group->bytes));
    json_set(site, "threads", json_number(group->threads));
    json_set(site, "below_min_bytes", json_boolean(group->asked_most < audit->min_bytes));
    json_set(site, "touched",
             run_reported(&audit->trap) ? json_boolean(group->touch != NULL) : json_null());
    json_set(site, "freed_late", json_boolean(group->freed_late));
    json_set(site, "suppressed", group->hidden == NULL ? json_null() : json_text(group->hidden));
    json_set(site, "stack_count", json_number(group->stacks));
    json_set(site, "accesses", accesses_of(group));
    json_set(site, "stacks", stacks_of(group, false));
    json_set(site, "access_stacks", stacks_of(group, true));
    return site;
}

/* Findings that belong to no site: accesses after free, and blocks that were used after a discard
 * or not watched. */
static json_t *others_of(const struct findings *findings)
{
    json_t *others = json_array();

    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->at[i];
        json_t *other;

        if (finding_in_group(finding))
            continue;
        other = json_object();
        json_set(other, "kind", json_text(kind_names[finding->kind]));
        json_set(other, "size", json_number(finding->size));
        json_set(other, "count", json_number(finding->count));
        set_place(other, &finding->made);
        if (known(finding->access)) {
            json_t *access = json_object();

            json_set(access, "access", json_text(finding->access));
            set_place(access, &finding->accessed);
            json_set(other, "by", access);
        }
        json_add(others, other);
    }
    return others;
}

static json_t *run_of(const struct audit *audit, const struct run *run)
{
    json_t *object = json_object();
    /* With --resolve, somebody else made the run. */
    bool seen = run->made && !audit->options->resolve;
    bool ended = seen && WIFEXITED(run->status);
    bool died = seen && WIFSIGNALED(run->status);

    json_set(object, "name", json_text(run->name));
    json_set(object, "made", json_boolean(run->made));
    json_set(object, "exit_status", ended ? json_integer(WEXITSTATUS(run->status)) : json_null());
    json_set(object, "signal", died ? json_integer(WTERMSIG(run->status)) : json_null());
    json_set(object, "phases", run->made ? json_number(run->report.phases) : json_null());
    json_set(object, "processes", json_number(run->report.processes));
    json_set(object, "processes_without_report",
             json_number(run->report.silent + run->report.running));
    return object;
}

static void set_bound(json_t *document, const char *name, struct bound bound)
{
    char is[64];

    json_set(document, name, json_number(bound.value));
    snprintf(is, sizeof is, "%s_is", name);
    json_set(document, is, json_text(exactness_names[bound.is]));
}

void json_print(const struct audit *audit, const struct lines *notes)
{
    json_t *document = need(json_object());
    json_t *command = json_array();
    json_t *runs = json_array();
    json_t *sites = json_array();
    json_t *lines = json_array();
    uint64_t advice = audit_advice(audit);

    for (char **word = audit->options->command; *word != NULL; word++)
        json_add(command, json_text(*word));
    json_add(runs, run_of(audit, &audit->census));
    json_add(runs, run_of(audit, &audit->trap));
    for (size_t i = 0; i < audit->groups.count; i++)
        json_add(sites, site_of(audit, &audit->groups.at[i]));
    for (size_t i = 0; i < notes->count; i++)
        json_add(lines, json_text(notes->at[i]));
    json_set(document, "tool", json_text("zk-audit"));
    json_set(document, "version", json_text(ZK_VERSION));
    json_set(document, "command", command);
    json_set(document, "verdict", json_text(verdict_names[audit->verdict]));
    json_set(document, "min_bytes", json_number(audit->min_bytes));
    set_bound(document, "guaranteed", audit->guaranteed);
    set_bound(document, "touched", audit->touched);
    json_set(document, "confirmation", json_text(confirmed_names[audit->confirmation.is]));
    json_set(document, "discarded",
             json_number(run_reported(&audit->trap) ? audit->discarded : UNKNOWN));
    json_set(document, "advice", json_number(advice == 0 ? UNKNOWN : advice));
    json_set(document, "runs", runs);
    json_set(document, "sites", sites);
    json_set(document, "others", others_of(&audit->trap.report.findings));
    json_set(document, "notes", lines);
    if (json_dumpf(document, stdout, JSON_INDENT(2)) != 0 || putchar('\n') == EOF ||
        fflush(stdout) != 0)
        die(3, "stdout: %s: the document is not complete", strerror(errno));
    json_decref(document);
}

/* ---- Reading the document of an earlier run */

static const char *text_in(const json_t *site, const char *name, const char *otherwise)
{
    const json_t *value = json_object_get(site, name);

    return json_is_string(value) ? json_string_value(value) : otherwise;
}

void baseline_read(const char *path)
{
    json_error_t error;
    json_t *document = json_load_file(path, 0, &error);
    const json_t *sites = json_object_get(document, "sites");
    const json_t *site;
    size_t i;

    if (document == NULL)
        die(2, "--baseline %s: %s: want what an earlier --json printed", path, error.text);
    if (!json_is_array(sites))
        die(2, "--baseline %s: it has no sites: want what an earlier --json printed", path);
    json_array_foreach(sites, i, site)
    {
        baseline_add(text_in(site, "function", not_known),
                     text_in(site, "file", base_name(text_in(site, "module", ""))),
                     (uint64_t)json_integer_value(json_object_get(site, "size_most")));
    }
    json_decref(document);
}

#else

bool json_there(void)
{
    return false;
}

void json_print(const struct audit *audit, const struct lines *notes)
{
    (void)audit;
    (void)notes;
}

void baseline_read(const char *path)
{
    (void)path;
}

#endif
