/*
 * entry.h - calls back when the program enters certain functions. A preloaded library says which functions, and what to
 * call.
 *
 * Functions are listed in environment variables, separated by commas (outside of brackets) or newlines. Each is
 *
 *     FUNCTION[@MODULE]     a symbol, the path that a mangled one (C++, Rust) has, or a part of it that only one has;
 *                           MODULE is (a part of) the name of the file that it lies in, which may be opened later
 *     FILE+0xOFFSET         an address in the file of that path, wherever it is opened; where it is not, nothing is done
 *     ?FUNCTION             where there is one: in a process that has none, nothing is done
 */
#ifndef ZK_ENTRY_H
#define ZK_ENTRY_H

#include "breakpoint.h"

/* One environment variable, and what to call for the functions that it lists. */
struct zk_entry {
    const char *variable;
    zk_reached *reached; /* with arg NULL */
};

/* Sets the breakpoints for all of them, also in libraries that are opened later. If a function does not exist, is
 * ambiguous, or cannot take a breakpoint, says so in one line and ends the process with status 2. Called before the
 * program runs; if there is another thread already, it must not open a library meanwhile.
 *
 * The variable is rewritten with FILE+0xOFFSET for what was found, so that the processes that this one starts need not
 * have the function. */
void zk_entries_start(const struct zk_entry *entries, size_t count);

#endif
