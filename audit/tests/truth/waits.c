/* A thread waits in the kernel, with a block of this phase and one of the phase before, while the next phase begins. */
#include "phases.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int ends[2];
static char *buffers[2];

static void *receive(void *arg)
{
    (void)arg;
    for (int i = 0; i < 2; i++)
        if (recv(ends[0], buffers[i], 5000 + 1000 * i, 0) != 5) /* STALE:buffers */
            perror("recv");
    return NULL;
}

/* Until the other thread waits. */
static void let_it_wait(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
}

int main(void)
{
    pthread_t thread;

    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) != 0)
        return 1;
    begin();
    for (int i = 0; i < 2; i++)
        buffers[i] = malloc(5000 + 1000 * i); /* PLANT:buffers */
    if (pthread_create(&thread, NULL, receive, NULL) != 0)
        return 1;
    for (int i = 0; i < 2; i++) {
        let_it_wait();
        end();
        begin();
        if (send(ends[1], "hello", 5, 0) != 5)
            return 1;
    }
    pthread_join(thread, NULL);
    end();
    return memcmp(buffers[0], "hello", 5) != 0 || memcmp(buffers[1], "hello", 5) != 0;
}
