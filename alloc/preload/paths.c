/*
 * paths.c - system calls that take file names; see touch.h.
 */
#include "next.h"
#include "touch.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

/* A function with one path. */
#define ONE_PATH(type, function, parameters, arguments)                                            \
    NEXT(function);                                                                                \
    EXPORT type function parameters                                                                \
    {                                                                                              \
        NEED(function);                                                                            \
        zk_touch_string(path);                                                                     \
        return next_##function arguments;                                                          \
    }

ONE_PATH(FILE *, fopen, (const char *path, const char *mode), (path, mode))
ONE_PATH(DIR *, opendir, (const char *path), (path))
ONE_PATH(int, access, (const char *path, int mode), (path, mode))
ONE_PATH(int, chdir, (const char *path), (path))
ONE_PATH(int, mkdir, (const char *path, mode_t mode), (path, mode))
ONE_PATH(int, unlink, (const char *path), (path))

/* The buffer counts as written by the kernel, whatever was in it. */
NEXT(stat);
EXPORT int stat(const char *path, struct stat *status)
{
    NEED(stat);
    zk_touch_string(path);
    zk_touch(status, sizeof *status, ZK_KERNEL_WRITES);
    return next_stat(path, status);
}

NEXT(lstat);
EXPORT int lstat(const char *path, struct stat *status)
{
    NEED(lstat);
    zk_touch_string(path);
    zk_touch(status, sizeof *status, ZK_KERNEL_WRITES);
    return next_lstat(path, status);
}

NEXT(fstat);
EXPORT int fstat(int fd, struct stat *status)
{
    NEED(fstat);
    zk_touch(status, sizeof *status, ZK_KERNEL_WRITES);
    return next_fstat(fd, status);
}

NEXT(readlink);
EXPORT ssize_t readlink(const char *path, char *to, size_t bytes)
{
    NEED(readlink);
    zk_touch_string(path);
    zk_touch(to, bytes, ZK_KERNEL_WRITES);
    return next_readlink(path, to, bytes);
}

NEXT(rename);
EXPORT int rename(const char *path, const char *to)
{
    NEED(rename);
    zk_touch_string(path);
    zk_touch_string(to);
    return next_rename(path, to);
}

/* There is a mode argument only if a file may be created. */
static mode_t mode_of(int flags, va_list rest)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
}

NEXT(open);
EXPORT int open(const char *path, int flags, ...)
{
    va_list rest;
    mode_t mode;

    NEED(open);
    va_start(rest, flags);
    mode = mode_of(flags, rest);
    va_end(rest);
    zk_touch_string(path);
    return next_open(path, flags, mode);
}

NEXT(openat);
EXPORT int openat(int at, const char *path, int flags, ...)
{
    va_list rest;
    mode_t mode;

    NEED(openat);
    va_start(rest, flags);
    mode = mode_of(flags, rest);
    va_end(rest);
    zk_touch_string(path);
    return next_openat(at, path, flags, mode);
}

/* The same functions on 64-bit systems. */
#ifdef __LP64__
extern __typeof__(open) open64 __attribute__((alias("open"), visibility("default")));
extern __typeof__(openat) openat64 __attribute__((alias("openat"), visibility("default")));
extern __typeof__(fopen) fopen64 __attribute__((alias("fopen"), visibility("default")));
extern __typeof__(stat) stat64_alias __asm__("stat64")
    __attribute__((alias("stat"), visibility("default"), copy(stat)));
extern __typeof__(lstat) lstat64_alias __asm__("lstat64")
    __attribute__((alias("lstat"), visibility("default"), copy(lstat)));
extern __typeof__(fstat) fstat64_alias __asm__("fstat64")
    __attribute__((alias("fstat"), visibility("default"), copy(fstat)));
#endif
