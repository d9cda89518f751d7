/* inlined.h - a program's own header: its lines are the program's own, too. */
#include <stdlib.h>
#include <string.h>

static inline __attribute__((always_inline)) char *ring_make(size_t bytes)
{
    char *ring = malloc(bytes); // PLANT:ring 30000 -

    memset(ring, 1, bytes);
    return ring;
}

static inline __attribute__((always_inline)) long ring_first(const volatile char *ring)
{
    return ring[0]; // STALE:ring
}
