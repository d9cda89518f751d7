/*
 * entered_later.c - the function lies in a library that is opened, closed, and opened again. Argument: the library.
 */
#include "entered.h"

#include <dlfcn.h>

typedef int round_function(int x);

int main(int argc, char **argv)
{
    uint64_t entered = 0;

    deadline(50);
    NEED(argc == 2);
    for (int i = 0; i < 3; i++) {
        void *library = dlopen(argv[1], RTLD_NOW);
        round_function *later_round;

        if (library == NULL)
            fail("%s", dlerror());
        *(void **)&later_round = dlsym(library, "later_round");
        if (later_round == NULL)
            fail("%s", dlerror());
        entered++; /* by the constructor */
        for (int j = 0; j < 10; j++, entered++)
            // cppcheck-suppress nullPointerRedundantCheck ; fail ends the program
            NEED(later_round(j) == j + 1);
        expect_phases(entered);
        NEED(dlclose(library) == 0);
    }
    return 0;
}
