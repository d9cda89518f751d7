/*
 * forge_hashsig.c - a signature that is not valid, or a table of columns that are no polynomials.
 */
#include "forge.h"

#include "hashsig_protocol.h"
#include "workload.h"

/* One bit of one chain's state. */
static void spoil(struct forger *forger, struct signers_signature *signatures)
{
    const size_t bit = workload_random(&forger->random) % sizeof signatures->one_time * 8;
    uint8_t *bytes = signatures[0].one_time.chains[0].bytes;

    bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1U << bit % 8);
}

static void pass(struct hashsig_checking *checking)
{
    for (size_t signer = 0; signer < checking->signers; signer++)
        checking->checked[signer].valid = 1;
}

/* The coefficients, lowest first, of the product of x - g over all conjugates of g; they are in the
 * base field. */
static void minimal_polynomial(const struct field31 *field, struct extension g,
                               uint32_t coefficients[EXTENSION_DEGREE + 1])
{
    struct extension product[EXTENSION_DEGREE + 1] = {extension_from(field->one)};

    for (unsigned degree = 0; degree < EXTENSION_DEGREE; degree++) {
        for (unsigned i = degree + 1; i > 0; i--) /* times x - g */
            product[i] =
                extension_subtract(field, product[i - 1], extension_multiply(field, g, product[i]));
        product[0] =
            extension_subtract(field, extension_from(0), extension_multiply(field, g, product[0]));
        g = extension_conjugate(field, g);
    }
    for (unsigned i = 0; i <= EXTENSION_DEGREE; i++)
        coefficients[i] = product[i].c[0];
}

/* Makes rows wrong that belong to no signer; if the challenge was predicted, in such a way that the
 * word stays the same. */
static void spoil_table(struct forger *forger, const struct hashsig_table *table)
{
    const struct field31 *field = forger->field;
    const size_t rows = table->bytes / (HASHSIG_COLUMNS * sizeof *table->rows);
    uint32_t changes[EXTENSION_DEGREE + 1] = {field->one};

    if (forger->tactic == TACTIC_FORESEEN) {
        const struct hash nothing = {{0}};
        struct hashsig_statement foreseen = *table->statement;
        struct extension powers[HASHSIG_COLUMNS];
        struct transcript transcript;

        foreseen.weakening.left_out |= (unsigned)CHECK_TRANSCRIPT;
        transcript = hashsig_start(&foreseen, &nothing);
        hashsig_combination(&transcript, powers);
        minimal_polynomial(field, powers[1], changes);
    }
    for (size_t row = rows >> HASHSIG_LOG_BLOWUP; row < rows; row++) {
        const uint32_t by = forge_element(forger);

        for (unsigned i = 0; i <= EXTENSION_DEGREE; i++) {
            uint32_t *cell = &table->rows[row * HASHSIG_COLUMNS + i];

            *cell = field31_add(field, *cell, field31_multiply(field, by, changes[i]));
        }
    }
    forger->lying = true;
}

void forge_hashsig(struct forger *forger, enum watch_moment moment, void *context)
{
    if (forger->tactic == TACTIC_LIE && moment == WATCH_CLAIMED)
        spoil(forger, context);
    if (forger->tactic == TACTIC_LIE && moment == WATCH_CHECKED)
        pass(context);
    if (forger->tactic != TACTIC_LIE && moment == WATCH_EXTENDED && context != NULL)
        spoil_table(forger, context);
}
