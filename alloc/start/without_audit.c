/*
 * without_audit.c - stands in for the audit in a build without it (ZKALLOC_AUDIT=OFF): nothing is watched or
 * reported, and zk-audit is told why.
 */
#include "audit.h"
#include "defer.h"
#include "fatal.h"
#include "site.h"
#include "trap.h"
#include "witness.h"

#include <errno.h>

void zk_audit_load(void)
{
}

void zk_audit_loaded(void)
{
    if (zk_other == NULL) /* otherwise that library may have the audit */
        zk_witness_without();
}

int zk_audit_summary(struct zk_audit_summary *summary)
{
    if (zk_defers())
        return zk_other->audit_summary(summary);
    *summary = (struct zk_audit_summary){0};
    errno = ENOSYS;
    return -1;
}

int zk_audit_report(int fd)
{
    if (zk_defers())
        return zk_other->audit_report(fd);
    errno = ENOSYS;
    return -1;
}

#ifdef ZK_INTERPOSE /* preload/ asks for these */

void zk_site_closed(void)
{
}

bool zk_fatal_is_ours(const struct sigaction *action)
{
    (void)action;
    return false;
}

bool zk_fatal_is_default(const struct sigaction *action)
{
    (void)action;
    return false;
}

bool zk_fatal_is_watched(int signal)
{
    (void)signal;
    return false;
}

void zk_fatal_watch_one(int signal)
{
    (void)signal;
}

void zk_trap_catch_faults(void)
{
}

#endif
