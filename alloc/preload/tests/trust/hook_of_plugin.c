/*
 * hook_of_plugin.c - a plug-in registers a hook, and is closed. The hook is gone with it: the next end does not
 * call into unmapped memory, nor, if the plug-in is opened again, a hook that it has not registered. Argument:
 * the plug-in.
 */
#include "hook_plugin.h"
#include "trust.h"

#include <dlfcn.h>
#include <stdlib.h>

struct plugin {
    void *library;
    __typeof__(plugin_register) *start;
};

static struct plugin open_plugin(const char *path)
{
    struct plugin plugin = {.library = dlopen(path, RTLD_NOW)};

    if (plugin.library == NULL)
        fail("%s", dlerror());
    *(void **)(void *)&plugin.start = dlsym(plugin.library, "plugin_register");
    NEED(plugin.start != NULL);
    return plugin;
}

static void close_plugin(const struct plugin *plugin, const char *path)
{
    NEED(dlclose(plugin->library) == 0);
    NEED(dlopen(path, RTLD_NOW | RTLD_NOLOAD) == NULL); /* it is gone */
}

/* How often the hook ran in one phase. */
static unsigned runs_in_phase(const unsigned *runs)
{
    unsigned before = *runs;

    NEED(begin_phase() == 0);
    free(malloc(5000));
    NEED(end_phase() == 0);
    return *runs - before;
}

int main(int argc, char **argv)
{
    static unsigned runs;
    unsigned expected = preloaded() ? 1 : 0;
    struct plugin plugin;

    deadline(10);
    NEED(argc == 2);
    for (unsigned i = 0; i < 3; i++) {
        plugin = open_plugin(argv[1]);
        NEED(runs_in_phase(&runs) == 0); /* not registered yet, this time */
        NEED(plugin.start(&runs) == 0);
        NEED(runs_in_phase(&runs) == expected);
        close_plugin(&plugin, argv[1]);
        NEED(runs_in_phase(&runs) == 0);
    }
    return EXIT_SUCCESS;
}
