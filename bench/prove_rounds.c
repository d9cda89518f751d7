/*
 * prove_rounds.c - a prover that works in three phases, as Pico does. Execute runs a machine and
 * records the trace of its execution, in chunks; convert makes a STARK of each chunk; combine makes
 * one of their digests. What one phase passes to the next is copied into blocks that are allocated
 * after its end.
 *
 * The statement: the machine (provers/machine.h) gets from start registers, which the seed and the
 * number of the proof determine, to end registers in four times 2^log_size - 1 cycles. The proof
 * states the registers between the chunks, and contains the chunks' proofs. The last one shows
 * where rounds (provers/rounds.h) lead from the digests of these. A real prover would verify the
 * chunks' proofs inside of the last one, and so need not include them; the work, and its
 * allocations, are of the same kind. All over KoalaBear. With blowup 4, 24 queries and 8 bits of
 * grinding the security is about 56 bits by the usual conjecture.
 */
#include "machine.h"
#include "rounds.h"
#include "stark.h"
#include "watch.h"
#include "workload.h"

#include <stdlib.h>
#include <string.h>

enum { chunks = 4, digest_elements = ROUNDS_WIDTH / chunks };

static const struct fri_parameters parameters = {
    .log_blowup = 2, .queries = 24, .grinding_bits = 8};

static const struct field31 *const field = &field31_koalabear;

struct prover {
    uint64_t seed;
    struct ntt ntt;
    struct air machine;
    struct air rounds;
    struct stark chunk;
    struct stark combined;
};

/* Registers, as they go into a public input. */
struct registers {
    uint32_t elements[MACHINE_REGISTERS];
};

/* What execute passes to convert. */
struct execution {
    struct registers between[chunks + 1];
    uint32_t *traces[chunks];
};

/* What convert passes to combine. */
struct conversion {
    struct bytes_writer proofs[chunks];
};

static void *set_up(const struct workload_options *options)
{
    struct prover *prover = workload_alloc(sizeof *prover);

    prover->seed = options->seed;
    machine_air(&prover->machine, field);
    rounds_air(&prover->rounds, field);
    ntt_set_up(&prover->ntt, field, options->log_size + parameters.log_blowup);
    prover->chunk = (struct stark){
        .air = &prover->machine,
        .ntt = &prover->ntt,
        .log_rows = options->log_size,
        .fri = fri_weakened(parameters, &options->weakening),
    };
    prover->combined = prover->chunk;
    prover->combined.air = &prover->rounds;
    return prover;
}

static void tear_down(void *state)
{
    struct prover *prover = state;

    ntt_tear_down(&prover->ntt);
    free(prover);
}

/* The start of the execution. */
static struct registers start_of(const struct prover *prover, uint64_t index)
{
    uint64_t random = prover->seed ^ index << 32;
    struct registers start = {{0}};

    random = workload_random(&random);
    for (unsigned i = 0; i < MACHINE_REGISTERS; i++)
        start.elements[i] = field31_from(field, (uint32_t)workload_random(&random));
    return start;
}

/* The first cycle of a chunk, which is the last one of the chunk before it. */
static size_t cycle_of(const struct prover *prover, unsigned chunk)
{
    return chunk * (((size_t)1 << prover->chunk.log_rows) - 1);
}

static void chunk_inputs(const struct prover *prover, const struct registers *between,
                         unsigned chunk, uint32_t inputs[MACHINE_INPUTS])
{
    machine_inputs(field, between[chunk].elements, between[chunk + 1].elements,
                   cycle_of(prover, chunk), inputs);
}

/* A transcript for a chunk, or for the combination of all. */
static struct transcript transcript_of(uint64_t index, unsigned part)
{
    struct transcript transcript;

    transcript_start(&transcript, "prove_rounds");
    transcript_absorb_number(&transcript, index);
    transcript_absorb_number(&transcript, part);
    return transcript;
}

/* 30 bits of each word of the hash of a chunk's proof: elements that need no reduction. */
static void digest_of(const uint8_t *proof, size_t bytes, uint32_t digest[digest_elements])
{
    const struct hash hash = hash_of(proof, bytes);

    for (size_t i = 0; i < digest_elements; i++) {
        uint32_t word = 0;

        for (size_t k = 0; k < sizeof word; k++)
            word |= (uint32_t)hash.bytes[sizeof word * i + k] << 8 * k;
        digest[i] = word & 0x3fffffff;
    }
}

/* ---- Execute ---------------------------------------------------------------------------------- */

static void execute(const struct prover *prover, uint64_t index, struct execution *execution)
{
    const struct registers start = start_of(prover, index);
    const size_t cycles = cycle_of(prover, chunks);
    uint32_t *numbers;

    workload_enter("execute");
    numbers = machine_execute(field, start.elements, cycles);
    watch_block(WATCH_TRACE, numbers, (cycles + MACHINE_REGISTERS) * sizeof *numbers);
    watch_moment(WATCH_EXECUTED, NULL);
    for (unsigned chunk = 0; chunk <= chunks; chunk++)
        memcpy(&execution->between[chunk], numbers + cycle_of(prover, chunk),
               sizeof execution->between[chunk]);
    workload_leave();
    workload_enter("trace");
    for (unsigned chunk = 0; chunk < chunks; chunk++)
        execution->traces[chunk] = machine_trace(field, numbers, cycle_of(prover, chunk),
                                                 (size_t)1 << prover->chunk.log_rows);
    free(numbers);
    workload_leave();
}

/* Replaces a block by a copy of it. */
static void *moved(void *block, size_t bytes)
{
    void *copy = workload_alloc(bytes);

    memcpy(copy, block, bytes);
    free(block);
    return copy;
}

static void hand_on_execution(const struct prover *prover, struct execution *execution)
{
    const size_t rows = (size_t)1 << prover->chunk.log_rows;

    const size_t bytes = rows * MACHINE_COLUMNS * sizeof *execution->traces[0];

    for (unsigned chunk = 0; chunk < chunks; chunk++) {
        execution->traces[chunk] = moved(execution->traces[chunk], bytes);
        watch_block(WATCH_TRACE, execution->traces[chunk], bytes);
    }
    watch_moment(WATCH_CLAIMED, &execution->between[chunks]);
}

/* ---- Convert ---------------------------------------------------------------------------------- */

static struct conversion convert(const struct prover *prover, uint64_t index,
                                 struct execution *execution)
{
    struct conversion conversion = {{{0}}};

    for (unsigned chunk = 0; chunk < chunks; chunk++) {
        struct transcript transcript = transcript_of(index, chunk);
        uint32_t inputs[MACHINE_INPUTS];

        workload_enter("convert");
        watch_block(WATCH_TRANSCRIPT, &transcript, sizeof transcript);
        chunk_inputs(prover, execution->between, chunk, inputs);
        stark_prove(&prover->chunk, execution->traces[chunk], inputs, &transcript,
                    &conversion.proofs[chunk]);
        watch_gone(&transcript);
        workload_leave();
    }
    return conversion;
}

static void hand_on_conversion(struct conversion *conversion)
{
    for (unsigned chunk = 0; chunk < chunks; chunk++) {
        struct bytes_writer *proof = &conversion->proofs[chunk];

        proof->data = moved(proof->data, proof->bytes);
        proof->capacity = proof->bytes;
        watch_block(WATCH_PROOF, proof->data, proof->bytes);
    }
    watch_moment(WATCH_WRITTEN, NULL);
}

/* ---- Combine ---------------------------------------------------------------------------------- */

/* Writes the whole proof: the registers after each chunk, the chunks' proofs, the result of the
 * rounds over their digests, and the proof of that. */
static struct bytes_writer combine(const struct prover *prover, uint64_t index,
                                   const struct execution *execution, struct conversion *conversion)
{
    const unsigned log_rows = prover->combined.log_rows;
    struct transcript transcript = transcript_of(index, chunks);
    uint32_t inputs[2 * ROUNDS_WIDTH] = {0}, *end = inputs + ROUNDS_WIDTH, *trace;
    struct bytes_writer proof = {0};

    workload_enter("combine");
    for (unsigned chunk = 0; chunk < chunks; chunk++)
        bytes_put_elements(&proof, execution->between[chunk + 1].elements, MACHINE_REGISTERS);
    for (unsigned chunk = 0; chunk < chunks; chunk++) {
        struct bytes_writer *part = &conversion->proofs[chunk];

        digest_of(part->data, part->bytes, inputs + (size_t)chunk * digest_elements);
        bytes_put(&proof, part->data, part->bytes);
        free(part->data);
    }
    watch_block(WATCH_TRANSCRIPT, &transcript, sizeof transcript);
    watch_block(WATCH_CLAIM, end, ROUNDS_WIDTH * sizeof *end);
    trace = rounds_trace(field, inputs, log_rows);
    watch_block(WATCH_TRACE, trace, (ROUNDS_WIDTH * sizeof *trace) << log_rows);
    watch_moment(WATCH_EXECUTED, NULL);
    memcpy(end, trace + (((size_t)1 << log_rows) - 1) * ROUNDS_WIDTH, ROUNDS_WIDTH * sizeof *end);
    watch_moment(WATCH_CLAIMED, end);
    bytes_put_elements(&proof, end, ROUNDS_WIDTH);
    stark_prove(&prover->combined, trace, inputs, &transcript, &proof);
    watch_gone(end);
    watch_gone(&transcript);
    watch_moment(WATCH_WRITTEN, NULL);
    workload_leave();
    return proof;
}

static struct workload_proof prove(void *state, uint64_t index)
{
    const struct prover *prover = state;
    struct execution execution = {{{{0}}}};
    struct conversion conversion;
    struct bytes_writer proof;

    workload_begin();
    watch_block(WATCH_CLAIM, &execution.between[1],
                sizeof execution.between - sizeof execution.between[0]);
    execute(prover, index, &execution);
    workload_end();
    hand_on_execution(prover, &execution);
    workload_begin();
    conversion = convert(prover, index, &execution);
    workload_end();
    hand_on_conversion(&conversion);
    workload_begin();
    proof = combine(prover, index, &execution, &conversion);
    watch_gone(&execution.between[1]);
    workload_end();
    return (struct workload_proof){moved(proof.data, proof.bytes), proof.bytes};
}

/* ---- Verify ----------------------------------------------------------------------------------- */

static bool verify_chunk(const struct prover *prover, uint64_t index,
                         const struct registers *between, unsigned chunk,
                         struct bytes_reader *reader, uint32_t digest[digest_elements])
{
    const size_t start = reader->position;
    struct transcript transcript = transcript_of(index, chunk);
    uint32_t inputs[MACHINE_INPUTS];

    chunk_inputs(prover, between, chunk, inputs);
    if (!stark_verify(&prover->chunk, inputs, &transcript, reader))
        return false;
    digest_of(reader->data + start, reader->position - start, digest);
    return true;
}

static bool verify(const void *state, uint64_t index, const uint8_t *proof, size_t bytes)
{
    const struct prover *prover = state;
    struct bytes_reader reader = {
        .data = proof,
        .bytes = bytes,
        .reduces = left_out(prover->chunk.fri.left_out, CHECK_CANONICAL),
    };
    struct transcript transcript = transcript_of(index, chunks);
    struct registers between[chunks + 1];
    uint32_t inputs[2 * ROUNDS_WIDTH];

    between[0] = start_of(prover, index);
    for (unsigned chunk = 0; chunk < chunks; chunk++)
        bytes_get_elements(&reader, field, between[chunk + 1].elements, MACHINE_REGISTERS);
    for (unsigned chunk = 0; chunk < chunks; chunk++)
        if (!verify_chunk(prover, index, between, chunk, &reader,
                          inputs + (size_t)chunk * digest_elements))
            return false;
    bytes_get_elements(&reader, field, inputs + ROUNDS_WIDTH, ROUNDS_WIDTH);
    return stark_verify(&prover->combined, inputs, &transcript, &reader) && bytes_read_all(&reader);
}

/* ---- The truth, by running it -------------------------------------------------------------------- */

/* Are the registers between the chunks, one after the other, those of the execution? */
static bool registers_are_true(const struct prover *prover, uint64_t index, const uint8_t *proof,
                               size_t bytes)
{
    const size_t each = MACHINE_REGISTERS * sizeof(uint32_t);
    struct registers now = start_of(prover, index);
    bool good = true;

    for (size_t cycle = 0; cycle < cycle_of(prover, chunks) && good; cycle++) {
        const size_t done = cycle + 1, length = cycle_of(prover, 1);
        const uint32_t next = machine_step(field, now.elements, cycle);

        memmove(now.elements, now.elements + 1, each - sizeof next);
        now.elements[MACHINE_REGISTERS - 1] = next;
        if (done % length == 0) {
            good = bytes_begin_with(proof, bytes, now.elements, MACHINE_REGISTERS);
            proof += good ? each : 0;
            bytes -= good ? each : 0;
        }
    }
    return good;
}

static bool is_true(const void *state, uint64_t index, const uint8_t *proof, size_t bytes)
{
    const struct prover *prover = state;
    const size_t part = stark_proof_bytes(&prover->chunk);
    const size_t before = chunks * sizeof(struct registers);
    uint32_t row[ROUNDS_WIDTH];

    if (bytes < before + chunks * part || !registers_are_true(prover, index, proof, bytes))
        return false;
    for (size_t chunk = 0; chunk < chunks; chunk++)
        digest_of(proof + before + chunk * part, part, row + chunk * digest_elements);
    for (size_t i = 1; i < (size_t)1 << prover->combined.log_rows; i++)
        rounds_step(field, row);
    return bytes_begin_with(proof + before + chunks * part, bytes - before - chunks * part, row,
                            ROUNDS_WIDTH);
}

static const struct workload workload = {
    .name = "prove_rounds",
    .summary = "Proves a machine's execution over KoalaBear in three phases (as Pico).",
    .log_size = 12,
    .log_size_least = 3,
    .log_size_most = 20,
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
