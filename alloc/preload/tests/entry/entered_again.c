/*
 * entered_again.c - a function that calls itself: each entry begins a phase. Its registers, flags and stack are
 * preserved.
 */
#include "entered.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ENTERED unsigned long the_round(unsigned depth, double a, double b, char *text, ...);

/* Walks a tree: two calls in each node, and a block that outlives both. */
unsigned long the_round(unsigned depth, double a, double b, char *text, ...)
{
    unsigned char *block;
    unsigned long sum;

    if (depth == 0)
        return (unsigned long)(a * 2 + b) + (unsigned long)text[0];
    block = malloc(100 * depth);
    if (block == NULL)
        fail("no block of %u bytes", 100 * depth);
    memset(block, (int)depth, 100 * depth);
    sum = the_round(depth - 1, a + 1, b, text) + the_round(depth - 1, a, b + 1, text);
    for (unsigned i = 0; i < 100 * depth; i++)
        NEED(block[i] == depth);
    free(block);
    return sum + 1;
}

int main(void)
{
    char text[] = "a";
    unsigned long sum;

    deadline(50);
    /* 2^8 leaves of 'a' + b + 2a, where a + b = 8 with each a as often as b, and 2^8 - 1 nodes */
    sum = the_round(8, 0, 0, text);
    if (sum != 256 * (97 + 12) + 255)
        fail("the sum is %lu", sum);
    expect_phases(511);
    return 0;
}
