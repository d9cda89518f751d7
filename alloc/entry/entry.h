/*
 * entry.h - functions of the program at whose entry something is done. A library that is preloaded says which, and
 * what.
 *
 * A list of functions is separated by commas (not those within brackets) or ends of lines. Each is
 *
 *     FUNCTION[@MODULE]     a symbol, the path that a mangled one (C++, Rust) has, or a part of it that only one has;
 *                           MODULE is (a part of) the name of the file that it lies in, which may be opened later
 *     FILE+0xOFFSET         an address in the file of that path, wherever it is opened; where it is not, nothing is done
 *     ?FUNCTION             where there is one: in a process that has none, nothing is done
 */
#ifndef ZK_ENTRY_H
#define ZK_ENTRY_H

#include "breakpoint.h"

/* Of one variable of the environment. */
struct zk_entry {
    const char *variable;
    zk_reached *reached; /* with NULL */
};

/* Sets the breakpoints for all of them, and those in libraries that are opened from now on. A function that there is not,
 * or more than one of, or where none can be set, is told in one line and ends the process with status 2. Before the
 * program runs; the other thread that there may be must not open a library meanwhile.
 *
 * What has been found is written to the variable as FILE+0xOFFSET, for the processes that this one starts: they need not
 * have the function. */
void zk_entries_start(const struct zk_entry *entries, size_t count);

#endif
