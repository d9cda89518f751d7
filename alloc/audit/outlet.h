/*
 * outlet.h - where an audit's report goes, even if the process gives up its privileges, its root, its working
 * directory or its standard error before the report is written.
 *
 * PATH is the report, and PATH.phases has the facts that are needed to judge it; both are put in place as a whole, by
 * a rename. PATH.part exists from the first begin until the report does. A process that can no longer create files
 * there writes into the file that it has kept open: then PATH.part contains the report, followed by what would be in
 * PATH.phases.
 */
#ifndef ZK_OUTLET_H
#define ZK_OUTLET_H

#include <stdbool.h>

/* Opens the outlet that ZK_ALLOC_AUDIT_OUT names. child: this is not the process that the library was loaded into,
 * but a child of it. Under the phase lock. */
void zk_outlet_open(const char *out, bool child);

/* Does the report go to files? Otherwise it goes to standard error, a pipe or a device, where it
 * can be written only once. */
bool zk_outlet_is_files(void);

/* The two tables of a report, each written to a file descriptor; false if that failed. */
struct zk_tables {
    bool (*findings)(int fd);
    bool (*phases)(int fd);
};

/* Writes the report. False, with errno and a line on standard error, if that failed. */
bool zk_outlet_write(const struct zk_tables *tables);

/* The same for a process that goes on: PATH.so_far exists as well, until zk_outlet_done. */
bool zk_outlet_write_so_far(const struct zk_tables *tables);

/* The report written last was the final one. */
void zk_outlet_done(void);

#endif
