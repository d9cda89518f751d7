/*
 * virtual_object.h - model of Rust's Box<dyn Trait>: the data in a block, the functions in
 * read-only memory.
 *
 * Faithful to Rust 1.95: a box is two pointers, to the data and to a table of functions (drop,
 * size, alignment, then the trait's methods); the block holds the fields and nothing else, its size
 * is a constant of its type, which only the table has. So even when the block is overwritten, a
 * call finds its function, but the function finds filler in the fields.
 *
 * The fields: a sentinel, a boxed number that one method reads through its pointer, and a payload.
 * An object belongs to one thread at a time.
 */
#ifndef VIRTUAL_OBJECT_H
#define VIRTUAL_OBJECT_H

#include <stddef.h>
#include <stdint.h>

struct virtual_object_table;

/* The box itself: 16 bytes, held by the caller. */
struct virtual_object {
    void *data;
    const struct virtual_object_table *table;
};

/* Sentinel and pointer, before the payload. */
enum { VIRTUAL_OBJECT_FIELD_BYTES = 16 };

/* Makes an object whose block is VIRTUAL_OBJECT_FIELD_BYTES + payload_bytes, every payload byte
 * being payload_byte, with the given sentinel, and a number on the heap that is ~sentinel. There is
 * a type for each power of two from 64 to 1 MiB of payload. -1 with EINVAL for any other, or with
 * ENOMEM. */
int virtual_object_init(struct virtual_object *object, size_t payload_bytes,
                        unsigned char payload_byte, uint64_t sentinel);

/* Bytes of the object's block, from the table. */
size_t virtual_object_block_bytes(const struct virtual_object *object);

/* A method that reads one field. */
uint64_t virtual_object_sentinel(const struct virtual_object *object);

/* A method that adds up the payload bytes. */
uint64_t virtual_object_payload_sum(const struct virtual_object *object);

/* A method that does not read the object: it adds one to virtual_object_bumps(). Any thread. */
void virtual_object_bump(const struct virtual_object *object);
uint64_t virtual_object_bumps(void);

/* A method that reads the number that a field points to: crashes when that field is filler. */
uint64_t virtual_object_chase(const struct virtual_object *object);

/* Frees the number and the block, through the table. */
void virtual_object_deinit(struct virtual_object *object);

#endif
