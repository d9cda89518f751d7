/*
 * hashsig_prove.c - the prover of the aggregation.
 *
 * It is written the way provers are: every step allocates new blocks for its results and frees
 * those of its inputs. The columns of each position of the chains are transformed as a matrix of
 * their own, and then joined into the rows that are committed to.
 */
#include "hashsig_protocol.h"
#include "watch.h"
#include "workload.h"

#include <stdlib.h>
#include <string.h>

struct prover {
    const struct ntt *ntt;
    struct fri_parameters fri;
    uint32_t shift; /* of the coset that the values are on */
    const struct hashsig_statement *statement;
    const struct signers_signature *signatures;
    size_t signers;
    unsigned log_rows;
    unsigned log_points;
    struct bytes_writer proof;
};

/* The matrix and its commitment. */
struct commitment {
    uint32_t *rows;
    struct merkle tree;
};

static struct hashsig_checked check_one(const struct prover *prover, uint32_t signer)
{
    const struct hashsig_statement *statement = prover->statement;
    struct hashsig_checked checked = {.trace = workload_alloc(sizeof *checked.trace)};
    uint8_t digits[WINTERNITZ_CHAINS];

    winternitz_digits(&statement->message, digits);
    checked.valid = signers_check(signer, statement->epoch, digits, &prover->signatures[signer],
                                  &statement->roots[signer], checked.trace);
    return checked;
}

static struct hashsig_checked *check_all(const struct prover *prover)
{
    struct hashsig_checked *checked = workload_alloc(prover->signers * sizeof *checked);

#pragma omp parallel for
    for (size_t signer = 0; signer < prover->signers; signer++)
        checked[signer] = check_one(prover, (uint32_t)signer);
    for (size_t signer = 0; signer < prover->signers; signer++) {
        watch_block(WATCH_WITNESS, &checked[signer].valid, sizeof checked[signer].valid);
        watch_block(WATCH_TRACE, checked[signer].trace, sizeof *checked[signer].trace);
    }
    return checked;
}

static bool all_valid(const struct prover *prover, const struct hashsig_checked *checked)
{
    bool valid = true;

    for (size_t signer = 0; signer < prover->signers; signer++)
        valid = valid && checked[signer].valid != 0;
    return valid;
}

static void free_checked(const struct prover *prover, struct hashsig_checked *checked)
{
    for (size_t signer = 0; signer < prover->signers; signer++) {
        watch_gone(&checked[signer].valid);
        free(checked[signer].trace);
    }
    free(checked);
}

/* The states of a signer's chains at one position. */
static uint32_t *signer_limbs(const struct winternitz_trace *trace, unsigned position)
{
    uint32_t *limbs = workload_alloc(WINTERNITZ_CHAINS * HASHSIG_LIMBS * sizeof *limbs);

    for (unsigned chain = 0; chain < WINTERNITZ_CHAINS; chain++)
        hashsig_limbs(&trace->states[chain][position], limbs + (size_t)chain * HASHSIG_LIMBS);
    return limbs;
}

/* The table's columns of one position, in the order of their points: the natural one. */
static uint32_t *position_values(const struct prover *prover, const struct hashsig_checked *checked,
                                 unsigned position)
{
    uint32_t *values = workload_alloc(HASHSIG_LIMBS * sizeof *values << prover->log_rows);

#pragma omp parallel for
    for (size_t signer = 0; signer < prover->signers; signer++) {
        uint32_t *limbs = signer_limbs(checked[signer].trace, position);

        for (size_t chain = 0; chain < WINTERNITZ_CHAINS; chain++)
            memcpy(values + HASHSIG_LIMBS *
                                ntt_reverse(signer * WINTERNITZ_CHAINS + chain, prover->log_rows),
                   limbs + chain * HASHSIG_LIMBS, HASHSIG_LIMBS * sizeof *limbs);
        free(limbs);
    }
    return values;
}

/* The same columns at all points; the first quarter of the rows is the table itself. */
static uint32_t *extend(const struct prover *prover, const struct hashsig_checked *checked,
                        unsigned position)
{
    const size_t bytes = (HASHSIG_LIMBS * sizeof(uint32_t)) << prover->log_rows;
    uint32_t *values = position_values(prover, checked, position);
    uint32_t *coefficients;

    watch_block(WATCH_TRACE, values, bytes);
    watch_moment(WATCH_EXECUTED, NULL);
    coefficients =
        ntt_interpolate(prover->ntt, values, prover->log_rows, HASHSIG_LIMBS, prover->shift);
    free(values);
    watch_block(WATCH_TRACE, coefficients, bytes);
    watch_moment(WATCH_INTERPOLATED, NULL);
    values = ntt_evaluate(prover->ntt, coefficients, prover->log_rows, HASHSIG_LIMBS, prover->shift,
                          HASHSIG_LOG_BLOWUP);
    watch_block(WATCH_EXTENSION, values, bytes << HASHSIG_LOG_BLOWUP);
    free(coefficients);
    return values;
}

/* Joins the positions' matrices to rows of all columns. */
static uint32_t *join(const struct prover *prover, uint32_t *const parts[WINTERNITZ_STATES])
{
    uint32_t *rows = workload_alloc(HASHSIG_COLUMNS * sizeof *rows << prover->log_points);

#pragma omp parallel for
    for (size_t row = 0; row < (size_t)1 << prover->log_points; row++)
        for (size_t position = 0; position < WINTERNITZ_STATES; position++)
            memcpy(rows + row * HASHSIG_COLUMNS + position * HASHSIG_LIMBS,
                   parts[position] + row * HASHSIG_LIMBS, HASHSIG_LIMBS * sizeof *rows);
    return rows;
}

/* Extends the table and commits to it. */
static void commit(struct prover *prover, const struct hashsig_checked *checked,
                   struct commitment *commitment)
{
    const size_t bytes = (HASHSIG_COLUMNS * sizeof(uint32_t)) << prover->log_points;
    uint32_t *parts[WINTERNITZ_STATES];
    struct hashsig_table table;

    workload_enter("extend");
    for (unsigned position = 0; position < WINTERNITZ_STATES; position++)
        parts[position] = extend(prover, checked, position);
    watch_moment(WATCH_EXTENDED, NULL);
    commitment->rows = join(prover, parts);
    for (unsigned position = 0; position < WINTERNITZ_STATES; position++)
        free(parts[position]);
    watch_block(WATCH_EXTENSION, commitment->rows, bytes);
    table = (struct hashsig_table){prover->statement, commitment->rows, bytes};
    watch_moment(WATCH_EXTENDED, &table);
    workload_leave();
    workload_enter("commit");
    merkle_commit(&commitment->tree, commitment->rows, HASHSIG_COLUMNS * sizeof *commitment->rows,
                  prover->log_points);
    bytes_put_hashes(&prover->proof, merkle_root(&commitment->tree), 1);
    workload_leave();
}

/* The word for FRI. */
static struct extension *combine(const struct prover *prover, const struct commitment *commitment,
                                 struct transcript *transcript)
{
    struct extension *word = workload_alloc(sizeof *word << prover->log_points);
    struct extension powers[HASHSIG_COLUMNS];

    hashsig_combination(transcript, powers);
#pragma omp parallel for
    for (size_t row = 0; row < (size_t)1 << prover->log_points; row++)
        word[row] = hashsig_combine(commitment->rows + row * HASHSIG_COLUMNS, powers);
    return word;
}

static void open_row(struct prover *prover, const struct commitment *commitment, size_t index)
{
    struct hash path[MERKLE_HEIGHT_MOST];

    merkle_open(&commitment->tree, index, path);
    bytes_put_elements(&prover->proof, commitment->rows + index * HASHSIG_COLUMNS, HASHSIG_COLUMNS);
    bytes_put_hashes(&prover->proof, path, prover->log_points);
}

/* Writes a signature with its path, and the path from the signer's rows to the root of the
 * matrix. */
static void open_signer(struct prover *prover, const struct commitment *commitment, size_t signer)
{
    const struct signers_signature *signature = &prover->signatures[signer];
    struct hash path[MERKLE_HEIGHT_MOST];

    merkle_open(&commitment->tree, signer * WINTERNITZ_CHAINS, path);
    bytes_put_hashes(&prover->proof, signature->one_time.chains, WINTERNITZ_CHAINS);
    bytes_put_hashes(&prover->proof, signature->path, SIGNERS_TREE_HEIGHT);
    bytes_put_hashes(&prover->proof, path + HASHSIG_LOG_CHAINS,
                     prover->log_points - HASHSIG_LOG_CHAINS);
}

static void prove_low_degree(struct prover *prover, const struct commitment *commitment,
                             struct transcript *transcript)
{
    struct extension *word;
    struct fri fri;
    uint64_t *indices;

    workload_enter("fri");
    word = combine(prover, commitment, transcript);
    fri_commit(&fri, &prover->fri, prover->ntt, prover->log_points, word, transcript,
               &prover->proof);
    indices = fri_draw(&prover->fri, prover->log_points, transcript);
    for (unsigned query = 0; query < prover->fri.queries; query++) {
        fri_tell(&prover->fri, indices[query], &prover->proof);
        open_row(prover, commitment, indices[query]);
        fri_open(&fri, indices[query], &prover->proof);
    }
    free(indices);
    fri_free(&fri);
    workload_leave();
}

static void prove_table(struct prover *prover, const struct hashsig_checked *checked)
{
    struct commitment commitment;
    struct transcript transcript;

    commit(prover, checked, &commitment);
    transcript = hashsig_start(prover->statement, merkle_root(&commitment.tree));
    watch_block(WATCH_TRANSCRIPT, &transcript, sizeof transcript);
    prove_low_degree(prover, &commitment, &transcript);
    workload_enter("signers");
    for (unsigned i = 0; i < hashsig_asked(prover->statement); i++)
        open_signer(prover, &commitment, hashsig_signer(prover->statement, &transcript, i));
    watch_gone(&transcript);
    watch_moment(WATCH_WRITTEN, NULL);
    workload_leave();
    merkle_free(&commitment.tree);
    free(commitment.rows);
}

void hashsig_set_up(struct ntt *ntt, unsigned log_signers)
{
    ntt_set_up(ntt, &field31_koalabear, hashsig_log_points(log_signers));
}

uint8_t *hashsig_prove(const struct ntt *ntt, const struct hashsig_statement *statement,
                       struct signers_signature *signatures, size_t *bytes)
{
    struct prover prover = {
        .ntt = ntt,
        .fri = hashsig_fri(statement),
        .shift = field31_from(ntt->field, ntt->field->generator),
        .statement = statement,
        .signatures = signatures,
        .signers = (size_t)1 << statement->log_signers,
        .log_rows = hashsig_log_rows(statement->log_signers),
        .log_points = hashsig_log_points(statement->log_signers),
    };
    struct hashsig_checking checking;
    struct hashsig_checked *checked;

    watch_block(WATCH_WITNESS, signatures, prover.signers * sizeof *signatures);
    watch_moment(WATCH_CLAIMED, signatures);
    workload_enter("check");
    checked = check_all(&prover);
    checking = (struct hashsig_checking){checked, prover.signers};
    watch_moment(WATCH_CHECKED, &checking);
    workload_leave();
    if (all_valid(&prover, checked))
        prove_table(&prover, checked);
    free_checked(&prover, checked);
    watch_gone(signatures);
    *bytes = prover.proof.bytes;
    return prover.proof.data;
}
