/*
 * audit.h - the switch between the fast paths and a process that is looked at. Attended, no thread
 * holds a slab as far as the fast paths know (zk_my_slab stays &zk_no_slab), so every allocation and
 * every free takes the slow path, where an audit is told, or a memory debugger.
 */
#ifndef ZK_AUDIT_H
#define ZK_AUDIT_H

#include "census.h"
#include "config.h"
#include "rare.h"
#include "site.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool zk_auditing(enum zk_audit audit)
{
    return zk_attended() && zk_settings.audit == audit;
}

/* By the first begin, before it. Under the phase lock, as the next two. */
void zk_audit_start(void);

/* The phase of word is about to begin. */
void zk_audit_begin(uint64_t word);

/* The phase of word is over, and its blocks are dead. */
void zk_audit_discard(uint64_t word);

/* p was served, when the phase word was word; the arena could have, if a phase was active. Any
 * thread, attended only; so are the next two. */
void zk_audit_born(const void *p, size_t size, size_t align, uint64_t word,
                   struct zk_caller caller);

/* p is about to be freed or moved. False when it was none that the arena could have served. */
bool zk_audit_gone(const void *p, struct zk_born *was);

/* p has been grown in its place. */
void zk_audit_resized(const void *p, size_t size);

/* What was at from is being carried over to a block at to, that was served for it. */
void zk_audit_moved(const void *from, const void *to);

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

/* In the child of a fork: what the parent found is the parent's to report; what lives here lives on. Under the
 * phase lock. */
void zk_audit_inherit(void);

#endif
