/*
 * hashsig_verify.c - the verifier of the aggregation. It shares no memory with the prover, and
 * accepts any bytes as input.
 */
#include "hashsig_protocol.h"
#include "workload.h"

#include <stdlib.h>
#include <string.h>

struct verifier {
    const struct hashsig_statement *statement;
    struct fri_parameters parameters;
    unsigned without; /* checks that are left out; 0 */
    unsigned log_points;
    struct hash root; /* of the matrix */
    struct transcript transcript;
    struct fri_verifier fri;
    struct extension powers[HASHSIG_COLUMNS];
    uint8_t digits[WINTERNITZ_CHAINS];
    struct bytes_reader proof;
};

/* Checks one query: is the row in the matrix, and does FRI fold its letter? */
static bool check_query(struct verifier *verifier)
{
    size_t index = fri_next(&verifier->parameters, verifier->log_points, &verifier->transcript,
                            &verifier->proof);
    uint32_t row[HASHSIG_COLUMNS];
    struct hash path[MERKLE_HEIGHT_MOST];

    bytes_get_elements(&verifier->proof, &field31_koalabear, row, HASHSIG_COLUMNS);
    bytes_get_hashes(&verifier->proof, path, verifier->log_points);
    return (merkle_verify(&verifier->root, verifier->log_points, index, row, sizeof row, path) ||
            left_out(verifier->without, CHECK_MERKLE_PATH)) &&
           fri_check(&verifier->fri, index, hashsig_combine(row, verifier->powers),
                     &verifier->proof);
}

/* A leaf of the matrix's tree, as defined in merkle.h. */
static struct hash leaf_of(const struct hash states[WINTERNITZ_STATES])
{
    uint32_t row[HASHSIG_COLUMNS];
    uint8_t message[sizeof row + 1];

    for (size_t position = 0; position < WINTERNITZ_STATES; position++)
        hashsig_limbs(&states[position], row + position * HASHSIG_LIMBS);
    memcpy(message, row, sizeof row);
    message[sizeof row] = 0;
    return hash_of(message, sizeof message);
}

static struct hash node_of(const struct hash *left, const struct hash *right)
{
    uint8_t message[2 * HASH_BYTES + 1];

    memcpy(message, left, HASH_BYTES);
    memcpy(message + HASH_BYTES, right, HASH_BYTES);
    message[sizeof message - 1] = 1;
    return hash_of(message, sizeof message);
}

/* The root of the subtree of a signer's rows. */
static struct hash subtree_of(const struct winternitz_trace *trace)
{
    struct hash nodes[WINTERNITZ_CHAINS];

    for (unsigned chain = 0; chain < WINTERNITZ_CHAINS; chain++)
        nodes[chain] = leaf_of(trace->states[chain]);
    for (unsigned count = WINTERNITZ_CHAINS / 2; count > 0; count /= 2)
        for (unsigned i = 0; i < count; i++)
            nodes[i] = node_of(&nodes[2 * i], &nodes[2 * i + 1]);
    return nodes[0];
}

/* Does a valid signature give these rows of the matrix? */
static bool check_signer(struct verifier *verifier, unsigned i)
{
    const struct hashsig_statement *statement = verifier->statement;
    size_t signer = hashsig_signer(statement, &verifier->transcript, i);
    unsigned height = verifier->log_points - HASHSIG_LOG_CHAINS;
    struct winternitz_trace *trace = workload_alloc(sizeof *trace);
    struct hash path[MERKLE_HEIGHT_MOST];
    struct signers_signature signature = {0};
    struct hash node;
    bool valid;

    bytes_get_hashes(&verifier->proof, signature.one_time.chains, WINTERNITZ_CHAINS);
    bytes_get_hashes(&verifier->proof, signature.path, SIGNERS_TREE_HEIGHT);
    bytes_get_hashes(&verifier->proof, path, height);
    valid = signers_check((uint32_t)signer, statement->epoch, verifier->digits, &signature,
                          &statement->roots[signer], trace);
    node = subtree_of(trace);
    free(trace);
    for (unsigned level = 0; level < height; level++)
        node = signer >> level & 1 ? node_of(&path[level], &node) : node_of(&node, &path[level]);
    return (valid || left_out(verifier->without, CHECK_END)) &&
           (hash_equal(&node, &verifier->root) || left_out(verifier->without, CHECK_MERKLE_PATH));
}

bool hashsig_verify(const struct hashsig_statement *statement, const uint8_t *proof, size_t bytes)
{
    struct verifier verifier = {
        .statement = statement,
        .parameters = hashsig_fri(statement),
        .without = statement->weakening.left_out,
        .log_points = hashsig_log_points(statement->log_signers),
        .proof = {.data = proof,
                  .bytes = bytes,
                  .reduces = left_out(statement->weakening.left_out, CHECK_CANONICAL)},
    };

    bytes_get_hashes(&verifier.proof, &verifier.root, 1);
    verifier.transcript = hashsig_start(statement, &verifier.root);
    hashsig_combination(&verifier.transcript, verifier.powers);
    if (!fri_receive(&verifier.fri, &verifier.parameters, &field31_koalabear, verifier.log_points,
                     &verifier.transcript, &verifier.proof))
        return false;
    for (unsigned query = 0; query < verifier.parameters.queries; query++)
        if (!check_query(&verifier))
            return false;
    winternitz_digits(&statement->message, verifier.digits);
    for (unsigned i = 0; i < hashsig_asked(statement); i++)
        if (!check_signer(&verifier, i))
            return false;
    return bytes_read_all(&verifier.proof);
}

bool hashsig_shows_valid(const struct hashsig_statement *statement, const uint8_t *proof,
                         size_t bytes)
{
    const size_t height = hashsig_log_points(statement->log_signers) - HASHSIG_LOG_CHAINS;
    const size_t each = sizeof(struct signers_signature) + height * sizeof(struct hash);
    const unsigned asked = hashsig_asked(statement);
    struct winternitz_trace *trace;
    uint8_t digits[WINTERNITZ_CHAINS];
    bool valid = true;

    if (bytes < asked * each || (size_t)1 << statement->log_signers != asked)
        return false;
    proof += bytes - asked * each;
    trace = workload_alloc(sizeof *trace);
    winternitz_digits(&statement->message, digits);
    for (unsigned signer = 0; signer < asked && valid; signer++) {
        struct signers_signature signature;

        memcpy(&signature, proof + signer * each, sizeof signature);
        valid = signers_check(signer, statement->epoch, digits, &signature,
                              &statement->roots[signer], trace);
    }
    free(trace);
    return valid;
}
