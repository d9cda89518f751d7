/*
 * outlet.h - where an audit's report goes, whatever the process gives up before it is written: its rights, its root,
 * its folder, its standard error.
 *
 * PATH is the report and PATH.phases what it needs to be judged, each put in its place whole; PATH.part is there from
 * the first begin on, until the report is. A process that may not put files there any more writes into what it has
 * kept open: then PATH.part has the report, and behind it what PATH.phases would have.
 */
#ifndef ZK_OUTLET_H
#define ZK_OUTLET_H

#include <stdbool.h>

/* As ZK_ALLOC_AUDIT_OUT says; child: this is another process than the one that the library was loaded into. Under the
 * phase lock. */
void zk_outlet_open(const char *out, bool child);

/* Is it files? Else standard error, a pipe or a device, which take a report once. */
bool zk_outlet_is_files(void);

/* The two tables of a report, each written to a file descriptor; false when that could not be. */
struct zk_tables {
    bool (*findings)(int fd);
    bool (*phases)(int fd);
};

/* False, with errno and a line on standard error, when it could not be written. */
bool zk_outlet_write(const struct zk_tables *tables);

/* The same, of a process that goes on: PATH.so_far is there as well, until zk_outlet_done. */
bool zk_outlet_write_so_far(const struct zk_tables *tables);

/* What was written last is all. */
void zk_outlet_done(void);

#endif
