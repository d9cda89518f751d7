/*
 * sarif.c - results in SARIF 2.1.0, which code hosts show at the source lines. A result is a site
 * whose blocks blind recycling would hand out again; a site below MIN_BYTES is not a result.
 */
#include "json.h"
#include "output.h"

#if HAVE_JANSSON

#include "traces.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RULE_TOUCHED, RULE_RETAINED, RULE_AFTER_FREE, RULE_DISCARDED, RULES };

static const struct {
    const char *id;
    const char *level;
    const char *text;
    const char *help;
} rules[RULES] = {
    {"touched", "error", "Memory of an earlier phase is used",
     "The block is read or written in a later phase than the one that it was allocated in. Under "
     "blind recycling its "
     "bytes belong to another block by then. Free it before the phase ends, allocate it outside of "
     "phases, raise "
     "ZK_ALLOC_MIN_BYTES above its size, or recycle pinned."},
    {"retained", "warning", "Memory is kept across a phase",
     "The block is alive when the next phase begins. It was not seen to be used, but nothing keeps "
     "it from that. Free it "
     "before the phase ends, allocate it outside of phases, raise ZK_ALLOC_MIN_BYTES above its "
     "size, or recycle pinned."},
    {"after-free", "error", "Memory is used after it was freed",
     "The program reads or writes a block that it has freed: its own bug, under any allocator."},
    {"discarded", "error", "Memory is used after zk_discard_phase",
     "The block is read or written after the phase that it was allocated in was discarded: its "
     "bytes are lost under every "
     "recycling. End the phase by zk_end_phase, or do not use the block."},
};

/* Adds to a list whose items must differ: stacks or places that differ for the library may look
 * alike here. */
static void add_new(json_t *array, json_t *value)
{
    size_t i;
    const json_t *item;

    json_array_foreach(array, i, item)
    {
        if (!json_equal(item, value))
            continue;
        json_decref(value);
        return;
    }
    json_add(array, value);
}

static json_t *message(const char *text)
{
    json_t *object = json_object();

    json_set(object, "text", json_text(text));
    return object;
}

/* Encodes a path for a URI: all but letters, digits and -._~/ becomes %XX. */
static char *uri_of(const char *prefix, const char *path)
{
    char *uri = need(malloc(strlen(prefix) + 3 * strlen(path) + 1));
    char *to = stpcpy(uri, prefix);

    for (; *path != '\0'; path++) {
        if (isalnum((unsigned char)*path) || strchr("-._~/", *path) != NULL)
            *to++ = *path;
        else
            to += sprintf(to, "%%%02X", (unsigned char)*path);
    }
    *to = '\0';
    return uri;
}

/* A file below the current folder gets a relative path, so that it is found in another checkout. */
static json_t *artifact_of(const char *file)
{
    const char *relative = from_here(file);
    json_t *artifact = json_object();
    char *uri = uri_of(relative[0] == '/' ? "file://" : "", relative);

    json_set(artifact, "uri", json_text(uri));
    if (relative[0] != '/')
        json_set(artifact, "uriBaseId", json_text("SRCROOT"));
    free(uri);
    return artifact;
}

static json_t *location_of(const struct place *place, const char *text)
{
    json_t *object = json_object();

    if (known(place->file)) {
        json_t *physical = json_object();

        json_set(physical, "artifactLocation", artifact_of(place->file));
        if (place->line != UNKNOWN && place->line > 0) {
            json_t *region = json_object();

            json_set(region, "startLine", json_number(place->line));
            json_set(physical, "region", region);
        }
        json_set(object, "physicalLocation", physical);
    }
    if (known(place->symbol)) {
        json_t *logical = json_object();
        json_t *list = json_array();

        json_set(logical, "fullyQualifiedName", json_text(place->symbol));
        json_set(logical, "kind", json_text("function"));
        json_add(list, logical);
        json_set(object, "logicalLocations", list);
    }
    if (text != NULL)
        json_set(object, "message", message(text));
    return object;
}

static json_t *stack_of(uint32_t number, const char *text)
{
    struct trace trace = trace_at(number);
    json_t *stack = json_object();
    json_t *frames = json_array();

    for (uint32_t i = 0; i < trace.count; i++) {
        const struct frame *frame = frame_at(trace.frames[i]);

        for (uint32_t s = 0; s < frame->scope_count; s++) {
            const struct place place = {.symbol = frame->scopes[s].function,
                                        .file = frame->scopes[s].file,
                                        .line = frame->scopes[s].line};
            const char *path = object_at(frame->object)->path;
            json_t *item = json_object();

            json_set(item, "location", location_of(&place, NULL));
            if (*path != '\0')
                json_set(item, "module", json_text(path));
            json_add(frames, item);
        }
    }
    json_set(stack, "message", message(text));
    json_set(stack, "frames", frames);
    return stack;
}

/* Identifies a result by what stays the same from build to build. */
static json_t *fingerprint_of(const struct place *place, int rule)
{
    json_t *prints = json_object();
    char *text;

    if (asprintf(&text, "%s|%s|%s", rules[rule].id,
                 known(place->file) ? from_here(place->file) : place->module, place->symbol) < 0)
        die(3, "out of memory");
    json_set(prints, "site/v1", json_text(text));
    free(text);
    return prints;
}

static json_t *result(int rule, const struct place *place, const char *text)
{
    json_t *object = json_object();
    json_t *locations = json_array();

    json_set(object, "ruleId", json_text(rules[rule].id));
    json_set(object, "ruleIndex", json_integer(rule));
    json_set(object, "level", json_text(rules[rule].level));
    json_set(object, "message", message(text));
    json_add(locations, location_of(place, NULL));
    json_set(object, "locations", locations);
    json_set(object, "partialFingerprints", fingerprint_of(place, rule));
    return object;
}

static void set_related(json_t *object, const struct group *group)
{
    json_t *related = json_array();

    for (size_t i = 0; i < group->finding_count; i++) {
        const struct finding *finding = group->findings[i];
        char text[64];

        if (finding->kind != TOUCHED)
            continue;
        snprintf(text, sizeof text, "%s here, in a later phase",
                 known_or(finding->access, "access"));
        add_new(related, location_of(&finding->accessed, text));
    }
    if (json_array_size(related) > 0)
        json_set(object, "relatedLocations", related);
    else
        json_decref(related);
}

static json_t *result_of(const struct group *group)
{
    bool touched = group->touch != NULL;
    struct parts parts = group_stacks(group, false);
    json_t *stacks = json_array();
    json_t *object;
    char text[256];

    snprintf(text, sizeof text, "%s of %s bytes, kept across a phase%s.",
             group->count == UNKNOWN ? "Blocks" : amount(group->count, "block").text,
             sizes_of(group).text, touched ? " and used in a later one" : "");
    object = result(touched ? RULE_TOUCHED : RULE_RETAINED, &group->made->made, text);
    set_related(object, group);
    for (size_t i = 0; i < parts.count; i++)
        if (parts.at[i].trace != 0)
            add_new(stacks, stack_of(parts.at[i].trace, "allocated by"));
    free(parts.at);
    json_set(object, "stacks", stacks);
    if (group->hidden != NULL) {
        json_t *suppression = json_object();
        json_t *list = json_array();

        json_set(suppression, "kind", json_text("external"));
        json_set(suppression, "justification", json_text(group->hidden));
        json_add(list, suppression);
        json_set(object, "suppressions", list);
    }
    return object;
}

static json_t *results_of(const struct audit *audit)
{
    json_t *results = json_array();

    for (size_t i = 0; i < audit->groups.count; i++)
        if (audit->groups.at[i].asked_most >= audit->min_bytes)
            json_add(results, result_of(&audit->groups.at[i]));
    for (size_t i = 0; i < audit->trap.report.findings.count; i++) {
        const struct finding *finding = &audit->trap.report.findings.at[i];
        char text[96];

        if ((finding->kind != FREED && finding->kind != DISCARDED) || !known(finding->access))
            continue;
        snprintf(text, sizeof text, "A %s of a block that has been %s.", finding->access,
                 finding->kind == FREED ? "freed" : "given up by zk_discard_phase");
        json_add(results, result(finding->kind == FREED ? RULE_AFTER_FREE : RULE_DISCARDED,
                                 &finding->accessed, text));
    }
    return results;
}

static json_t *driver(void)
{
    json_t *object = json_object();
    json_t *list = json_array();

    for (int i = 0; i < RULES; i++) {
        json_t *rule = json_object();
        json_t *level = json_object();

        json_set(level, "level", json_text(rules[i].level));
        json_set(rule, "id", json_text(rules[i].id));
        json_set(rule, "shortDescription", message(rules[i].text));
        json_set(rule, "fullDescription", message(rules[i].help));
        json_set(rule, "help", message(rules[i].help));
        json_set(rule, "defaultConfiguration", level);
        json_add(list, rule);
    }
    json_set(object, "name", json_text("zk-audit"));
    json_set(object, "version", json_text(ZK_VERSION));
    json_set(object, "rules", list);
    return object;
}

static json_t *invocations_of(const struct audit *audit)
{
    const struct run *const runs[] = {&audit->census, &audit->trap};
    json_t *list = json_array();

    for (size_t i = 0; i < 2; i++) {
        json_t *object;

        if (!runs[i]->made || audit->options->resolve)
            continue;
        object = json_object();
        json_set(object, "executionSuccessful", json_boolean(!run_failed(runs[i])));
        if (WIFSIGNALED(runs[i]->status))
            json_set(object, "exitSignalNumber", json_integer(WTERMSIG(runs[i]->status)));
        else
            json_set(object, "exitCode", json_integer(WEXITSTATUS(runs[i]->status)));
        json_add(list, object);
    }
    return list;
}

static json_t *roots(void)
{
    char here[PATH_MAX + 1];
    json_t *root = json_object();
    json_t *object = json_object();
    char *uri;

    if (getcwd(here, PATH_MAX) == NULL)
        snprintf(here, sizeof here, "/");
    if (here[1] != '\0')
        here[strlen(here) + 1] = '\0', here[strlen(here)] = '/';
    uri = uri_of("file://", here);
    json_set(root, "uri", json_text(uri));
    json_set(object, "SRCROOT", root);
    free(uri);
    return object;
}

void sarif_write(const char *path, const struct audit *audit)
{
    struct output output = output_open(path);
    json_t *document = json_object();
    json_t *tool = json_object();
    json_t *runs = json_array();
    json_t *run = json_object();

    json_set(tool, "driver", driver());
    json_set(run, "tool", tool);
    json_set(run, "invocations", invocations_of(audit));
    json_set(run, "originalUriBaseIds", roots());
    json_set(run, "results", results_of(audit));
    json_add(runs, run);
    json_set(document, "$schema", json_text("https://json.schemastore.org/sarif-2.1.0.json"));
    json_set(document, "version", json_text("2.1.0"));
    json_set(document, "runs", runs);
    if (json_dumpf(document, output.file, JSON_INDENT(1)) != 0 || fputc('\n', output.file) == EOF)
        die(3, "%s: %s: it is not written", path, strerror(errno));
    json_decref(document);
    output_close(&output);
}

#else

void sarif_write(const char *path, const struct audit *audit)
{
    (void)path;
    (void)audit;
}

#endif
