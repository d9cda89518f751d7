/*
 * probe.c - libzk-probe.so records when a function is entered, under any allocator. It has
 * libzkalloc-preload.so's code for ZK_ALLOC_BEGIN_AT, without an allocator and without phases.
 */
#include "entry.h"
#include "next.h"
#include "os.h"
#include "record.h"
#include "sigtrap.h"

#define EXPORT __attribute__((visibility("default")))

NEXT(sigaction);

static void begin(void *arg)
{
    (void)arg;
    zk_record(false);
}

static void end(void *arg)
{
    (void)arg;
    zk_record(true);
}

__attribute__((constructor(103))) static void start(void)
{
    static const struct zk_entry entries[] = {{"ZK_ALLOC_BEGIN_AT", begin},
                                              {"ZK_ALLOC_END_AT", end}};

    zk_os_load();
    zk_record_start();
    zk_entries_start(entries, sizeof entries / sizeof *entries);
}

EXPORT int sigaction(int number, const struct sigaction *new, struct sigaction *old)
{
    struct sigaction room;

    NEED(sigaction);
    return zk_sigtrap_sigaction(number, &new, old, &room) ? 0 : next_sigaction(number, new, old);
}

EXPORT void (*signal(int number, void (*handler)(int)))(int)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    struct sigaction before;

    return sigaction(number, &action, &before) == 0 ? before.sa_handler : SIG_ERR;
}
