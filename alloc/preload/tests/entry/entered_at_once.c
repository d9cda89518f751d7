/*
 * entered_at_once.c - several threads enter the function at once, some of them with all signals blocked, and keep
 * blocks across the boundaries. No entry is missed.
 */
#include "entered.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 6, ROUNDS = 1500 };

ENTERED unsigned the_round(struct keeper *keeper, unsigned turn);

unsigned the_round(struct keeper *keeper, unsigned turn)
{
    keep(keeper, 3);
    return turn * 3 + keeper->key;
}

static pthread_barrier_t start;

static void *work(void *arg)
{
    struct keeper *keeper = arg;
    sigset_t all;

    sigfillset(&all);
    if (keeper->key % 2 != 0)
        NEED(pthread_sigmask(SIG_BLOCK, &all, NULL) == 0);
    pthread_barrier_wait(&start);
    for (unsigned i = 0; i < ROUNDS; i++)
        if (the_round(keeper, i) != i * 3 + keeper->key)
            fail("a round of thread %u returns something else", keeper->key);
    keep_no_more(keeper);
    return NULL;
}

int main(void)
{
    static struct keeper keepers[THREADS];
    pthread_t threads[THREADS];

    deadline(50);
    NEED(pthread_barrier_init(&start, NULL, THREADS) == 0);
    for (unsigned i = 0; i < THREADS; i++) {
        keepers[i] = (struct keeper){.key = i + 1, .size_max = 9000};
        NEED(pthread_create(&threads[i], NULL, work, &keepers[i]) == 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        NEED(pthread_join(threads[i], NULL) == 0);
    expect_phases(THREADS * ROUNDS);
    return 0;
}
