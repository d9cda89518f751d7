/*
 * thread_random.h - model of a thread's random generator: one block for each thread, made at its first use.
 *
 * Faithful to rand's thread_rng (rand 0.8.5 of Debian 12, rand 0.9.5 of 2026), 64-bit: a thread-local
 * Rc<UnsafeCell<ReseedingRng<ChaCha12Core, OsRng>>>. The block is 368 bytes (352 in 0.9, which has no fork counter):
 *   reference counts   16 bytes, strong and weak (RcBox)
 *   buffer             256: four blocks of the key stream (BlockRng)
 *   index              8: of the next word in the buffer; from 64 up: buffer empty
 *   ChaCha's state     48: key of 32, counter and stream of 8 each, aligned to 16 (rand_chacha)
 *   threshold          8: bytes from one reseeding to the next, 64 KiB
 *   bytes until then   8, signed: at 0 or below, the next refill takes a new key from the system
 *   fork counter       8, 0.8 only: a refill that finds it behind the process's takes a new key as well
 * and padding. (0.10 has 336 bytes: it does not store the index separately.) rustc chooses the
 * order of the fields: this is the order of Debian 12's 1.63, derived from the places that the
 * crate writes to (repro/crates/random_state).
 *
 * Numbers are read from the buffer. When it is empty, it is refilled, which adds 4 to the counter.
 * Each use of the generator takes a reference and drops it.
 */
#ifndef THREAD_RANDOM_H
#define THREAD_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* A random number from the calling thread's generator. The first call allocates the generator with
 * zk_malloc and takes its key from the system. Ends the process when there is no memory or no key,
 * as the crate does. */
uint64_t thread_random(void);

/* Ends the calling thread's generator, if it has one. */
void thread_random_end(void);

/* Predicts a generator whose block was overwritten with a repeated word of 64 bits: sets numbers to
 * the first `count` that it will return, count <= 32. Returns how many of them are right: 0 if such
 * a generator takes a new key first, else count. Allocates nothing. */
size_t thread_random_foretell(uint64_t word, uint64_t *numbers, size_t count);

/* Bytes of the block, for the chosen crates. */
size_t thread_random_bytes(void);

#endif
