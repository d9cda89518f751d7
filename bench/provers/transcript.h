/*
 * transcript.h - challenges that depend on all earlier messages (the Fiat-Shamir transform): a
 * chain of SHA3-256. Prover and verifier make the same calls in the same order.
 */
#ifndef TRANSCRIPT_H
#define TRANSCRIPT_H

#include "extension.h"
#include "hash.h"

struct transcript {
    struct hash state;
};

/* name identifies the protocol. */
void transcript_start(struct transcript *transcript, const char *name);

/* Absorbs a message; its length is hashed too. */
void transcript_absorb(struct transcript *transcript, const void *message, size_t bytes);
void transcript_absorb_number(struct transcript *transcript, uint64_t number);

/* A challenge of the extension: each of four coordinates is 64 bits modulo p, so it is uniform up
 * to 2^-32. */
struct extension transcript_challenge(struct transcript *transcript, const struct field31 *field);

/* A challenge of the base field. */
uint32_t transcript_element(struct transcript *transcript, const struct field31 *field);

/* A challenge below 2^bits, bits <= 63. */
size_t transcript_index(struct transcript *transcript, unsigned bits);

/* Finds the least nonce that transcript_work accepts, which takes 2^bits hashes on average. Does
 * not absorb it. */
uint64_t transcript_grind(const struct transcript *transcript, unsigned bits);

/* Absorbs the nonce. Does its hash begin with that many zero bits? */
bool transcript_work(struct transcript *transcript, uint64_t nonce, unsigned bits);

#endif
