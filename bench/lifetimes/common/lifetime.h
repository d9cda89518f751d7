/*
 * lifetime.h - what the programs of bench/lifetimes share: main, phases if there are any, blocks that are checked, and
 * the report. A program is one file, which defines `lifetime`; it knows nothing but malloc, and LD_PRELOAD decides
 * whose that is. zk_begin_phase and zk_end_phase are weak: on another allocator the same program has no phases.
 *
 *     NAME [ARGUMENT...]     numbers, in the order that the usage tells; those left out have a standard
 *
 * On stdout, a key, a tab and a value a line:
 *
 *     seconds      of what was timed: of the processor, or of the clock on the wall in programs with threads
 *     ns_each      the same for each of the units that the program counts; 0 if it counts none
 *     end_kib      resident at the end, with what is kept still alive
 *     peak_kib     resident at most
 *     live_kib     the most that was asked for at one time
 *     early_kib    resident where the program says that it has settled; 0 if it does not say
 *     faults       page faults without input or output, of the whole process
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
    int wall; /* seconds are those of the clock on the wall */
};

/* The program's own. */
extern const struct lifetime lifetime;

/* A phase, where the allocator has any. */
void phase_begin(void);
void phase_end(void);

/* A phase for every `each` of the items: begins it before item number i, or ends it behind it, if it is due. count: of
 * all items. */
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

/* As malloc, calloc and realloc, but for the NULL: the program ends. */
void *must_malloc(size_t size);
void *must_calloc(size_t count, size_t size);
void *must_realloc(void *p, size_t size);

/* A block of size bytes in which every byte depends on number; does it still hold? Ends the program if not. */
void *block_new(size_t size, uint64_t number);
void block_fill(void *p, size_t size, uint64_t number);
void block_check(const void *p, size_t size, uint64_t number);
__attribute__((noreturn)) void stop_damaged(void);

/* The same numbers in every run; a state for each thread. *state is not 0. */
uint64_t next_random(uint64_t *state);

/* Starts a thread with body(arg). The program ends if it cannot be started. */
void thread_start(pthread_t *thread, void *(*body)(void *), void *arg);

/* What lies between is timed; several pieces are added up. Not nested, and on one thread. */
void clock_start(void);
void clock_stop(void);

/* So many units of work were timed. */
void count_units(size_t units);

/* So many bytes are asked for and not freed. */
void note_live(size_t bytes);

/* From here on the resident memory should grow no more. */
void note_settled(void);

#endif
