/*
 * prove_hashsig.c - a prover that aggregates the hash-based signatures of many validators, as leanMultisig
 * does; see provers/hashsig.h for what a proof proves. Of the provers it has the most blocks, of 4
 * KiB to tens of MiB, which all threads allocate and free.
 *
 * --log-size is the logarithm of the number of signers. Keys and signatures are made before the
 * first phase, for four epochs; statement i is about epoch i modulo 4, because a one-time key signs
 * one message only.
 */
#include "hashsig.h"
#include "workload.h"

#include <stdlib.h>
#include <string.h>

struct aggregator {
    struct weakening weakening;
    unsigned log_signers;
    struct ntt ntt;
    struct signers signers;
};

static void *set_up(const struct workload_options *options)
{
    struct aggregator *aggregator = workload_alloc(sizeof *aggregator);

    aggregator->weakening = options->weakening;
    aggregator->log_signers = options->log_size;
    hashsig_set_up(&aggregator->ntt, options->log_size);
    signers_create(&aggregator->signers, (size_t)1 << options->log_size, options->seed);
    return aggregator;
}

static struct hashsig_statement statement_of(const struct aggregator *aggregator, uint64_t index)
{
    uint32_t epoch = (uint32_t)(index % SIGNERS_EPOCHS);

    return (struct hashsig_statement){
        .log_signers = aggregator->log_signers,
        .epoch = epoch,
        .message = signers_message(aggregator->signers.seed, epoch),
        .roots = aggregator->signers.roots,
        .weakening = aggregator->weakening,
    };
}

static struct workload_proof prove(void *state, uint64_t index)
{
    const struct aggregator *aggregator = state;
    const struct hashsig_statement statement = statement_of(aggregator, index);
    struct workload_proof proof;
    uint8_t *bytes;

    workload_begin();
    workload_enter("prove");
    bytes = hashsig_prove(&aggregator->ntt, &statement,
                          aggregator->signers.signatures[statement.epoch], &proof.bytes);
    workload_leave();
    workload_end();
    proof.data = workload_alloc(proof.bytes + 1); /* no proof is a proof of 0 bytes */
    if (bytes != NULL)
        memcpy(proof.data, bytes, proof.bytes);
    free(bytes);
    return proof;
}

static bool verify(const void *state, uint64_t index, const uint8_t *proof, size_t bytes)
{
    const struct hashsig_statement statement = statement_of(state, index);

    return hashsig_verify(&statement, proof, bytes);
}

static bool is_true(const void *state, uint64_t index, const uint8_t *proof, size_t bytes)
{
    const struct hashsig_statement statement = statement_of(state, index);

    return hashsig_shows_valid(&statement, proof, bytes);
}

static void tear_down(void *state)
{
    struct aggregator *aggregator = state;

    signers_destroy(&aggregator->signers);
    ntt_tear_down(&aggregator->ntt);
    free(aggregator);
}

static const struct workload hashsig = {
    .name = "prove_hashsig",
    .summary = "Aggregates hash-based signatures of 2^log-size signers over one message.",
    .log_size = 7,
    .log_size_least = 2,
    .log_size_most = 12,
    .set_up = set_up,
    .prove = prove,
    .verify = verify,
    .is_true = is_true,
    .tear_down = tear_down,
};

int main(int argc, char **argv)
{
    return workload_main(&hashsig, argc, argv);
}
