/*
 * span_registry.c - tracing's span store: see span_registry.h for what it is faithful to.
 *
 * A span holds a reference to its parent from its creation until its slot is emptied, and is
 * removed when its own last reference is dropped. The slots of spans are in span_slab.c, what
 * layers store with them is in span_extensions.c; the stacks of current spans are here.
 */
#include "span_registry.h"

#include "crates.h"
#include "span_slab.h"
#include "span_thread.h"
#include "vector.h"
#include "zkalloc.h"

#include <stdatomic.h>

/* ---- Structures: flags are uint8_t, because an overwritten one may hold any byte ---- */

/* A thread's stack of current spans, behind a RefCell. */
struct current {
    uint8_t present;
    int64_t borrowed; /* > 0: readers, < 0: a writer */
    struct vector stack;
};

struct stack_entry {
    uint64_t id;
    uint8_t duplicate; /* the span is also further down: holds no reference */
};

enum { BUCKETS = 65 };

struct span_registry {
    struct span_slab slab;
    struct current *_Atomic buckets[BUCKETS]; /* by thread */
};

_Static_assert(sizeof(size_t) == 8, "sizes are those of 64-bit");
_Static_assert(sizeof(struct stack_entry) == SPAN_REGISTRY_STACK_ENTRY_BYTES, "as ContextId");
_Static_assert(sizeof(struct current) == 40, "as Entry<RefCell<SpanStack>>");

/* ---- Registry ---- */

static struct current *create_bucket(size_t entries)
{
    struct current *bucket = zk_malloc(entries * sizeof *bucket);

    for (size_t i = 0; bucket != NULL && i < entries; i++)
        bucket[i].present = 0;
    return bucket;
}

/* The buckets: 1, 1, 2, 4, 8, ... entries in thread_local 1.1.4, of which two are made at the
 * start; 1, 2, 4, 8, ... in 1.1.10, each when a thread whose entry is in it first uses it. */
static unsigned buckets_at_once(void)
{
    return crates_chosen() == CRATES_2026 ? 0 : 2;
}

static unsigned bucket_of(unsigned thread)
{
    if (crates_chosen() == CRATES_2026)
        return 31 - (unsigned)__builtin_clz(thread + 1);
    return thread == 0 ? 0 : 32 - (unsigned)__builtin_clz(thread);
}

static size_t bucket_entries(unsigned bucket)
{
    if (crates_chosen() == CRATES_2026)
        return (size_t)1 << bucket;
    return bucket == 0 ? 1 : (size_t)1 << (bucket - 1);
}

static size_t bucket_entry(unsigned thread, unsigned bucket)
{
    if (crates_chosen() == CRATES_2026)
        return thread + 1 - bucket_entries(bucket);
    return thread == 0 ? 0 : thread ^ bucket_entries(bucket);
}

struct span_registry *span_registry_create(void)
{
    struct span_registry *registry = zk_malloc(sizeof *registry);
    int error;

    if (registry == NULL)
        return NULL;
    error = span_slab_init(&registry->slab);
    for (unsigned i = 0; i < BUCKETS; i++)
        atomic_init(&registry->buckets[i],
                    i < buckets_at_once() ? create_bucket(bucket_entries(i)) : NULL);
    for (unsigned i = 0; i < buckets_at_once(); i++)
        error |= registry->buckets[i] == NULL;
    if (error != 0) {
        span_registry_destroy(registry);
        return NULL;
    }
    return registry;
}

void span_registry_destroy(struct span_registry *registry)
{
    span_slab_deinit(&registry->slab);
    for (unsigned i = 0; i < BUCKETS; i++) {
        struct current *bucket = atomic_load(&registry->buckets[i]);

        for (size_t j = 0; bucket != NULL && j < bucket_entries(i); j++)
            if (bucket[j].present)
                vector_deinit(&bucket[j].stack);
        zk_free(bucket);
    }
    zk_free(registry);
}

/* ---- The end of a span ---- */

/* Empties the slot of a span that has no references left, for the next one. */
static enum span_status clear_data(struct span_registry *registry, struct span_data *data)
{
    uint64_t parent = data->parent;
    enum span_status status = SPAN_OK;

    data->parent = 0;
    if (parent != 0)
        status = span_registry_close(registry, parent); /* recurses as deep as spans are nested */
    if (status != SPAN_OK && status != SPAN_CLOSED)
        return status;
    span_extensions_clear(&data->extensions);
    data->filter_map = 0;
    return SPAN_OK;
}

/* Removes a marked slot, where it falls to the caller. */
static enum span_status remove_slot(struct span_registry *registry, const struct span_place *place)
{
    enum span_status status;

    if (!span_slab_retire(place))
        return SPAN_OK;
    status = clear_data(registry, &place->slot->data);
    if (status == SPAN_OK)
        span_slab_free(place);
    return status;
}

/* Ends a use that span_slab_acquire began. */
static enum span_status release_span(struct span_registry *registry, const struct span_place *place)
{
    return span_slab_release(place) ? remove_slot(registry, place) : SPAN_OK;
}

/* ---- Spans ---- */

enum span_status span_registry_clone(struct span_registry *registry, uint64_t id)
{
    struct span_place place;
    enum span_status status = span_slab_acquire(&registry->slab, id, &place);
    uint64_t references;

    if (status != SPAN_OK)
        return status == SPAN_NOT_FOUND ? SPAN_PANIC_CLONE_UNKNOWN : status;
    /* Relaxed: the caller holds a reference, which keeps the span from closing meanwhile. */
    references = atomic_fetch_add_explicit(&place.slot->data.references, 1, memory_order_relaxed);
    status = release_span(registry, &place);
    return references == 0 ? SPAN_PANIC_CLONE_CLOSED : status;
}

/* Removes a span that has no references left. */
static enum span_status remove_span(struct span_registry *registry, struct span_place *place)
{
    enum span_status status = span_slab_mark(place);

    if (status == SPAN_PANIC_WEIRD_LIFECYCLE)
        return status;
    if (status == SPAN_OK)
        status = remove_slot(registry, place);
    return status == SPAN_OK || status == SPAN_NOT_FOUND ? SPAN_CLOSED : status;
}

enum span_status span_registry_close(struct span_registry *registry, uint64_t id)
{
    struct span_place place;
    enum span_status status = span_slab_acquire(&registry->slab, id, &place);
    uint64_t references;

    if (status != SPAN_OK)
        return status == SPAN_NOT_FOUND ? SPAN_PANIC_DROP_UNKNOWN : status;
    /* Release: our uses of the span happen before its end; pairs with the acquire below, on the
     * last thread. */
    references = atomic_fetch_sub_explicit(&place.slot->data.references, 1, memory_order_release);
    if (references <= 1) /* Acquire: pairs with every release above. */
        (void)atomic_load_explicit(&place.slot->data.references, memory_order_acquire);
    status = release_span(registry, &place);
    if (references == UINT64_MAX)
        return SPAN_PANIC_REFERENCE_OVERFLOW;
    if (status != SPAN_OK || references > 1)
        return status;
    return remove_span(registry, &place);
}

static enum span_status place_span(struct span_registry *registry,
                                   const struct span_metadata *metadata, uint64_t parent,
                                   uint64_t *id)
{
    struct span_place place;
    enum span_status status = span_slab_claim(&registry->slab, &place);
    struct span_data *data;

    if (status != SPAN_OK)
        return status;
    data = &place.slot->data;
    data->metadata = metadata;
    data->parent = parent;
    data->filter_map = 0;
    /* Relaxed: the slot is ours alone until it is published. */
    atomic_store_explicit(&data->references, 1, memory_order_relaxed);
    *id = span_slab_publish(&place);
    return SPAN_OK;
}

enum span_status span_registry_new_root(struct span_registry *registry,
                                        const struct span_metadata *metadata, uint64_t *id)
{
    return place_span(registry, metadata, 0, id);
}

enum span_status span_registry_new_child(struct span_registry *registry,
                                         const struct span_metadata *metadata, uint64_t parent,
                                         uint64_t *id)
{
    enum span_status status = span_registry_clone(registry, parent);

    return status == SPAN_OK ? place_span(registry, metadata, parent, id) : status;
}

enum span_status span_registry_new_span(struct span_registry *registry,
                                        const struct span_metadata *metadata, uint64_t *id)
{
    uint64_t parent;
    enum span_status status = span_registry_current(registry, &parent);

    if (status == SPAN_OK)
        return span_registry_new_child(registry, metadata, parent, id);
    return status == SPAN_NOT_FOUND ? span_registry_new_root(registry, metadata, id) : status;
}

enum span_status span_registry_data(struct span_registry *registry, uint64_t id,
                                    const struct span_metadata **metadata, uint64_t *parent)
{
    struct span_place place;
    enum span_status status = span_slab_acquire(&registry->slab, id, &place);

    if (status != SPAN_OK)
        return status;
    if (metadata != NULL)
        *metadata = place.slot->data.metadata;
    if (parent != NULL)
        *parent = place.slot->data.parent;
    return release_span(registry, &place);
}

/* ---- The current span ---- */

/* The calling thread's entry in the registry; with make, it is created if there is none. */
static enum span_status my_current(struct span_registry *registry, bool make,
                                   struct current **current)
{
    unsigned thread = span_thread_mine();
    unsigned bucket;
    struct current *entries;
    struct current *created;

    if (thread == SPAN_THREAD_NONE)
        return SPAN_PANIC_THREADS;
    bucket = bucket_of(thread);
    /* Acquire: pairs with the exchange below. */
    entries = atomic_load_explicit(&registry->buckets[bucket], memory_order_acquire);
    if (entries == NULL) {
        if (!make)
            return SPAN_NOT_FOUND;
        created = create_bucket(bucket_entries(bucket));
        if (created == NULL)
            return SPAN_NO_MEMORY;
        /* Acquire-release, acquire on failure: pairs with the load above, and with this exchange on
         * a thread that was faster. */
        if (atomic_compare_exchange_strong_explicit(&registry->buckets[bucket], &entries, created,
                                                    memory_order_acq_rel, memory_order_acquire))
            entries = created;
        else
            zk_free(created);
    }
    *current = &entries[bucket_entry(thread, bucket)];
    if ((*current)->present)
        return SPAN_OK;
    if (!make)
        return SPAN_NOT_FOUND;
    **current = (struct current){.present = 1};
    return SPAN_OK;
}

/* Does entering a span take a reference to it? Not since tracing-subscriber 0.3.21. */
static bool counts_entries(void)
{
    return crates_chosen() == CRATES_DEBIAN12;
}

static struct stack_entry *entry_at(const struct current *current, size_t index)
{
    return vector_at(&current->stack, sizeof(struct stack_entry), index);
}

/* Index of the topmost entry of id, plus one; 0 when there is none. */
static size_t find_entry(const struct current *current, uint64_t id)
{
    size_t above = current->stack.length;

    while (above > 0 && entry_at(current, above - 1)->id != id)
        above--;
    return above;
}

enum span_status span_registry_enter(struct span_registry *registry, uint64_t id)
{
    struct current *current;
    enum span_status status = my_current(registry, true, &current);
    struct stack_entry entry = {.id = id};

    if (status != SPAN_OK)
        return status;
    if (current->borrowed != 0)
        return SPAN_PANIC_BORROWED;
    entry.duplicate = find_entry(current, id) != 0;
    if (vector_push(&current->stack, sizeof entry, &entry) != 0)
        return SPAN_NO_MEMORY;
    return entry.duplicate || !counts_entries() ? SPAN_OK : span_registry_clone(registry, id);
}

enum span_status span_registry_exit(struct span_registry *registry, uint64_t id)
{
    struct current *current;
    enum span_status status = my_current(registry, false, &current);
    size_t above;
    bool duplicate;

    if (status != SPAN_OK)
        return status;
    if (current->borrowed != 0)
        return SPAN_PANIC_BORROWED;
    above = find_entry(current, id);
    if (above == 0)
        return SPAN_NOT_FOUND;
    duplicate = entry_at(current, above - 1)->duplicate;
    vector_remove(&current->stack, sizeof(struct stack_entry), above - 1);
    return duplicate || !counts_entries() ? SPAN_OK : span_registry_close(registry, id);
}

enum span_status span_registry_current(struct span_registry *registry, uint64_t *id)
{
    struct current *current;
    enum span_status status = my_current(registry, false, &current);
    size_t above;

    if (status != SPAN_OK)
        return status;
    if (current->borrowed < 0)
        return SPAN_PANIC_BORROWED;
    above = current->stack.length;
    while (above > 0 && entry_at(current, above - 1)->duplicate)
        above--;
    if (above == 0)
        return SPAN_NOT_FOUND;
    *id = entry_at(current, above - 1)->id;
    return span_registry_data(registry, *id, NULL, NULL);
}

/* ---- Extensions ---- */

enum span_status span_registry_insert_extension(struct span_registry *registry, uint64_t id,
                                                const struct span_extension_type *type,
                                                const void *value)
{
    struct span_place place;
    enum span_status status = span_slab_acquire(&registry->slab, id, &place);
    enum span_status released;

    if (status != SPAN_OK)
        return status;
    status = span_extensions_insert(&place.slot->data.extensions, type, value);
    released = release_span(registry, &place);
    return status != SPAN_OK ? status : released;
}

enum span_status span_registry_get_extension(struct span_registry *registry, uint64_t id,
                                             const struct span_extension_type *type, void *value)
{
    struct span_place place;
    enum span_status status = span_slab_acquire(&registry->slab, id, &place);
    enum span_status released;

    if (status != SPAN_OK)
        return status;
    status = span_extensions_get(&place.slot->data.extensions, type, value);
    released = release_span(registry, &place);
    return status != SPAN_OK ? status : released;
}

/* ---- For tests and reports ---- */

size_t span_registry_span_count(const struct span_registry *registry)
{
    return span_slab_present_count(&registry->slab);
}

size_t span_registry_page_count(const struct span_registry *registry)
{
    return span_slab_page_count(&registry->slab);
}

size_t span_registry_page_bytes(unsigned page)
{
    return ((size_t)SPAN_REGISTRY_FIRST_PAGE_SLOTS << page) * SPAN_REGISTRY_SLOT_BYTES;
}

size_t span_registry_stack_bytes(struct span_registry *registry)
{
    struct current *current;

    if (my_current(registry, false, &current) != SPAN_OK)
        return 0;
    return vector_block_bytes(&current->stack, sizeof(struct stack_entry));
}

size_t span_registry_extension_bytes(struct span_registry *registry, uint64_t id)
{
    struct span_place place;
    size_t bytes;

    if (span_slab_acquire(&registry->slab, id, &place) != SPAN_OK)
        return 0;
    bytes = span_extensions_bytes(&place.slot->data.extensions);
    release_span(registry, &place);
    return bytes;
}

const char *span_status_text(enum span_status status)
{
    static const char *const texts[] = {
        [SPAN_OK] = "ok",
        [SPAN_CLOSED] = "closed",
        [SPAN_NOT_FOUND] = "not found",
        [SPAN_NO_MEMORY] = "out of memory",
        [SPAN_PANIC_CLONE_UNKNOWN] = "panic: cloned a span that does not exist",
        [SPAN_PANIC_CLONE_CLOSED] = "panic: cloned a span that is closed",
        [SPAN_PANIC_DROP_UNKNOWN] = "panic: dropped a span that does not exist",
        [SPAN_PANIC_REFERENCE_OVERFLOW] = "panic: reference count overflow",
        [SPAN_PANIC_WEIRD_LIFECYCLE] = "panic: weird lifecycle",
        [SPAN_PANIC_NO_ROOM] = "panic: no room for another span",
        [SPAN_PANIC_INDEX] = "panic: index out of bounds",
        [SPAN_PANIC_THREADS] = "panic: too many threads",
        [SPAN_PANIC_BORROWED] = "panic: current spans already borrowed",
        [SPAN_PANIC_POISONED] = "panic: extensions poisoned",
        [SPAN_PANIC_DUPLICATE_EXTENSION] = "panic: extension inserted twice",
    };

    return texts[status];
}
