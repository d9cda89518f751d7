/*
 * dl.c - watches libraries being opened and closed. One opened with RTLD_DEEPBIND finds the C library before us:
 * its free would be glibc's, even for blocks from the arena. So the flag is masked, unless the settings say to
 * leave it.
 */
#include "hook.h"
#include "next.h"
#include "os.h"
#include "site.h"
#include "zkalloc.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>

#define EXPORT __attribute__((visibility("default")))

NEXT(dlopen);
NEXT(dlclose);

/* Taken from the environment; zk_configure cannot change them. */
static bool leave_deepbind;
static bool verbose;

__attribute__((constructor(102))) static void load(void)
{
    struct zk_config config;

    zk_config(&config);
    leave_deepbind = config.deepbind == ZK_DEEPBIND_LEAVE;
    verbose = config.verbose;
}

static __attribute__((noinline)) int without_deepbind(const char *path, int flags)
{
    static atomic_bool said;

    if (leave_deepbind)
        return flags;
    /* Only on a terminal or if asked for: the program works as it should, and its output should not
     * change. */
    if ((verbose || zk_os_stderr_is_terminal()) && !atomic_exchange(&said, true))
        zk_os_say(
            "dlopen of %.300s: RTLD_DEEPBIND is masked, "
            "since it would give the library another malloc than the program has (ZK_ALLOC_DEEPBIND=leave does not)",
            path == NULL ? "the program" : path);
    return flags & ~RTLD_DEEPBIND;
}

/* The last call must be a tail call, so that the C library sees our caller's address: it searches in that
 * object's run path, and opens the file in its name space. */
EXPORT __attribute__((optimize("O2"))) void *dlopen(const char *path, int flags)
{
    NEED(dlopen);
    if ((flags & RTLD_DEEPBIND) != 0)
        flags = without_deepbind(path, flags);
    return next_dlopen(path, flags);
}

/* Removes hooks of the closed object before anything else can be loaded in its place. */
EXPORT int dlclose(void *handle)
{
    int result;

    NEED(dlclose);
    result = next_dlclose(handle);
    zk_hooks_prune();
    zk_site_closed();
    return result;
}
