/*
 * linked.c - a user's own C program: is it served from the arena in a phase, and by system outside of
 * it?
 */
#include <stdio.h>
#include <zkalloc.h>

int main(void)
{
    void *outside = zk_malloc(ZK_DEFAULT_MIN_BYTES);
    void *inside = NULL;
    bool right;

    if (zk_begin_phase() == 0)
        inside = zk_malloc(ZK_DEFAULT_MIN_BYTES);
    right = inside != NULL && zk_owns(inside) && !zk_owns(outside);
    puts(right ? "in the arena" : "not in the arena");
    zk_free(inside);
    zk_free(outside);
    return zk_end_phase() == 0 && right ? 0 : 1;
}
