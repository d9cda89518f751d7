/*
 * winternitz.c - Winternitz one-time signatures. Each hash begins with a word for what it is for and the
 * place of its input, and fits one block of SHA3-256, the public key's apart.
 */
#include "winternitz.h"

#include <nettle/sha3.h>
#include <string.h>

enum purpose { purpose_secret = 1, purpose_step, purpose_public };

static void put_32(uint8_t *bytes, uint32_t value)
{
    for (unsigned i = 0; i < sizeof value; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
}

/* Starts a hash with where it is. */
static void start(struct sha3_256_ctx *sha3, enum purpose purpose, struct winternitz_key key,
                  unsigned chain, unsigned position)
{
    uint8_t place[16];

    put_32(place, (uint32_t)purpose);
    put_32(place + 4, key.signer);
    put_32(place + 8, key.epoch);
    put_32(place + 12, chain << 16 | position);
    sha3_256_init(sha3);
    sha3_256_update(sha3, sizeof place, place);
}

static struct digest finish(struct sha3_256_ctx *sha3)
{
    struct digest digest;

    sha3_256_digest(sha3, sizeof digest.bytes, digest.bytes);
    return digest;
}

/* The state after the one at `position`. */
static struct digest step(struct winternitz_key key, unsigned chain, unsigned position,
                          const struct digest *state)
{
    struct sha3_256_ctx sha3;

    start(&sha3, purpose_step, key, chain, position);
    sha3_256_update(&sha3, sizeof state->bytes, state->bytes);
    return finish(&sha3);
}

static unsigned nibble(const uint8_t *bytes, unsigned i)
{
    return bytes[i / 2] >> 4 * (i % 2) & 15;
}

void winternitz_digits(const struct digest *message, uint8_t digits[WINTERNITZ_CHAINS])
{
    unsigned checksum = 0;

    for (unsigned i = 0; i < WINTERNITZ_MESSAGE_CHAINS; i++) {
        digits[i] = (uint8_t)nibble(message->bytes, i);
        checksum += WINTERNITZ_STATES - 1U - digits[i];
    }
    for (unsigned i = WINTERNITZ_MESSAGE_CHAINS; i < WINTERNITZ_CHAINS; i++) {
        digits[i] = (uint8_t)(checksum % WINTERNITZ_STATES);
        checksum /= WINTERNITZ_STATES;
    }
}

/* The states of a chain after the one at `from`. */
static void follow_chain(struct winternitz_key key, unsigned chain, unsigned from,
                         struct digest states[WINTERNITZ_STATES])
{
    for (unsigned i = from; i + 1 < WINTERNITZ_STATES; i++)
        states[i + 1] = step(key, chain, i, &states[i]);
}

void winternitz_generate(uint64_t seed, struct winternitz_key key, struct winternitz_trace *states)
{
    for (unsigned chain = 0; chain < WINTERNITZ_CHAINS; chain++) {
        struct sha3_256_ctx sha3;

        start(&sha3, purpose_secret, key, chain, 0);
        sha3_256_update(&sha3, sizeof seed, (const uint8_t *)&seed);
        states->states[chain][0] = finish(&sha3);
        follow_chain(key, chain, 0, states->states[chain]);
    }
}

void winternitz_sign(const struct winternitz_trace *states, const uint8_t digits[WINTERNITZ_CHAINS],
                     struct winternitz_signature *signature)
{
    for (unsigned chain = 0; chain < WINTERNITZ_CHAINS; chain++)
        signature->chains[chain] = states->states[chain][digits[chain]];
}

void winternitz_follow(struct winternitz_key key, const uint8_t digits[WINTERNITZ_CHAINS],
                       const struct winternitz_signature *signature, struct winternitz_trace *trace)
{
    for (unsigned chain = 0; chain < WINTERNITZ_CHAINS; chain++) {
        struct digest *states = trace->states[chain];

        memset(states, 0, digits[chain] * sizeof *states);
        states[digits[chain]] = signature->chains[chain];
        follow_chain(key, chain, digits[chain], states);
    }
}

struct digest winternitz_public(struct winternitz_key key, const struct winternitz_trace *trace)
{
    struct sha3_256_ctx sha3;

    start(&sha3, purpose_public, key, 0, 0);
    for (unsigned chain = 0; chain < WINTERNITZ_CHAINS; chain++)
        sha3_256_update(&sha3, sizeof(struct digest),
                        trace->states[chain][WINTERNITZ_STATES - 1].bytes);
    return finish(&sha3);
}
