/*
 * schnorr.c - Schnorr's signature: see schnorr.h.
 */
#include "schnorr.h"

#include "chacha.h"
#include "modular.h"

uint64_t schnorr_public(uint64_t key)
{
    return mod_power(SCHNORR_BASE, key, SCHNORR_PRIME);
}

static uint64_t challenge_of(uint64_t commitment, uint64_t public_key, uint64_t message)
{
    const uint64_t words[] = {commitment, public_key, message};
    struct chacha_digest digest = chacha_hash(words, sizeof words / sizeof *words);

    return mod_reduce(digest.words[0], digest.words[1], SCHNORR_ORDER);
}

struct schnorr_signature schnorr_sign(uint64_t key, uint64_t message, uint64_t nonce)
{
    uint64_t commitment = mod_power(SCHNORR_BASE, nonce, SCHNORR_PRIME);
    uint64_t challenge = challenge_of(commitment, schnorr_public(key), message);

    return (struct schnorr_signature){
        .challenge = challenge,
        .response = mod_add(nonce, mod_multiply(challenge, key, SCHNORR_ORDER), SCHNORR_ORDER)};
}

bool schnorr_verify(uint64_t public_key, uint64_t message, struct schnorr_signature signature)
{
    uint64_t inverse; /* of public_key to the power challenge, as the group has order q */
    uint64_t commitment;

    if (signature.challenge >= SCHNORR_ORDER || signature.response >= SCHNORR_ORDER)
        return false;
    inverse = mod_power(public_key, SCHNORR_ORDER - signature.challenge, SCHNORR_PRIME);
    commitment = mod_multiply(mod_power(SCHNORR_BASE, signature.response, SCHNORR_PRIME), inverse,
                              SCHNORR_PRIME);
    return challenge_of(commitment, public_key, message) == signature.challenge;
}

uint64_t schnorr_key_of(struct schnorr_signature one, struct schnorr_signature other)
{
    uint64_t responses = mod_subtract(one.response, other.response, SCHNORR_ORDER);
    uint64_t challenges = mod_subtract(one.challenge, other.challenge, SCHNORR_ORDER);

    return mod_multiply(responses, mod_inverse(challenges, SCHNORR_ORDER), SCHNORR_ORDER);
}
