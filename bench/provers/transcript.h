/*
 * transcript.h - challenges that depend on everything that was said before (Fiat and Shamir's): a chain of
 * SHA3-256. Prover and verifier make the same calls in the same order.
 */
#ifndef TRANSCRIPT_H
#define TRANSCRIPT_H

#include "extension.h"
#include "hash.h"

struct transcript {
    struct hash state;
};

/* name says which protocol it is. */
void transcript_start(struct transcript *transcript, const char *name);

/* Takes in a message; its length counts. */
void transcript_absorb(struct transcript *transcript, const void *message, size_t bytes);
void transcript_absorb_number(struct transcript *transcript, uint64_t number);

/* A challenge of the extension: four coordinates of 64 bits modulo p each, even to 2^-32. */
struct extension transcript_challenge(struct transcript *transcript, const struct field31 *field);

/* A challenge of the base field. */
uint32_t transcript_element(struct transcript *transcript, const struct field31 *field);

/* A challenge below 2^bits, bits <= 63. */
size_t transcript_index(struct transcript *transcript, unsigned bits);

/* Looks for the least nonce that transcript_work accepts, which takes 2^bits hashes on average. Nothing has
 * been absorbed after it. */
uint64_t transcript_grind(const struct transcript *transcript, unsigned bits);

/* Absorbs the nonce. Does its hash begin with that many zero bits? */
bool transcript_work(struct transcript *transcript, uint64_t nonce, unsigned bits);

#endif
