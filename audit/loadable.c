/*
 * loadable.c - LD_PRELOAD ends a path at a space or a colon, and replaces what follows a dollar
 * sign. A library whose path has one of these is preloaded through a link in another folder.
 */
#include "audit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char special[] = " :$\t\n";

static struct {
    char folder[256];
    char link[256 + 64];
} loadable;

static void remove_link(void)
{
    unlink(loadable.link);
    rmdir(loadable.folder);
}

const char *loadable_path(const char *library)
{
    const char *parent = getenv("TMPDIR");

    if (strpbrk(library, special) == NULL)
        return library;
    if (parent == NULL || *parent != '/' || strlen(parent) > sizeof loadable.folder - 32 ||
        strpbrk(parent, special) != NULL)
        parent = "/tmp";
    snprintf(loadable.folder, sizeof loadable.folder, "%s/zk-audit-library.XXXXXX", parent);
    if (mkdtemp(loadable.folder) == NULL)
        die(2,
            "%s: %s: a link to the library is needed there, as its path has a space or a colon: "
            "set TMPDIR to a folder that can be written, without them",
            parent, strerror(errno));
    snprintf(loadable.link, sizeof loadable.link, "%s/%.63s", loadable.folder, base_name(library));
    if (symlink(library, loadable.link) != 0)
        die(2, "%s: %s", loadable.link, strerror(errno));
    atexit(remove_link);
    return loadable.link;
}
