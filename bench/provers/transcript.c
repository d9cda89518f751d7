/*
 * transcript.c - the chain of hashes. Each link begins with its purpose and its length, so that no
 * two sequences of calls hash the same bytes.
 */
#include "transcript.h"

#include <nettle/sha3.h>
#include <string.h>

enum purpose { purpose_absorb = 1, purpose_challenge, purpose_work };

static void put_number(uint8_t bytes[8], uint64_t number)
{
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(number >> 8 * i);
}

static uint64_t get_number(const uint8_t bytes[8])
{
    uint64_t number = 0;

    for (unsigned i = 0; i < 8; i++)
        number |= (uint64_t)bytes[i] << 8 * i;
    return number;
}

static struct hash link_of(const struct hash *state, enum purpose purpose, const void *message,
                           size_t bytes)
{
    struct sha3_256_ctx sha3;
    struct hash next;
    uint8_t head[16];

    put_number(head, (uint64_t)purpose);
    put_number(head + 8, bytes);
    sha3_256_init(&sha3);
    sha3_256_update(&sha3, sizeof state->bytes, state->bytes);
    sha3_256_update(&sha3, sizeof head, head);
    sha3_256_update(&sha3, bytes, message);
    sha3_256_digest(&sha3, sizeof next.bytes, next.bytes);
    return next;
}

void transcript_start(struct transcript *transcript, const char *name)
{
    *transcript = (struct transcript){.state = hash_of("", 0)};
    transcript_absorb(transcript, name, strlen(name));
}

void transcript_absorb(struct transcript *transcript, const void *message, size_t bytes)
{
    transcript->state = link_of(&transcript->state, purpose_absorb, message, bytes);
}

void transcript_absorb_number(struct transcript *transcript, uint64_t number)
{
    uint8_t bytes[8];

    put_number(bytes, number);
    transcript_absorb(transcript, bytes, sizeof bytes);
}

/* The state itself is the challenge: it is a hash of exactly what led to it. */
static const struct hash *next_challenge(struct transcript *transcript)
{
    transcript->state = link_of(&transcript->state, purpose_challenge, "", 0);
    return &transcript->state;
}

/* 64 bits modulo p: high * 2^32 + low, where 2^32 is what Montgomery's form multiplies by. */
static uint32_t element_of(const struct field31 *field, uint64_t bits)
{
    const uint32_t low = field31_from(field, (uint32_t)bits);
    const uint32_t high = field31_from(field, (uint32_t)(bits >> 32));

    return field31_add(field, low, field31_from(field, high));
}

struct extension transcript_challenge(struct transcript *transcript, const struct field31 *field)
{
    const struct hash *hash = next_challenge(transcript);
    struct extension challenge;

    for (size_t i = 0; i < EXTENSION_DEGREE; i++)
        challenge.c[i] = element_of(field, get_number(hash->bytes + 8 * i));
    return challenge;
}

uint32_t transcript_element(struct transcript *transcript, const struct field31 *field)
{
    return element_of(field, get_number(next_challenge(transcript)->bytes));
}

size_t transcript_index(struct transcript *transcript, unsigned bits)
{
    uint64_t number = get_number(next_challenge(transcript)->bytes);

    return (size_t)(number & (((uint64_t)1 << bits) - 1));
}

bool transcript_work(struct transcript *transcript, uint64_t nonce, unsigned bits)
{
    uint8_t bytes[8];

    put_number(bytes, nonce);
    transcript->state = link_of(&transcript->state, purpose_work, bytes, sizeof bytes);
    return (get_number(transcript->state.bytes) & (((uint64_t)1 << bits) - 1)) == 0;
}

uint64_t transcript_grind(const struct transcript *transcript, unsigned bits)
{
    for (uint64_t nonce = 0;; nonce++) {
        struct transcript attempt = *transcript;

        if (transcript_work(&attempt, nonce, bits))
            return nonce;
    }
}
