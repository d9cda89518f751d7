/*
 * forge.c - the tactics of a lying prover, and what they do to FRI.
 */
#include "forge.h"

#include "workload.h"

#include <string.h>

const char *tactic_name(enum tactic tactic)
{
    static const char *const names[TACTICS] = {
        [TACTIC_NONE] = "none",
        [TACTIC_LIE] = "lie",
        [TACTIC_TABLE] = "lie-table",
        [TACTIC_FORESEEN] = "lie-foreseen",
        [TACTIC_HIDDEN] = "lie-hidden",
        [TACTIC_SIBLING] = "lie-sibling",
        [TACTIC_PLACES] = "lie-places",
        [TACTIC_NONCE] = "lie-nonce",
        [TACTIC_OTHER_FORM] = "lie-other-form",
    };

    return names[tactic];
}

bool tactic_exists(enum tactic tactic, enum protocol protocol)
{
    switch (tactic) {
    case TACTIC_NONE:
    case TACTIC_LIE:
    case TACTIC_FORESEEN:
        return true;
    case TACTIC_TABLE:
        return protocol == PROTOCOL_HASHSIG;
    case TACTIC_OTHER_FORM: /* a proof about signatures claims no number */
        return protocol != PROTOCOL_HASHSIG;
    default:
        return protocol != PROTOCOL_SUMCHECK;
    }
}

enum watch_kind tactic_kind(enum tactic tactic, enum protocol protocol)
{
    switch (tactic) {
    case TACTIC_TABLE:
        return WATCH_EXTENSION;
    case TACTIC_HIDDEN:
    case TACTIC_SIBLING:
        return WATCH_FOLD;
    case TACTIC_PLACES:
    case TACTIC_NONCE:
        return WATCH_TRANSCRIPT;
    case TACTIC_OTHER_FORM:
        return protocol == PROTOCOL_SUMCHECK ? WATCH_CLAIM : WATCH_PROOF;
    case TACTIC_FORESEEN:
        return protocol == PROTOCOL_HASHSIG ? WATCH_EXTENSION : WATCH_OPENINGS;
    default:
        return protocol == PROTOCOL_HASHSIG ? WATCH_WITNESS : WATCH_OPENINGS;
    }
}

enum watch_moment tactic_moment(enum tactic tactic, enum protocol protocol)
{
    switch (tactic) {
    case TACTIC_TABLE:
        return WATCH_EXTENDED;
    case TACTIC_HIDDEN:
        return WATCH_COMBINED;
    case TACTIC_SIBLING:
        return WATCH_ANSWERING;
    case TACTIC_PLACES:
        return WATCH_DRAWN;
    case TACTIC_NONCE:
        return WATCH_GRINDING;
    case TACTIC_OTHER_FORM:
        return protocol == PROTOCOL_SUMCHECK ? WATCH_CLAIMED : WATCH_WRITTEN;
    case TACTIC_FORESEEN:
        return protocol == PROTOCOL_HASHSIG ? WATCH_EXTENDED : WATCH_OPENED;
    default:
        return protocol == PROTOCOL_HASHSIG ? WATCH_CHECKED : WATCH_OPENED;
    }
}

uint32_t forge_element(struct forger *forger)
{
    return (uint32_t)(1 + workload_random(&forger->random) % (forger->field->modulus - 1));
}

/* Finds the neighbour of a letter with which both fold to 0: the folded value is a linear function
 * of it. */
static void fold_to_zero(const struct forger *forger, const struct fri_answer *answer)
{
    const struct fri *fri = answer->fri;
    const struct field31 *field = forger->field;
    const size_t row = answer->index / FRI_FOLD, other = answer->index % FRI_FOLD ^ 1;
    struct extension *pair = fri->values[0] + row * FRI_FOLD, at_zero, slope;

    memcpy(fri->values[0], forger->word, sizeof *fri->values[0] << fri->log_size);
    pair[other] = extension_from(0);
    at_zero = fri_fold(field, fri->log_size, 0, row, pair, fri->challenges[0]);
    pair[other] = extension_from(field->one);
    slope = extension_subtract(
        field, fri_fold(field, fri->log_size, 0, row, pair, fri->challenges[0]), at_zero);
    pair[other] = extension_multiply(field, extension_subtract(field, extension_from(0), at_zero),
                                     extension_inverse(field, slope));
}

static void fold(struct forger *forger, const struct fri *fri, enum watch_moment moment)
{
    const size_t letters = (size_t)1 << fri->log_size;

    if (forger->tactic == TACTIC_HIDDEN && moment == WATCH_COMBINED)
        memset(fri->values[0], 0, letters * sizeof *fri->values[0]);
    if (forger->tactic != TACTIC_SIBLING)
        return;
    if (moment == WATCH_COMBINED)
        memcpy(forger->word, fri->values[0], letters * sizeof *fri->values[0]);
    else if (fri->values[2] == NULL) /* the second layer is the newest */
        memset(fri->values[1], 0, letters / 2 * sizeof *fri->values[0]);
}

void forge_fri(struct forger *forger, enum watch_moment moment, void *context)
{
    struct fri_places *places = context;

    if (moment == WATCH_GRINDING && forger->tactic == TACTIC_NONCE)
        *(unsigned *)context = 0;
    if (!forger->lying)
        return;
    if (moment == WATCH_COMBINED || moment == WATCH_FOLDED)
        fold(forger, context, moment);
    if (moment == WATCH_ANSWERING && forger->tactic == TACTIC_SIBLING)
        fold_to_zero(forger, context);
    if (moment == WATCH_DRAWN && forger->tactic == TACTIC_PLACES)
        for (unsigned i = 0; i < places->count; i++)
            places->indices[i] = 0;
}

void forge_event(struct forger *forger, const struct memory *memory, enum watch_moment moment,
                 void *context)
{
    if (forger->tactic == TACTIC_NONE)
        return;
    switch (forger->protocol) {
    case PROTOCOL_STARK:
        forge_stark(forger, memory, moment, context);
        break;
    case PROTOCOL_HASHSIG:
        forge_hashsig(forger, moment, context);
        break;
    case PROTOCOL_SUMCHECK:
        forge_sumcheck(forger, moment, context);
        break;
    }
    if (forger->protocol != PROTOCOL_SUMCHECK)
        forge_fri(forger, moment, context);
}
