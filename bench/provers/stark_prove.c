/*
 * stark_prove.c - the prover of a STARK. Like provers written in a functional style, each step
 * allocates new matrices and frees those that are used up; threads have scratch memory for the
 * duration of a step.
 */
#include "block.h"
#include "deep.h"
#include "quotient.h"
#include "stark.h"
#include "watch.h"
#include "workload.h"

#include <stdlib.h>
#include <string.h>

/* A matrix on the coset, in bit-reversed order, and the tree over its rows. */
struct committed {
    uint32_t *matrix;
    size_t columns;
    struct merkle tree;
};

/* A proof in the making. */
struct prover {
    const struct stark *stark;
    const struct field31 *field;
    struct transcript *transcript;
    struct bytes_writer *proof;
    unsigned log_size; /* of the coset */
    struct committed trace;
    struct committed quotient;
    struct extension alpha; /* combines the constraints */
    struct extension z[DEEP_POINTS];
    struct extension *denominators[DEEP_POINTS];
    struct extension *trace_values[DEEP_POINTS];
    struct extension *quotient_values;
};

/* The row-major matrix and its columns' coefficients in a new block; the coefficients are freed. */
static void commit(struct prover *prover, struct committed *committed, uint32_t *coefficients,
                   size_t columns, enum watch_kind kind)
{
    const struct stark *stark = prover->stark;
    const struct hash *root;

    workload_enter("lde");
    committed->columns = columns;
    committed->matrix = ntt_evaluate(stark->ntt, coefficients, stark->log_rows, columns,
                                     stark_shift(stark), stark->fri.log_blowup);
    free(coefficients);
    watch_block(kind, committed->matrix, (columns * sizeof *committed->matrix) << prover->log_size);
    watch_moment(WATCH_EXTENDED, NULL);
    workload_leave();
    workload_enter("commit");
    merkle_commit(&committed->tree, committed->matrix, columns * sizeof *committed->matrix,
                  prover->log_size);
    root = merkle_root(&committed->tree);
    bytes_put_hashes(prover->proof, root, 1);
    transcript_absorb(prover->transcript, root, sizeof *root);
    workload_leave();
}

static void commit_trace(struct prover *prover, uint32_t *trace)
{
    const struct stark *stark = prover->stark;
    uint32_t *coefficients;

    workload_enter("interpolate");
    coefficients = ntt_interpolate(stark->ntt, trace, stark->log_rows, stark->air->columns,
                                   prover->field->one);
    watch_block(WATCH_TRACE, coefficients,
                (stark->air->columns * sizeof *coefficients) << stark->log_rows);
    free(trace);
    watch_moment(WATCH_INTERPOLATED, NULL);
    workload_leave();
    commit(prover, &prover->trace, coefficients, stark->air->columns, WATCH_EXTENSION);
}

/* Coefficients k * rows to (k + 1) * rows - 1 become the columns of chunk k; the block is freed. */
static uint32_t *cut(const struct stark *stark, uint32_t *coefficients)
{
    const size_t rows = (size_t)1 << stark->log_rows;
    const size_t columns = stark_quotient_columns(stark);
    const size_t row_bytes = EXTENSION_DEGREE * sizeof *coefficients;
    uint32_t *chunks = workload_alloc(rows * columns * sizeof *chunks);

    watch_block(WATCH_QUOTIENT, chunks, rows * columns * sizeof *chunks);
#pragma omp parallel for schedule(static)
    for (size_t row = 0; row < rows; row++)
        for (size_t column = 0; column < columns; column += EXTENSION_DEGREE)
            memcpy(chunks + row * columns + column,
                   coefficients + column * rows + row * EXTENSION_DEGREE, row_bytes);
    free(coefficients);
    return chunks;
}

static void commit_quotient(struct prover *prover, const uint32_t *inputs)
{
    const struct stark *stark = prover->stark;
    const unsigned log_size = stark->log_rows + air_log_chunks(stark->air);
    uint32_t *values, *coefficients;

    workload_enter("quotient");
    prover->alpha = transcript_challenge(prover->transcript, prover->field);
    values = quotient_values(stark, prover->trace.matrix, inputs, prover->alpha);
    watch_moment(WATCH_DIVIDED, NULL);
    coefficients =
        ntt_interpolate(stark->ntt, values, log_size, EXTENSION_DEGREE, stark_shift(stark));
    free(values);
    coefficients = cut(stark, coefficients);
    watch_moment(WATCH_INTERPOLATED, NULL);
    workload_leave();
    commit(prover, &prover->quotient, coefficients, stark_quotient_columns(stark), WATCH_QUOTIENT);
}

/* The values of a matrix's columns at a point, in a new block. */
static struct extension *open_at(const struct prover *prover, const struct committed *committed,
                                 unsigned point)
{
    const struct stark *stark = prover->stark;
    struct extension *values = workload_alloc(committed->columns * sizeof *values);

    watch_block(WATCH_OPENINGS, values, committed->columns * sizeof *values);
    deep_evaluate(stark->ntt, committed->matrix, committed->columns, stark->log_rows,
                  stark_shift(stark), prover->denominators[point], prover->z[point], values);
    return values;
}

static void send(struct prover *prover, const struct extension *values, size_t columns)
{
    bytes_put_extensions(prover->proof, values, columns);
    transcript_absorb(prover->transcript, values, columns * sizeof *values);
}

/* Opens the quotient, the last of the values; calls the watcher before they are sent. */
static void open_quotient(struct prover *prover, const uint32_t *inputs)
{
    struct stark_opening opening = {
        .stark = prover->stark,
        .inputs = inputs,
        .transcript = prover->transcript,
        .alpha = prover->alpha,
        .z = prover->z[0],
        .this_row = prover->trace_values[0],
        .next_row = prover->trace_values[1],
    };

    prover->quotient_values = open_at(prover, &prover->quotient, 0);
    opening.quotient = prover->quotient_values;
    watch_moment(WATCH_OPENED, &opening);
    if (left_out(prover->stark->fri.left_out, CHECK_TRANSCRIPT))
        bytes_put_extensions(prover->proof, prover->quotient_values, prover->quotient.columns);
    else
        send(prover, prover->quotient_values, prover->quotient.columns);
}

static void open_outside(struct prover *prover, const uint32_t *inputs)
{
    const struct field31 *field = prover->field;
    const uint32_t root = field31_root(field, prover->stark->log_rows);

    workload_enter("open");
    prover->z[0] = transcript_challenge(prover->transcript, field);
    prover->z[1] = extension_scale(field, prover->z[0], root);
    for (unsigned point = 0; point < DEEP_POINTS; point++) {
        prover->denominators[point] = block_denominators(
            prover->stark->ntt, prover->log_size, stark_shift(prover->stark), prover->z[point]);
        prover->trace_values[point] = open_at(prover, &prover->trace, point);
        send(prover, prover->trace_values[point], prover->trace.columns);
    }
    open_quotient(prover, inputs);
    workload_leave();
}

/* The word whose low degree FRI is to show. Every column at every point has its own power of the
 * challenge, in the order in which the values were sent. */
static struct extension *combine(struct prover *prover)
{
    const struct field31 *field = prover->field;
    const struct extension challenge = transcript_challenge(prover->transcript, field);
    const size_t columns = prover->trace.columns;
    const struct deep_columns all[] = {
        {
            .matrix = prover->trace.matrix,
            .count = columns,
            .points = 2,
            .values = {prover->trace_values[0], prover->trace_values[1]},
            .denominators = {prover->denominators[0], prover->denominators[1]},
            .factor = {extension_from(field->one), extension_power(field, challenge, columns)},
        },
        {
            .matrix = prover->quotient.matrix,
            .count = prover->quotient.columns,
            .points = 1,
            .values = {prover->quotient_values},
            .denominators = {prover->denominators[0]},
            .factor = {extension_power(field, challenge, 2 * columns)},
        },
    };
    struct extension *word;

    workload_enter("deep");
    word = deep_combine(field, all, sizeof all / sizeof all[0], challenge, prover->log_size);
    for (unsigned point = 0; point < DEEP_POINTS; point++) {
        free(prover->denominators[point]);
        free(prover->trace_values[point]);
    }
    free(prover->quotient_values);
    workload_leave();
    return word;
}

static void open_row(const struct committed *committed, size_t index, struct bytes_writer *proof)
{
    struct hash path[MERKLE_HEIGHT_MOST];

    bytes_put_elements(proof, committed->matrix + index * committed->columns, committed->columns);
    merkle_open(&committed->tree, index, path);
    bytes_put_hashes(proof, path, committed->tree.height);
}

static void answer_queries(struct prover *prover, const struct fri *fri)
{
    const struct fri_parameters *parameters = &prover->stark->fri;
    uint64_t *indices;

    workload_enter("query");
    indices = fri_draw(parameters, prover->log_size, prover->transcript);
    for (unsigned query = 0; query < parameters->queries; query++) {
        const size_t index = indices[query];

        fri_tell(parameters, index, prover->proof);
        open_row(&prover->trace, index, prover->proof);
        open_row(&prover->quotient, index, prover->proof);
        fri_open(fri, index, prover->proof);
    }
    free(indices);
    workload_leave();
}

void stark_prove(const struct stark *stark, uint32_t *trace, const uint32_t *inputs,
                 struct transcript *transcript, struct bytes_writer *proof)
{
    struct prover prover = {
        .stark = stark,
        .field = stark->air->field,
        .transcript = transcript,
        .proof = proof,
        .log_size = stark->log_rows + stark->fri.log_blowup,
    };
    struct extension *word;
    struct fri fri;

    stark_absorb_statement(stark, inputs, transcript);
    commit_trace(&prover, trace);
    commit_quotient(&prover, inputs);
    open_outside(&prover, inputs);
    word = combine(&prover);
    workload_enter("fold");
    fri_commit(&fri, &stark->fri, stark->ntt, prover.log_size, word, transcript, proof);
    workload_leave();
    answer_queries(&prover, &fri);
    fri_free(&fri);
    merkle_free(&prover.trace.tree);
    merkle_free(&prover.quotient.tree);
    free(prover.trace.matrix);
    free(prover.quotient.matrix);
}
