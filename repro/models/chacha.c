/*
 * chacha.c - the ChaCha block function, and the hash made of it: see chacha.h.
 */
#include "chacha.h"

#include <string.h>

static uint32_t rotate(uint32_t word, unsigned by)
{
    return word << by | word >> (32 - by);
}

static void quarter_round(uint32_t *x, unsigned a, unsigned b, unsigned c, unsigned d)
{
    x[a] += x[b];
    x[d] = rotate(x[d] ^ x[a], 16);
    x[c] += x[d];
    x[b] = rotate(x[b] ^ x[c], 12);
    x[a] += x[b];
    x[d] = rotate(x[d] ^ x[a], 8);
    x[c] += x[d];
    x[b] = rotate(x[b] ^ x[c], 7);
}

void chacha_block(unsigned rounds, const uint32_t key[8], uint64_t counter, uint64_t stream,
                  uint32_t out[CHACHA_BLOCK_WORDS])
{
    uint32_t input[CHACHA_BLOCK_WORDS] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};

    memcpy(input + 4, key, 8 * sizeof *key);
    input[12] = (uint32_t)counter;
    input[13] = (uint32_t)(counter >> 32);
    input[14] = (uint32_t)stream;
    input[15] = (uint32_t)(stream >> 32);
    memcpy(out, input, sizeof input);
    for (unsigned round = 0; round < rounds; round += 2) {
        for (unsigned i = 0; i < 4; i++)
            quarter_round(out, i, 4 + i, 8 + i, 12 + i);
        for (unsigned i = 0; i < 4; i++)
            quarter_round(out, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
    }
    for (unsigned i = 0; i < CHACHA_BLOCK_WORDS; i++)
        out[i] += input[i];
}

/* Absorbs 128 bits. */
static void compress(struct chacha_digest *state, uint64_t first, uint64_t second)
{
    uint32_t key[8];
    uint32_t block[CHACHA_BLOCK_WORDS];

    memcpy(key, state, sizeof key);
    chacha_block(20, key, first, second, block);
    memcpy(state, block, sizeof *state);
}

struct chacha_digest chacha_hash(const uint64_t *words, size_t count)
{
    struct chacha_digest state = {{0}};

    for (size_t i = 0; i < count; i += 2)
        compress(&state, words[i], i + 1 < count ? words[i + 1] : 0);
    compress(&state, count, UINT64_MAX);
    return state;
}
