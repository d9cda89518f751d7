/*
 * bounded_channel.c - crossbeam's bounded channel: see bounded_channel.h for what it is faithful
 * to.
 *
 * A position is, from the low bits up: an index into the ring, a bit for "disconnected" (in the
 * tail only), and the lap. A thread that advances head or tail owns the slot that it pointed to,
 * until it stores the slot's next stamp.
 */
#include "bounded_channel.h"

#include "backoff.h"
#include "power_of_two.h"
#include "zkalloc.h"

#include <errno.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { cache_line = 128, stamp_bytes = 8 };

struct slot {
    _Atomic uint64_t stamp;
    unsigned char message[];
};

struct bounded_channel {
    alignas(cache_line) _Atomic uint64_t head; /* position of the next receive */
    alignas(cache_line) _Atomic uint64_t tail; /* position of the next send */
    alignas(cache_line) unsigned char *slots;
    size_t capacity;
    uint64_t lap;         /* of a position: the unit of the lap */
    uint64_t mark;        /* of a position: disconnected; the bits below it are the index */
    size_t message_bytes; /* in Rust a compile-time constant; the length of slots is in its place */
    unsigned char waiting[128]; /* SyncWaker of senders and of receivers: not modelled */
    alignas(cache_line) uint64_t senders;
    uint64_t receivers;
    uint8_t destroy;
};

_Static_assert(sizeof(struct bounded_channel) == BOUNDED_CHANNEL_BYTES, "as Counter<Channel<T>>");
_Static_assert(offsetof(struct bounded_channel, head) == 0 &&
                   offsetof(struct bounded_channel, tail) == cache_line &&
                   offsetof(struct slot, message) == stamp_bytes,
               "array.rs: head and tail are CachePadded; a slot is a stamp and a message");

static size_t slot_bytes(size_t message_bytes)
{
    return stamp_bytes + (message_bytes + stamp_bytes - 1) / stamp_bytes * stamp_bytes;
}

size_t bounded_channel_ring_bytes(size_t capacity, size_t message_bytes)
{
    return capacity * slot_bytes(message_bytes);
}

static struct slot *slot_at(const struct bounded_channel *channel, uint64_t index)
{
    return (struct slot *)(void *)(channel->slots + index * slot_bytes(channel->message_bytes));
}

struct bounded_channel *bounded_channel_create(size_t capacity, size_t message_bytes)
{
    struct bounded_channel *channel;
    size_t bytes;

    if (message_bytes > SIZE_MAX / 4 ||
        __builtin_mul_overflow(capacity, slot_bytes(message_bytes), &bytes) ||
        bytes > PTRDIFF_MAX) {
        errno = ENOMEM;
        return NULL;
    }
    channel = zk_aligned_alloc(cache_line, sizeof *channel);
    if (channel == NULL)
        return NULL;
    *channel = (struct bounded_channel){.slots = zk_malloc(bytes),
                                        .capacity = capacity,
                                        .mark = power_of_two_at_least(capacity + 1),
                                        .message_bytes = message_bytes,
                                        .senders = 1,
                                        .receivers = 1};
    channel->lap = 2 * channel->mark;
    if (channel->slots == NULL) {
        zk_free(channel);
        return NULL;
    }
    for (size_t i = 0; i < capacity; i++)
        atomic_init(&slot_at(channel, i)->stamp, i);
    return channel;
}

void bounded_channel_destroy(struct bounded_channel *channel)
{
    zk_free(channel->slots);
    zk_free(channel);
}

void bounded_channel_disconnect(struct bounded_channel *channel)
{
    atomic_fetch_or(&channel->tail, channel->mark);
}

/* The next position. */
static uint64_t next_position(const struct bounded_channel *channel, uint64_t position)
{
    uint64_t index = position & (channel->mark - 1);

    return index + 1 < channel->capacity ? position + 1
                                         : (position & ~(channel->lap - 1)) + channel->lap;
}

bool bounded_channel_send(struct bounded_channel *channel, const void *message)
{
    uint64_t tail = atomic_load(&channel->tail);
    unsigned tries = 0;

    while ((tail & channel->mark) == 0) {
        struct slot *slot = slot_at(channel, tail & (channel->mark - 1));

        if (atomic_load(&slot->stamp) == tail &&
            atomic_compare_exchange_strong(&channel->tail, &tail, next_position(channel, tail))) {
            memcpy(slot->message, message, channel->message_bytes);
            atomic_store(&slot->stamp, tail + 1);
            return true;
        }
        backoff(&tries); /* full, or another thread is at this slot */
        tail = atomic_load(&channel->tail);
    }
    return false;
}

bool bounded_channel_receive(struct bounded_channel *channel, void *message)
{
    unsigned tries = 0;

    for (;;) {
        uint64_t head = atomic_load(&channel->head);
        struct slot *slot = slot_at(channel, head & (channel->mark - 1));
        uint64_t stamp = atomic_load(&slot->stamp);

        if (stamp == head + 1) {
            if (!atomic_compare_exchange_strong(&channel->head, &head,
                                                next_position(channel, head)))
                continue;
            memcpy(message, slot->message, channel->message_bytes);
            atomic_store(&slot->stamp, head + channel->lap);
            return true;
        }
        if (stamp == head && atomic_load(&channel->tail) == (head | channel->mark))
            return false;
        backoff(&tries); /* empty, or another thread is at this slot */
    }
}
