/*
 * usable_in_handler.c - a signal handler calls malloc_usable_size for blocks of its own thread and of
 * another, whatever it has interrupted. It must not wait for a lock, whose holder might be itself; glibc's
 * takes none.
 */
#include "../check.h"
#include "trust.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { own_bytes = 100, their_bytes = 300 };

static struct {
    void *own;
    _Atomic(void *) theirs; /* of the other thread */
    _Atomic(void *) next;   /* from it, to be reallocated */
    volatile sig_atomic_t wrong;
    volatile sig_atomic_t asked;
} blocks;

static void ask(int number)
{
    (void)number;
    if (malloc_usable_size(blocks.own) < own_bytes)
        blocks.wrong = 1;
    if (malloc_usable_size(atomic_load(&blocks.theirs)) < their_bytes)
        blocks.wrong = 1;
    blocks.asked = blocks.asked + 1;
}

/* On a busy machine, elapsed time alone does not mean that anything was tried. */
static bool go_on(void)
{
    return time_left() || blocks.asked < 10;
}

static void *give_blocks(void *arg)
{
    atomic_store(&blocks.theirs, malloc(their_bytes));
    while (go_on())
        free(atomic_exchange(&blocks.next, malloc(their_bytes)));
    return arg;
}

static void *interrupt(void *thread)
{
    while (go_on())
        pthread_kill(*(const pthread_t *)thread, SIGPROF);
    return NULL;
}

static void work(void)
{
    while (go_on()) {
        for (unsigned i = 0; i < 500; i++)
            free(call.calloc(1, own_bytes));
        free(realloc(atomic_exchange(&blocks.next, NULL), 9000));
    }
}

int main(void)
{
    struct sigaction action = {.sa_handler = ask, .sa_flags = SA_RESTART};
    pthread_t self = pthread_self();
    pthread_t giver;
    pthread_t interrupter;

    deadline(15);
    NEED(begin_phase() == 0);
    blocks.own = malloc(own_bytes);
    NEED(pthread_create(&giver, NULL, give_blocks, NULL) == 0);
    while (atomic_load(&blocks.theirs) == NULL) {
    }
    NEED(sigaction(SIGPROF, &action, NULL) == 0);
    NEED(pthread_create(&interrupter, NULL, interrupt, &self) == 0);
    work();
    NEED(pthread_join(interrupter, NULL) == 0 && pthread_join(giver, NULL) == 0);
    NEED(!blocks.wrong);
    return EXIT_SUCCESS;
}
