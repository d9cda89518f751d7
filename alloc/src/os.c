/*
 * os.c - system calls, and the only place that makes them.
 */
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

size_t zk_os_page_bytes(void)
{
    static size_t page_bytes;
    size_t bytes =
        __atomic_load_n(&page_bytes, __ATOMIC_RELAXED); /* every writer writes the same */

    if (bytes == 0) {
        bytes = (size_t)sysconf(_SC_PAGESIZE);
        __atomic_store_n(&page_bytes, bytes, __ATOMIC_RELAXED);
    }
    return bytes;
}

unsigned zk_os_cpus(void)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);

    return online < 1 ? 1 : (unsigned)online;
}

void *zk_os_reserve(size_t bytes, size_t align)
{
    size_t page = zk_os_page_bytes();
    size_t total;
    char *raw;
    char *start;

    if (align < page)
        align = page;
    if (__builtin_add_overflow(bytes, align + 2 * page, &total))
        return NULL;
    raw = mmap(NULL, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (raw == MAP_FAILED)
        return NULL;

    start = (char *)(((uintptr_t)raw + page + align - 1) & ~(uintptr_t)(align - 1));
    if (mprotect(start, bytes, PROT_READ | PROT_WRITE) != 0) { /* strict overcommit refuses here */
        munmap(raw, total);
        return NULL;
    }
    if (start - page > raw)
        munmap(raw, (size_t)(start - page - raw));
    if (start + bytes + page < raw + total)
        munmap(start + bytes + page, (size_t)(raw + total - (start + bytes + page)));
    return start;
}

void zk_os_release(void *start, size_t bytes)
{
    size_t page = zk_os_page_bytes();

    munmap((char *)start - page, bytes + 2 * page);
}

void zk_os_discard(void *start, size_t bytes)
{
    if (bytes != 0)
        madvise(start, bytes, MADV_DONTNEED);
}

void *zk_os_map(size_t bytes)
{
    void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return start == MAP_FAILED ? NULL : start;
}

void zk_os_unmap(void *start, size_t bytes)
{
    if (start != NULL)
        munmap(start, bytes);
}

void *zk_os_bar(size_t bytes)
{
    void *start = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return start == MAP_FAILED ? NULL : start;
}

bool zk_os_allow(void *start, size_t bytes)
{
    return mprotect(start, bytes, PROT_READ | PROT_WRITE) == 0;
}

bool zk_os_deny(void *start, size_t bytes)
{
    return mprotect(start, bytes, PROT_NONE) == 0;
}

void zk_os_hugepages(void *start, size_t bytes, int wanted)
{
    madvise(start, bytes, wanted ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

size_t zk_os_mappings_max(void)
{
    char text[32] = "";
    size_t most = 65530; /* the kernel's default */
    int fd = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return most;
    if (read(fd, text, sizeof text - 1) > 0)
        most = strtoul(text, NULL, 10);
    close(fd);
    return most;
}

void zk_os_say(const char *format, ...)
{
    int saved = errno;
    char line[512] = "zkalloc: ";
    const size_t prefix = sizeof "zkalloc: " - 1;
    va_list args;
    int length;
    size_t end;

    va_start(args, format);
    length = vsnprintf(line + prefix, sizeof line - prefix - 1, format, args);
    va_end(args);
    if (length < 0)
        length = 0;
    end = prefix + (size_t)length;
    if (end > sizeof line - 2)
        end = sizeof line - 2;
    line[end] = '\n';
    if (write(STDERR_FILENO, line, end + 1) < 0) {
        /* Nobody to tell. */
    }
    errno = saved;
}
