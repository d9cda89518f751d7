/*
 * forge_stark.c - a false end, and values at the point outside that make the constraints hold for
 * it.
 */
#include "forge.h"

#include "stark.h"
#include "workload.h"

#include <string.h>

/* Replaces one element of the claim. */
static void claim(struct forger *forger, const struct memory *memory, uint32_t *elements)
{
    const uint8_t *start = (const uint8_t *)elements;

    if (forger->claims_seen++ != forger->claim)
        return;
    for (size_t i = 0; i < memory->count; i++) {
        const struct memory_block *block = &memory->blocks[i];
        const uint8_t *end = block->start + block->bytes;
        uint32_t *element;

        if (block->kind != WATCH_CLAIM || start < block->start || start >= end)
            continue;
        element = elements +
                  workload_random(&forger->random) % ((size_t)(end - start) / sizeof *elements);
        *element = field31_add(forger->field, *element, forge_element(forger));
    }
}

/* Changes one value of the quotient so that the gap closes. */
static void close_gap(const struct forger *forger, const struct stark_opening *opening,
                      struct extension gap)
{
    opening->quotient[0] = extension_add(forger->field, opening->quotient[0], gap);
}

/* Changes two values so that the gap closes, and so that combining them with the next challenge g
 * gives the same as for the true ones: a + g b = 0, and a + x b = gap, where x is the root that
 * generates the extension. */
static void close_gap_unseen(const struct forger *forger, const struct stark_opening *opening,
                             struct extension gap)
{
    const struct field31 *field = forger->field;
    struct transcript transcript = *opening->transcript;
    const struct extension g = transcript_challenge(&transcript, field);
    const struct extension x = {{0, field->one}};
    const struct extension b =
        extension_multiply(field, gap, extension_inverse(field, extension_subtract(field, x, g)));
    const struct extension minus_a = extension_multiply(field, g, b);

    opening->quotient[0] = extension_subtract(field, opening->quotient[0], minus_a);
    opening->quotient[1] = extension_add(field, opening->quotient[1], b);
}

static void open_outside(struct forger *forger, const struct stark_opening *opening)
{
    const struct extension gap =
        stark_gap(opening->stark, opening->inputs, opening->alpha, opening->z, opening->this_row,
                  opening->next_row, opening->quotient);

    forger->lying = !extension_equal(gap, extension_from(0));
    if (forger->lying && forger->tactic == TACTIC_FORESEEN)
        close_gap_unseen(forger, opening, gap);
    else if (forger->lying)
        close_gap(forger, opening, gap);
}

/* The proof begins with the claim. The proof is complete once the last part is written. */
static void other_form(struct forger *forger, const struct memory *memory)
{
    const struct memory_block *proof = NULL;
    uint8_t *at;
    uint32_t element;

    for (size_t i = 0; i < memory->count; i++) {
        if (memory->blocks[i].kind != WATCH_PROOF)
            continue;
        if (proof != NULL)
            return;
        proof = &memory->blocks[i];
    }
    if (proof == NULL)
        return;
    at = proof->start + workload_random(&forger->random) % 16 * sizeof element;
    memcpy(&element, at,
           sizeof element); /* lowest byte first, as on all machines of this project */
    element += forger->field->modulus;
    memcpy(at, &element, sizeof element);
}

void forge_stark(struct forger *forger, const struct memory *memory, enum watch_moment moment,
                 void *context)
{
    if (forger->tactic == TACTIC_OTHER_FORM && moment == WATCH_WRITTEN)
        other_form(forger, memory);
    if (forger->tactic == TACTIC_OTHER_FORM)
        return;
    if (moment == WATCH_CLAIMED)
        claim(forger, memory, context);
    if (moment == WATCH_OPENED)
        open_outside(forger, context);
}
