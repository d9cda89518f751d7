/*
 * interposed.c - linked with the preload library, or run under it: in a phase, malloc serves from the
 * arena.
 */
#include <stdio.h>
#include <stdlib.h>
#include <zkalloc.h>

int main(void)
{
    void *block = NULL;
    bool right;

    if (zk_begin_phase() == 0)
        block = malloc(ZK_DEFAULT_MIN_BYTES);
    right = block != NULL && zk_owns(block);
    puts(right ? "in the arena" : "not in the arena");
    free(block);
    return zk_end_phase() == 0 && right ? 0 : 1;
}
