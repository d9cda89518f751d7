/*
 * report.h - writes an audit's findings as tables.
 */
#ifndef ZK_REPORT_H
#define ZK_REPORT_H

#include "site.h"
#include "trap.h"

#include <stdbool.h>
#include <stdint.h>

/* Writes the findings of the audit in force to fd; the columns symbol, file and line are NA. False if writing to
 * fd failed. */
bool zk_report_findings(int fd);

/* Writes the first frame of a site that is not in a wrapper of malloc, as "file+0x1234", truncated to room
 * bytes. */
void zk_report_site(zk_site site, char *text, size_t room);

/* What else one needs to know about a process to judge its findings. */
struct zk_report_facts {
    uint64_t phases;         /* begun by the process */
    uint64_t lost;           /* findings, and blocks in the census, lost for want of memory */
    const char *sees_kernel; /* trap: "1" if all accesses by the kernel are seen, else "0" */
    uint64_t arena_retained; /* census: bytes of the largest block retained in the arena itself */
    struct zk_trap_limits limits; /* of a trap in such a process */
    uint64_t watched_bytes;  /* census: upper bound for the bytes of pages that a trap would need */
    const char *sees_places; /* trap: "1" if every place that touches a block is seen, else "0" */
};

/* Writes the distribution of sizes, and repeats the facts in every row. */
bool zk_report_sizes(int fd, const struct zk_report_facts *facts);

#endif
