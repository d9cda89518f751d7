/*
 * tools.h - memory debuggers that the program runs under, and what they are told: recycled memory is
 * poisoned for AddressSanitizer, and announced to Valgrind's memcheck. Attended only.
 */
#ifndef ZK_TOOLS_H
#define ZK_TOOLS_H

#include <stdbool.h>
#include <stddef.h>

/* What a slab is to have of the bytes that are configured: memcheck takes minutes for as much as that
 * is by default. Before the region is reserved. */
size_t zk_tools_slab_bytes(size_t wanted);

/* Is there one to be told, and do the settings say so? Called once, after the region is reserved. */
bool zk_tools_present(void);

/* The arena served bytes at p. */
void zk_tools_served(void *p, size_t bytes);

/* A block of bytes at p is about to be moved: it is read before there is another block in its place. */
void zk_tools_moving(const void *p, size_t bytes);

/* And they are 0. */
void zk_tools_zeroed(void *p, size_t bytes);

/* The program is told that it may use bytes at p: more than it was served, where an aligned block
 * behind it has left a gap. Nothing happens if p was recycled. */
void zk_tools_usable(const void *p, size_t bytes);

/* The block of bytes at p was freed. Blind recycling does not know. */
void zk_tools_freed(void *p, size_t bytes);

/* A blind begin: every block from start on, over bytes, is recycled. */
void zk_tools_recycled(void *start, size_t bytes);

/* Around an access of the allocator's own to memory that is free. */
void zk_tools_open(void *start, size_t bytes);
void zk_tools_close(void *start, size_t bytes);

#endif
