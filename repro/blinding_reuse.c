/*
 * blinding_reuse - proofs of two phases have the same blinding: both verify, and the witness is computed from them.
 *
 * A prover that hides its witness adds random values to it. They come from a thread's random
 * generator, whose state was overwritten at a boundary (random_state). Two proofs with the same
 * random values differ only in their challenges, so the values cancel out and reveal the witness.
 */
#include "models/crates.h"
#include "models/masked_row.h"
#include "models/modular.h"
#include "models/thread_random.h"
#include "repro.h"

/* The prover's secret; it is in static memory, and no allocator is involved. */
static const uint64_t witness[MASKED_ROW_WITNESS] = {
    271828182845904523, 536028747135266249, 775724709369995957, 496696762772407663,
    314159265358979323, 846264338327950288, 419716939937510582, 97494459230781640};

struct proved {
    struct masked_row_statement statement;
    struct masked_row_proof proof;
};

/* The statement of a phase: the same about the same witness, to another verifier. */
static struct masked_row_statement state(unsigned phase)
{
    struct masked_row_statement statement = {.session = phase};

    for (unsigned i = 0; i < MASKED_ROW_WITNESS; i++)
        statement.weights[i] = i + 1;
    statement.claim = masked_row_sum(statement.weights, witness);
    return statement;
}

static void prove(struct proved *proved, unsigned phase)
{
    uint64_t blinding[MASKED_ROW_BLINDING];

    for (unsigned i = 0; i < MASKED_ROW_BLINDING; i++) {
        uint64_t high = thread_random();
        uint64_t low = thread_random();

        blinding[i] = mod_reduce(high, low, MASKED_ROW_PRIME);
    }
    proved->statement = state(phase);
    masked_row_prove(&proved->statement, witness, blinding, &proved->proof);
}

/* What anybody who has two proofs can do. */
static void attack(struct repro_run *run, const struct proved *before, const struct proved *now,
                   unsigned phase)
{
    uint64_t computed[MASKED_ROW_WITNESS];
    unsigned right = 0;

    masked_row_witness_of(&before->statement, &before->proof, &now->statement, &now->proof,
                          computed);
    for (unsigned i = 0; i < MASKED_ROW_WITNESS; i++)
        right += computed[i] == witness[i];
    if (right > 0)
        repro_wrong(
            run,
            "all proofs verify, and %u of %d values of the witness were computed from those of phases %u and %u",
            right, MASKED_ROW_WITNESS, phase - 1, phase);
}

static void body(struct repro_run *run)
{
    static struct proved proved[2]; /* of this phase and of the one before, in turn */

    crates_choose((enum crates)repro_option(run, "crates"));
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        struct proved *now = &proved[phase % 2];

        if (!repro_begin(run))
            return;
        prove(now, phase);
        if (!masked_row_verify(&now->statement, &now->proof))
            repro_wrong(run, "the proof of phase %u does not verify", phase);
        if (phase > 0)
            attack(run, &proved[(phase + 1) % 2], now, phase);
        repro_end(run);
    }
    thread_random_end();
}

static const struct repro_option options[] = {
    CRATES_OPTION,
    {0},
};

/* none, flush, route, seed, pinned, system */
static const struct repro_variant variants[] = {
    {"--crates 2026",
     {REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {"--min-bytes 369",
     {REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {0},
};

static const struct repro_finding findings[] = {
    {"Z35", "secrecy",
     "Proofs of two phases whose blinding comes from an overwritten generator have the same blinding: "
     "both verify, and the whole witness is computed from the two",
     "critical",
     "fixed by routing from MIN_BYTES 369 on (rand 0.8.5; 353 with 0.9.5); by a first random number on each thread before the first phase",
     REPRO_NONE, REPRO_CORRUPT},
    {0},
};

const struct repro repro = {
    .id = "R48",
    .slug = "blinding_reuse",
    .class = "random generator",
    .title = "proofs of two phases have one blinding: both verify, and the witness is computed",
    .seed = "-",
    .severity = "critical",
    .explain =
        "A proof is zero-knowledge because of random values. Here, as in Ligero, the witness is a row of\n"
        "eight field elements, with as many random ones behind it as the verifier opens places; a\n"
        "polynomial through all of them is committed to by a Merkle tree over its other values. A second\n"
        "polynomial, all random, masks it: the prover sends mask + challenge * row. The verifier opens\n"
        "places, and checks the sum. From one proof it learns nothing else.\n"
        "\n"
        "All 24 random values of a proof come from the thread's random generator, whose 368 bytes are the\n"
        "next phase's data after a boundary (random_state). A prover's data start the same way in each\n"
        "phase, so each proof gets the same random values. The challenges differ, since each proof is for\n"
        "another session. mask + c * row less mask + c' * row is (c - c') * row: two proofs give the\n"
        "witness away, all of it. It is computed here, and compared.\n"
        "\n"
        "Nothing fails. Every proof verifies, is true, and is checked to verify. Whoever watches the verifier\n"
        "(make soundness, say) sees nothing: a proof can be sound and give the\n"
        "secret away.\n"
        "\n"
        "Under pinned recycling the generator's state is kept.\n",
    .body = body,
    .filler = 0x2A2A2A2A2A2A2A2Au,
    .options = options,
    .variants = variants,
    .findings = findings,
    .expect = {[REPRO_NONE] = REPRO_CORRUPT,
               [REPRO_FLUSH] = REPRO_CORRUPT,
               [REPRO_ROUTE] = REPRO_CLEAN,
               [REPRO_SEED] = REPRO_CLEAN,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
};
