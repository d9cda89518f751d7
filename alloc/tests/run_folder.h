/*
 * run_folder.h - a folder for the files of a test program: made before its first test, and removed with its contents
 * after the last one, whether the tests pass or not.
 */
#ifndef ZK_RUN_FOLDER_H
#define ZK_RUN_FOLDER_H

#include "fresh.h"

/* For this run only: others may run at the same time. Each body has a folder in it. */
static char run_folder[] = "/tmp/test_audit.XXXXXX";

static inline int make_run_folder(void **state)
{
    (void)state;
    return mkdtemp(run_folder) == NULL ? -1 : 0;
}

static inline int remove_run_folder(void **state)
{
    char command[sizeof run_folder + 16];

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", run_folder);
    return system(command) == 0 ? 0 : -1; // NOLINT(cert-env33-c)
}

static inline void enter_folder(void)
{
    char folder[sizeof run_folder + 16];

    snprintf(folder, sizeof folder, "%s/XXXXXX", run_folder);
    CHECK(mkdtemp(folder) != NULL && chdir(folder) == 0);
}

#endif
