/*
 * io.c - system calls that are given buffers; see touch.h. What the C library calls inside itself (a
 * stream that is flushed) does not come this way.
 */
#include "touch.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

/* The C library's own. */
static struct {
    pthread_once_t once;
    ssize_t (*read)(int, void *, size_t);
    ssize_t (*write)(int, const void *, size_t);
    ssize_t (*pread)(int, void *, size_t, off_t);
    ssize_t (*pwrite)(int, const void *, size_t, off_t);
    ssize_t (*readv)(int, const struct iovec *, int);
    ssize_t (*writev)(int, const struct iovec *, int);
    ssize_t (*recv)(int, void *, size_t, int);
    ssize_t (*send)(int, const void *, size_t, int);
} next = {.once = PTHREAD_ONCE_INIT};

/* dlsym gives an object pointer, which C does not convert. */
#define FIND(name) (*(void **)(void *)&next.name = dlsym(RTLD_NEXT, #name))

static void find_all(void)
{
    FIND(read);
    FIND(write);
    FIND(pread);
    FIND(pwrite);
    FIND(readv);
    FIND(writev);
    FIND(recv);
    FIND(send);
}

/* Early, since write may be called by a signal handler, where dlsym may not. */
__attribute__((constructor)) static void load(void)
{
    pthread_once(&next.once, find_all);
}

static void touch_all(const struct iovec *parts, int count, enum zk_direction direction)
{
    for (int i = 0; i < count; i++)
        zk_touch(parts[i].iov_base, parts[i].iov_len, direction);
}

EXPORT ssize_t read(int fd, void *buffer, size_t bytes)
{
    load();
    zk_touch(buffer, bytes, ZK_KERNEL_WRITES);
    return next.read(fd, buffer, bytes);
}

EXPORT ssize_t write(int fd, const void *buffer, size_t bytes)
{
    load();
    zk_touch(buffer, bytes, ZK_KERNEL_READS);
    return next.write(fd, buffer, bytes);
}

EXPORT ssize_t pread(int fd, void *buffer, size_t bytes, off_t offset)
{
    load();
    zk_touch(buffer, bytes, ZK_KERNEL_WRITES);
    return next.pread(fd, buffer, bytes, offset);
}

EXPORT ssize_t pwrite(int fd, const void *buffer, size_t bytes, off_t offset)
{
    load();
    zk_touch(buffer, bytes, ZK_KERNEL_READS);
    return next.pwrite(fd, buffer, bytes, offset);
}

EXPORT ssize_t readv(int fd, const struct iovec *parts, int count)
{
    load();
    touch_all(parts, count, ZK_KERNEL_WRITES);
    return next.readv(fd, parts, count);
}

EXPORT ssize_t writev(int fd, const struct iovec *parts, int count)
{
    load();
    touch_all(parts, count, ZK_KERNEL_READS);
    return next.writev(fd, parts, count);
}

EXPORT ssize_t recv(int socket, void *buffer, size_t bytes, int flags)
{
    load();
    zk_touch(buffer, bytes, ZK_KERNEL_WRITES);
    return next.recv(socket, buffer, bytes, flags);
}

EXPORT ssize_t send(int socket, const void *buffer, size_t bytes, int flags)
{
    load();
    zk_touch(buffer, bytes, ZK_KERNEL_READS);
    return next.send(socket, buffer, bytes, flags);
}

/* On 64-bit systems, the same. */
#ifdef __LP64__
extern __typeof__(pread) pread64 __attribute__((alias("pread"), visibility("default")));
extern __typeof__(pwrite) pwrite64 __attribute__((alias("pwrite"), visibility("default")));
#endif
