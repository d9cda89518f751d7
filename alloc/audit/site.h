/*
 * site.h - where something was asked for: a call stack, taken once, kept once, and named by a
 * number. For audits only.
 */
#ifndef ZK_SITE_H
#define ZK_SITE_H

#include "caller.h"
#include "config.h"
#include "where.h"

#include <stddef.h>
#include <stdint.h>

/* A stack that has been seen; 0 is the empty one. */
typedef uint32_t zk_site;

/* The caller's stack, innermost first, to the configured depth. Any thread; 0 when there is no
 * memory. */
zk_site zk_site_of(struct zk_caller caller);

/* The stack of the code that a signal interrupted at address pc; for the signal's handler. */
zk_site zk_site_at(uintptr_t pc);

/* The same where the program has just made a system call, behind whose instruction pc is. */
zk_site zk_site_behind(uintptr_t pc);

/* Copies the frames into frames[ZK_AUDIT_DEPTH_MAX], as places inside the calls; returns how many. */
size_t zk_site_frames(zk_site site, zk_where *frames);

/* An object has been closed: what lies at its addresses is no longer taken for it. Any thread. */
void zk_site_closed(void);

/* A phase is about to begin: looks whether objects have been closed. Under the phase lock. */
void zk_site_begin(void);

/* The same for stacks that differ only in what the C library does inside of a call of it; hardly ever for others. */
uint32_t zk_site_caller(zk_site site);

/* The calling thread ends, or has ended: its cache goes. */
void zk_site_forget(void **cache);

#endif
