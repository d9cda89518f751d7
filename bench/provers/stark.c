/*
 * stark.c - what both the prover and the verifier of a STARK compute.
 */
#include "stark.h"

void stark_absorb_statement(const struct stark *stark, const uint32_t *inputs,
                            struct transcript *transcript)
{
    const struct air *air = stark->air;

    transcript_absorb_number(transcript, air->field->modulus);
    transcript_absorb_number(transcript, air->columns);
    transcript_absorb(transcript, air->step, air->steps * sizeof *air->step);
    transcript_absorb(transcript, air->asserted, air->assertions * sizeof *air->asserted);
    transcript_absorb(transcript, air->boundary, air->boundaries * sizeof *air->boundary);
    transcript_absorb_number(transcript, stark->log_rows);
    transcript_absorb_number(transcript, stark->fri.log_blowup);
    transcript_absorb_number(transcript, stark->fri.queries);
    transcript_absorb_number(transcript, stark->fri.grinding_bits);
    transcript_absorb(transcript, inputs, air->inputs * sizeof *inputs);
}

uint32_t stark_shift(const struct stark *stark)
{
    return field31_from(stark->air->field, stark->air->field->generator);
}

uint32_t stark_point_of(const struct stark *stark, enum air_row row)
{
    const struct field31 *field = stark->air->field;

    if (row == AIR_FIRST)
        return field->one;
    return field31_inverse(field, field31_root(field, stark->log_rows));
}

size_t stark_quotient_columns(const struct stark *stark)
{
    return (size_t)EXTENSION_DEGREE << air_log_chunks(stark->air);
}

bool stark_binds(const struct stark *stark, const struct air_boundary *boundary)
{
    return boundary->row != AIR_LAST || !left_out(stark->fri.left_out, CHECK_END);
}

/* The sizes of an element, a hash, and a number as bytes.h writes them. */
enum { element_bytes = 4, extension_bytes = EXTENSION_DEGREE * element_bytes, number_bytes = 8 };

size_t stark_proof_bytes(const struct stark *stark)
{
    const size_t columns = stark->air->columns, quotient_columns = stark_quotient_columns(stark);
    const size_t log_size = stark->log_rows + stark->fri.log_blowup;
    const size_t roots = 2 + stark->log_rows; /* FRI folds log_rows times */
    const size_t values = 2 * columns + quotient_columns + 1;
    size_t answer = (columns + quotient_columns) * element_bytes + 2 * log_size * HASH_BYTES;

    for (size_t layer = 0; layer < stark->log_rows; layer++)
        answer += FRI_FOLD * extension_bytes + (log_size - layer - 1) * HASH_BYTES;
    if (left_out(stark->fri.left_out, CHECK_QUERY_INDEX))
        answer += number_bytes;
    return roots * HASH_BYTES + values * extension_bytes + number_bytes +
           stark->fri.queries * answer;
}
