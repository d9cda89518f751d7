/*
 * audit.h - the two audits, census and trap, which watch through observer.h, and when their findings are
 * written.
 */
#ifndef ZK_AUDIT_H
#define ZK_AUDIT_H

#include "config.h"
#include "rare.h"

#include <stdbool.h>

static inline bool zk_auditing(enum zk_audit audit)
{
    return zk_attended() && zk_settings.audit == audit;
}

/* Called when the library is loaded: the first before the settings are read, the second after
 * everything else. */
void zk_audit_load(void);
void zk_audit_loaded(void);

/* start: the first begin is about to come. begin: a begin is. forked: this is the child of a fork; what the parent
 * found, the parent reports, but blocks that live here live on. Under the phase lock. */
void zk_audit_start(void);
void zk_audit_begin(void);
void zk_audit_forked(void);

/* Called around an exec: if it succeeds, nothing is left to report at exit. Does nothing in the
 * child of a vfork, which shares its parent's memory. */
void zk_audit_before_exec(void);
void zk_audit_after_exec(void);

/* The process is about to end, by its last system call. */
void zk_audit_at_last(void);

/* Called by the handler of a signal that kills the process: writes the report. crash: says so on stderr. */
void zk_audit_report_dying(int signal, bool crash);

/* Called by the handler of the signal that asks for a report: writes what is known so far, and the process
 * goes on. */
void zk_audit_report_now(void);

#endif
