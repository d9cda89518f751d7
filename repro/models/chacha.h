/*
 * chacha.h - the ChaCha block function (D. J. Bernstein, 2008), with a counter and a stream of 64 bits each, and a hash
 * made of it for the models' small proofs.
 */
#ifndef CHACHA_H
#define CHACHA_H

#include <stddef.h>
#include <stdint.h>

enum { CHACHA_BLOCK_WORDS = 16 };

/* One block of the key stream. rounds: 8, 12 or 20. Any thread. */
void chacha_block(unsigned rounds, const uint32_t key[8], uint64_t counter, uint64_t stream,
                  uint32_t out[CHACHA_BLOCK_WORDS]);

/* 256 bits. */
struct chacha_digest {
    uint64_t words[4];
};

/* A hash of count words: ChaCha20's rounds serve as the compression function, 128 bits at a time;
 * the count comes last. Good enough for a transcript and a tree in a repro, and for nothing else.
 * Any thread. */
struct chacha_digest chacha_hash(const uint64_t *words, size_t count);

#endif
