/*
 * fibers.c - two fibers on one thread. One yields inside zk_phase; the other, on another stack, begins a phase,
 * which must be refused, since the first one's phase has not been left. Linked with zkalloc.
 */
#include "../check.h"
#include "trust.h"
#include "zkalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <ucontext.h>

enum { data_bytes = 50000, stack_bytes = 256 << 10, yields = 5 };

static struct {
    ucontext_t home;
    ucontext_t fiber;
    int result; /* of the fiber's zk_phase */
} fibers;

static void yield_in_phase(void *arg)
{
    void *data = zk_malloc(data_bytes);

    (void)arg;
    fill(data, data_bytes, 1);
    for (unsigned i = 0; i < yields; i++) {
        NEED(swapcontext(&fibers.fiber, &fibers.home) == 0);
        NEED(filled(data, data_bytes, 1));
    }
    zk_free(data);
}

static void fiber_body(void)
{
    fibers.result = zk_phase(yield_in_phase, NULL);
}

static void begin_meanwhile(void)
{
    void *data;

    NEED(zk_begin_phase() == -1 && errno == EBUSY);
    data = zk_malloc(data_bytes);
    fill(data, data_bytes, 2);
    NEED(swapcontext(&fibers.home, &fibers.fiber) == 0);
    NEED(filled(data, data_bytes, 2));
    zk_free(data);
}

static void run_fiber(void *stack)
{
    fibers.result = -1;
    NEED(getcontext(&fibers.fiber) == 0);
    fibers.fiber.uc_stack.ss_sp = stack;
    fibers.fiber.uc_stack.ss_size = stack_bytes;
    fibers.fiber.uc_link = &fibers.home;
    makecontext(&fibers.fiber, fiber_body, 0);
    NEED(swapcontext(&fibers.home, &fibers.fiber) == 0);
    for (unsigned i = 0; i < yields; i++)
        begin_meanwhile();
    NEED(fibers.result == 0);
}

int main(void)
{
    void *stack = malloc(stack_bytes);
    struct zk_stats stats;

    deadline(10);
    for (unsigned i = 0; i < 3; i++) {
        run_fiber(stack);
        NEED(zk_begin_phase() == 0); /* it has ended */
        NEED(zk_end_phase() == 0);
    }
    free(stack);
    NEED(zk_stats(&stats) == 0 && stats.orphans == 0);
    return EXIT_SUCCESS;
}
