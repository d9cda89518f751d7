/*
 * sumcheck.c - prover and verifier of the sumcheck protocol, made non-interactive by SHA3-256.
 *
 * In each round the prover sends the sum over all corners as a polynomial in the highest variable that is
 * left, the hash of everything sent so far is the challenge that fixes that variable, and the
 * tables are folded in place to half their length.
 */
#include "sumcheck.h"

#include "mersenne61.h"
#include "transcript.h"
#include "watch.h"
#include "workload.h"

#include <stdlib.h>
#include <string.h>

enum {
    element_bytes = 8,
    serial_most = 512 /* for so few corners, it is not worth waking the team */
};

/* The sums of the products at SUMCHECK_POINTS points. */
struct sums {
    uint64_t at[SUMCHECK_POINTS];
};

uint64_t sumcheck_value(const struct sumcheck_statement *statement, unsigned instance,
                        unsigned factor, uint64_t corner)
{
    uint64_t table = (uint64_t)instance * SUMCHECK_FACTORS + factor;
    uint64_t state = statement->seed ^ table << 40 ^ corner;

    return m61_reduce(workload_random(&state));
}

size_t sumcheck_proof_bytes(const struct sumcheck_statement *statement)
{
    size_t elements = 1 + (size_t)statement->variables * SUMCHECK_POINTS + SUMCHECK_FACTORS;

    return statement->instances * elements * element_bytes;
}

void sumcheck_put(uint8_t *bytes, uint64_t element)
{
    for (unsigned i = 0; i < element_bytes; i++)
        bytes[i] = (uint8_t)(element >> 8 * i);
}

uint64_t sumcheck_get(const uint8_t *bytes)
{
    uint64_t element = 0;

    for (unsigned i = 0; i < element_bytes; i++)
        element |= (uint64_t)bytes[i] << 8 * i;
    return element;
}

/* A challenge: 61 bits; 0 and p are the same element. */
uint64_t sumcheck_challenge(struct transcript *transcript)
{
    return m61_reduce(transcript_index(transcript, 61));
}

static void start(struct transcript *transcript, const struct sumcheck_statement *statement)
{
    transcript_start(transcript, "sumcheck of three multilinear polynomials");
    transcript_absorb_number(transcript, statement->seed);
    transcript_absorb_number(transcript, statement->variables);
    transcript_absorb_number(transcript, statement->instances);
}

static void add_sums(struct sums *to, const struct sums *from)
{
    for (unsigned point = 0; point < SUMCHECK_POINTS; point++)
        to->at[point] = m61_add(to->at[point], from->at[point]);
}

#pragma omp declare reduction(add : struct sums : add_sums(&omp_out, &omp_in))

/* Adds the products at the points 0, 1, 2, 3 of the line through corners i and i + half. */
static inline void add_line(struct sums *sums, const uint64_t *tables, size_t stride, size_t half,
                            size_t i)
{
    uint64_t products[SUMCHECK_POINTS] = {1, 1, 1, 1};

    for (unsigned factor = 0; factor < SUMCHECK_FACTORS; factor++) {
        uint64_t value = tables[factor * stride + i];
        uint64_t step = m61_subtract(tables[factor * stride + i + half], value);

        for (unsigned point = 0; point < SUMCHECK_POINTS; point++) {
            products[point] = m61_multiply(products[point], value);
            value = m61_add(value, step);
        }
    }
    for (unsigned point = 0; point < SUMCHECK_POINTS; point++)
        sums->at[point] = m61_add(sums->at[point], products[point]);
}

/* The round's polynomial. Short tables do not use an `if` clause of the pragma: libgomp would
 * allocate a team of one for it, in the phase. */
static struct sums sum_round(const uint64_t *tables, size_t stride, size_t half)
{
    struct sums sums = {{0}};

    if (half <= serial_most) {
        for (size_t i = 0; i < half; i++)
            add_line(&sums, tables, stride, half, i);
        return sums;
    }
#pragma omp parallel for reduction(add : sums)
    for (size_t i = 0; i < half; i++)
        add_line(&sums, tables, stride, half, i);
    return sums;
}

static inline void fold_line(uint64_t *tables, size_t stride, size_t half, size_t i, uint64_t point)
{
    for (unsigned factor = 0; factor < SUMCHECK_FACTORS; factor++) {
        uint64_t *value = &tables[factor * stride + i];

        *value = m61_add(*value, m61_multiply(point, m61_subtract(value[half], *value)));
    }
}

/* Fixes the highest variable. */
static void fold(uint64_t *tables, size_t stride, size_t half, uint64_t point)
{
    if (half <= serial_most) {
        for (size_t i = 0; i < half; i++)
            fold_line(tables, stride, half, i, point);
        return;
    }
#pragma omp parallel for
    for (size_t i = 0; i < half; i++)
        fold_line(tables, stride, half, i, point);
}

static void fill(const struct sumcheck_statement *statement, unsigned instance, uint64_t *tables)
{
    size_t stride = (size_t)1 << statement->variables;

#pragma omp parallel for
    for (size_t i = 0; i < stride; i++)
        for (unsigned factor = 0; factor < SUMCHECK_FACTORS; factor++)
            tables[factor * stride + i] = sumcheck_value(statement, instance, factor, i);
}

/* Sends a round; calls the watcher before. */
static uint8_t *put_sums(struct transcript *transcript, unsigned without, uint8_t *proof,
                         struct sums *sums)
{
    struct sumcheck_round round = {.transcript = transcript, .sums = sums->at};

    watch_moment(WATCH_OPENED, &round);
    for (unsigned point = 0; point < SUMCHECK_POINTS; point++)
        sumcheck_put(proof + point * element_bytes, sums->at[point]);
    if (!left_out(without, CHECK_TRANSCRIPT))
        transcript_absorb(transcript, proof, SUMCHECK_POINTS * element_bytes);
    return proof + SUMCHECK_POINTS * element_bytes;
}

/* Proves one instance; returns the end of its proof. */
static uint8_t *prove_one(struct transcript *transcript, const struct sumcheck_statement *statement,
                          uint64_t *tables, uint8_t *proof)
{
    size_t stride = (size_t)1 << statement->variables;
    struct sums sums = sum_round(tables, stride, stride / 2);
    uint64_t factors[SUMCHECK_FACTORS];
    uint8_t claim[element_bytes];
    struct sumcheck_round round = {.transcript = transcript, .claim = claim};

    sumcheck_put(claim, m61_add(sums.at[0], sums.at[1]));
    watch_block(WATCH_CLAIM, claim, sizeof claim);
    watch_block(WATCH_OPENINGS, &sums, sizeof sums);
    watch_moment(WATCH_CLAIMED, &round);
    watch_gone(claim);
    memcpy(proof, claim, sizeof claim);
    transcript_absorb(transcript, proof, element_bytes);
    proof += element_bytes;
    for (size_t half = stride / 2; half > 0; half /= 2) {
        if (half < stride / 2)
            sums = sum_round(tables, stride, half);
        proof = put_sums(transcript, statement->left_out, proof, &sums);
        fold(tables, stride, half, sumcheck_challenge(transcript));
        watch_block(WATCH_FOLD, tables, SUMCHECK_FACTORS * stride * sizeof *tables);
        watch_moment(WATCH_FOLDED, NULL);
    }
    watch_gone(&sums);
    for (unsigned factor = 0; factor < SUMCHECK_FACTORS; factor++)
        factors[factor] = tables[factor * stride];
    watch_block(WATCH_OPENINGS, factors, sizeof factors);
    round = (struct sumcheck_round){.transcript = transcript, .factors = factors};
    watch_moment(WATCH_OPENED, &round);
    watch_gone(factors);
    for (unsigned factor = 0; factor < SUMCHECK_FACTORS; factor++)
        sumcheck_put(proof + factor * element_bytes, factors[factor]);
    transcript_absorb(transcript, proof, SUMCHECK_FACTORS * element_bytes);
    return proof + SUMCHECK_FACTORS * element_bytes;
}

void sumcheck_prove(const struct sumcheck_statement *statement, uint64_t *tables, uint8_t *proof)
{
    struct transcript transcript;

    watch_block(WATCH_PROOF, proof, sumcheck_proof_bytes(statement));
    start(&transcript, statement);
    watch_block(WATCH_TRANSCRIPT, &transcript, sizeof transcript);
    for (unsigned instance = 0; instance < statement->instances; instance++) {
        workload_enter("fill");
        fill(statement, instance, tables);
        watch_block(WATCH_TRACE, tables,
                    (SUMCHECK_FACTORS * sizeof *tables) << statement->variables);
        watch_moment(WATCH_EXECUTED, NULL);
        workload_leave();
        workload_enter("rounds");
        proof = prove_one(&transcript, statement, tables, proof);
        workload_leave();
    }
    watch_gone(&transcript);
    watch_moment(WATCH_WRITTEN, NULL);
}

/* The polynomial of degree 3 through those values, at a point: Lagrange's formula, with the denominators -6,
 * 2, -2, 6 of the points 0 to 3. */
static uint64_t interpolate(const uint64_t sums[SUMCHECK_POINTS], uint64_t point)
{
    const uint64_t denominators[SUMCHECK_POINTS] = {M61_P - 6, 2, M61_P - 2, 6};
    uint64_t value = 0;

    for (unsigned i = 0; i < SUMCHECK_POINTS; i++) {
        uint64_t term = m61_multiply(sums[i], m61_inverse(denominators[i]));

        for (unsigned j = 0; j < SUMCHECK_POINTS; j++)
            if (j != i)
                term = m61_multiply(term, m61_subtract(point, j));
        value = m61_add(value, term);
    }
    return value;
}

/* What remains to be checked of an instance. */
struct opening {
    uint64_t point[SUMCHECK_VARIABLES_MOST]; /* variable by variable */
    uint64_t factors[SUMCHECK_FACTORS];      /* their values there */
};

/* Follows one instance: do the rounds lead from the claim to the factors? Advances *proof past the
 * instance. All elements are in range. */
static bool follow_one(struct transcript *transcript, const struct sumcheck_statement *statement,
                       const uint8_t **proof, struct opening *opening)
{
    const unsigned without = statement->left_out;
    uint64_t claim = m61_reduce(sumcheck_get(*proof)); /* no change if it is in range */
    uint64_t product = 1;
    bool good = true;

    transcript_absorb(transcript, *proof, element_bytes);
    *proof += element_bytes;
    for (unsigned variable = statement->variables; variable-- > 0;) {
        struct sums sums;

        for (unsigned point = 0; point < SUMCHECK_POINTS; point++)
            sums.at[point] = m61_reduce(sumcheck_get(*proof + point * element_bytes));
        good = good && (m61_add(sums.at[0], sums.at[1]) == claim || left_out(without, CHECK_FOLD));
        if (!left_out(without, CHECK_TRANSCRIPT))
            transcript_absorb(transcript, *proof, SUMCHECK_POINTS * element_bytes);
        *proof += SUMCHECK_POINTS * element_bytes;
        opening->point[variable] = sumcheck_challenge(transcript);
        claim = interpolate(sums.at, opening->point[variable]);
    }
    for (unsigned factor = 0; factor < SUMCHECK_FACTORS; factor++) {
        opening->factors[factor] = m61_reduce(sumcheck_get(*proof + factor * element_bytes));
        product = m61_multiply(product, opening->factors[factor]);
    }
    transcript_absorb(transcript, *proof, SUMCHECK_FACTORS * element_bytes);
    *proof += SUMCHECK_FACTORS * element_bytes;
    return good && product == claim;
}

/* The weight of each corner of `variables` variables at a point: the product of the coordinates where its bit
 * is 1 and their complements where it is 0. The caller frees it. */
static uint64_t *weights(const uint64_t *point, unsigned variables)
{
    uint64_t *weight = workload_alloc(sizeof *weight << variables);

    weight[0] = 1;
    for (unsigned variable = 0; variable < variables; variable++) {
        size_t half = (size_t)1 << variable;

        for (size_t i = 0; i < half; i++) {
            weight[i + half] = m61_multiply(weight[i], point[variable]);
            weight[i] = m61_subtract(weight[i], weight[i + half]);
        }
    }
    return weight;
}

/* A factor at the point, by its definition: the sum of its values at all corners, by their weights. */
static uint64_t evaluate(const struct sumcheck_statement *statement, unsigned instance,
                         unsigned factor, const uint64_t *low, const uint64_t *high)
{
    unsigned low_variables = statement->variables / 2;
    size_t rows = (size_t)1 << (statement->variables - low_variables);
    struct sums sums = {{0}};

#pragma omp parallel for reduction(add : sums)
    for (size_t row = 0; row < rows; row++) {
        uint64_t sum = 0;

        for (size_t i = 0; i < (size_t)1 << low_variables; i++) {
            uint64_t value = sumcheck_value(statement, instance, factor, row << low_variables | i);

            sum = m61_add(sum, m61_multiply(value, low[i]));
        }
        sums.at[0] = m61_add(sums.at[0], m61_multiply(sum, high[row]));
    }
    return sums.at[0];
}

static bool check_opening(const struct sumcheck_statement *statement, unsigned instance,
                          const struct opening *opening)
{
    unsigned low_variables = statement->variables / 2;
    uint64_t *low = weights(opening->point, low_variables);
    uint64_t *high = weights(opening->point + low_variables, statement->variables - low_variables);
    bool good = true;

    for (unsigned factor = 0; factor < SUMCHECK_FACTORS && good; factor++)
        good = evaluate(statement, instance, factor, low, high) == opening->factors[factor];
    free(high);
    free(low);
    return good;
}

/* An element must have only one encoding: otherwise a proof could be altered and still be
 * accepted. */
static bool in_range(const uint8_t *proof, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += element_bytes)
        if (sumcheck_get(proof + i) >= M61_P)
            return false;
    return true;
}

bool sumcheck_verify(const struct sumcheck_statement *statement, const uint8_t *proof, size_t bytes)
{
    struct opening *openings;
    struct transcript transcript;
    bool good = true;

    if (bytes != sumcheck_proof_bytes(statement) ||
        !(in_range(proof, bytes) || left_out(statement->left_out, CHECK_CANONICAL)))
        return false;
    openings = workload_alloc(statement->instances * sizeof *openings);
    start(&transcript, statement);
    for (unsigned instance = 0; instance < statement->instances && good; instance++)
        good = follow_one(&transcript, statement, &proof, &openings[instance]);
    for (unsigned instance = 0; instance < statement->instances && good; instance++)
        good = left_out(statement->left_out, CHECK_END) ||
               check_opening(statement, instance, &openings[instance]);
    free(openings);
    return good;
}

static uint64_t sum_of(const struct sumcheck_statement *statement, unsigned instance)
{
    uint64_t sum = 0;

    for (uint64_t corner = 0; corner < (uint64_t)1 << statement->variables; corner++) {
        uint64_t product = 1;

        for (unsigned factor = 0; factor < SUMCHECK_FACTORS; factor++)
            product = m61_multiply(product, sumcheck_value(statement, instance, factor, corner));
        sum = m61_add(sum, product);
    }
    return sum;
}

bool sumcheck_is_true(const struct sumcheck_statement *statement, const uint8_t *proof,
                      size_t bytes)
{
    const size_t each = sumcheck_proof_bytes(statement) / statement->instances;

    if (bytes < sumcheck_proof_bytes(statement))
        return false;
    for (unsigned instance = 0; instance < statement->instances; instance++)
        if (sumcheck_get(proof + instance * each) != sum_of(statement, instance))
            return false;
    return true;
}
