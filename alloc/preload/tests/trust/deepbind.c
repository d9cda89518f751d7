/*
 * deepbind.c - a host opens plug-ins with RTLD_DEEPBIND, and passes them blocks to free and to realloc. The flag
 * is masked, and one line says so, once, with ZK_ALLOC_VERBOSE; with ZK_ALLOC_DEEPBIND=leave it is not masked, and
 * plug-ins work that keep their blocks to themselves. Argument: the plug-in.
 */
#include "../check.h"
#include "trust.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

struct plugin {
    size_t (*uses_its_own)(void);
    void (*frees)(void *block);
    void *(*reallocs)(void *block, size_t bytes);
};

static bool set(const char *name, const char *value)
{
    const char *is = getenv(name);

    return is != NULL && strcmp(is, value) == 0;
}

static bool flag_is_left(void)
{
    return set("ZK_ALLOC_DEEPBIND", "leave");
}

/* stderr is not a terminal here. */
static unsigned lines_expected(void)
{
    return preloaded() && !flag_is_left() && set("ZK_ALLOC_VERBOSE", "1") ? 1 : 0;
}

static struct plugin open_plugin(const char *path)
{
    struct plugin plugin = {0};
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);

    if (library == NULL)
        fail("%s", dlerror());
    *(void **)(void *)&plugin.uses_its_own = dlsym(library, "plugin_uses_its_own");
    *(void **)(void *)&plugin.frees = dlsym(library, "plugin_frees");
    *(void **)(void *)&plugin.reallocs = dlsym(library, "plugin_reallocs");
    NEED(plugin.uses_its_own != NULL && plugin.frees != NULL && plugin.reallocs != NULL);
    return plugin;
}

static void hand_over(const struct plugin *plugin, size_t bytes)
{
    char *block = malloc(bytes);

    fill(block, bytes, 1);
    block = plugin->reallocs(block, 2 * bytes);
    NEED(filled(block, bytes, 1));
    plugin->frees(block);
}

static int run_host(const char *path)
{
    struct plugin plugin;

    deadline(10);
    open_plugin(path);
    plugin = open_plugin(path); /* without another line */
    for (unsigned i = 0; i < 3; i++) {
        NEED(begin_phase() == 0);
        NEED(plugin.uses_its_own() > 0);
        for (size_t bytes = 16; !flag_is_left() && bytes < 100000; bytes *= 2)
            hand_over(&plugin, bytes);
        NEED(end_phase() == 0);
    }
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static struct run run;
    if (argc == 3)
        return run_host(argv[1]);
    deadline(10);
    NEED(argc == 2);
    run_again(&run, (const char *const[]){argv[0], argv[1], "host", NULL});
    if (run.status != 0)
        fail("the host ended with status %#x: %s", run.status, run.said);
    NEED(lines_with(run.said, "DEEPBIND") == lines_expected());
    return EXIT_SUCCESS;
}
