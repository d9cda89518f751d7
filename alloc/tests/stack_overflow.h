/*
 * stack_overflow.h - a program that dies of a stack overflow, on the first thread or on another.
 */
#ifndef ZK_STACK_OVERFLOW_H
#define ZK_STACK_OVERFLOW_H

#include "retained_blocks.h"

/* Recurses for ever, which the compiler must not see. */
SITE static size_t overflow_the_stack(size_t levels)
{
    volatile char frame[1000] = {0};
    size_t reached = 0;

    frame[levels % sizeof frame] = 1;
    if (levels < SIZE_MAX)
        reached = overflow_the_stack(levels + 1) + 1;
    STAY_IN_FRAME();
    return reached + (size_t)frame[0];
}

static inline void *overflow_on_thread(void *arg)
{
    make(10);
    overflow_the_stack(0);
    return arg;
}

#endif
