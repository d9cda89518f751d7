/*
 * thread_random.h - model of a thread's random generator: one block for each thread, made at its first use.
 *
 * Faithful to rand's thread_rng (rand 0.8.5 of Debian 12, rand 0.9.5 of 2026), 64-bit: a thread-local
 * Rc<UnsafeCell<ReseedingRng<ChaCha12Core, OsRng>>>. The block is 368 bytes (352 in 0.9, which has no fork counter):
 *   reference counts   16 bytes, strong and weak (RcBox)
 *   buffer             256: four blocks of the key stream (BlockRng)
 *   index              8: of the next word in the buffer; 64 and more: empty
 *   ChaCha's state     48: key of 32, counter and stream of 8 each, aligned to 16 (rand_chacha)
 *   threshold          8: bytes from one reseeding to the next, 64 KiB
 *   bytes until then   8, signed: at 0 or below, the next refill takes a new key from the system
 *   fork counter       8, 0.8 only: a refill that finds it behind the process's takes a new key as well
 * and what alignment adds. (0.10 keeps 336 bytes: it has no room of its own for the index.) rustc chooses the order of
 * the fields: this one is that of Debian 12's 1.63, as the places show that the crate writes (repro/crates/random_state).
 *
 * A number is read from the buffer; an empty one is refilled: the counter goes up by 4. Whoever asks for the generator
 * takes a reference and drops it.
 */
#ifndef THREAD_RANDOM_H
#define THREAD_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* A random number, by the calling thread's generator, which is made if there is none: from zk_malloc, with a key from
 * the system. Ends the process when there is no memory or no key, as there. */
uint64_t thread_random(void);

/* Ends the calling thread's generator, if it has one. */
void thread_random_end(void);

/* For whoever knows that a generator's block was overwritten by a word of 64 bits, repeated: sets numbers to the first
 * `count` that come out of it, count <= 32. Returns how many of them are right: 0 where such a generator takes a new key
 * first, else count. It allocates nothing. */
size_t thread_random_foretell(uint64_t word, uint64_t *numbers, size_t count);

/* Bytes of the block, for the crates chosen. */
size_t thread_random_bytes(void);

#endif
