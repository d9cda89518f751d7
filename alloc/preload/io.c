/*
 * io.c - system calls that take buffers; see touch.h. Calls that the C library makes internally (to
 * flush a stream) do not come through here.
 */
#include "next.h"
#include "touch.h"

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

NEXT(read);
NEXT(write);
NEXT(pread);
NEXT(pwrite);
NEXT(readv);
NEXT(writev);
NEXT(recv);
NEXT(send);

static void touch_all(const struct iovec *parts, int count, enum zk_direction direction)
{
    for (int i = 0; i < count; i++)
        zk_touch(parts[i].iov_base, parts[i].iov_len, direction);
}

EXPORT ssize_t read(int fd, void *buffer, size_t bytes)
{
    NEED(read);
    zk_touch(buffer, bytes, ZK_KERNEL_WRITES);
    return next_read(fd, buffer, bytes);
}

EXPORT ssize_t write(int fd, const void *buffer, size_t bytes)
{
    NEED(write);
    zk_touch(buffer, bytes, ZK_KERNEL_READS);
    return next_write(fd, buffer, bytes);
}

EXPORT ssize_t pread(int fd, void *buffer, size_t bytes, off_t offset)
{
    NEED(pread);
    zk_touch(buffer, bytes, ZK_KERNEL_WRITES);
    return next_pread(fd, buffer, bytes, offset);
}

EXPORT ssize_t pwrite(int fd, const void *buffer, size_t bytes, off_t offset)
{
    NEED(pwrite);
    zk_touch(buffer, bytes, ZK_KERNEL_READS);
    return next_pwrite(fd, buffer, bytes, offset);
}

EXPORT ssize_t readv(int fd, const struct iovec *parts, int count)
{
    NEED(readv);
    touch_all(parts, count, ZK_KERNEL_WRITES);
    return next_readv(fd, parts, count);
}

EXPORT ssize_t writev(int fd, const struct iovec *parts, int count)
{
    NEED(writev);
    touch_all(parts, count, ZK_KERNEL_READS);
    return next_writev(fd, parts, count);
}

EXPORT ssize_t recv(int socket, void *buffer, size_t bytes, int flags)
{
    NEED(recv);
    zk_touch(buffer, bytes, ZK_KERNEL_WRITES);
    return next_recv(socket, buffer, bytes, flags);
}

EXPORT ssize_t send(int socket, const void *buffer, size_t bytes, int flags)
{
    NEED(send);
    zk_touch(buffer, bytes, ZK_KERNEL_READS);
    return next_send(socket, buffer, bytes, flags);
}

/* The same functions on 64-bit systems. */
#ifdef __LP64__
extern __typeof__(pread) pread64 __attribute__((alias("pread"), visibility("default")));
extern __typeof__(pwrite) pwrite64 __attribute__((alias("pwrite"), visibility("default")));
#endif
