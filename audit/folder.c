/*
 * folder.c - the folder for the library's reports. There is one at a time, and it is removed
 * whichever way we exit: signals that end us are caught while it exists (run.c), and all else goes
 * through exit.
 */
#include "audit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    char path[PATH_MAX];
    bool there;
    bool at_exit;
} folder;

void folder_remove(void)
{
    DIR *files;
    const struct dirent *entry;

    if (!folder.there)
        return;
    folder.there = false;
    files = opendir(folder.path);
    while (files != NULL && (entry = readdir(files)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(dirfd(files), entry->d_name, 0);
    if (files != NULL)
        closedir(files);
    rmdir(folder.path);
}

const char *folder_make(void)
{
    const char *parent = getenv("TMPDIR");
    char whole[PATH_MAX]; /* the program may change its working folder */

    if (parent == NULL || *parent == '\0')
        parent = "/tmp";
    if (realpath(parent, whole) == NULL ||
        (size_t)snprintf(folder.path, sizeof folder.path, "%s/zk-audit.XXXXXX", whole) >=
            sizeof folder.path ||
        mkdtemp(folder.path) == NULL)
        die(2, "%s: %s: set TMPDIR to a folder that can be written", parent, strerror(errno));
    folder.there = true;
    if (!folder.at_exit)
        atexit(folder_remove);
    folder.at_exit = true;
    return folder.path;
}
