/*
 * os.h - the operating system as the allocator sees it: pages, processors, address space, files,
 * and one-line messages. Nothing here allocates.
 */
#ifndef ZK_OS_H
#define ZK_OS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Looks up everything that is looked up only once: pages, processors, which file standard error is.
 * Called when the library is loaded, since a program may later give up the right to ask (seccomp). */
void zk_os_load(void);

/* Size of a page in bytes. */
size_t zk_os_page_bytes(void);

struct zk_pages {
    char *start;
    char *end;
};

/* The pages that lie entirely in [start, end). Without any, start and end are both the given end. */
static inline struct zk_pages zk_os_whole_pages(char *start, char *end)
{
    uintptr_t in_page = zk_os_page_bytes() - 1;
    char *first = start + (-(uintptr_t)start & in_page);
    char *last = end - ((uintptr_t)end & in_page);

    return first < last ? (struct zk_pages){first, last} : (struct zk_pages){end, end};
}

/* Processors online when the library was loaded, at least 1. */
unsigned zk_os_cpus(void);

/* Bytes of physical memory, or the limit of the process's control group if that is lower. Reads files. */
size_t zk_os_memory_limit(void);

/* Bytes of address space that the process may have in total (ulimit -v); SIZE_MAX without a limit. */
size_t zk_os_address_limit(void);

/* Reserves bytes of address space, with an inaccessible page before and after, at an address that is a
 * multiple of align (a power of two). The range is inaccessible until zk_os_allow opens parts of it; they
 * then read as zero. NULL if refused. */
void *zk_os_reserve(size_t bytes, size_t align);

/* Undoes zk_os_reserve. */
void zk_os_release(void *start, size_t bytes);

/* Gives the pages of [start, start + bytes) back to the kernel; they read as zero from then on.
 * Both are multiples of the page size. False if refused, as for locked memory: then nothing has
 * changed. */
bool zk_os_discard(void *start, size_t bytes);

/* Zero pages for the allocator's own books, readable and writable; NULL if refused. */
void *zk_os_map(size_t bytes);

/* Undoes zk_os_map. NULL is ignored. */
void zk_os_unmap(void *start, size_t bytes);

/* Reserves bytes of inaccessible address space; NULL if refused. */
void *zk_os_bar(size_t bytes);

/* Makes the pages of [start, start + bytes) readable and writable, or inaccessible. False if
 * refused. */
bool zk_os_allow(void *start, size_t bytes);
bool zk_os_deny(void *start, size_t bytes);

/* Asks the kernel to use huge pages in [start, start + bytes), or not to. Advice only. */
void zk_os_hugepages(void *start, size_t bytes, int wanted);

/* Unmaps [start, start + bytes): any later mapping may get these addresses. */
void zk_os_give_back(void *start, size_t bytes);

/* A word that holds 1, and reads as 0 in the child of a fork, however that was made. NULL if the kernel
 * does not support this. */
_Atomic uint32_t *zk_os_wiped_word(void);

/* Waits while *word is value (and may return early); wakes one waiting thread. */
void zk_os_wait(_Atomic uint32_t *word, uint32_t value);
void zk_os_wake(_Atomic uint32_t *word);

/* Sends a signal to the calling thread. */
void zk_os_raise(int signal);

/* Like open, close, read and write, but none of these is a cancellation point, and none goes through a
 * function of that name that the program or another library has interposed. */
int zk_os_open(const char *path, int flags, mode_t mode);
bool zk_os_close(int fd);
ssize_t zk_os_read(int fd, void *to, size_t bytes);
ssize_t zk_os_write(int fd, const void *from, size_t bytes);

/* How many mappings a process can have. The first call looks it up. */
size_t zk_os_mappings_max(void);

/* Is file descriptor 2 still the file that it was when the library was loaded? A program that runs
 * without standard error may have a data file there. */
bool zk_os_has_stderr(void);

/* Was it a terminal when the library was loaded? */
bool zk_os_stderr_is_terminal(void);

/* Records what file descriptor 2 is now, as is done when the library is loaded: for a process that has
 * redirected it on purpose. */
void zk_os_note_stderr(void);

/* Writes "zkalloc: ...\n" to stderr in one write, if zk_os_has_stderr. Keeps errno. */
__attribute__((format(printf, 1, 2))) void zk_os_say(const char *format, ...);

#endif
