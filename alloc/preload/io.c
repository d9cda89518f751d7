/*
 * io.c - what the kernel does with a buffer, under the trap. A page that nobody may access makes a
 * read or a write fail with EFAULT, where the program without the trap would have gone on: so the
 * buffer is touched here first, as the kernel is about to. What the C library calls inside itself
 * (a stream that is flushed) does not come this way.
 */
#include "audit.h"
#include "os.h"
#include "region.h"

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

enum direction { KERNEL_READS, KERNEL_WRITES };

/* Once in each page: a fault there is the trap's to count, with this function's caller. */
static void touch(const void *buffer, size_t bytes, enum direction direction)
{
    size_t page = zk_os_page_bytes();
    unsigned char *at = (unsigned char *)(uintptr_t)buffer;
    unsigned char *end = at + bytes;

    if (!zk_auditing(ZK_AUDIT_TRAP) || !zk_region_holds(buffer))
        return;
    for (; at < end; at += page - ((uintptr_t)at & (page - 1)))
        if (direction == KERNEL_WRITES)
            __atomic_fetch_or(at, 0, __ATOMIC_RELAXED); /* a write that changes nothing */
        else
            (void)*(volatile unsigned char *)at;
}

static void touch_all(const struct iovec *parts, int count, enum direction direction)
{
    for (int i = 0; i < count; i++)
        touch(parts[i].iov_base, parts[i].iov_len, direction);
}

EXPORT ssize_t read(int fd, void *buffer, size_t bytes)
{
    load();
    touch(buffer, bytes, KERNEL_WRITES);
    return next.read(fd, buffer, bytes);
}

EXPORT ssize_t write(int fd, const void *buffer, size_t bytes)
{
    load();
    touch(buffer, bytes, KERNEL_READS);
    return next.write(fd, buffer, bytes);
}

EXPORT ssize_t pread(int fd, void *buffer, size_t bytes, off_t offset)
{
    load();
    touch(buffer, bytes, KERNEL_WRITES);
    return next.pread(fd, buffer, bytes, offset);
}

EXPORT ssize_t pwrite(int fd, const void *buffer, size_t bytes, off_t offset)
{
    load();
    touch(buffer, bytes, KERNEL_READS);
    return next.pwrite(fd, buffer, bytes, offset);
}

EXPORT ssize_t readv(int fd, const struct iovec *parts, int count)
{
    load();
    touch_all(parts, count, KERNEL_WRITES);
    return next.readv(fd, parts, count);
}

EXPORT ssize_t writev(int fd, const struct iovec *parts, int count)
{
    load();
    touch_all(parts, count, KERNEL_READS);
    return next.writev(fd, parts, count);
}

EXPORT ssize_t recv(int socket, void *buffer, size_t bytes, int flags)
{
    load();
    touch(buffer, bytes, KERNEL_WRITES);
    return next.recv(socket, buffer, bytes, flags);
}

EXPORT ssize_t send(int socket, const void *buffer, size_t bytes, int flags)
{
    load();
    touch(buffer, bytes, KERNEL_READS);
    return next.send(socket, buffer, bytes, flags);
}

/* On 64-bit systems, the same. */
#ifdef __LP64__
extern __typeof__(pread) pread64 __attribute__((alias("pread"), visibility("default")));
extern __typeof__(pwrite) pwrite64 __attribute__((alias("pwrite"), visibility("default")));
#endif
