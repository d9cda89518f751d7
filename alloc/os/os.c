/*
 * os.c - the system calls behind os.h.
 */
#include "os.h"
#include "call.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- Looked up once ---- */

static struct {
    size_t memory_bytes;
    unsigned cpus;
    bool has_stderr;
    bool stderr_is_terminal;
    dev_t stderr_device;
    ino_t stderr_inode;
} os;

/* Not fstat, which the preload library replaces. */
static bool status_of_stderr(struct stat *status)
{
    return zk_call(SYS_newfstatat, STDERR_FILENO, (long)"", (long)status, AT_EMPTY_PATH, 0, 0) == 0;
}

void zk_os_note_stderr(void)
{
    struct stat status;

    os.has_stderr = status_of_stderr(&status);
    os.stderr_is_terminal = os.has_stderr && isatty(STDERR_FILENO);
    if (!os.has_stderr)
        return;
    os.stderr_device = status.st_dev;
    os.stderr_inode = status.st_ino;
}

void zk_os_load(void)
{
    int saved = errno;
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    long pages = sysconf(_SC_PHYS_PAGES);

    os.cpus = online < 1 ? 1 : (unsigned)online;
    os.memory_bytes = pages < 1 ? 0 : (size_t)pages * zk_os_page_bytes();
    zk_os_note_stderr();
    errno = saved;
}

/* The kernel passes it at the start of the process (auxv), so this makes no system call. */
size_t zk_os_page_bytes(void)
{
    static size_t page_bytes;
    /* Relaxed: every writer stores the same value. */
    size_t bytes = __atomic_load_n(&page_bytes, __ATOMIC_RELAXED);

    if (bytes == 0) {
        bytes = (size_t)getauxval(AT_PAGESZ);
        __atomic_store_n(&page_bytes, bytes, __ATOMIC_RELAXED);
    }
    return bytes;
}

unsigned zk_os_cpus(void)
{
    return os.cpus;
}

/* ---- Address space ---- */

/* ThreadSanitizer has to see memory being mapped and unmapped, so under it we call the C library's functions. System
 * calls are not dispatched then (dispatch.c). */
#ifdef __SANITIZE_THREAD__
static const bool by_library = true;
#else
static const bool by_library = false;
#endif

/* A private anonymous mapping, or MAP_FAILED. */
static void *map(size_t bytes, int protection, int flags)
{
    flags |= MAP_PRIVATE | MAP_ANONYMOUS;
    if (by_library)
        return mmap(NULL, bytes, protection, flags, -1, 0);
    return (void *)zk_call(SYS_mmap, 0, (long)bytes, protection, flags, -1, 0);
}

static void unmap(void *start, size_t bytes)
{
    if (by_library)
        munmap(start, bytes);
    else
        zk_call(SYS_munmap, (long)start, (long)bytes, 0, 0, 0, 0);
}

static bool advise(void *start, size_t bytes, int advice)
{
    return zk_call(SYS_madvise, (long)start, (long)bytes, advice, 0, 0, 0) == 0;
}

static bool protect(void *start, size_t bytes, int protection)
{
    return zk_call(SYS_mprotect, (long)start, (long)bytes, protection, 0, 0, 0) == 0;
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
    raw = map(total, PROT_NONE, MAP_NORESERVE);
    if (raw == MAP_FAILED)
        return NULL;

    start = (char *)(((uintptr_t)raw + page + align - 1) & ~(uintptr_t)(align - 1));
    if (start - page > raw)
        unmap(raw, (size_t)(start - page - raw));
    if (start + bytes + page < raw + total)
        unmap(start + bytes + page, (size_t)(raw + total - (start + bytes + page)));
    return start;
}

void zk_os_release(void *start, size_t bytes)
{
    size_t page = zk_os_page_bytes();

    unmap((char *)start - page, bytes + 2 * page);
}

bool zk_os_discard(void *start, size_t bytes)
{
    int saved = errno;
    bool done = bytes == 0 || advise(start, bytes, MADV_DONTNEED);

    errno = saved;
    return done;
}

void *zk_os_map(size_t bytes)
{
    void *start = map(bytes, PROT_READ | PROT_WRITE, 0);

    return start == MAP_FAILED ? NULL : start;
}

void zk_os_unmap(void *start, size_t bytes)
{
    if (start != NULL)
        unmap(start, bytes);
}

void *zk_os_bar(size_t bytes)
{
    void *start = map(bytes, PROT_NONE, MAP_NORESERVE);

    return start == MAP_FAILED ? NULL : start;
}

bool zk_os_allow(void *start, size_t bytes)
{
    return protect(start, bytes, PROT_READ | PROT_WRITE);
}

bool zk_os_deny(void *start, size_t bytes)
{
    return protect(start, bytes, PROT_NONE);
}

void zk_os_hugepages(void *start, size_t bytes, int wanted)
{
    advise(start, bytes, wanted ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

void zk_os_give_back(void *start, size_t bytes)
{
    if (bytes != 0)
        unmap(start, bytes);
}

#ifndef MADV_WIPEONFORK /* Linux 4.14 */
#define MADV_WIPEONFORK 18
#endif

_Atomic uint32_t *zk_os_wiped_word(void)
{
    _Atomic uint32_t *word = zk_os_map(zk_os_page_bytes());

    if (word == NULL)
        return NULL;
    if (!advise(word, zk_os_page_bytes(), MADV_WIPEONFORK)) {
        zk_os_unmap(word, zk_os_page_bytes());
        return NULL;
    }
    atomic_store(word, 1);
    return word;
}

/* ---- Waiting ---- */

void zk_os_wait(_Atomic uint32_t *word, uint32_t value)
{
    int saved = errno;

    zk_call(SYS_futex, (long)word, FUTEX_WAIT_PRIVATE, value, 0, 0, 0);
    errno = saved;
}

void zk_os_wake(_Atomic uint32_t *word)
{
    int saved = errno;

    zk_call(SYS_futex, (long)word, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
    errno = saved;
}

void zk_os_raise(int signal)
{
    int saved = errno;

    zk_call(SYS_tgkill, zk_call(SYS_getpid, 0, 0, 0, 0, 0, 0),
            zk_call(SYS_gettid, 0, 0, 0, 0, 0, 0), signal, 0, 0, 0);
    errno = saved;
}

/* ---- Files ---- */

int zk_os_open(const char *path, int flags, mode_t mode)
{
    return (int)zk_call(SYS_openat, AT_FDCWD, (long)path, flags, mode, 0, 0);
}

bool zk_os_close(int fd)
{
    return zk_call(SYS_close, fd, 0, 0, 0, 0, 0) == 0;
}

ssize_t zk_os_read(int fd, void *to, size_t bytes)
{
    return zk_call(SYS_read, fd, (long)to, (long)bytes, 0, 0, 0);
}

ssize_t zk_os_write(int fd, const void *from, size_t bytes)
{
    return zk_call(SYS_write, fd, (long)from, (long)bytes, 0, 0, 0);
}

/* The number at the start of a file; SIZE_MAX if there is none. */
static size_t number_in(const char *path)
{
    char text[32] = "";
    size_t number = SIZE_MAX;
    int fd = zk_os_open(path, O_RDONLY | O_CLOEXEC, 0);

    if (fd < 0)
        return number;
    if (zk_os_read(fd, text, sizeof text - 1) > 0 && text[0] >= '0' && text[0] <= '9')
        number = strtoul(text, NULL, 10);
    zk_os_close(fd);
    return number;
}

size_t zk_os_mappings_max(void)
{
    static size_t most; /* the callers' lock guards it */

    if (most != 0)
        return most;
    most = number_in("/proc/sys/vm/max_map_count");
    if (most == SIZE_MAX)
        most = 65530; /* the kernel's default */
    return most;
}

/* The lowest limit of a control group and its ancestors. Truncates group in place. */
static size_t limit_of(const char *root, char *group, const char *name)
{
    size_t least = SIZE_MAX;

    for (;;) {
        char path[1024];
        char *slash = strrchr(group, '/');
        size_t limit;

        snprintf(path, sizeof path, "%s%s/%s", root, group, name);
        limit = number_in(path);
        least = limit < least ? limit : least;
        if (slash == NULL)
            return least;
        *slash = '\0';
    }
}

/* The line is "0::/GROUP" (cgroup v2) or "4:memory:/GROUP" (v1). */
static size_t limit_in(char *line)
{
    char *group = strrchr(line, ':');

    if (group == NULL)
        return SIZE_MAX;
    group++;
    if (strncmp(line, "0::", 3) == 0)
        return limit_of("/sys/fs/cgroup", group, "memory.max");
    if (strstr(line, ":memory:") != NULL)
        return limit_of("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes");
    return SIZE_MAX;
}

size_t zk_os_memory_limit(void)
{
    char text[4096] = "";
    size_t least = os.memory_bytes;
    int fd = zk_os_open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC, 0);
    char *rest = text;
    char *line;

    if (fd < 0)
        return least;
    if (zk_os_read(fd, text, sizeof text - 1) <= 0)
        text[0] = '\0';
    zk_os_close(fd);
    while ((line = strsep(&rest, "\n")) != NULL) {
        size_t limit = limit_in(line);

        least = limit < least ? limit : least;
    }
    return least;
}

size_t zk_os_address_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return SIZE_MAX;
    return (size_t)limit.rlim_cur;
}

bool zk_os_has_stderr(void)
{
    int saved = errno;
    struct stat now;
    bool same = os.has_stderr && status_of_stderr(&now) && now.st_dev == os.stderr_device &&
                now.st_ino == os.stderr_inode;

    errno = saved;
    return same;
}

bool zk_os_stderr_is_terminal(void)
{
    return os.stderr_is_terminal;
}

void zk_os_say(const char *format, ...)
{
    int saved = errno;
    char line[512] = "zkalloc: ";
    const size_t prefix = sizeof "zkalloc: " - 1;
    va_list args;
    int length;
    size_t end;

    if (!zk_os_has_stderr())
        return;
    va_start(args, format);
    length = vsnprintf(line + prefix, sizeof line - prefix - 1, format, args);
    va_end(args);
    if (length < 0)
        length = 0;
    end = prefix + (size_t)length;
    if (end > sizeof line - 2)
        end = sizeof line - 2;
    line[end] = '\n';
    if (zk_os_write(STDERR_FILENO, line, end + 1) < 0) {
        /* Nobody to tell. */
    }
    errno = saved;
}
