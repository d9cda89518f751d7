/*
 * prove_sumcheck.c - a prover that computes much and allocates little, as Jolt does: sumchecks over the field
 * of 2^61-1 elements, one after the other in the same tables. With this one an allocator can gain
 * little.
 *
 * A proof shows that 16 sums over 2^log_size corners, each of a product of three public multilinear
 * polynomials, have the claimed values; see provers/sumcheck.h.
 */
#include "sumcheck.h"
#include "workload.h"

#include <stdlib.h>
#include <string.h>

static struct sumcheck_statement statement_of(const struct workload_options *options,
                                              uint64_t index)
{
    uint64_t state = options->seed ^ index << 32;

    return (struct sumcheck_statement){.seed = workload_random(&state),
                                       .variables = options->log_size,
                                       .instances = 16,
                                       .left_out = options->weakening.left_out};
}

static void *set_up(const struct workload_options *options)
{
    struct workload_options *copy = workload_alloc(sizeof *copy);

    *copy = *options;
    return copy;
}

static struct workload_proof prove(void *state, uint64_t index)
{
    const struct sumcheck_statement statement = statement_of(state, index);
    struct workload_proof proof;
    uint64_t *tables;
    uint8_t *bytes;

    proof.bytes = sumcheck_proof_bytes(&statement);
    workload_begin();
    workload_enter("prove");
    tables = workload_alloc(SUMCHECK_FACTORS * sizeof *tables << statement.variables);
    bytes = workload_alloc(proof.bytes);
    sumcheck_prove(&statement, tables, bytes);
    free(tables);
    workload_leave();
    workload_end();
    proof.data = workload_alloc(proof.bytes);
    memcpy(proof.data, bytes, proof.bytes);
    free(bytes);
    return proof;
}

static bool verify(const void *state, uint64_t index, const uint8_t *proof, size_t bytes)
{
    const struct sumcheck_statement statement = statement_of(state, index);

    return sumcheck_verify(&statement, proof, bytes);
}

static bool is_true(const void *state, uint64_t index, const uint8_t *proof, size_t bytes)
{
    const struct sumcheck_statement statement = statement_of(state, index);

    return sumcheck_is_true(&statement, proof, bytes);
}

static const struct workload sumcheck = {
    .name = "prove_sumcheck",
    .summary = "Proves sums over a hypercube of products of multilinear polynomials (sumcheck).",
    .log_size = 18,
    .log_size_least = 2,
    .log_size_most = 26,
    .set_up = set_up,
    .prove = prove,
    .verify = verify,
    .is_true = is_true,
    .tear_down = free,
};

int main(int argc, char **argv)
{
    return workload_main(&sumcheck, argc, argv);
}
