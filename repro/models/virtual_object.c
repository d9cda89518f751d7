/*
 * virtual_object.c - Rust's Box<dyn Trait>: see virtual_object.h for what it is faithful to.
 */
#include "virtual_object.h"

#include "zkalloc.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

/* The block. */
struct fields {
    uint64_t sentinel;
    uint64_t *number;
    unsigned char payload[];
};

/* A method gets the box and not just its data: in C the types share one body, so the size is not a
 * constant there; it must come from the table, which the filler cannot reach. */
struct virtual_object_table {
    void (*drop_in_place)(void *data);
    size_t size_bytes;
    size_t align_bytes;
    uint64_t (*sentinel)(const struct virtual_object *self);
    uint64_t (*payload_sum)(const struct virtual_object *self);
    void (*bump)(const struct virtual_object *self);
    uint64_t (*chase)(const struct virtual_object *self);
};

_Static_assert(sizeof(struct virtual_object) == 16, "as Box<dyn Trait> is on 64-bit");
_Static_assert(sizeof(struct fields) == VIRTUAL_OBJECT_FIELD_BYTES, "nothing but the fields");

static struct {
    _Atomic uint64_t bumps;
} calls;

static void drop_fields(void *data)
{
    struct fields *fields = data;

    zk_free(fields->number);
}

static uint64_t read_sentinel(const struct virtual_object *self)
{
    const struct fields *fields = self->data;

    return fields->sentinel;
}

static uint64_t sum_payload(const struct virtual_object *self)
{
    const struct fields *fields = self->data;
    uint64_t sum = 0;

    for (size_t i = 0; i < self->table->size_bytes - sizeof *fields; i++)
        sum += fields->payload[i];
    return sum;
}

static void count_bump(const struct virtual_object *self)
{
    (void)self;
    /* Relaxed: a count that orders nothing. */
    atomic_fetch_add_explicit(&calls.bumps, 1, memory_order_relaxed);
}

static uint64_t chase_number(const struct virtual_object *self)
{
    const struct fields *fields = self->data;

    return *fields->number;
}

#define TABLE(payload_bytes)                                                                       \
    {                                                                                              \
        .drop_in_place = drop_fields, .size_bytes = VIRTUAL_OBJECT_FIELD_BYTES + (payload_bytes),  \
        .align_bytes = _Alignof(struct fields), .sentinel = read_sentinel,                         \
        .payload_sum = sum_payload, .bump = count_bump, .chase = chase_number,                     \
    }

/* One type per power of two. */
static const struct virtual_object_table tables[] = {
    TABLE(1 << 6),  TABLE(1 << 7),  TABLE(1 << 8),  TABLE(1 << 9),  TABLE(1 << 10),
    TABLE(1 << 11), TABLE(1 << 12), TABLE(1 << 13), TABLE(1 << 14), TABLE(1 << 15),
    TABLE(1 << 16), TABLE(1 << 17), TABLE(1 << 18), TABLE(1 << 19), TABLE(1 << 20),
};

static const struct virtual_object_table *table_for(size_t payload_bytes)
{
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        if (tables[i].size_bytes - VIRTUAL_OBJECT_FIELD_BYTES == payload_bytes)
            return &tables[i];
    errno = EINVAL;
    return NULL;
}

int virtual_object_init(struct virtual_object *object, size_t payload_bytes,
                        unsigned char payload_byte, uint64_t sentinel)
{
    const struct virtual_object_table *table = table_for(payload_bytes);
    struct fields *fields;

    if (table == NULL)
        return -1;
    fields = zk_malloc(table->size_bytes);
    if (fields == NULL)
        return -1;
    fields->number = zk_malloc(sizeof *fields->number);
    if (fields->number == NULL) {
        zk_free(fields);
        return -1;
    }
    *fields->number = ~sentinel;
    fields->sentinel = sentinel;
    memset(fields->payload, payload_byte, payload_bytes);
    *object = (struct virtual_object){.data = fields, .table = table};
    return 0;
}

size_t virtual_object_block_bytes(const struct virtual_object *object)
{
    return object->table->size_bytes;
}

uint64_t virtual_object_sentinel(const struct virtual_object *object)
{
    return object->table->sentinel(object);
}

uint64_t virtual_object_payload_sum(const struct virtual_object *object)
{
    return object->table->payload_sum(object);
}

void virtual_object_bump(const struct virtual_object *object)
{
    object->table->bump(object);
}

uint64_t virtual_object_bumps(void)
{
    return atomic_load_explicit(&calls.bumps, memory_order_relaxed); /* as above */
}

uint64_t virtual_object_chase(const struct virtual_object *object)
{
    return object->table->chase(object);
}

void virtual_object_deinit(struct virtual_object *object)
{
    object->table->drop_in_place(object->data);
    zk_free_sized(object->data, object->table->size_bytes);
    *object = (struct virtual_object){0};
}
