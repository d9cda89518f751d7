/*
 * fri.h - proofs that a committed word is close to a polynomial of low degree (FRI): the word is
 * repeatedly folded to half its length, each time with a challenge, down to a word that must be
 * constant; then random places are checked in all layers.
 *
 * The word is given by its values in the extension field on the coset of the generator, in bit-reversed order
 * (ntt.h). With blowup 4, a query catches a word that is as far as possible from all polynomials
 * with probability 3/4. So q queries and g bits of grinding give about 2q + g bits of security by
 * the usual conjecture, and about q + g proven bits.
 */
#ifndef FRI_H
#define FRI_H

#include "bytes.h"
#include "checks.h"
#include "merkle.h"
#include "ntt.h"
#include "transcript.h"

enum { FRI_LAYERS_MOST = 32, FRI_FOLD = 2 }; /* FRI_FOLD values fold to one */

struct fri_parameters {
    /* The polynomial has 2^-log_blowup times as many coefficients as the word has letters. */
    unsigned log_blowup;
    unsigned queries;
    unsigned grinding_bits; /* before the queries are drawn */
    unsigned left_out;      /* checks that are not made (checks.h); 0 */
};

/* The parameters of a weaker protocol (checks.h). */
struct fri_parameters fri_weakened(struct fri_parameters usual, const struct weakening *weakening);

/* The value that a row of a layer folds to. The first layer has 2^log_size letters. */
struct extension fri_fold(const struct field31 *field, unsigned log_size, unsigned layer,
                          size_t row, const struct extension pair[FRI_FOLD],
                          struct extension challenge);

/* ---- Prover ---- */

/* The layers: each row has two neighbours, which fold to one value. */
struct fri {
    const struct fri_parameters *parameters;
    const struct field31 *field;
    unsigned log_size; /* of the first layer */
    unsigned layers;   /* without the last, constant one */
    struct extension *values[FRI_LAYERS_MOST];
    struct merkle trees[FRI_LAYERS_MOST];
    struct extension challenges[FRI_LAYERS_MOST];
};

/* Folds `values`, 2^log_size of them, log_size > log_blowup; the block then belongs to fri. Writes
 * the layers' roots, the constant, and the nonce; after that the query indices can be drawn. On all
 * OpenMP threads. */
void fri_commit(struct fri *fri, const struct fri_parameters *parameters, const struct ntt *ntt,
                unsigned log_size, struct extension *values, struct transcript *transcript,
                struct bytes_writer *proof);

/* Draws the places to query: parameters->queries of them, below 2^log_size, in a new block, which
 * the caller frees. */
uint64_t *fri_draw(const struct fri_parameters *parameters, unsigned log_size,
                   struct transcript *transcript);

/* In a weakened protocol that takes the places from the proof (checks.h): writes the place, the
 * first part of an answer. Otherwise nothing. */
void fri_tell(const struct fri_parameters *parameters, size_t index, struct bytes_writer *proof);

/* The context of WATCH_DRAWN. */
struct fri_places {
    uint64_t *indices;
    unsigned count;
};

/* The context of WATCH_ANSWERING. */
struct fri_answer {
    const struct fri *fri;
    size_t index;
};

/* Writes what the verifier needs for place `index` of the first layer. */
void fri_open(const struct fri *fri, size_t index, struct bytes_writer *proof);

void fri_free(struct fri *fri);

/* ---- Verifier ---- */

struct fri_verifier {
    const struct fri_parameters *parameters;
    const struct field31 *field;
    unsigned log_size;
    unsigned layers;
    struct hash roots[FRI_LAYERS_MOST];
    struct extension challenges[FRI_LAYERS_MOST];
    struct extension constant;
};

/* Reads what fri_commit wrote. False if the nonce is wrong or something cannot be read. */
bool fri_receive(struct fri_verifier *verifier, const struct fri_parameters *parameters,
                 const struct field31 *field, unsigned log_size, struct transcript *transcript,
                 struct bytes_reader *proof);

/* The next place to query. */
size_t fri_next(const struct fri_parameters *parameters, unsigned log_size,
                struct transcript *transcript, struct bytes_reader *proof);

/* Reads what fri_open wrote. Is `value` at that place of the first layer, and does it fold to the
 * constant through committed layers? */
bool fri_check(const struct fri_verifier *verifier, size_t index, struct extension value,
               struct bytes_reader *proof);

#endif
