/*
 * environment.h - the environment that runs see: nothing in it can change an outcome. Shared by
 * every repro and by zk-sweep.
 */
#ifndef ENVIRONMENT_H
#define ENVIRONMENT_H

#include <stdbool.h>

/* Is this zk-sweep, which starts repros, or a repro itself? */
enum environment_of {
    ENVIRONMENT_OF_SWEEP, /* passes no setting on */
    ENVIRONMENT_OF_REPRO, /* may be told to audit: ZK_ALLOC_AUDIT, ZK_ALLOC_AUDIT_* */
};

/* Removes from this process's environment every variable that runs may not see. Returns true if one
 * of them had been read before main, by the loader or a library; names those on stderr in one line
 * that begins with program. Also restores the default action of SIGCHLD: where it is ignored, no
 * child can be waited for. Call it while the process has one thread. */
bool environment_clear(enum environment_of of, const char *program);

/* The first thing that a repro's main does: clears the environment and, if a removed variable had
 * been read before main, starts this program again. argv is main's; "--keep-env" is taken out of
 * it, and then nothing is cleared. Returns the new argc. Nothing is cleared under zk-audit and
 * valgrind, which work through the environment; under "--no-fork" the program does not start
 * again. */
int environment_define(const char *program, int argc, char **argv);

#endif
