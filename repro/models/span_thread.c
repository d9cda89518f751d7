/*
 * span_thread.c - numbers of threads: see span_thread.h.
 *
 * A number below threads.next belongs to one live thread, or waits in the queue.
 */
#include "span_thread.h"

#include <pthread.h>
#include <stdint.h>

static struct {
    pthread_mutex_t lock; /* guards next, and the queue */
    pthread_once_t once;
    pthread_key_t key; /* its destructor runs when a thread ends */
    unsigned next;     /* numbers below it are taken, or in the queue */
    unsigned queue_first;
    unsigned queue_length;
    uint16_t queue[SPAN_REGISTRY_THREADS];
} threads = {.lock = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT};

static _Thread_local unsigned my_thread_plus_one;

static void thread_ends(void *arg)
{
    unsigned at;

    (void)arg;
    pthread_mutex_lock(&threads.lock);
    at = (threads.queue_first + threads.queue_length) % SPAN_REGISTRY_THREADS;
    threads.queue[at] = (uint16_t)(my_thread_plus_one - 1);
    threads.queue_length++;
    pthread_mutex_unlock(&threads.lock);
    my_thread_plus_one = 0;
}

static void make_key(void)
{
    if (pthread_key_create(&threads.key, thread_ends) != 0)
        threads.next = SPAN_THREAD_NONE;
}

/* Takes a number: from the queue, unless it has only one, which stays there, as in sharded-slab. */
static unsigned register_thread(void)
{
    unsigned thread = SPAN_THREAD_NONE;

    pthread_once(&threads.once, make_key);
    pthread_mutex_lock(&threads.lock);
    if (threads.queue_length > 1) {
        thread = threads.queue[threads.queue_first];
        threads.queue_first = (threads.queue_first + 1) % SPAN_REGISTRY_THREADS;
        threads.queue_length--;
    } else if (threads.next < SPAN_THREAD_NONE) {
        thread = threads.next++;
    }
    pthread_mutex_unlock(&threads.lock);
    if (thread == SPAN_THREAD_NONE)
        return SPAN_THREAD_NONE;
    my_thread_plus_one = thread + 1;
    pthread_setspecific(threads.key, &threads);
    return thread;
}

unsigned span_thread_mine(void)
{
    return my_thread_plus_one != 0 ? my_thread_plus_one - 1 : register_thread();
}
