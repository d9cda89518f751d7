/*
 * waiting_constructor.c - a library whose constructor starts a thread and waits for it, while dlopen holds the
 * loader's lock. The thread makes the process's first call of some function: if that had to be looked up only
 * now, the lookup would wait for that lock. Arguments: the library, the function.
 */
#include "trust.h"

#include <dlfcn.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    void *library;

    deadline(5);
    NEED(argc == 3 && setenv("TRUST_FUNCTION", argv[2], 1) == 0);
    library = dlopen(argv[1], RTLD_NOW);
    NEED(library != NULL && dlclose(library) == 0);
    return EXIT_SUCCESS;
}
