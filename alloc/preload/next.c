/*
 * next.c - looks up the functions that other files in this folder have put in the section zk_next.
 */
#include "next.h"

#include <dlfcn.h>
#include <stddef.h>

/* Start and end of the section, from the linker. */
extern const struct zk_next __start_zk_next[] __attribute__((visibility("hidden")));
extern const struct zk_next __stop_zk_next[] __attribute__((visibility("hidden")));

void zk_next_find(const struct zk_next *first, const struct zk_next *end)
{
    for (const struct zk_next *next = first; next < end; next++)
        if (*next->found == NULL)
            *next->found = dlsym(RTLD_NEXT, next->name);
}

__attribute__((constructor(101))) void zk_next_load(void)
{
    zk_next_find(__start_zk_next, __stop_zk_next);
}
