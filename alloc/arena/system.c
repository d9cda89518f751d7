/*
 * system.c - linked with a program, we use the malloc that it uses; here it is only asked for its name.
 */
#include "system.h"

#ifndef ZK_INTERPOSE

#include <dlfcn.h>
#include <stddef.h>

static const char *name;

void zk_system_load(void)
{
    union {
        void *(*function)(size_t size);
        void *object;
    } what = {.function = malloc};
    Dl_info info;

    if (dladdr(what.object, &info) != 0)
        name = info.dli_fname;
}

const char *zk_system_name(void)
{
    return name;
}

#endif
