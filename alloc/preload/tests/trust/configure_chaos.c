/*
 * configure_chaos.c - a program that does not know chaos configures the allocator, with a 0 in that field.
 * Chaos goes on.
 */
#include "../check.h"
#include "trust.h"
#include "zkalloc.h"

#include <errno.h>
#include <stdlib.h>

extern __typeof__(zk_configure) zk_configure __attribute__((weak));

static void allocate(unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        free(call.malloc(100));
}

int main(void)
{
    struct zk_config config = {.min_bytes = 0, .slab_bytes = (size_t)1 << 30};
    uint64_t before;

    deadline(10);
    NEED(preloaded());
    NEED(zk_configure(&config) == 0 || errno == EBUSY); /* a boundary may have come first */
    for (unsigned i = 0; i < 10; i++) {
        before = phases();
        allocate(50000);
        NEED(phases() > before + 10);
    }
    NEED(begin_phase() == 0);
    before = phases();
    allocate(50000);
    NEED(phases() > before + 10);
    NEED(end_phase() == 0);
    return EXIT_SUCCESS;
}
