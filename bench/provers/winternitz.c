/*
 * winternitz.c - Winternitz one-time signatures. Each hashed message begins with its purpose and
 * the place of its input, and fits into one block of SHA3-256, except the public key's.
 */
#include "winternitz.h"

#include <string.h>

enum purpose { purpose_secret = 1, purpose_step, purpose_public };

/* The hashed message: a place, and the secret seed or a state. */
struct message {
    uint32_t purpose;
    uint32_t signer;
    uint32_t epoch;
    uint32_t chain;
    uint32_t position;
    uint32_t zero[3];
    uint8_t data[HASH_BYTES];
};

static struct message message_at(enum purpose purpose, struct winternitz_key key, unsigned chain,
                                 unsigned position)
{
    return (struct message){.purpose = (uint32_t)purpose,
                            .signer = key.signer,
                            .epoch = key.epoch,
                            .chain = chain,
                            .position = position};
}

/* The state after the one at `position`. */
static struct hash step(struct winternitz_key key, unsigned chain, unsigned position,
                        const struct hash *state)
{
    struct message message = message_at(purpose_step, key, chain, position);

    memcpy(message.data, state->bytes, sizeof message.data);
    return hash_of(&message, sizeof message);
}

static unsigned nibble(const uint8_t *bytes, unsigned i)
{
    return bytes[i / 2] >> 4 * (i % 2) & 15;
}

void winternitz_digits(const struct hash *message, uint8_t digits[WINTERNITZ_CHAINS])
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
                         struct hash states[WINTERNITZ_STATES])
{
    for (unsigned i = from; i + 1 < WINTERNITZ_STATES; i++)
        states[i + 1] = step(key, chain, i, &states[i]);
}

void winternitz_generate(uint64_t seed, struct winternitz_key key, struct winternitz_trace *states)
{
    for (unsigned chain = 0; chain < WINTERNITZ_CHAINS; chain++) {
        struct message message = message_at(purpose_secret, key, chain, 0);

        memcpy(message.data, &seed, sizeof seed);
        states->states[chain][0] = hash_of(&message, sizeof message);
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
        struct hash *states = trace->states[chain];

        memset(states, 0, digits[chain] * sizeof *states);
        states[digits[chain]] = signature->chains[chain];
        follow_chain(key, chain, digits[chain], states);
    }
}

struct hash winternitz_public(struct winternitz_key key, const struct winternitz_trace *trace)
{
    struct {
        struct message place;
        struct hash ends[WINTERNITZ_CHAINS];
    } message = {.place = message_at(purpose_public, key, 0, 0)};

    for (unsigned chain = 0; chain < WINTERNITZ_CHAINS; chain++)
        message.ends[chain] = trace->states[chain][WINTERNITZ_STATES - 1];
    return hash_of(&message, sizeof message);
}
