/*
 * prove_fri.c - a prover that allocates as Plonky3's do: a STARK over BabyBear, one phase for each
 * proof; every step allocates new matrices, and all threads have scratch memory.
 *
 * The statement: 2^log_size - 1 rounds (provers/rounds.h) lead from a start, which the seed and the
 * number of the proof determine, to an end, which the prover computes and the proof states. The
 * trace has 32 columns, and constraints of degree 3. With blowup 4, 32 queries and 10 bits of
 * grinding the security is about 74 bits by the usual conjecture; a small proof is not a goal.
 */
#include "rounds.h"
#include "stark.h"
#include "watch.h"
#include "workload.h"

#include <stdlib.h>
#include <string.h>

static const struct fri_parameters parameters = {
    .log_blowup = 2, .queries = 32, .grinding_bits = 10};

struct prover {
    uint64_t seed;
    struct air air;
    struct ntt ntt;
    struct stark stark;
};

static void *set_up(const struct workload_options *options)
{
    struct prover *prover = workload_alloc(sizeof *prover);

    prover->seed = options->seed;
    rounds_air(&prover->air, &field31_babybear);
    ntt_set_up(&prover->ntt, &field31_babybear, options->log_size + parameters.log_blowup);
    prover->stark = (struct stark){
        .air = &prover->air,
        .ntt = &prover->ntt,
        .log_rows = options->log_size,
        .fri = fri_weakened(parameters, &options->weakening),
    };
    return prover;
}

static void tear_down(void *state)
{
    struct prover *prover = state;

    ntt_tear_down(&prover->ntt);
    free(prover);
}

/* The first half of the public inputs. */
static void start_of(const struct prover *prover, uint64_t index, uint32_t start[ROUNDS_WIDTH])
{
    uint64_t random = prover->seed ^ index << 32;

    random = workload_random(&random);
    for (unsigned i = 0; i < ROUNDS_WIDTH; i++)
        start[i] = field31_from(&field31_babybear, (uint32_t)workload_random(&random));
}

static struct bytes_writer prove_in_phase(const struct prover *prover, uint64_t index)
{
    const unsigned log_rows = prover->stark.log_rows;
    struct bytes_writer proof = {0};
    uint32_t inputs[2 * ROUNDS_WIDTH] = {0}, *end = inputs + ROUNDS_WIDTH, *trace;
    struct transcript transcript;

    workload_enter("prove");
    watch_block(WATCH_CLAIM, end, ROUNDS_WIDTH * sizeof *end);
    start_of(prover, index, inputs);
    workload_enter("trace");
    trace = rounds_trace(&field31_babybear, inputs, log_rows);
    watch_block(WATCH_TRACE, trace, (ROUNDS_WIDTH * sizeof *trace) << log_rows);
    watch_moment(WATCH_EXECUTED, NULL);
    memcpy(end, trace + (((size_t)1 << log_rows) - 1) * ROUNDS_WIDTH, ROUNDS_WIDTH * sizeof *end);
    workload_leave();
    watch_moment(WATCH_CLAIMED, end);
    bytes_put_elements(&proof, end, ROUNDS_WIDTH);
    transcript_start(&transcript, "prove_fri");
    watch_block(WATCH_TRANSCRIPT, &transcript, sizeof transcript);
    stark_prove(&prover->stark, trace, inputs, &transcript, &proof);
    watch_gone(end);
    watch_gone(&transcript);
    watch_moment(WATCH_WRITTEN, NULL);
    workload_leave();
    return proof;
}

static struct workload_proof prove(void *state, uint64_t index)
{
    struct workload_proof proof;
    struct bytes_writer written;

    workload_begin();
    written = prove_in_phase(state, index);
    workload_end();
    proof.bytes = written.bytes;
    proof.data = workload_alloc(written.bytes);
    memcpy(proof.data, written.data, written.bytes);
    free(written.data);
    return proof;
}

static bool verify(const void *state, uint64_t index, const uint8_t *proof, size_t bytes)
{
    const struct prover *prover = state;
    struct bytes_reader reader = {
        .data = proof,
        .bytes = bytes,
        .reduces = left_out(prover->stark.fri.left_out, CHECK_CANONICAL),
    };
    uint32_t inputs[2 * ROUNDS_WIDTH];
    struct transcript transcript;

    start_of(prover, index, inputs);
    bytes_get_elements(&reader, &field31_babybear, inputs + ROUNDS_WIDTH, ROUNDS_WIDTH);
    transcript_start(&transcript, "prove_fri");
    return stark_verify(&prover->stark, inputs, &transcript, &reader) && bytes_read_all(&reader);
}

static bool is_true(const void *state, uint64_t index, const uint8_t *proof, size_t bytes)
{
    const struct prover *prover = state;
    uint32_t row[ROUNDS_WIDTH];

    start_of(prover, index, row);
    for (size_t i = 1; i < (size_t)1 << prover->stark.log_rows; i++)
        rounds_step(&field31_babybear, row);
    return bytes_begin_with(proof, bytes, row, ROUNDS_WIDTH);
}

static const struct workload workload = {
    .name = "prove_fri",
    .summary = "Proves rounds of a permutation over BabyBear (STARK with FRI, as Plonky3).",
    .log_size = 15,
    .log_size_least = 3,
    .log_size_most = 22,
    .set_up = set_up,
    .prove = prove,
    .verify = verify,
    .is_true = is_true,
    .tear_down = tear_down,
};

int main(int argc, char **argv)
{
    return workload_main(&workload, argc, argv);
}
