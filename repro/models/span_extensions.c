/*
 * span_extensions.c - the extensions of a span: see span_extensions.h.
 *
 * Each box has one entry in the map, and is freed when that entry is replaced or cleared. The map
 * is read under the read lock, and changed under the write lock or by its last user.
 */
#include "span_extensions.h"

#include "crates.h"
#include "zkalloc.h"

#include <sched.h>
#include <stddef.h>
#include <string.h>

/* A key in the map is the low half of a TypeId; this is the rest of the entry. The high half comes last: a
 * TypeId of Rust 1.63, Debian 12's, has none. */
struct extension {
    void *value; /* a box */
    const struct span_extension_type *type;
    uint64_t type_high;
};

_Static_assert(sizeof(struct extension) + SWISS_TABLE_KEY_BYTES == 32, "TypeId and Box<dyn Any>");

/* The size of that rest in the map of the chosen crates. */
static size_t extension_bytes(void)
{
    return crates_chosen() == CRATES_DEBIAN12 ? offsetof(struct extension, type_high)
                                              : sizeof(struct extension);
}

/* As in std's futex-based RwLock: */
static const uint32_t lock_writer =
    ((uint32_t)1 << 30) - 1; /* all ones; also the mask of the readers' count */
static const uint32_t lock_readers_most = ((uint32_t)1 << 30) - 2;

static void lock_to_read(struct span_extensions_lock *lock)
{
    for (;;) {
        /* Relaxed: only a guess for the exchange below. */
        uint32_t state = atomic_load_explicit(&lock->state, memory_order_relaxed);

        /* Acquire: the other side is the release in unlock_written; relaxed on failure: a guess. A
         * flag above the count means that somebody waits; it goes first. */
        if (state < lock_readers_most &&
            atomic_compare_exchange_weak_explicit(&lock->state, &state, state + 1,
                                                  memory_order_acquire, memory_order_relaxed))
            return;
        sched_yield();
    }
}

static void unlock_read(struct span_extensions_lock *lock)
{
    /* Release: the other side is the acquire in lock_to_write. */
    atomic_fetch_sub_explicit(&lock->state, 1, memory_order_release);
}

static void lock_to_write(struct span_extensions_lock *lock)
{
    for (;;) {
        /* Relaxed: only a guess for the exchange below. */
        uint32_t state = atomic_load_explicit(&lock->state, memory_order_relaxed);

        /* Acquire: the other side is the release in both unlocks; relaxed on failure: a guess. */
        if ((state & lock_writer) == 0 &&
            atomic_compare_exchange_weak_explicit(&lock->state, &state, state + lock_writer,
                                                  memory_order_acquire, memory_order_relaxed))
            return;
        sched_yield();
    }
}

static void unlock_written(struct span_extensions_lock *lock)
{
    /* Release: the other side is the acquire in both locks. */
    atomic_fetch_sub_explicit(&lock->state, lock_writer, memory_order_release);
}

static void drop_extension(const struct extension *extension)
{
    if (extension->type->drop != NULL)
        extension->type->drop(extension->value);
    zk_free(extension->value);
}

void span_extensions_init(struct span_extensions *extensions)
{
    memset(&extensions->lock, 0, sizeof extensions->lock);
    swiss_table_init(&extensions->values);
}

void span_extensions_clear(struct span_extensions *extensions)
{
    struct swiss_table_iterator iterator;
    const void *entry;
    uint64_t key;

    if (swiss_table_length(&extensions->values) == 0)
        return;
    swiss_table_iterate(&extensions->values, &iterator);
    while (swiss_table_sized_next(&iterator, extension_bytes(), &key, &entry))
        drop_extension(entry);
    swiss_table_clear(&extensions->values);
}

void span_extensions_deinit(struct span_extensions *extensions)
{
    span_extensions_clear(extensions);
    swiss_table_sized_deinit(&extensions->values, extension_bytes());
}

static enum span_status insert_locked(struct span_extensions *extensions,
                                      const struct span_extension_type *type, const void *value)
{
    struct extension extension = {.type_high = ~type->id, .type = type};
    struct extension *replaced;

    extension.value = zk_malloc(type->value_bytes);
    if (extension.value == NULL)
        return SPAN_NO_MEMORY;
    memcpy(extension.value, value, type->value_bytes);
    replaced = swiss_table_sized_get(&extensions->values, extension_bytes(), type->id);
    if (replaced != NULL) {
        drop_extension(replaced);
        memcpy(replaced, &extension, extension_bytes());
        extensions->lock.poisoned = 1;
        return SPAN_PANIC_DUPLICATE_EXTENSION;
    }
    if (swiss_table_sized_insert(&extensions->values, extension_bytes(), type->id, &extension) == 0)
        return SPAN_OK;
    zk_free(extension.value);
    return SPAN_NO_MEMORY;
}

enum span_status span_extensions_insert(struct span_extensions *extensions,
                                        const struct span_extension_type *type, const void *value)
{
    enum span_status status;

    lock_to_write(&extensions->lock);
    status =
        extensions->lock.poisoned ? SPAN_PANIC_POISONED : insert_locked(extensions, type, value);
    unlock_written(&extensions->lock);
    return status;
}

static enum span_status read_locked(const struct span_extensions *extensions,
                                    const struct span_extension_type *type, void *value)
{
    const struct extension *extension =
        swiss_table_sized_get(&extensions->values, extension_bytes(), type->id);

    /* The second comparison is downcast_ref's: the real one asks the box for its type. */
    if (extension == NULL || extension->type->id != type->id)
        return SPAN_NOT_FOUND;
    memcpy(value, extension->value, type->value_bytes);
    return SPAN_OK;
}

enum span_status span_extensions_get(struct span_extensions *extensions,
                                     const struct span_extension_type *type, void *value)
{
    enum span_status status;

    lock_to_read(&extensions->lock);
    status = extensions->lock.poisoned ? SPAN_PANIC_POISONED : read_locked(extensions, type, value);
    unlock_read(&extensions->lock);
    return status;
}

size_t span_extensions_bytes(const struct span_extensions *extensions)
{
    return swiss_table_block_bytes(&extensions->values, extension_bytes());
}
