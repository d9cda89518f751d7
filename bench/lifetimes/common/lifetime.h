/*
 * lifetime.h - what the programs of bench/lifetimes share: main, phases if there are any, blocks that are checked, and
 * the report. A program is one file, which defines `lifetime`; it only knows malloc, and LD_PRELOAD
 * decides whose malloc that is. zk_begin_phase and zk_end_phase are weak: on another allocator the
 * same program has no phases.
 *
 *     NAME [ARGUMENT...]     numbers, in the order of the usage text; missing ones have a default
 *
 * Prints lines of a key, a tab and a value:
 *
 *     seconds      of the timed parts: processor time, or elapsed time in programs with threads
 *     ns_each      the same for each of the units that the program counts; 0 if it counts none
 *     end_kib      resident at the end, while the kept blocks are still alive
 *     peak_kib     peak of resident memory
 *     live_kib     the most bytes that were allocated at one time
 *     early_kib    resident where the program says that it has settled; 0 if it does not say
 *     faults       minor page faults of the whole process
 *
 * Exit status: 0; 2 usage; 3 no memory, or no thread; 12 a live block was damaged.
 */
#ifndef LIFETIME_H
#define LIFETIME_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

enum { LIFETIME_ARGUMENTS = 5, LIFETIME_THREADS = 16 };

struct lifetime {
    const char *usage; /* the names of the arguments, and what the program does */
    size_t standard[LIFETIME_ARGUMENTS];
    size_t least[LIFETIME_ARGUMENTS]; /* 0 and 0: there is no such argument */
    size_t most[LIFETIME_ARGUMENTS];
    void (*run)(const size_t *arguments);
    int wall; /* seconds are elapsed time */
};

/* The program's own. */
extern const struct lifetime lifetime;

/* Begins or ends a phase, if the allocator has phases. */
void phase_begin(void);
void phase_end(void);

/* A phase for every `each` items: begins it before item number i, or ends it after that item, if it
 * is due. count: the number of all items. */
static inline void phase_before(size_t i, size_t each)
{
    if (i % each == 0)
        phase_begin();
}

static inline void phase_behind(size_t i, size_t each, size_t count)
{
    if (i % each == each - 1 || i == count - 1)
        phase_end();
}

/* Like malloc, calloc and realloc, but instead of returning NULL they end the program. */
void *must_malloc(size_t size);
void *must_calloc(size_t count, size_t size);
void *must_realloc(void *p, size_t size);

/* A block of size bytes in which every byte depends on number; does it still hold? Ends the program if not. */
void *block_new(size_t size, uint64_t number);
void block_fill(void *p, size_t size, uint64_t number);
void block_check(const void *p, size_t size, uint64_t number);
__attribute__((noreturn)) void stop_damaged(void);

/* A block whose size is remembered; or none, and 0. */
struct block {
    char *p;
    size_t size;
};

/* Checks and frees the block, and makes one of size bytes in its place. *live is the sum of the sizes of all blocks, which
 * is noted. */
void block_replace(struct block *block, size_t size, uint64_t number, size_t *live);

/* Random numbers, the same in every run; each thread has its own state. *state is not 0. */
uint64_t next_random(uint64_t *state);

/* A random size from `least` on, doubled up to `doublings` times, each as likely, and then up to twice that. */
size_t random_size(uint64_t *state, size_t least, unsigned doublings);

/* Starts a thread with body(arg). The program ends if it cannot be started. */
void thread_start(pthread_t *thread, void *(*body)(void *), void *arg);

/* The code between the two is timed; several pieces are added up. Not nested, and on one thread. */
void clock_start(void);
void clock_stop(void);

/* Tells how many units of work were timed. */
void count_units(size_t units);

/* Tells how many bytes are allocated and not freed. */
void note_live(size_t bytes);

/* From here on, resident memory should not grow any more. */
void note_settled(void);

#endif
