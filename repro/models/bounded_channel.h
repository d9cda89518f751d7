/*
 * bounded_channel.h - model of a bounded channel: a ring of slots, allocated with the channel, each
 * with a stamp that says whose turn it is.
 *
 * Faithful to crossbeam-channel 0.5.6 (flavors/array.rs: Channel, Slot; counter.rs: Counter), which
 * std::sync::mpsc::sync_channel of Rust 1.95 is a copy of, 64-bit; sizes measured with both:
 *   channel   640 bytes, aligned to 128: head and tail in cache lines of their own, the ring's
 *             description, the lists of waiting threads, and the counts of senders and receivers
 *   ring      n slots of a stamp of 8 bytes and a message, rounded up to 8: n x (T + 8); 4096 for
 *             256 messages of 8 bytes; made with the channel and never replaced
 * Each send and each receive reads the stamp of the slot that is next. A slot's stamp is its
 * position while it is free for that lap, its position + 1 when it has a message. If it is neither,
 * the caller assumes that another thread is at work on the slot, and waits for it.
 *
 * Not modelled: the list of threads that wait while the channel is full or empty, whose bytes are part
 * of the 640. Here, a thread waits by polling (backoff.h).
 *
 * A channel may be used by any number of threads, each of which may send and receive.
 */
#ifndef BOUNDED_CHANNEL_H
#define BOUNDED_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>

enum { BOUNDED_CHANNEL_BYTES = 640 }; /* of a channel, without its ring */

struct bounded_channel;

/* A channel for capacity messages of message_bytes each, both more than 0. NULL with ENOMEM. */
struct bounded_channel *bounded_channel_create(size_t capacity, size_t message_bytes);

/* Frees the channel and what is in it. No other thread may use it any more. */
void bounded_channel_destroy(struct bounded_channel *channel);

/* No sends will follow: receivers take what is left in the channel, then see its end. */
void bounded_channel_disconnect(struct bounded_channel *channel);

/* Sends a copy of *message; waits while the channel is full. False, at once, when it is
 * disconnected.
 */
bool bounded_channel_send(struct bounded_channel *channel, const void *message);

/* Takes the oldest message; waits while the channel is empty. False when it is empty and
 * disconnected. */
bool bounded_channel_receive(struct bounded_channel *channel, void *message);

/* Bytes of the ring. */
size_t bounded_channel_ring_bytes(size_t capacity, size_t message_bytes);

#endif
