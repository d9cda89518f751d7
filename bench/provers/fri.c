/*
 * fri.c - prover and verifier of FRI. A layer's row k holds the values at x and -x; their even and
 * odd parts, combined with the challenge, are the next layer's value at x^2.
 */
#include "fri.h"

#include "watch.h"
#include "workload.h"

#include <stdlib.h>

enum {
    fold = FRI_FOLD,
    serial_most = 512 /* for so few rows, it is not worth waking the team */
};

/* What a pair folds to: (a + b) / 2 + challenge * (a - b) / 2x. */
static struct extension fold_pair(const struct field31 *field, const struct extension pair[fold],
                                  uint32_t half, uint32_t half_inverse_x,
                                  struct extension challenge)
{
    const struct extension even =
        extension_scale(field, extension_add(field, pair[0], pair[1]), half);
    const struct extension odd =
        extension_scale(field, extension_subtract(field, pair[0], pair[1]), half_inverse_x);

    return extension_add(field, even, extension_multiply(field, odd, challenge));
}

static uint32_t half_of(const struct field31 *field)
{
    return field31_inverse(field, field31_add(field, field->one, field->one));
}

/* The generator's coset is squared from each layer to the next. */
static uint32_t shift_of(const struct field31 *field, unsigned layer)
{
    return field31_power(field, field31_from(field, field->generator), (uint64_t)1 << layer);
}

struct fri_parameters fri_weakened(struct fri_parameters usual, const struct weakening *weakening)
{
    struct fri_parameters parameters = usual;

    parameters.left_out = weakening->left_out;
    if (weakening->queries > 0) {
        parameters.queries = weakening->queries;
        parameters.grinding_bits = weakening->grinding_bits;
    }
    return parameters;
}

/* ---- Prover ----------------------------------------------------------------------------------- */

/* What all rows of a layer have in common. */
struct folding {
    const struct field31 *field;
    const uint32_t *inverse_points;
    uint32_t half;
    uint32_t scale; /* 1 / (2 shift) */
    struct extension challenge;
};

static void fold_row(const struct folding *folding, const struct extension *values, size_t row,
                     struct extension *next)
{
    const uint32_t half_inverse_x =
        field31_multiply(folding->field, folding->inverse_points[fold * row], folding->scale);

    next[row] = fold_pair(folding->field, values + fold * row, folding->half, half_inverse_x,
                          folding->challenge);
}

static struct extension *fold_layer(const struct ntt *ntt, const struct extension *values,
                                    unsigned log_size, unsigned layer, struct extension challenge)
{
    const struct field31 *field = ntt->field;
    const size_t rows = (size_t)1 << (log_size - 1);
    const uint32_t half = half_of(field);
    const struct folding folding = {
        .field = field,
        .inverse_points = ntt->inverse_points,
        .half = half,
        .scale = field31_multiply(field, half, field31_inverse(field, shift_of(field, layer))),
        .challenge = challenge,
    };
    struct extension *next = workload_alloc(rows * sizeof *next);

    watch_block(WATCH_FOLD, next, rows * sizeof *next);
    if (rows <= serial_most) {
        for (size_t row = 0; row < rows; row++)
            fold_row(&folding, values, row, next);
        return next;
    }
#pragma omp parallel for schedule(static)
    for (size_t row = 0; row < rows; row++)
        fold_row(&folding, values, row, next);
    return next;
}

/* Commits to the layer; returns the challenge to fold it with. */
static struct extension commit_layer(struct fri *fri, const struct field31 *field, unsigned layer,
                                     struct transcript *transcript, struct bytes_writer *proof)
{
    struct merkle *tree = &fri->trees[layer];
    const struct hash *root;

    merkle_commit(tree, fri->values[layer], fold * sizeof **fri->values, fri->log_size - layer - 1);
    root = merkle_root(tree);
    bytes_put_hashes(proof, root, 1);
    transcript_absorb(transcript, root, sizeof *root);
    return transcript_challenge(transcript, field);
}

void fri_commit(struct fri *fri, const struct fri_parameters *parameters, const struct ntt *ntt,
                unsigned log_size, struct extension *values, struct transcript *transcript,
                struct bytes_writer *proof)
{
    unsigned bits = parameters->grinding_bits;
    uint64_t nonce;

    *fri = (struct fri){.parameters = parameters,
                        .field = ntt->field,
                        .log_size = log_size,
                        .layers = log_size - parameters->log_blowup};
    fri->values[0] = values;
    watch_block(WATCH_FOLD, values, sizeof *values << log_size);
    watch_moment(WATCH_COMBINED, fri);
    for (unsigned layer = 0; layer < fri->layers; layer++) {
        fri->challenges[layer] = commit_layer(fri, ntt->field, layer, transcript, proof);
        values = fold_layer(ntt, values, log_size - layer, layer, fri->challenges[layer]);
        fri->values[layer + 1] = values;
        watch_moment(WATCH_FOLDED, fri);
    }
    bytes_put_extensions(proof, values, 1);
    transcript_absorb(transcript, values, sizeof *values);
    free(values);
    watch_moment(WATCH_GRINDING, &bits);
    nonce = transcript_grind(transcript, bits);
    transcript_work(transcript, nonce, parameters->grinding_bits);
    bytes_put_number(proof, nonce);
}

uint64_t *fri_draw(const struct fri_parameters *parameters, unsigned log_size,
                   struct transcript *transcript)
{
    uint64_t *indices = workload_alloc(parameters->queries * sizeof *indices);
    struct fri_places places = {indices, parameters->queries};

    watch_block(WATCH_TRANSCRIPT, indices, parameters->queries * sizeof *indices);
    for (unsigned query = 0; query < parameters->queries; query++)
        indices[query] = transcript_index(transcript, log_size);
    watch_moment(WATCH_DRAWN, &places);
    for (unsigned query = 0; query < parameters->queries; query++)
        /* Keeps it in range even if the block was damaged. */
        indices[query] &= ((uint64_t)1 << log_size) - 1;
    return indices;
}

void fri_tell(const struct fri_parameters *parameters, size_t index, struct bytes_writer *proof)
{
    if (left_out(parameters->left_out, CHECK_QUERY_INDEX))
        bytes_put_number(proof, index);
}

void fri_open(const struct fri *fri, size_t index, struct bytes_writer *proof)
{
    struct fri_answer answer = {fri, index};
    struct hash path[MERKLE_HEIGHT_MOST];

    watch_moment(WATCH_ANSWERING, &answer);
    for (unsigned layer = 0; layer < fri->layers; layer++) {
        const struct merkle *tree = &fri->trees[layer];
        const size_t row = index >> (layer + 1);

        bytes_put_extensions(proof, fri->values[layer] + fold * row, fold);
        merkle_open(tree, row, path);
        bytes_put_hashes(proof, path, tree->height);
    }
}

void fri_free(struct fri *fri)
{
    for (unsigned layer = 0; layer < fri->layers; layer++) {
        free(fri->values[layer]);
        merkle_free(&fri->trees[layer]);
    }
}

/* ---- Verifier --------------------------------------------------------------------------------- */

bool fri_receive(struct fri_verifier *verifier, const struct fri_parameters *parameters,
                 const struct field31 *field, unsigned log_size, struct transcript *transcript,
                 struct bytes_reader *proof)
{
    bool worked;

    *verifier = (struct fri_verifier){
        .parameters = parameters,
        .field = field,
        .log_size = log_size,
        .layers = log_size - parameters->log_blowup,
    };
    for (unsigned layer = 0; layer < verifier->layers; layer++) {
        struct hash *root = &verifier->roots[layer];

        bytes_get_hashes(proof, root, 1);
        transcript_absorb(transcript, root, sizeof *root);
        verifier->challenges[layer] = transcript_challenge(transcript, field);
    }
    bytes_get_extensions(proof, field, &verifier->constant, 1);
    transcript_absorb(transcript, &verifier->constant, sizeof verifier->constant);
    worked = transcript_work(transcript, bytes_get_number(proof), parameters->grinding_bits);
    return (worked || left_out(parameters->left_out, CHECK_GRINDING)) && !proof->failed;
}

/* 1/2x for a row of a layer. The first layer has 2^log_size letters. */
static uint32_t half_inverse_of(const struct field31 *field, unsigned log_size, unsigned layer,
                                size_t row)
{
    const unsigned bits = log_size - layer;
    const size_t exponent = ntt_reverse(row, bits - 1);
    const uint32_t root = field31_power(field, field31_root(field, bits), exponent);
    const uint32_t x = field31_multiply(field, root, shift_of(field, layer));

    return field31_inverse(field, field31_add(field, x, x));
}

struct extension fri_fold(const struct field31 *field, unsigned log_size, unsigned layer,
                          size_t row, const struct extension pair[FRI_FOLD],
                          struct extension challenge)
{
    return fold_pair(field, pair, half_of(field), half_inverse_of(field, log_size, layer, row),
                     challenge);
}

size_t fri_next(const struct fri_parameters *parameters, unsigned log_size,
                struct transcript *transcript, struct bytes_reader *proof)
{
    if (left_out(parameters->left_out, CHECK_QUERY_INDEX))
        return (size_t)(bytes_get_number(proof) & (((uint64_t)1 << log_size) - 1));
    return transcript_index(transcript, log_size);
}

bool fri_check(const struct fri_verifier *verifier, size_t index, struct extension value,
               struct bytes_reader *proof)
{
    const struct field31 *field = verifier->field;
    const unsigned without = verifier->parameters->left_out;

    for (unsigned layer = 0; layer < verifier->layers; layer++) {
        const unsigned height = verifier->log_size - layer - 1;
        const size_t row = index >> 1;
        struct hash path[MERKLE_HEIGHT_MOST];
        struct extension pair[fold];

        bytes_get_extensions(proof, field, pair, fold);
        bytes_get_hashes(proof, path, height);
        if (proof->failed ||
            !(extension_equal(pair[index & 1], value) || left_out(without, CHECK_FOLD)) ||
            !(merkle_verify(&verifier->roots[layer], height, row, pair, sizeof pair, path) ||
              left_out(without, CHECK_MERKLE_PATH)))
            return false;
        value = fri_fold(field, verifier->log_size, layer, row, pair, verifier->challenges[layer]);
        index = row;
    }
    return extension_equal(value, verifier->constant) || left_out(without, CHECK_DEGREE);
}
