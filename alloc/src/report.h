/*
 * report.h - an audit's findings as tables.
 */
#ifndef ZK_REPORT_H
#define ZK_REPORT_H

#include "site.h"

#include <stdbool.h>
#include <stdint.h>

/* Writes the findings of the audit in force to fd; the columns symbol, file and line are NA. False when fd could
 * not be written. */
bool zk_report_findings(int fd);

/* The first frame of a site that is no wrapper of malloc, as "file+0x1234"; as much as there is room for. */
void zk_report_site(zk_site site, char *text, size_t room);

/* Writes the distribution of sizes over so many phases. */
bool zk_report_sizes(int fd, uint64_t phases);

#endif
