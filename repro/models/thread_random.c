/*
 * thread_random.c - rand's generator of a thread: see thread_random.h for what it is faithful to.
 */
#include "thread_random.h"

#include "chacha.h"
#include "crates.h"
#include "zkalloc.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    rounds = 12,
    threshold_bytes = 64 << 10,
    buffer_blocks = 4,
    buffer_words = buffer_blocks * CHACHA_BLOCK_WORDS
};

/* RcBox<UnsafeCell<ReseedingRng>>; 0.9 has all of it but the last field. */
struct generator {
    size_t strong;
    size_t weak;
    uint32_t buffer[buffer_words];
    size_t index;
    size_t padding;
    uint32_t key[8];
    uint64_t counter;
    uint64_t stream;
    int64_t threshold;
    int64_t bytes_until_reseed;
    size_t fork_counter; /* debian12 only */
    size_t padding_behind;
};

_Static_assert(sizeof(struct generator) == 368, "as RcBox of rand 0.8.5");
_Static_assert(offsetof(struct generator, fork_counter) == 352, "as RcInner of rand 0.9.5");

static _Thread_local struct generator *own;
static _Atomic size_t forks; /* counted before and after each fork, in both processes */

static bool has_fork_counter(void)
{
    return crates_chosen() == CRATES_DEBIAN12;
}

size_t thread_random_bytes(void)
{
    return has_fork_counter() ? sizeof(struct generator) : offsetof(struct generator, fork_counter);
}

/* ---- A new key ---- */

static void count_fork(void)
{
    atomic_fetch_add(&forks, 1);
}

static void watch_forks(void)
{
    if (pthread_atfork(count_fork, count_fork, count_fork) != 0)
        abort();
}

static void take_key(struct generator *generator)
{
    if (getrandom(generator->key, sizeof generator->key, 0) != (ssize_t)sizeof generator->key)
        abort();
    generator->counter = 0;
    generator->stream = 0;
}

static bool is_behind(const struct generator *generator)
{
    return has_fork_counter() && (ptrdiff_t)(generator->fork_counter - atomic_load(&forks)) < 0;
}

static bool wants_key(const struct generator *generator)
{
    return generator->bytes_until_reseed <= 0 || is_behind(generator);
}

static void reseed(struct generator *generator)
{
    take_key(generator);
    if (has_fork_counter())
        generator->fork_counter = atomic_load(&forks);
    generator->bytes_until_reseed = generator->threshold;
}

/* ---- Numbers ---- */

static void refill(struct generator *generator)
{
    if (wants_key(generator))
        reseed(generator);
    generator->bytes_until_reseed -= (int64_t)sizeof generator->buffer;
    for (unsigned i = 0; i < buffer_blocks; i++)
        chacha_block(rounds, generator->key, generator->counter + i, generator->stream,
                     generator->buffer + (size_t)i * CHACHA_BLOCK_WORDS);
    generator->counter += buffer_blocks;
}

static uint64_t two_words(uint32_t low, uint32_t high)
{
    return (uint64_t)high << 32 | low;
}

static uint64_t next(struct generator *generator)
{
    const uint32_t *buffer = generator->buffer;
    size_t at = generator->index;
    uint32_t last;

    if (at < buffer_words - 1) {
        generator->index = at + 2;
        return two_words(buffer[at], buffer[at + 1]);
    }
    last = buffer[buffer_words - 1];
    refill(generator);
    if (at >= buffer_words) {
        generator->index = 2;
        return two_words(buffer[0], buffer[1]);
    }
    generator->index = 1;
    return two_words(last, buffer[0]);
}

static struct generator *make(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct generator *generator = zk_malloc(thread_random_bytes());

    pthread_once(&once, watch_forks);
    if (generator == NULL)
        abort();
    memset(generator, 0, thread_random_bytes());
    generator->strong = generator->weak = 1;
    generator->threshold = generator->bytes_until_reseed = threshold_bytes;
    take_key(generator);
    generator->index = buffer_words;
    return generator;
}

uint64_t thread_random(void)
{
    uint64_t number;

    if (own == NULL)
        own = make();
    own->strong++;
    number = next(own);
    own->strong--;
    return number;
}

void thread_random_end(void)
{
    zk_free(own);
    own = NULL;
}

size_t thread_random_foretell(uint64_t word, uint64_t *numbers, size_t count)
{
    struct generator generator = {0};

    for (size_t i = 0; i < sizeof generator / sizeof word; i++)
        memcpy((char *)&generator + i * sizeof word, &word, sizeof word);
    if (wants_key(&generator))
        return 0;
    for (size_t i = 0; i < count; i++)
        numbers[i] = next(&generator);
    return count;
}
