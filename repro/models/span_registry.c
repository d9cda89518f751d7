/*
 * span_registry.c - tracing's span store: see span_registry.h for what it is faithful to.
 *
 * A slot's life is in one word, from the low bits: state (2), references from guards (49),
 * generation (13). Who uses a slot counts itself in by compare-and-swap on that word, and so cannot
 * be overtaken by a removal: a removal marks the slot, advances its generation when the count is 0,
 * empties the slot, and only then puts it on a free list.
 *
 * Free lists run through the slots by index. The local one of a page (its head apart from the page,
 * for the owning thread alone) is popped first; the remote one, a stack that any thread pushes on,
 * is taken whole when the local one is empty.
 */
#include "span_registry.h"

#include "swiss_table.h"
#include "vector.h"
#include "zkalloc.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

/* ---- Words: sharded-slab's layout for its DefaultConfig on 64-bit ---- */

enum {
    ADDRESS_BITS = 38, /* 32 pages + 6 */
    SHARD_BITS = 13,
    GENERATION_BITS = 13,
    STATE_BITS = 2,
    REFERENCE_BITS = 49,
    GENERATION_SHIFT = 51 /* in an identifier and in a lifecycle word */
};

static const uint64_t address_max = ((uint64_t)1 << ADDRESS_BITS) - 1;
static const uint64_t null_index = (uint64_t)1 << ADDRESS_BITS; /* ends a free list */
static const uint64_t shard_max = ((uint64_t)1 << SHARD_BITS) - 1;
static const uint64_t generation_max = ((uint64_t)1 << GENERATION_BITS) - 1;
static const uint64_t reference_max = ((uint64_t)1 << REFERENCE_BITS) - 1;

enum { STATE_PRESENT = 0, STATE_MARKED = 1, STATE_WEIRD = 2, STATE_REMOVING = 3, STATE_MASK = 3 };

static uint64_t references_of(uint64_t lifecycle)
{
    return lifecycle >> STATE_BITS & reference_max;
}

static uint64_t generation_of(uint64_t word)
{
    return word >> GENERATION_SHIFT;
}

static uint64_t with_generation(uint64_t word, uint64_t generation)
{
    return (word & (((uint64_t)1 << GENERATION_SHIFT) - 1)) | generation << GENERATION_SHIFT;
}

static const uint64_t one_reference = 1 << STATE_BITS;

/* ---- Structures: flags are bytes, because any byte may be found in them ---- */

/* RwLock of a span's extensions. */
struct extension_lock {
    _Atomic uint32_t state;  /* readers, or all ones for a writer; two flags for those who wait */
    uint32_t writers_notify; /* part of the real one's size; waiting is yielding here */
    uint8_t poisoned;        /* a holder panicked */
};

struct data {
    uint64_t filter_map;
    const struct span_metadata *metadata;
    uint64_t parent;             /* identifier, or 0 */
    _Atomic uint64_t references; /* of the span's users; not those of guards */
    struct extension_lock lock;
    struct swiss_table extensions; /* of struct extension, by type */
};

struct slot {
    _Atomic uint64_t lifecycle;
    uint64_t next; /* index of the next free slot */
    struct data data;
};

/* A key in the map is the low half of a TypeId; this is the rest of the entry. */
struct extension {
    uint64_t type_high;
    void *value; /* a box */
    const struct span_extension_type *type;
};

struct page {
    _Atomic uint64_t remote; /* free list: index of its first slot */
    uint64_t size;           /* in slots */
    uint64_t before;         /* slots of the pages below it */
    struct slot *slots;      /* NULL until the page is needed */
    uint64_t slots_length;
};

struct shard {
    uint64_t thread;
    uint64_t *heads; /* local free lists, by page */
    uint64_t heads_length;
    struct page *pages;
    uint64_t pages_length;
};

/* A thread's stack of current spans, behind a RefCell. */
struct current {
    uint8_t present;
    int64_t borrowed; /* > 0: readers, < 0: a writer */
    struct vector stack;
};

struct stack_entry {
    uint64_t id;
    uint8_t duplicate; /* entered already below: holds no reference */
};

enum { BUCKETS = 65, BUCKETS_AT_ONCE = 2, NO_THREAD = SPAN_REGISTRY_THREADS };

struct span_registry {
    struct shard *_Atomic *shards; /* by thread */
    uint64_t shards_length;
    struct current *_Atomic buckets[BUCKETS]; /* by thread: 1, 1, 2, 4, 8, ... entries */
};

_Static_assert(sizeof(size_t) == 8, "sizes are those of 64-bit");
_Static_assert(sizeof(struct slot) == SPAN_REGISTRY_SLOT_BYTES, "as Slot<DataInner>");
_Static_assert(sizeof(struct extension) + SWISS_TABLE_KEY_BYTES == 32, "TypeId and Box<dyn Any>");
_Static_assert(sizeof(struct page) * SPAN_REGISTRY_PAGES == SPAN_REGISTRY_PAGES_BYTES,
               "as Shared<DataInner>");
_Static_assert(sizeof(struct shard) == 40, "as Shard<DataInner>");
_Static_assert(sizeof(struct stack_entry) == SPAN_REGISTRY_STACK_ENTRY_BYTES, "as ContextId");
_Static_assert(sizeof(struct current) == 40, "as Entry<RefCell<SpanStack>>");

/* ---- Threads: numbers that ended threads leave to new ones ---- */

static struct {
    pthread_mutex_t lock; /* guards next, and the queue */
    pthread_once_t once;
    pthread_key_t key; /* its destructor tells that a thread ends */
    unsigned next;     /* numbers below are given out, or in the queue */
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
        threads.next = NO_THREAD;
}

/* Takes a number. One that is alone in the queue stays there, as in sharded-slab. */
static unsigned register_thread(void)
{
    unsigned thread = NO_THREAD;

    pthread_once(&threads.once, make_key);
    pthread_mutex_lock(&threads.lock);
    if (threads.queue_length > 1) {
        thread = threads.queue[threads.queue_first];
        threads.queue_first = (threads.queue_first + 1) % SPAN_REGISTRY_THREADS;
        threads.queue_length--;
    } else if (threads.next < NO_THREAD) {
        thread = threads.next++;
    }
    pthread_mutex_unlock(&threads.lock);
    if (thread == NO_THREAD)
        return NO_THREAD;
    my_thread_plus_one = thread + 1;
    pthread_setspecific(threads.key, &threads);
    return thread;
}

/* The calling thread's number; NO_THREAD when there are too many threads. */
static unsigned my_thread(void)
{
    return my_thread_plus_one != 0 ? my_thread_plus_one - 1 : register_thread();
}

/* ---- Extensions ---- */

enum { EXTENSION_BYTES = sizeof(struct extension) };

/* As futex-based RwLock: */
static const uint32_t lock_writer =
    ((uint32_t)1 << 30) - 1; /* and the mask of the readers' count */
static const uint32_t lock_readers_most = ((uint32_t)1 << 30) - 2;

static void lock_to_read(struct extension_lock *lock)
{
    for (;;) {
        /* Relaxed: only a guess for the exchange below. */
        uint32_t state = atomic_load_explicit(&lock->state, memory_order_relaxed);

        /* Acquire: the other side is the release in unlock_written; relaxed on failure: a guess. A
         * flag above the count is somebody who waits, and goes first. */
        if (state < lock_readers_most &&
            atomic_compare_exchange_weak_explicit(&lock->state, &state, state + 1,
                                                  memory_order_acquire, memory_order_relaxed))
            return;
        sched_yield();
    }
}

static void unlock_read(struct extension_lock *lock)
{
    /* Release: the other side is the acquire in lock_to_write. */
    atomic_fetch_sub_explicit(&lock->state, 1, memory_order_release);
}

static void lock_to_write(struct extension_lock *lock)
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

static void unlock_written(struct extension_lock *lock)
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

/* Ends all values, and keeps the map's block for the next span of the slot. */
static void clear_extensions(struct swiss_table *extensions)
{
    struct swiss_table_iterator iterator;
    const void *entry;
    uint64_t key;

    if (swiss_table_length(extensions) == 0)
        return;
    swiss_table_iterate(extensions, &iterator);
    while (swiss_table_sized_next(&iterator, EXTENSION_BYTES, &key, &entry))
        drop_extension(entry);
    swiss_table_clear(extensions);
}

static enum span_status insert_extension(struct data *data, const struct span_extension_type *type,
                                         const void *value)
{
    struct extension extension = {.type_high = ~type->id, .type = type};
    struct extension *replaced;

    extension.value = zk_malloc(type->value_bytes);
    if (extension.value == NULL)
        return SPAN_NO_MEMORY;
    memcpy(extension.value, value, type->value_bytes);
    replaced = swiss_table_sized_get(&data->extensions, EXTENSION_BYTES, type->id);
    if (replaced != NULL) {
        drop_extension(replaced);
        *replaced = extension;
        data->lock.poisoned = 1;
        return SPAN_PANIC_DUPLICATE_EXTENSION;
    }
    if (swiss_table_sized_insert(&data->extensions, EXTENSION_BYTES, type->id, &extension) == 0)
        return SPAN_OK;
    zk_free(extension.value);
    return SPAN_NO_MEMORY;
}

static enum span_status read_extension(const struct data *data,
                                       const struct span_extension_type *type, void *value)
{
    const struct extension *extension =
        swiss_table_sized_get(&data->extensions, EXTENSION_BYTES, type->id);

    /* The second question is the real one's to the box: of what type are you? */
    if (extension == NULL || extension->type->id != type->id)
        return SPAN_NOT_FOUND;
    memcpy(value, extension->value, type->value_bytes);
    return SPAN_OK;
}

/* ---- Slots ---- */

/* A removed slot that has never been used. */
static void init_slot(struct slot *slot, uint64_t next)
{
    static const struct span_metadata no_metadata = {.name = "", .target = ""};

    memset(slot, 0, sizeof *slot);
    atomic_init(&slot->lifecycle, STATE_REMOVING);
    slot->next = next;
    slot->data.metadata = &no_metadata;
    swiss_table_init(&slot->data.extensions);
}

static uint64_t read_lifecycle(struct slot *slot)
{
    /* Acquire: the other side is the exchange below, by whoever changed the word last. */
    return atomic_load_explicit(&slot->lifecycle, memory_order_acquire);
}

/* Sets the word if it is still *seen; otherwise *seen is what it is now. */
/* NOLINTNEXTLINE(readability-non-const-parameter): seen is stored */
static bool exchange_lifecycle(struct slot *slot, uint64_t *seen, uint64_t lifecycle)
{
    /* Acquire-release, acquire on failure: the other sides are this exchange and the load above on
     * other threads. So what was written before a span was published is seen by who finds it
     * present, and who removes it comes after all who have counted themselves out. */
    return atomic_compare_exchange_strong_explicit(&slot->lifecycle, seen, lifecycle,
                                                   memory_order_acq_rel, memory_order_acquire);
}

/* Counts the caller in as a user of the slot in that generation: SPAN_OK, NOT_FOUND or
 * WEIRD_LIFECYCLE. */
static enum span_status acquire_slot(struct slot *slot, uint64_t generation)
{
    uint64_t lifecycle = read_lifecycle(slot);

    do {
        if ((lifecycle & STATE_MASK) == STATE_WEIRD)
            return SPAN_PANIC_WEIRD_LIFECYCLE;
        if (generation_of(lifecycle) != generation || (lifecycle & STATE_MASK) != STATE_PRESENT)
            return SPAN_NOT_FOUND;
        if (references_of(lifecycle) >= reference_max - 1)
            return SPAN_NOT_FOUND;
    } while (!exchange_lifecycle(slot, &lifecycle, lifecycle + one_reference));
    return SPAN_OK;
}

/* Counts the caller out. True when the slot was marked meanwhile and the caller was the last: then
 * it is the caller that must remove it. */
static bool release_slot(struct slot *slot)
{
    uint64_t lifecycle = read_lifecycle(slot);
    uint64_t released;
    bool last;

    do {
        last = references_of(lifecycle) == 1 && (lifecycle & STATE_MASK) == STATE_MARKED;
        released = last ? with_generation(STATE_REMOVING, generation_of(lifecycle))
                        : lifecycle - one_reference;
    } while (!exchange_lifecycle(slot, &lifecycle, released));
    return last;
}

/* Makes a slot that was popped from a free list present. If the word has changed since it was read,
 * somebody wrote to a slot that was ours alone; the span is then not there. */
static void publish_slot(struct slot *slot, uint64_t lifecycle)
{
    exchange_lifecycle(slot, &lifecycle, with_generation(STATE_PRESENT, generation_of(lifecycle)));
}

/* Marks the slot of that generation for removal. SPAN_OK: nobody uses it, remove it now;
 * SPAN_CLOSED: who uses it will; NOT_FOUND or WEIRD_LIFECYCLE. */
static enum span_status mark_slot(struct slot *slot, uint64_t generation)
{
    uint64_t lifecycle = read_lifecycle(slot);

    do {
        if (generation_of(lifecycle) != generation)
            return SPAN_NOT_FOUND;
        if ((lifecycle & STATE_MASK) == STATE_WEIRD)
            return SPAN_PANIC_WEIRD_LIFECYCLE;
        if ((lifecycle & STATE_MASK) == STATE_REMOVING)
            return SPAN_NOT_FOUND;
    } while ((lifecycle & STATE_MASK) != STATE_MARKED &&
             !exchange_lifecycle(slot, &lifecycle, lifecycle | STATE_MARKED));
    return references_of(lifecycle) == 0 ? SPAN_OK : SPAN_CLOSED;
}

/* Advances the generation, which makes every identifier of the slot stale, and waits until nobody
 * uses it. False if the slot is of another generation. */
static bool retire_slot(struct slot *slot, uint64_t generation)
{
    uint64_t next = (generation + 1) % generation_max;
    uint64_t lifecycle = read_lifecycle(slot);

    do {
        if (generation_of(lifecycle) != generation)
            return false;
    } while (!exchange_lifecycle(slot, &lifecycle, with_generation(lifecycle, next)));
    while (references_of(lifecycle) != 0) {
        sched_yield();
        lifecycle = read_lifecycle(slot);
    }
    return true;
}

/* ---- Pages and shards ---- */

size_t span_registry_page_bytes(unsigned page)
{
    return ((size_t)SPAN_REGISTRY_FIRST_PAGE_SLOTS << page) * SPAN_REGISTRY_SLOT_BYTES;
}

static bool allocate_page(struct page *page)
{
    page->slots = zk_malloc(page->size * sizeof *page->slots);
    if (page->slots == NULL)
        return false;
    page->slots_length = page->size;
    for (uint64_t i = 0; i < page->size; i++)
        init_slot(&page->slots[i], i + 1 < page->size ? i + 1 : null_index);
    return true;
}

/* A slot of the page that is free, and its index; NOT_FOUND when there is none. */
static enum span_status pop_free(struct page *page, uint64_t head, uint64_t *index)
{
    /* Acquire: the other side is the exchange in push_remote, so that the slots' links are seen. */
    if (head >= page->size)
        head = atomic_exchange_explicit(&page->remote, null_index, memory_order_acquire);
    if (head == null_index)
        return SPAN_NOT_FOUND;
    if (page->slots == NULL && !allocate_page(page))
        return SPAN_NO_MEMORY;
    if (head >= page->slots_length)
        return SPAN_PANIC_INDEX;
    *index = head;
    return SPAN_OK;
}

static void push_remote(struct page *page, struct slot *slot, uint64_t index)
{
    /* Relaxed: only a guess for the exchange below. */
    uint64_t head = atomic_load_explicit(&page->remote, memory_order_relaxed);

    do {
        slot->next = head;
        /* Acquire-release: the other side is in pop_free; relaxed on failure: a guess. */
    } while (!atomic_compare_exchange_weak_explicit(&page->remote, &head, index,
                                                    memory_order_acq_rel, memory_order_relaxed));
}

/* Which page an address is in. */
static unsigned page_of(uint64_t address)
{
    uint64_t shifted =
        (address + SPAN_REGISTRY_FIRST_PAGE_SLOTS) / ((uint64_t)2 * SPAN_REGISTRY_FIRST_PAGE_SLOTS);

    return shifted == 0 ? 0 : 64 - (unsigned)__builtin_clzll(shifted);
}

static void destroy_shard(struct shard *shard)
{
    if (shard == NULL)
        return;
    zk_free(shard->heads);
    zk_free(shard->pages);
    zk_free(shard);
}

static void init_pages(struct page *pages)
{
    uint64_t before = 0;

    for (unsigned k = 0; k < SPAN_REGISTRY_PAGES; k++) {
        pages[k] =
            (struct page){.size = (uint64_t)SPAN_REGISTRY_FIRST_PAGE_SLOTS << k, .before = before};
        atomic_init(&pages[k].remote, null_index);
        before += pages[k].size;
    }
}

static struct shard *create_shard(uint64_t thread)
{
    struct page *pages = zk_malloc(SPAN_REGISTRY_PAGES * sizeof *pages);
    uint64_t *heads = zk_malloc(SPAN_REGISTRY_PAGES * sizeof *heads);
    struct shard *shard = zk_malloc(sizeof *shard);

    if (pages == NULL || heads == NULL || shard == NULL) {
        zk_free(pages);
        zk_free(heads);
        zk_free(shard);
        return NULL;
    }
    init_pages(pages);
    memset(heads, 0, SPAN_REGISTRY_PAGES * sizeof *heads);
    *shard = (struct shard){.thread = thread,
                            .heads = heads,
                            .heads_length = SPAN_REGISTRY_PAGES,
                            .pages = pages,
                            .pages_length = SPAN_REGISTRY_PAGES};
    return shard;
}

/* The calling thread's shard, made if need be. */
static enum span_status my_shard(struct span_registry *registry, struct shard **shard)
{
    unsigned thread = my_thread();

    if (thread == NO_THREAD)
        return SPAN_PANIC_THREADS;
    /* Relaxed: only this thread stores to it; by way of an earlier one of that number, whose end
     * comes before. */
    *shard = atomic_load_explicit(&registry->shards[thread], memory_order_relaxed);
    if (*shard != NULL)
        return SPAN_OK;
    *shard = create_shard(thread);
    if (*shard == NULL)
        return SPAN_NO_MEMORY;
    /* Release: the other side is the load in place_of. */
    atomic_store_explicit(&registry->shards[thread], *shard, memory_order_release);
    return SPAN_OK;
}

/* Where an identifier points to. */
struct place {
    struct shard *shard;
    struct page *page;
    struct slot *slot;
    unsigned thread;     /* of the shard */
    unsigned page_index; /* in the shard */
    uint64_t index;      /* of the slot in the page */
    uint64_t generation;
};

/* Finds the slot of an identifier, whatever it holds by now. */
static bool place_of(struct span_registry *registry, uint64_t id, struct place *place)
{
    uint64_t key = id - 1;
    uint64_t address = key & address_max;

    place->thread = (unsigned)(key >> ADDRESS_BITS & shard_max);
    place->page_index = page_of(address);
    place->generation = generation_of(key);
    if (place->thread >= registry->shards_length)
        return false;
    /* Acquire: the other side is the store in my_shard. */
    place->shard = atomic_load_explicit(&registry->shards[place->thread], memory_order_acquire);
    if (place->shard == NULL || place->page_index >= place->shard->pages_length)
        return false;
    place->page = &place->shard->pages[place->page_index];
    place->index = address - place->page->before;
    if (place->page->slots == NULL || place->index >= place->page->slots_length)
        return false;
    place->slot = &place->page->slots[place->index];
    return true;
}

/* Puts an emptied slot on a free list of its page. */
static void free_slot(const struct place *place)
{
    uint64_t *head;

    if (place->thread != my_thread()) {
        push_remote(place->page, place->slot, place->index);
        return;
    }
    head = &place->shard->heads[place->page_index];
    place->slot->next = *head;
    *head = place->index;
}

/* Empties the slot of a span that has no references left, for the next one. */
static enum span_status clear_data(struct span_registry *registry, struct data *data)
{
    uint64_t parent = data->parent;
    enum span_status status = SPAN_OK;

    data->parent = 0;
    if (parent != 0)
        status = span_registry_close(registry, parent); /* as deep as the spans are nested */
    if (status != SPAN_OK && status != SPAN_CLOSED)
        return status;
    clear_extensions(&data->extensions);
    data->filter_map = 0;
    return SPAN_OK;
}

/* Removes a marked slot that nobody else is going to remove. */
static enum span_status remove_slot(struct span_registry *registry, const struct place *place)
{
    enum span_status status;

    if (!retire_slot(place->slot, place->generation))
        return SPAN_OK;
    status = clear_data(registry, &place->slot->data);
    if (status == SPAN_OK)
        free_slot(place);
    return status;
}

/* Finds a span and counts the caller in; to be followed by release_span. */
static enum span_status acquire_span(struct span_registry *registry, uint64_t id,
                                     struct place *place)
{
    if (!place_of(registry, id, place))
        return SPAN_NOT_FOUND;
    return acquire_slot(place->slot, place->generation);
}

static enum span_status release_span(struct span_registry *registry, const struct place *place)
{
    return release_slot(place->slot) ? remove_slot(registry, place) : SPAN_OK;
}

/* ---- Registry ---- */

static struct current *create_bucket(size_t entries)
{
    struct current *bucket = zk_malloc(entries * sizeof *bucket);

    for (size_t i = 0; bucket != NULL && i < entries; i++)
        bucket[i].present = 0;
    return bucket;
}

static size_t bucket_entries(unsigned bucket)
{
    return bucket == 0 ? 1 : (size_t)1 << (bucket - 1);
}

struct span_registry *span_registry_create(void)
{
    struct span_registry *registry = zk_malloc(sizeof *registry);

    if (registry == NULL)
        return NULL;
    registry->shards_length = SPAN_REGISTRY_THREADS;
    registry->shards = zk_malloc(SPAN_REGISTRY_THREADS * sizeof *registry->shards);
    for (size_t i = 0; registry->shards != NULL && i < SPAN_REGISTRY_THREADS; i++)
        atomic_init(&registry->shards[i], NULL);
    for (unsigned i = 0; i < BUCKETS; i++)
        atomic_init(&registry->buckets[i],
                    i < BUCKETS_AT_ONCE ? create_bucket(bucket_entries(i)) : NULL);
    if (registry->shards == NULL || registry->buckets[0] == NULL || registry->buckets[1] == NULL) {
        span_registry_destroy(registry);
        return NULL;
    }
    return registry;
}

static void destroy_page(struct page *page)
{
    for (uint64_t i = 0; page->slots != NULL && i < page->slots_length; i++) {
        clear_extensions(&page->slots[i].data.extensions);
        swiss_table_sized_deinit(&page->slots[i].data.extensions, EXTENSION_BYTES);
    }
    zk_free(page->slots);
}

void span_registry_destroy(struct span_registry *registry)
{
    for (size_t i = 0; registry->shards != NULL && i < registry->shards_length; i++) {
        struct shard *shard = atomic_load(&registry->shards[i]);

        for (uint64_t k = 0; shard != NULL && k < shard->pages_length; k++)
            destroy_page(&shard->pages[k]);
        destroy_shard(shard);
    }
    zk_free((void *)registry->shards);
    for (unsigned i = 0; i < BUCKETS; i++) {
        struct current *bucket = atomic_load(&registry->buckets[i]);

        for (size_t j = 0; bucket != NULL && j < bucket_entries(i); j++)
            if (bucket[j].present)
                vector_deinit(&bucket[j].stack);
        zk_free(bucket);
    }
    zk_free(registry);
}

/* ---- Spans ---- */

enum span_status span_registry_clone(struct span_registry *registry, uint64_t id)
{
    struct place place;
    enum span_status status = acquire_span(registry, id, &place);
    uint64_t references;

    if (status != SPAN_OK)
        return status == SPAN_NOT_FOUND ? SPAN_PANIC_CLONE_UNKNOWN : status;
    /* Relaxed: the caller holds a reference, which keeps the span from closing meanwhile. */
    references = atomic_fetch_add_explicit(&place.slot->data.references, 1, memory_order_relaxed);
    status = release_span(registry, &place);
    return references == 0 ? SPAN_PANIC_CLONE_CLOSED : status;
}

/* The span that references no longer count has to go. */
static enum span_status remove_span(struct span_registry *registry, struct place *place)
{
    enum span_status status = mark_slot(place->slot, place->generation);

    if (status == SPAN_PANIC_WEIRD_LIFECYCLE)
        return status;
    if (status == SPAN_OK)
        status = remove_slot(registry, place);
    return status == SPAN_OK || status == SPAN_NOT_FOUND ? SPAN_CLOSED : status;
}

enum span_status span_registry_close(struct span_registry *registry, uint64_t id)
{
    struct place place;
    enum span_status status = acquire_span(registry, id, &place);
    uint64_t references;

    if (status != SPAN_OK)
        return status == SPAN_NOT_FOUND ? SPAN_PANIC_DROP_UNKNOWN : status;
    /* Release: our uses of the span come before its end, at the last thread's acquire below. */
    references = atomic_fetch_sub_explicit(&place.slot->data.references, 1, memory_order_release);
    if (references <= 1) /* Acquire: the other side of every release above. */
        (void)atomic_load_explicit(&place.slot->data.references, memory_order_acquire);
    status = release_span(registry, &place);
    if (references == UINT64_MAX)
        return SPAN_PANIC_REFERENCE_OVERFLOW;
    if (status != SPAN_OK || references > 1)
        return status;
    return remove_span(registry, &place);
}

/* Fills the slot at index, which was popped, and takes it off the local free list. NOT_FOUND when
 * its word says that it is in use; the free list then stays as it is. */
static enum span_status occupy(struct slot *slot, uint64_t *head,
                               const struct span_metadata *metadata, uint64_t parent,
                               uint64_t *generation)
{
    /* Acquire: the other side is release_slot of the slot's last user. */
    uint64_t lifecycle = atomic_load_explicit(&slot->lifecycle, memory_order_acquire);

    if (references_of(lifecycle) != 0)
        return SPAN_NOT_FOUND;
    *head = slot->next;
    slot->data.metadata = metadata;
    slot->data.parent = parent;
    slot->data.filter_map = 0;
    /* Relaxed: the slot is ours alone until it is published. */
    atomic_store_explicit(&slot->data.references, 1, memory_order_relaxed);
    *generation = generation_of(lifecycle);
    publish_slot(slot, lifecycle);
    return SPAN_OK;
}

/* A span in that page of the calling thread's shard; NOT_FOUND when the page has no room. */
static enum span_status place_in_page(struct shard *shard, uint64_t page_index,
                                      const struct span_metadata *metadata, uint64_t parent,
                                      uint64_t *id)
{
    struct page *page = &shard->pages[page_index];
    uint64_t *head = &shard->heads[page_index];
    uint64_t index;
    uint64_t generation;
    enum span_status status = pop_free(page, *head, &index);

    if (status == SPAN_OK)
        status = occupy(&page->slots[index], head, metadata, parent, &generation);
    if (status == SPAN_OK)
        *id = (generation << GENERATION_SHIFT | (uint64_t)my_thread() << ADDRESS_BITS |
               (index + page->before)) +
              1;
    return status;
}

/* A span in the first page of the calling thread's shard that has room. */
static enum span_status place_span(struct span_registry *registry,
                                   const struct span_metadata *metadata, uint64_t parent,
                                   uint64_t *id)
{
    struct shard *shard;
    enum span_status status = my_shard(registry, &shard);

    if (status != SPAN_OK)
        return status;
    for (uint64_t k = 0; k < shard->pages_length; k++) {
        status = place_in_page(shard, k, metadata, parent, id);
        if (status != SPAN_NOT_FOUND)
            return status;
    }
    return SPAN_PANIC_NO_ROOM;
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
    struct place place;
    enum span_status status = acquire_span(registry, id, &place);

    if (status != SPAN_OK)
        return status;
    if (metadata != NULL)
        *metadata = place.slot->data.metadata;
    if (parent != NULL)
        *parent = place.slot->data.parent;
    return release_span(registry, &place);
}

/* ---- The current span ---- */

/* The calling thread's entry in the registry; with make, it is made if need be. */
static enum span_status my_current(struct span_registry *registry, bool make,
                                   struct current **current)
{
    unsigned thread = my_thread();
    unsigned bucket = thread == 0 ? 0 : 32 - (unsigned)__builtin_clz(thread);
    struct current *entries;
    struct current *created;

    if (thread == NO_THREAD)
        return SPAN_PANIC_THREADS;
    /* Acquire: the other side is the exchange below. */
    entries = atomic_load_explicit(&registry->buckets[bucket], memory_order_acquire);
    if (entries == NULL) {
        if (!make)
            return SPAN_NOT_FOUND;
        created = create_bucket(bucket_entries(bucket));
        if (created == NULL)
            return SPAN_NO_MEMORY;
        /* Acquire-release, acquire on failure: each is the other side of the load above, and of the
         * same on a thread that was faster. */
        if (atomic_compare_exchange_strong_explicit(&registry->buckets[bucket], &entries, created,
                                                    memory_order_acq_rel, memory_order_acquire))
            entries = created;
        else
            zk_free(created);
    }
    *current = &entries[thread == 0 ? 0 : thread ^ bucket_entries(bucket)];
    if ((*current)->present)
        return SPAN_OK;
    if (!make)
        return SPAN_NOT_FOUND;
    **current = (struct current){.present = 1};
    return SPAN_OK;
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
    return entry.duplicate ? SPAN_OK : span_registry_clone(registry, id);
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
    return duplicate ? SPAN_OK : span_registry_close(registry, id);
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
    struct place place;
    enum span_status status = acquire_span(registry, id, &place);
    enum span_status released;
    struct data *data;

    if (status != SPAN_OK)
        return status;
    data = &place.slot->data;
    lock_to_write(&data->lock);
    status = data->lock.poisoned ? SPAN_PANIC_POISONED : insert_extension(data, type, value);
    unlock_written(&data->lock);
    released = release_span(registry, &place);
    return status != SPAN_OK ? status : released;
}

enum span_status span_registry_get_extension(struct span_registry *registry, uint64_t id,
                                             const struct span_extension_type *type, void *value)
{
    struct place place;
    enum span_status status = acquire_span(registry, id, &place);
    enum span_status released;
    struct data *data;

    if (status != SPAN_OK)
        return status;
    data = &place.slot->data;
    lock_to_read(&data->lock);
    status = data->lock.poisoned ? SPAN_PANIC_POISONED : read_extension(data, type, value);
    unlock_read(&data->lock);
    released = release_span(registry, &place);
    return status != SPAN_OK ? status : released;
}

/* ---- For tests and reports ---- */

static size_t present_slots(const struct page *page)
{
    size_t count = 0;

    for (uint64_t i = 0; page->slots != NULL && i < page->slots_length; i++)
        count += (atomic_load(&page->slots[i].lifecycle) & STATE_MASK) == STATE_PRESENT;
    return count;
}

size_t span_registry_span_count(const struct span_registry *registry)
{
    size_t count = 0;

    for (size_t i = 0; i < registry->shards_length; i++) {
        const struct shard *shard = atomic_load(&registry->shards[i]);

        for (uint64_t k = 0; shard != NULL && k < shard->pages_length; k++)
            count += present_slots(&shard->pages[k]);
    }
    return count;
}

size_t span_registry_page_count(const struct span_registry *registry)
{
    size_t count = 0;

    for (size_t i = 0; i < registry->shards_length; i++) {
        const struct shard *shard = atomic_load(&registry->shards[i]);

        for (uint64_t k = 0; shard != NULL && k < shard->pages_length; k++)
            count += shard->pages[k].slots != NULL;
    }
    return count;
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
    struct place place;
    size_t bytes;

    if (acquire_span(registry, id, &place) != SPAN_OK)
        return 0;
    bytes = swiss_table_block_bytes(&place.slot->data.extensions, EXTENSION_BYTES);
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
