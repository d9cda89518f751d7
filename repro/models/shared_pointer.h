/*
 * shared_pointer.h - model of Rust's Arc<T> and Weak<T>: two counts and the payload in one block.
 *
 * Faithful to alloc::sync of Rust 1.63 and 1.95: strong 8 + weak 8 + payload bytes, rounded up to 8
 * as ArcInner's layout is. So a payload of 16384 takes 16400 bytes, and the counts are the first 16
 * of them. All strong pointers together hold one weak count. A clone traps if the count that it
 * finds is above PTRDIFF_MAX: 0x5555555555555555 is not, 0xAAAAAAAAAAAAAAAA is. Behaviour on
 * overwritten counts was compared with Arc as compiled by 1.95.
 *
 * Every function may be called by any thread, for a pointer that the thread holds.
 */
#ifndef SHARED_POINTER_H
#define SHARED_POINTER_H

#include <stdatomic.h>
#include <stddef.h>

/* The block. A strong pointer is its address. */
struct shared_pointer {
    _Atomic size_t strong; /* strong pointers */
    _Atomic size_t weak;   /* weak pointers, and one for all strong ones; SIZE_MAX: locked */
    unsigned char payload[];
};

/* A weak pointer. */
struct shared_pointer_weak {
    struct shared_pointer *block;
};

/* Bytes of the block for a payload of payload_bytes. */
size_t shared_pointer_block_bytes(size_t payload_bytes);

/* A payload copied from payload (all zero when that is NULL), and one strong pointer to it.
 * Dropping the last strong pointer ends the payload; dropping the last of all pointers frees the
 * block. NULL with ENOMEM. */
struct shared_pointer *shared_pointer_new(const void *payload, size_t payload_bytes);

/* One strong pointer more: the same address. Traps (SIGILL on x86-64, as the real one) when there
 * were more than PTRDIFF_MAX. */
struct shared_pointer *shared_pointer_clone(struct shared_pointer *pointer);

/* Ends one strong pointer. */
void shared_pointer_drop(struct shared_pointer *pointer);

/* Counts, as they are at this moment; the weak count is of weak pointers alone. */
size_t shared_pointer_strong_count(const struct shared_pointer *pointer);
size_t shared_pointer_weak_count(const struct shared_pointer *pointer);

/* A weak pointer more. Traps where the real one panics: more than PTRDIFF_MAX of them. Spins while
 * the count is locked: for ever, if it was overwritten with the value that means locked. */
struct shared_pointer_weak shared_pointer_downgrade(struct shared_pointer *pointer);

/* A strong pointer from a weak one; NULL when no strong pointer is left. Traps as
 * shared_pointer_clone. */
struct shared_pointer *shared_pointer_upgrade(struct shared_pointer_weak weak);

/* One weak pointer more. Traps as shared_pointer_clone. */
struct shared_pointer_weak shared_pointer_weak_clone(struct shared_pointer_weak weak);

/* Ends one weak pointer; frees the block when it was the last of all pointers. */
void shared_pointer_weak_drop(struct shared_pointer_weak weak);

#endif
