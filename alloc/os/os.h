/*
 * os.h - the operating system as the allocator sees it: pages, processors, address space, one line
 * of complaint. Nothing here allocates.
 */
#ifndef ZK_OS_H
#define ZK_OS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Asks for all that is asked for only once: pages, processors, which file standard error is. When the
 * library is loaded, since a program may give up the right to ask. */
void zk_os_load(void);

/* Bytes of a page. */
size_t zk_os_page_bytes(void);

/* Processors online when the library was loaded, at least 1. */
unsigned zk_os_cpus(void);

/* Bytes of physical memory, or less, if the process's control group may not have so much. Reads files. */
size_t zk_os_memory_limit(void);

/* Bytes of address space that the process may have in all (ulimit -v); SIZE_MAX without a limit. */
size_t zk_os_address_limit(void);

/* Reserves bytes of address space, with an inaccessible page before and behind, at an address that is a
 * multiple of align (a power of two). Nobody may access it until zk_os_allow says so; what is allowed reads
 * as zero. NULL if refused. */
void *zk_os_reserve(size_t bytes, size_t align);

/* Undoes zk_os_reserve. */
void zk_os_release(void *start, size_t bytes);

/* Gives the pages of [start, start + bytes) back; they read as zero. Both are multiples of the
 * page. False if refused, as for locked memory: then nothing has changed. */
bool zk_os_discard(void *start, size_t bytes);

/* How many bytes of [start, start + bytes), both multiples of the page, are in memory: all of them, if the kernel does
 * not say. */
size_t zk_os_resident(const void *start, size_t bytes);

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

/* Gives the address space of [start, start + bytes) back: somebody else may get it. */
void zk_os_give_back(void *start, size_t bytes);

/* A word that holds 1, and in the child of a fork, however it was made, 0; NULL if the kernel has no such
 * thing. */
_Atomic uint32_t *zk_os_wiped_word(void);

/* Waits until *word is not value any more, or for no reason; wakes one that waits. */
void zk_os_wait(_Atomic uint32_t *word, uint32_t value);
void zk_os_wake(_Atomic uint32_t *word);

/* Sends a signal to the calling thread. */
void zk_os_raise(int signal);

/* As open, close, read and write, but none is a point at which a thread can be cancelled, and none of them
 * is anybody's replacement for it. */
int zk_os_open(const char *path, int flags, mode_t mode);
bool zk_os_close(int fd);
ssize_t zk_os_read(int fd, void *to, size_t bytes);
ssize_t zk_os_write(int fd, const void *from, size_t bytes);

/* How many mappings a process can have; asked for the first time that it is called. */
size_t zk_os_mappings_max(void);

/* Is file descriptor 2 still what it was when the library was loaded? A program that runs without
 * standard error may have its data there. */
bool zk_os_has_stderr(void);

/* Was it a terminal then? */
bool zk_os_stderr_is_terminal(void);

/* Notes what file descriptor 2 is, as when the library was loaded: for a process that has changed it on
 * purpose. */
void zk_os_note_stderr(void);

/* Writes "zkalloc: ...\n" to stderr in one write, if zk_os_has_stderr. Keeps errno. */
__attribute__((format(printf, 1, 2))) void zk_os_say(const char *format, ...);

#endif
