/*
 * os.h - the operating system as the allocator sees it: pages, processors, address space, one line
 * of complaint. Nothing here allocates.
 */
#ifndef ZK_OS_H
#define ZK_OS_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a page, asked for once. */
size_t zk_os_page_bytes(void);

/* Processors online, at least 1. */
unsigned zk_os_cpus(void);

/* Reserves bytes of zero pages, readable and writable, between two inaccessible pages, at an
 * address that is a multiple of align (a power of two). Nothing is committed until it is touched.
 * NULL if refused. */
void *zk_os_reserve(size_t bytes, size_t align);

/* Undoes zk_os_reserve. */
void zk_os_release(void *start, size_t bytes);

/* Gives the pages of [start, start + bytes) back; they read as zero. Both are multiples of the
 * page. */
void zk_os_discard(void *start, size_t bytes);

/* Zero pages for the allocator's own books, readable and writable; NULL if refused. */
void *zk_os_map(size_t bytes);

/* Undoes zk_os_map. NULL is ignored. */
void zk_os_unmap(void *start, size_t bytes);

/* Reserves bytes of address space that nobody may access; NULL if refused. */
void *zk_os_bar(size_t bytes);

/* Lets the pages of [start, start + bytes) be read and written, or not be accessed at all. False if
 * refused. */
bool zk_os_allow(void *start, size_t bytes);
bool zk_os_deny(void *start, size_t bytes);

/* Asks for huge pages in [start, start + bytes), or against them. Advice only. */
void zk_os_hugepages(void *start, size_t bytes, int wanted);

/* How many mappings a process can have. */
size_t zk_os_mappings_max(void);

/* Writes "zkalloc: ...\n" to stderr in one write. Keeps errno. */
__attribute__((format(printf, 1, 2))) void zk_os_say(const char *format, ...);

#endif
