/*
 * hashsig.h - aggregation of hash-based signatures: one proof for the signatures of many signers.
 *
 * The prover checks every signature and records what it hashed meanwhile: a row for each chain of
 * each signer (16 columns for each of its states). It treats the columns as values of polynomials
 * over the KoalaBear field, evaluates these at four times as many points, commits to all values
 * with a Merkle tree, proves with FRI that they are near polynomials of low degree, and shows the
 * signatures of 16 signers, whom the hash of the commitment chooses.
 *
 * What a proof proves, if SHA3-256 is modelled as a random function: when the prover committed to
 * the table, it had valid signatures of this epoch's message for all but a few signers. If a share
 * d of the signers has none, an attempt gives a proof with probability (1-d)^16. And the committed
 * columns are near polynomials of a degree below the number of rows (40 queries at rate 1/4 and 8
 * bits of grinding: about 88 bits by the usual conjecture, 48 proven), so that the rows that nobody
 * looked at are fixed, too.
 *
 * What it does not prove: that all signatures are valid. For that, a real aggregator adds
 * constraints between the columns: the circuit of the hash function. The proof hides nothing,
 * either.
 */
#ifndef HASHSIG_H
#define HASHSIG_H

#include "checks.h"
#include "ntt.h"
#include "signers.h"

/* All of it is public. */
struct hashsig_statement {
    unsigned log_signers; /* up to 12 */
    uint32_t epoch;
    struct hash message;
    const struct hash *roots;   /* the public key of each signer */
    struct weakening weakening; /* of the protocol (checks.h): none */
};

/* Makes the tables that the prover needs for that many signers. They belong to the process, not to
 * a phase; the caller frees them with ntt_tear_down. */
void hashsig_set_up(struct ntt *ntt, unsigned log_signers);

/* Makes a proof of *bytes bytes, in a block that the caller frees; NULL when a signature is not valid. On all
 * OpenMP threads. signatures: one of each signer, for this epoch. */
uint8_t *hashsig_prove(const struct ntt *ntt, const struct hashsig_statement *statement,
                       struct signers_signature *signatures, size_t *bytes);

/* Everything that was hashed for a signer's signature. */
struct hashsig_checked {
    struct winternitz_trace *trace;
    uint8_t valid; /* 1 or 0; not a bool, since damage may leave any value */
};

/* The context of WATCH_CHECKED: the results of checking each signature. */
struct hashsig_checking {
    struct hashsig_checked *checked;
    size_t signers;
};

/* The context of WATCH_EXTENDED once all columns are joined: the matrix that is about to be
 * committed to. */
struct hashsig_table {
    const struct hashsig_statement *statement;
    uint32_t *rows;
    size_t bytes;
};

/* Is it a proof of the statement? It may be any bytes. */
bool hashsig_verify(const struct hashsig_statement *statement, const uint8_t *proof, size_t bytes);

/* Are all signatures that the proof shows valid? Only for up to HASHSIG_SIGNERS_ASKED signers,
 * where the proof shows all of them. */
bool hashsig_shows_valid(const struct hashsig_statement *statement, const uint8_t *proof,
                         size_t bytes);

#endif
