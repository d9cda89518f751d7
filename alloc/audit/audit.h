/*
 * audit.h - the census and the trap, which watch as observer.h says, and when their findings are written.
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

/* When the library is loaded: before the settings are read, and after all else. */
void zk_audit_load(void);
void zk_audit_loaded(void);

/* The first begin is about to come; one is; this is the child of a fork, and what the parent found is the parent's to
 * report: what lives here lives on. Under the phase lock. */
void zk_audit_start(void);
void zk_audit_begin(void);
void zk_audit_forked(void);

/* Around an exec: if it works, nothing is left to report at exit. Not in the child of a vfork, whose
 * memory is its parent's. */
void zk_audit_before_exec(void);
void zk_audit_after_exec(void);

/* The process is about to end, by its last system call. */
void zk_audit_at_last(void);

/* From the handler of a signal that kills the process: writes what is known. That it does is told if it is a crash. */
void zk_audit_report_dying(int signal, bool crash);

/* From the handler of a signal, which asks for it: writes what is known so far, and the process goes on. */
void zk_audit_report_now(void);

#endif
