/*
 * removed_hook.c - a hook that has been removed does not run any more, and the others do.
 */
#include "trust.h"
#include "zkalloc.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

extern __typeof__(zk_on_phase_end) zk_on_phase_end __attribute__((weak));

static unsigned runs[3];

static void count(void *of_hook)
{
    ++*(unsigned *)of_hook;
}

static void other(void *of_hook)
{
    *(unsigned *)of_hook += 100;
}

static void phase(void)
{
    NEED(begin_phase() == 0);
    NEED(end_phase() == 0);
}

typedef int remove_function(void (*hook)(void *), void *arg);

static remove_function *find_remove(void)
{
    union {
        void *object;
        remove_function *function;
    } found = {.object = dlsym(RTLD_DEFAULT, "zk_remove_phase_end")};

    if (found.object == NULL)
        skip("no zk_remove_phase_end");
    return found.function;
}

int main(void)
{
    remove_function *remove_hook;

    deadline(10);
    NEED(preloaded());
    remove_hook = find_remove();
    NEED(remove_hook(count, &runs[0]) == -1 && errno == ENOENT);
    for (unsigned i = 0; i < 3; i++)
        NEED(zk_on_phase_end(count, &runs[i]) == 0);
    phase();
    NEED(runs[0] == 1 && runs[1] == 1 && runs[2] == 1);
    NEED(remove_hook(other, &runs[1]) == -1 && errno == ENOENT); /* both must match */
    NEED(remove_hook(count, &runs[1]) == 0);
    NEED(remove_hook(count, &runs[1]) == -1 && errno == ENOENT);
    phase();
    NEED(runs[0] == 2 && runs[1] == 1 && runs[2] == 2);
    NEED(zk_on_phase_end(other, &runs[1]) == 0);
    phase();
    NEED(runs[0] == 3 && runs[1] == 101 && runs[2] == 3);
    return EXIT_SUCCESS;
}
