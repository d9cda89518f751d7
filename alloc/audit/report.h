/*
 * report.h - an audit's findings as tables.
 */
#ifndef ZK_REPORT_H
#define ZK_REPORT_H

#include "site.h"
#include "trap.h"

#include <stdbool.h>
#include <stdint.h>

/* Writes the findings of the audit in force to fd; the columns symbol, file and line are NA. False when fd could
 * not be written. */
bool zk_report_findings(int fd);

/* The first frame of a site that is no wrapper of malloc, as "file+0x1234"; as much as there is room for. */
void zk_report_site(zk_site site, char *text, size_t room);

/* What else is to be known of a process, to judge its findings. */
struct zk_report_facts {
    uint64_t phases; /* that it has begun */
    uint64_t lost;   /* findings, and blocks of the census, that there was no memory for */
    const char
        *sees_kernel; /* trap: "1" if what the kernel reads and writes is seen, "0" if not all */
    uint64_t arena_retained; /* census: bytes of the largest block retained in the arena itself */
    struct zk_trap_limits limits; /* of a trap in this process */
    uint64_t watched_bytes;  /* census: bytes of pages that the trap would need at once, at most */
    const char *sees_places; /* trap: the same of each place that touches a block */
};

/* Writes the distribution of sizes, with the facts in every row. */
bool zk_report_sizes(int fd, const struct zk_report_facts *facts);

#endif
