/*
 * site.h - call stacks of allocations and accesses: each different stack is stored once, and named
 * by a number. For audits only.
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

/* The caller's stack, innermost first, to the configured depth. Any thread; 0 if there is no
 * memory. */
zk_site zk_site_of(struct zk_caller caller);

/* The stack of the code that a signal has interrupted at address pc. Called in the signal's
 * handler. */
zk_site zk_site_at(uintptr_t pc);

/* The same for a program that has just made a system call: pc is the address after its instruction. */
zk_site zk_site_behind(uintptr_t pc);

/* Copies the frames into frames[ZK_AUDIT_DEPTH_MAX], as places inside the call instructions; returns
 * how many. */
size_t zk_site_frames(zk_site site, zk_where *frames);

/* An object has been closed: its addresses may now belong to something else. Any thread. */
void zk_site_closed(void);

/* A phase is about to begin: checks whether objects have been closed. Under the phase lock. */
void zk_site_begin(void);

/* A hash that is the same for stacks that differ only in frames inside the C library, and hardly ever for others. */
uint32_t zk_site_caller(zk_site site);

/* Frees the cache of a thread that ends (the calling one) or has ended. */
void zk_site_forget(void **cache);

#endif
