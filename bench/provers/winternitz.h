/*
 * winternitz.h - Winternitz one-time signatures over SHA3-256, 16 values to a digit.
 *
 * A key has 64 chains of 16 states each, from a secret to a public end, each state the hash of the one before
 * it. A signature shows, for each chain, the state whose position is the message's digit; from it
 * anyone can compute the states up to the end, but nobody can go back. 61 digits come from the
 * message, 3 from a checksum, which falls when a digit of the message rises. The message is a
 * digest of which 244 bits are signed.
 */
#ifndef WINTERNITZ_H
#define WINTERNITZ_H

#include "hash.h"

#include <stdint.h>

enum {
    WINTERNITZ_STATES = 16,
    WINTERNITZ_CHAINS = 64,
    WINTERNITZ_MESSAGE_CHAINS = 61, /* the others are the checksum's */
};

/* Identifies the key; it goes into every hash, so that no two chains have a hash in common. */
struct winternitz_key {
    uint32_t signer;
    uint32_t epoch;
};

struct winternitz_signature {
    struct hash chains[WINTERNITZ_CHAINS];
};

/* The states of each chain, beginning with the signature's; those before it are 0. */
struct winternitz_trace {
    struct hash states[WINTERNITZ_CHAINS][WINTERNITZ_STATES];
};

/* The digits of a message, checksum and all. Each is below WINTERNITZ_STATES. */
void winternitz_digits(const struct hash *message, uint8_t digits[WINTERNITZ_CHAINS]);

/* All states of a key: [..][0] are the secrets, derived from the seed. */
void winternitz_generate(uint64_t seed, struct winternitz_key key, struct winternitz_trace *states);

/* The signature of a message, from all states. */
void winternitz_sign(const struct winternitz_trace *states, const uint8_t digits[WINTERNITZ_CHAINS],
                     struct winternitz_signature *signature);

/* Follows each chain of a signature to its end. */
void winternitz_follow(struct winternitz_key key, const uint8_t digits[WINTERNITZ_CHAINS],
                       const struct winternitz_signature *signature,
                       struct winternitz_trace *trace);

/* The public key: the hash of the ends of all chains. */
struct hash winternitz_public(struct winternitz_key key, const struct winternitz_trace *trace);

#endif
