#include "early_handlers.h"

#include <pthread.h>
#include <stddef.h>

struct handlers early_handlers;

static void run(void (*handler)(void))
{
    if (handler != NULL)
        handler();
}

static void prepare(void)
{
    run(early_handlers.prepare);
}

static void parent(void)
{
    run(early_handlers.parent);
}

static void child(void)
{
    run(early_handlers.child);
}

__attribute__((constructor)) static void load(void)
{
    pthread_atfork(prepare, parent, child);
}
