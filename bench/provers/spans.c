/*
 * spans.c - the steps of a proof as an instrumented prover logs them: each opens spans on one
 * registry, which is created before all phases. What the registry needs later (pages, the stack,
 * maps of extensions) it allocates inside of a phase and keeps; see repro/span_registry_pages.c.
 * Where the real library would panic, or if a value differs from what was stored, the program ends
 * with status 4.
 */
#include "spans.h"

#include "failure.h"
#include "span_registry.h"
#include "workload.h"

#include <stdint.h>
#include <string.h>

static const struct span_extension_type timing = {.id = 0x71, .value_bytes = 16};

static struct {
    struct span_registry *registry;
    unsigned count; /* in each step */
    unsigned proof;
    unsigned steps; /* open ones */
    struct span_metadata metadata[SPANS_STEPS_MOST];
    uint64_t ids[SPANS_STEPS_MOST][SPANS_MOST];
} spans;

void spans_set_up(unsigned count)
{
    spans.count = count;
    if (count == 0)
        return;
    spans.registry = span_registry_create();
    if (spans.registry == NULL)
        failure(3, "out of memory: no room for the span registry");
}

void spans_set_proof(unsigned proof)
{
    spans.proof = proof;
}

void spans_tear_down(void)
{
    if (spans.registry != NULL)
        span_registry_destroy(spans.registry);
    spans.registry = NULL;
}

_Noreturn static void panic(const char *text)
{
    failure(4, "panic in the span registry, proof %u: %s", spans.proof, text);
}

static void expect(enum span_status got, enum span_status wanted)
{
    static const char prefix[] = "panic: ";
    const char *text = span_status_text(got);

    if (got != wanted)
        panic(strncmp(text, prefix, strlen(prefix)) == 0 ? text + strlen(prefix) : text);
}

static uint64_t open_span(const struct span_metadata *metadata, uint64_t i)
{
    const uint64_t value[2] = {i, ~i};
    uint64_t found[2] = {0, 0};
    uint64_t id;

    expect(span_registry_new_span(spans.registry, metadata, &id), SPAN_OK);
    expect(span_registry_enter(spans.registry, id), SPAN_OK);
    expect(span_registry_insert_extension(spans.registry, id, &timing, value), SPAN_OK);
    expect(span_registry_get_extension(spans.registry, id, &timing, found), SPAN_OK);
    if (found[0] != value[0] || found[1] != value[1])
        panic("a span's extension is another");
    return id;
}

void workload_enter(const char *step)
{
    struct span_metadata *metadata = &spans.metadata[spans.steps];

    if (spans.count == 0)
        return;
    if (spans.steps == SPANS_STEPS_MOST)
        panic("steps nest too deeply");
    *metadata = (struct span_metadata){.name = step, .target = "prover"};
    for (unsigned i = 0; i < spans.count; i++)
        spans.ids[spans.steps][i] = open_span(metadata, (uint64_t)spans.steps * SPANS_MOST + i);
    spans.steps++;
}

void workload_leave(void)
{
    if (spans.count == 0)
        return;
    if (spans.steps == 0)
        panic("left a step that was not entered");
    spans.steps--;
    for (unsigned i = spans.count; i-- > 0;) {
        uint64_t id = spans.ids[spans.steps][i];

        expect(span_registry_exit(spans.registry, id), SPAN_OK);
        expect(span_registry_close(spans.registry, id), SPAN_CLOSED);
    }
}
