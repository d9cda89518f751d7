/*
 * hash.c - SHA3-256 of four messages at once: Keccak-f[1600] on vectors of four words, a message in each lane
 * (FIPS 202, section 3). If vector registers are shorter, the compiler uses several.
 */
#include "hash.h"

#include "kernel.h"

#include <nettle/sha3.h>
#include <string.h>

enum { words = 25, rounds = 24, word_bytes = 8 };

typedef uint64_t lanes __attribute__((vector_size(HASH_LANES * sizeof(uint64_t))));

struct sponge {
    lanes words[words]; /* [x + 5 y] */
    unsigned position;  /* bytes absorbed since the last permutation */
};

static const uint64_t round_constants[rounds] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
    0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

/* The steps rho and pi move words along a cycle that starts and ends at word 1: the order of the
 * words, and the rotation of each. */
static const uint8_t lane_order[rounds] = {10, 7,  11, 17, 18, 3, 5,  16, 8,  21, 24, 4,
                                           15, 23, 19, 13, 12, 2, 20, 14, 22, 9,  6,  1};
static const uint8_t lane_turns[rounds] = {1,  3,  6,  10, 15, 21, 28, 36, 45, 55, 2,  14,
                                           27, 41, 56, 8,  25, 43, 62, 18, 39, 61, 20, 44};

#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE void theta(lanes a[words])
{
    lanes parities[5];

    for (unsigned x = 0; x < 5; x++)
        parities[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
    for (unsigned x = 0; x < 5; x++) {
        const lanes right = parities[(x + 1) % 5];
        const lanes both = parities[(x + 4) % 5] ^ (right << 1 | right >> 63);

        for (unsigned y = 0; y < words; y += 5)
            a[x + y] ^= both;
    }
}

ALWAYS_INLINE void rho_and_pi(lanes a[words])
{
    lanes moved = a[1];

#pragma GCC unroll 24
    for (unsigned i = 0; i < rounds; i++) {
        const lanes next = a[lane_order[i]];

        a[lane_order[i]] = moved << lane_turns[i] | moved >> (64 - lane_turns[i]);
        moved = next;
    }
}

ALWAYS_INLINE void chi(lanes a[words])
{
    for (unsigned y = 0; y < words; y += 5) {
        const lanes a0 = a[y], a1 = a[y + 1];

        a[y] ^= ~a1 & a[y + 2];
        a[y + 1] ^= ~a[y + 2] & a[y + 3];
        a[y + 2] ^= ~a[y + 3] & a[y + 4];
        a[y + 3] ^= ~a[y + 4] & a0;
        a[y + 4] ^= ~a0 & a1;
    }
}

ALWAYS_INLINE void permute(struct sponge *sponge)
{
    for (unsigned round = 0; round < rounds; round++) {
        theta(sponge->words);
        rho_and_pi(sponge->words);
        chi(sponge->words);
        sponge->words[0] ^= round_constants[round];
    }
    sponge->position = 0;
}

/* Reads the `count` <= 8 bytes of a word. */
ALWAYS_INLINE uint64_t load(const uint8_t *bytes, size_t count)
{
    uint64_t word = 0;

    memcpy(&word, bytes, count);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* Absorbs `count` <= 8 bytes of each lane, which must not cross the end of a word. */
ALWAYS_INLINE void absorb(struct sponge *sponge, const lanes *bytes, unsigned count)
{
    sponge->words[sponge->position / word_bytes] ^= *bytes << 8 * (sponge->position % word_bytes);
    sponge->position += count;
    if (sponge->position == SHA3_256_BLOCK_SIZE)
        permute(sponge);
}

ALWAYS_INLINE void absorb_messages(struct sponge *sponge, const uint8_t *const messages[HASH_LANES],
                                   size_t bytes)
{
    const size_t rest = bytes % word_bytes;

    for (size_t i = 0; i + word_bytes <= bytes; i += word_bytes) {
        const lanes word = {load(messages[0] + i, word_bytes), load(messages[1] + i, word_bytes),
                            load(messages[2] + i, word_bytes), load(messages[3] + i, word_bytes)};

        absorb(sponge, &word, word_bytes);
    }
    if (rest > 0) {
        lanes word = {0};

        for (unsigned lane = 0; lane < HASH_LANES; lane++)
            word[lane] = load(messages[lane] + bytes - rest, rest);
        absorb(sponge, &word, (unsigned)rest);
    }
}

KERNEL void hash_four(const uint8_t *const messages[HASH_LANES], size_t bytes, uint8_t tag,
                      struct hash hashes[HASH_LANES])
{
    const lanes tags = {tag, tag, tag, tag};
    struct sponge sponge = {0};

    absorb_messages(&sponge, messages, bytes);
    absorb(&sponge, &tags, 1);
    sponge.words[sponge.position / word_bytes] ^= (uint64_t)0x06
                                                  << 8 * (sponge.position % word_bytes);
    sponge.words[SHA3_256_BLOCK_SIZE / word_bytes - 1] ^= (uint64_t)0x80 << 56;
    permute(&sponge);
    for (unsigned lane = 0; lane < HASH_LANES; lane++)
        for (unsigned i = 0; i < HASH_BYTES; i++)
            hashes[lane].bytes[i] =
                (uint8_t)(sponge.words[i / word_bytes][lane] >> 8 * (i % word_bytes));
}

struct hash hash_of(const void *message, size_t bytes)
{
    struct sha3_256_ctx sha3;
    struct hash hash;

    sha3_256_init(&sha3);
    sha3_256_update(&sha3, bytes, message);
    sha3_256_digest(&sha3, sizeof hash.bytes, hash.bytes);
    return hash;
}

bool hash_equal(const struct hash *a, const struct hash *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}
