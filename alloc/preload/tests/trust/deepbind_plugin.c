/*
 * deepbind_plugin.c - see deepbind.c. With RTLD_DEEPBIND, its malloc, free and strdup are looked up in the C
 * library before those of the process.
 */
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT size_t plugin_uses_its_own(void);
EXPORT void plugin_frees(void *block);
EXPORT void *plugin_reallocs(void *block, size_t bytes);

/* Uses blocks that stay inside the plug-in. */
size_t plugin_uses_its_own(void)
{
    size_t length = 0;

    for (unsigned i = 0; i < 200; i++) {
        char *copy = strdup("a string that the C library copies for the plug-in");

        length += strlen(copy);
        free(realloc(copy, 6000));
    }
    return length;
}

void plugin_frees(void *block)
{
    free(block);
}

void *plugin_reallocs(void *block, size_t bytes)
{
    return realloc(block, bytes);
}
