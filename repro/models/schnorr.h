/*
 * schnorr.h - model of a signature whose secret is only as good as its nonces: Schnorr's (1989), in the squares modulo
 * a prime p = 2 q + 1 of 62 bits, a group of prime order q.
 *
 * The group is a toy: its logarithms can be taken in a second. Its algebra is that of any other, Ed25519's and
 * secp256k1's included, and nothing here takes a logarithm.
 *
 * Pure functions. Any thread.
 */
#ifndef SCHNORR_H
#define SCHNORR_H

#include <stdbool.h>
#include <stdint.h>

#define SCHNORR_PRIME UINT64_C(4589697357323826299) /* p */
#define SCHNORR_ORDER ((SCHNORR_PRIME - 1) / 2)     /* q, a prime as well */
#define SCHNORR_BASE  UINT64_C(4)                   /* a square: of order q */

struct schnorr_signature {
    uint64_t challenge; /* the hash of nonce's commitment, public key and message */
    uint64_t response;  /* nonce + challenge * key, modulo q */
};

/* Of a key below q, and not 0. */
uint64_t schnorr_public(uint64_t key);

/* nonce: below q, random, and of this signature alone. */
struct schnorr_signature schnorr_sign(uint64_t key, uint64_t message, uint64_t nonce);

bool schnorr_verify(uint64_t public_key, uint64_t message, struct schnorr_signature signature);

/* The key behind two signatures with the same nonce; some other number if they have different ones; 0 if they are the
 * same signature. */
uint64_t schnorr_key_of(struct schnorr_signature one, struct schnorr_signature other);

#endif
