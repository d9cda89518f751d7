/*
 * schnorr.h - model of a signature whose secret is only as good as its nonces: Schnorr's (1989), in
 * the group of squares modulo a prime p = 2 q + 1 of 62 bits, which has prime order q.
 *
 * The group is a toy: a discrete logarithm in it takes a second. But its algebra is that of any
 * group, Ed25519's and secp256k1's included, and nothing here computes a logarithm.
 *
 * Pure functions. Any thread.
 */
#ifndef SCHNORR_H
#define SCHNORR_H

#include <stdbool.h>
#include <stdint.h>

#define SCHNORR_PRIME UINT64_C(4589697357323826299) /* p */
#define SCHNORR_ORDER ((SCHNORR_PRIME - 1) / 2)     /* q, a prime as well */
#define SCHNORR_BASE  UINT64_C(4)                   /* a square, so its order is q */

struct schnorr_signature {
    uint64_t challenge; /* the hash of nonce's commitment, public key and message */
    uint64_t response;  /* nonce + challenge * key, modulo q */
};

/* The public key of a key, which is below q and not 0. */
uint64_t schnorr_public(uint64_t key);

/* nonce: random, below q, and not used for any other signature. */
struct schnorr_signature schnorr_sign(uint64_t key, uint64_t message, uint64_t nonce);

bool schnorr_verify(uint64_t public_key, uint64_t message, struct schnorr_signature signature);

/* Recovers the key from two signatures with the same nonce; some other number if their nonces
 * differ; 0 if they are the same signature. */
uint64_t schnorr_key_of(struct schnorr_signature one, struct schnorr_signature other);

#endif
