/*
 * tamper.c - tampered proofs. Each is in a block of exactly its size, so that a sanitizer detects a
 * verifier that reads past its end.
 */
#include "tamper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tampering {
    const struct workload *workload;
    const void *state;
    uint64_t index;
    const struct workload_proof *proof;
    struct tamper result;
};

/* The first `bytes` bytes of the proof, for statement `index`, with bit `bit` flipped if there is such a bit.
 * A byte beyond the end of the proof is 0. */
static void attempt(struct tampering *tampering, uint64_t index, size_t bytes, size_t bit,
                    const char *what)
{
    const struct workload_proof *proof = tampering->proof;
    struct tamper *result = &tampering->result;
    uint8_t *copy = workload_zeroed(bytes == 0 ? 1 : bytes);

    memcpy(copy, proof->data, bytes < proof->bytes ? bytes : proof->bytes);
    if (bit / 8 < bytes)
        copy[bit / 8] = (uint8_t)(copy[bit / 8] ^ 1U << bit % 8);
    result->tried++;
    if (!tampering->workload->verify(tampering->state, index, copy, bytes))
        result->rejected++;
    else if (result->accepted[0] == '\0')
        snprintf(result->accepted, sizeof result->accepted, "%s", what);
    free(copy);
}

/* Makes one of `count` attempts. Of any four, two have a bit flipped at evenly spaced places, one
 * has one at a random place, one is truncated. */
static void attempt_one(struct tampering *tampering, unsigned i, unsigned count, uint64_t random)
{
    size_t bits = tampering->proof->bytes * 8;
    size_t bit = bits / count * i + (size_t)(random % (bits / count + 1));
    char what[80];

    if (i % 4 == 3) {
        size_t kept = (size_t)(random % tampering->proof->bytes);

        snprintf(what, sizeof what, "cut to %zu of its %zu bytes", kept, tampering->proof->bytes);
        attempt(tampering, tampering->index, kept, bits, what);
        return;
    }
    if (i % 4 == 2)
        bit = (size_t)(random % bits);
    bit %= bits;
    snprintf(what, sizeof what, "bit %zu of byte %zu of %zu", bit % 8, bit / 8,
             tampering->proof->bytes);
    attempt(tampering, tampering->index, tampering->proof->bytes, bit, what);
}

struct tamper tamper_with(const struct workload *workload, const void *state, uint64_t index,
                          const struct workload_proof *proof, unsigned count, uint64_t seed)
{
    struct tampering tampering = {workload, state, index, proof, {.untouched = true}};
    const size_t no_bit = SIZE_MAX;
    uint64_t random = seed;

    if (count == 0)
        return tampering.result;
    for (unsigned i = 0; i < count; i++)
        attempt_one(&tampering, i, count, workload_random(&random));
    attempt(&tampering, index, 0, no_bit, "empty");
    attempt(&tampering, index, proof->bytes + 1, no_bit, "one byte too long");
    attempt(&tampering, index + 1, proof->bytes, no_bit, "of another statement");
    tampering.result.untouched = workload->verify(state, index, proof->data, proof->bytes);
    return tampering.result;
}
