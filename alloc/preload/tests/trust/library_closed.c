/*
 * library_closed.c - the preload library, not preloaded but opened and closed again, by a thread that it has
 * served. The thread's end calls the library once more, so it must still be there. Argument: the library.
 */
#include "trust.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static void *function(void *library, const char *name)
{
    void *found = dlsym(library, name);

    NEED(found != NULL);
    return found;
}

static void *use_library(void *path)
{
    void *library = dlopen(path, RTLD_NOW);
    int (*begin)(void);
    void *(*allocate)(size_t);
    char *block;

    if (library == NULL)
        fail("%s", dlerror());
    *(void **)(void *)&begin = function(library, "zk_begin_phase");
    *(void **)(void *)&allocate = function(library, "zk_malloc");
    NEED(begin() == 0);
    block = allocate(8192);
    NEED(block != NULL);
    memset(block, 1, 8192);
    NEED(dlclose(library) == 0);
    NEED(block[0] == 1 && block[8191] == 1);
    return NULL;
}

int main(int argc, char **argv)
{
    deadline(10);
    NEED(argc == 2);
    for (unsigned i = 0; i < 20; i++) {
        pthread_t thread;

        NEED(pthread_create(&thread, NULL, use_library, argv[1]) == 0);
        NEED(pthread_join(thread, NULL) == 0);
        NEED(dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD) != NULL);
    }
    return EXIT_SUCCESS;
}
