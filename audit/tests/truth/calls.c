/*
 * System calls with buffers of an earlier phase, through functions of the C library, through stdio,
 * and bare. Prints each that fails. The name after STALE is that of the block; every block has 5000
 * bytes.
 */
#define _GNU_SOURCE
#include "phases.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void *blocks[20];
static void *volatile nowhere = (void *)8;

static void check(const char *what, long result)
{
    if (result < 0)
        printf("%s: %s\n", what, strerror(errno));
}
#define CHECK(call) check(#call, (long)(call))

static int reap(void *status)
{
    pid_t child = fork();

    if (child == 0)
        _exit(3);
    return waitpid(child, status, 0) == child && WEXITSTATUS(*(int *)status) == 3 ? 0 : -1;
}

int main(void)
{
    struct iovec part;
    struct msghdr *message;
    int ends[2];
    int queue = epoll_create1(0);
    FILE *zeroes = fopen("/dev/zero", "r");

    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends));
    CHECK(epoll_ctl(queue, EPOLL_CTL_ADD, ends[0],
                    &(struct epoll_event){.events = EPOLLIN, .data.fd = ends[0]}));
    begin();
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        blocks[i] = calloc(1, 5000); /* PLANT:block */
    memcpy(blocks[0], "/tmp", sizeof "/tmp");
    message = blocks[1];
    message->msg_iov = blocks[2];
    message->msg_iovlen = 1;
    *(struct iovec *)blocks[2] = (struct iovec){blocks[3], 5000};
    end();
    begin();
    part = (struct iovec){blocks[4], 5000};
    for (int i = 0; i < 3; i++)
        CHECK(send(ends[1], "hello", 5, 0));
    CHECK(epoll_wait(queue, blocks[5], 64, 1000));              /* STALE:5 */
    CHECK(poll(blocks[6], 1, 0));                               /* STALE:6 */
    CHECK(recvfrom(ends[0], blocks[7], 5000, 0, NULL, NULL));   /* STALE:7 */
    CHECK(recvmsg(ends[0], message, MSG_DONTWAIT));             /* STALE:3 */
    CHECK(readv(ends[0], &part, 1));                            /* STALE:4 */
    CHECK(getrandom(blocks[8], 5000, 0));                       /* STALE:8 */
    CHECK(getcwd(blocks[9], 5000) == NULL ? -1 : 0);            /* STALE:9 */
    CHECK(fstatat(AT_FDCWD, blocks[0], &(struct stat){0}, 0));  /* STALE:0 */
    CHECK(stat("/", blocks[10]));                               /* STALE:10 */
    CHECK(syscall(SYS_clock_gettime, 1, blocks[11]));           /* STALE:11 */
    CHECK(ioctl(ends[0], FIONREAD, blocks[12]));                /* STALE:12 */
    CHECK(reap(blocks[13]));                                    /* the call is in reap */
    CHECK(fread(blocks[14], 1, 5000, zeroes) == 5000 ? 0 : -1); /* STALE:14 */
    CHECK(system(blocks[15]));                                  /* STALE:15 */
    /* Nothing is read or written here. */
    CHECK(write(ends[1], blocks[16], 0));
    end();
    /* What fails without the trap fails under it too. */
    if (write(ends[1], nowhere, 100) >= 0 || errno != EFAULT)
        puts("no error");
    return 0;
}
