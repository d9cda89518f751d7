/*
 * producer.c - threads that fill buffers, and as many others that read and free them; a short queue
 * connects each pair. A phase lasts for one batch of buffers, and begins while buffers of the last
 * batch are still in the queues.
 */
#include "lifetime.h"

#include <stdlib.h>

enum { queue_room = 8, phase_buffers = 64 };

struct buffer {
    char *p;
    size_t size;
    uint64_t number;
};

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct buffer buffers[queue_room];
    size_t taken;
    size_t put;
    size_t count; /* all buffers to come */
    size_t least; /* bytes of one */
    size_t most;
    uint64_t random;
    int begins; /* begins phases: only the producer of the first queue */
};

static void queue_put(struct queue *queue, struct buffer buffer)
{
    pthread_mutex_lock(&queue->lock);
    while (queue->put - queue->taken == queue_room)
        pthread_cond_wait(&queue->changed, &queue->lock);
    queue->buffers[queue->put++ % queue_room] = buffer;
    pthread_cond_signal(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

static struct buffer queue_take(struct queue *queue)
{
    struct buffer buffer;

    pthread_mutex_lock(&queue->lock);
    while (queue->put == queue->taken)
        pthread_cond_wait(&queue->changed, &queue->lock);
    buffer = queue->buffers[queue->taken++ % queue_room];
    pthread_cond_signal(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
    return buffer;
}

static void *produce(void *arg)
{
    struct queue *queue = arg;

    for (size_t i = 0; i < queue->count; i++) {
        struct buffer buffer = {.number = i};

        if (queue->begins)
            phase_before(i, phase_buffers);
        buffer.size = queue->least + next_random(&queue->random) % (queue->most - queue->least + 1);
        buffer.p = block_new(buffer.size, i);
        queue_put(queue, buffer);
        if (queue->begins)
            phase_behind(i, phase_buffers, queue->count);
    }
    return NULL;
}

static void *consume(void *arg)
{
    struct queue *queue = arg;

    for (size_t i = 0; i < queue->count; i++) {
        struct buffer buffer = queue_take(queue);

        block_check(buffer.p, buffer.size, buffer.number);
        free(buffer.p);
    }
    return NULL;
}

static void run(const size_t *arguments)
{
    size_t pairs = arguments[0];
    size_t most = arguments[3] > arguments[2] ? arguments[3] : arguments[2];
    struct queue *queues = must_calloc(pairs, sizeof *queues);
    pthread_t threads[LIFETIME_THREADS];

    clock_start();
    for (size_t i = 0; i < pairs; i++) {
        struct queue *queue = &queues[i];

        pthread_mutex_init(&queue->lock, NULL);
        pthread_cond_init(&queue->changed, NULL);
        queue->count = arguments[1];
        queue->least = arguments[2];
        queue->most = most;
        queue->random = 0x9e3779b97f4a7c15 * (i + 1);
        queue->begins = i == 0 && arguments[4] == 0;
        thread_start(&threads[2 * i], produce, queue);
        thread_start(&threads[2 * i + 1], consume, queue);
    }
    for (size_t i = 0; i < 2 * pairs; i++)
        pthread_join(threads[i], NULL);
    clock_stop();
    count_units(pairs * arguments[1]);
    note_live(pairs * (queue_room + 2) * (arguments[2] + most) / 2);
}

const struct lifetime lifetime = {
    .usage = "[PAIRS [COUNT [LEAST [MOST [QUIET]]]]]: PAIRS of threads, in each COUNT buffers of "
             "LEAST to MOST bytes made by one and freed by the other; QUIET 1: no phases",
    .standard = {1, 1000, (size_t)1 << 20, (size_t)8 << 20, 0},
    .least = {1, 1, 1, 0, 0},
    .most = {LIFETIME_THREADS / 2, (size_t)1 << 40, (size_t)1 << 30, (size_t)1 << 30, 1},
    .run = run,
    .wall = 1,
};
