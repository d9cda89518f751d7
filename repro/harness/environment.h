/*
 * environment.h - the environment in which runs are made: what could change an outcome is not in it. Shared by every
 * repro and by zk-sweep.
 */
#ifndef ENVIRONMENT_H
#define ENVIRONMENT_H

#include <stdbool.h>

/* Whether a run is started by another program of ours, or by hand. */
enum environment_of {
    ENVIRONMENT_OF_SWEEP, /* nothing is asked for through it */
    ENVIRONMENT_OF_REPRO, /* an audit may be: ZK_ALLOC_AUDIT and its kind */
};

/* Removes from this process's environment what is not on the list of what runs may see. True if something was removed
 * that the loader or a library has read before main. Names those on stderr in one line that begins with program. Also
 * lets SIGCHLD have its default effect, without which no child can be waited for. For a process of one thread. */
bool environment_clear(enum environment_of of, const char *program);

/* In a repro, first of all: clears the environment and, if something had been read before, starts this program anew.
 * argv as main got it; "--keep-env" is taken out of it, and then nothing is cleared. Returns the new argc. Nothing is
 * cleared under zk-audit and under valgrind, which work through it; under "--no-fork" nothing is started anew. */
int environment_define(const char *program, int argc, char **argv);

#endif
