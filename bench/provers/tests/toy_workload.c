/*
 * toy_workload.c - a workload for the driver's test. Its proof is 64 bytes that the statement determines.
 * --log-size chooses a fault: 0 none, 1 the verifier accepts anything, 2 every other proof is
 * wrong, 3 it needs more memory than there is, 4 the verifier only looks at the first bytes.
 */
#include "workload.h"

#include <stdlib.h>
#include <string.h>

enum toy { toy_good, toy_gullible, toy_wrong, toy_greedy, toy_short_sighted, toy_bytes = 64 };

static void fill(uint8_t *bytes, uint64_t seed, uint64_t index)
{
    uint64_t state = seed ^ index << 32;

    for (size_t i = 0; i < toy_bytes; i += sizeof state) {
        uint64_t word = workload_random(&state);

        memcpy(bytes + i, &word, sizeof word);
    }
}

static void *set_up(const struct workload_options *options)
{
    struct workload_options *copy = malloc(sizeof *copy);

    if (copy == NULL)
        abort();
    *copy = *options;
    return copy;
}

static struct workload_proof prove(void *state, uint64_t index)
{
    const struct workload_options *options = state;
    struct workload_proof proof = {malloc(toy_bytes), toy_bytes};
    uint8_t *inside;

    workload_begin();
    workload_enter("prove");
    inside = workload_alloc(options->log_size == toy_greedy ? SIZE_MAX / 4 : 65536);
    workload_enter("fill");
    fill(inside, options->seed, index);
    workload_leave();
    workload_leave();
    workload_end();
    if (proof.data == NULL)
        abort();
    memcpy(proof.data, inside, toy_bytes);
    free(inside);
    proof.data[0] ^= options->log_size == toy_wrong && index % 2 == 1;
    return proof;
}

static bool verify(const void *state, uint64_t index, const uint8_t *proof, size_t bytes)
{
    const struct workload_options *options = state;
    size_t looked_at = options->log_size == toy_short_sighted ? 8 : toy_bytes;
    uint8_t expected[toy_bytes];

    fill(expected, options->seed, index);
    return options->log_size == toy_gullible ||
           (bytes == toy_bytes && memcmp(proof, expected, looked_at) == 0);
}

static const struct workload toy = {
    .name = "toy",
    .summary = "Proves nothing.",
    .log_size = toy_good,
    .log_size_least = toy_good,
    .log_size_most = toy_short_sighted,
    .set_up = set_up,
    .prove = prove,
    .verify = verify,
    .tear_down = free,
};

int main(int argc, char **argv)
{
    return workload_main(&toy, argc, argv);
}
