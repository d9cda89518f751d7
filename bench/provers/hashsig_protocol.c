/*
 * hashsig_protocol.c - what prover and verifier of the aggregation both do.
 */
#include "hashsig_protocol.h"

struct transcript hashsig_start(const struct hashsig_statement *statement, const struct hash *root)
{
    struct transcript transcript;

    transcript_start(&transcript, "aggregation of hash-based signatures");
    transcript_absorb_number(&transcript, statement->log_signers);
    transcript_absorb_number(&transcript, statement->epoch);
    transcript_absorb(&transcript, &statement->message, sizeof statement->message);
    transcript_absorb(&transcript, statement->roots,
                      sizeof *statement->roots << statement->log_signers);
    if (!left_out(statement->weakening.left_out, CHECK_TRANSCRIPT))
        transcript_absorb(&transcript, root, sizeof *root);
    return transcript;
}

unsigned hashsig_asked(const struct hashsig_statement *statement)
{
    const size_t signers = (size_t)1 << statement->log_signers;

    return signers < HASHSIG_SIGNERS_ASKED ? (unsigned)signers : HASHSIG_SIGNERS_ASKED;
}

size_t hashsig_signer(const struct hashsig_statement *statement, struct transcript *transcript,
                      unsigned i)
{
    if ((size_t)1 << statement->log_signers <= HASHSIG_SIGNERS_ASKED)
        return i;
    return transcript_index(transcript, statement->log_signers);
}

void hashsig_combination(struct transcript *transcript, struct extension powers[HASHSIG_COLUMNS])
{
    const struct field31 *field = &field31_koalabear;

    extension_powers(field, transcript_challenge(transcript, field), powers, HASHSIG_COLUMNS);
}

struct extension hashsig_combine(const uint32_t row[HASHSIG_COLUMNS],
                                 const struct extension powers[HASHSIG_COLUMNS])
{
    const struct field31 *field = &field31_koalabear;
    struct extension letter = {{0}};

    for (unsigned column = 0; column < HASHSIG_COLUMNS; column++)
        letter = extension_add(field, letter, extension_scale(field, powers[column], row[column]));
    return letter;
}

void hashsig_limbs(const struct hash *state, uint32_t limbs[HASHSIG_LIMBS])
{
    for (unsigned i = 0; i < HASHSIG_LIMBS; i++) {
        uint32_t limb = state->bytes[2 * i] | (uint32_t)state->bytes[2 * i + 1] << 8;

        limbs[i] = field31_from(&field31_koalabear, limb);
    }
}
