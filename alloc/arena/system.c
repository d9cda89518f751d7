/*
 * system.c - where we are linked with a program, system is the malloc that the program uses. All that
 * is needed here is the name of its file.
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
