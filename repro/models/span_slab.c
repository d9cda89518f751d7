/*
 * span_slab.c - the sharded slab under a span registry: see span_slab.h for who may do what when.
 *
 * One word describes a slot's life, from the low bits up: state (2), references from guards (49),
 * generation (13). A user of a slot counts itself in by compare-and-swap on that word, so no
 * removal can overtake it: a removal marks the slot, advances its generation when the count is 0,
 * empties the slot, and only then puts it on a free list.
 *
 * Free lists link the slots by index. A page has two: the local one (its head is apart from the
 * page, and only the owning thread uses it) is popped first; the remote one, a stack that any
 * thread pushes to, is taken over as a whole when the local one is empty.
 */
#include "span_slab.h"

#include "crates.h"
#include "span_thread.h"
#include "zkalloc.h"

#include <sched.h>
#include <string.h>

/* ---- Words: sharded-slab's layout for its DefaultConfig on 64-bit ---- */

enum {
    ADDRESS_BITS = 38, /* pages 32, and 6 for the first page's 32 slots */
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

/* ---- Structures ---- */

struct span_page {
    _Atomic uint64_t remote; /* free list: index of its first slot */
    uint64_t size;           /* in slots */
    uint64_t before;         /* the number of slots in the pages below it */
    struct span_slot *slots; /* NULL until the page is needed */
    uint64_t slots_length;
};

struct span_shard {
    uint64_t thread;
    uint64_t *heads; /* local free lists, by page */
    uint64_t heads_length;
    struct span_page *pages;
    uint64_t pages_length;
};

_Static_assert(sizeof(struct span_slot) == SPAN_REGISTRY_SLOT_BYTES, "as Slot<DataInner>");
_Static_assert(sizeof(struct span_page) * SPAN_REGISTRY_PAGES == SPAN_REGISTRY_PAGES_BYTES,
               "as Shared<DataInner>");
_Static_assert(sizeof(struct span_shard) == 40, "as Shard<DataInner>");

/* ---- Slots ---- */

/* A slot that has never been used, in the state of a removed one. */
static void init_slot(struct span_slot *slot, uint64_t next)
{
    static const struct span_metadata no_metadata = {.name = "", .target = ""};

    memset(slot, 0, sizeof *slot);
    atomic_init(&slot->lifecycle, STATE_REMOVING);
    slot->next = next;
    slot->data.metadata = &no_metadata;
    span_extensions_init(&slot->data.extensions);
}

static uint64_t read_lifecycle(struct span_slot *slot)
{
    /* Acquire: pairs with the exchange below, by the thread that changed the word last. */
    return atomic_load_explicit(&slot->lifecycle, memory_order_acquire);
}

/* Sets the word if it is still *seen; otherwise *seen is what it is now. */
static bool exchange_lifecycle(struct span_slot *slot, uint64_t *seen, uint64_t lifecycle)
{
    /* Acquire-release, acquire on failure: pairs with this exchange and the load above on other
     * threads. So a thread that finds a span present sees what was written before it was published,
     * and a removal happens after all users have counted themselves out. */
    return atomic_compare_exchange_strong_explicit(&slot->lifecycle, seen, lifecycle,
                                                   memory_order_acq_rel, memory_order_acquire);
}

/* Counts the caller in as a user of the slot in that generation: SPAN_OK, NOT_FOUND or
 * WEIRD_LIFECYCLE. */
static enum span_status acquire_slot(struct span_slot *slot, uint64_t generation)
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

/* ---- Pages and shards ---- */

static bool allocate_page(struct span_page *page)
{
    page->slots = zk_malloc(page->size * sizeof *page->slots);
    if (page->slots == NULL)
        return false;
    page->slots_length = page->size;
    for (uint64_t i = 0; i < page->size; i++)
        init_slot(&page->slots[i], i + 1 < page->size ? i + 1 : null_index);
    return true;
}

/* The index of a free slot of the page; NOT_FOUND when there is none. */
static enum span_status pop_free(struct span_page *page, uint64_t head, uint64_t *index)
{
    /* Acquire: pairs with the exchange in push_remote, so that the slots' links are seen. */
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

static void push_remote(struct span_page *page, struct span_slot *slot, uint64_t index)
{
    /* Relaxed: only a guess for the exchange below. */
    uint64_t head = atomic_load_explicit(&page->remote, memory_order_relaxed);

    do {
        slot->next = head;
        /* Acquire-release: pairs with the exchange in pop_free; relaxed on failure: a guess. */
    } while (!atomic_compare_exchange_weak_explicit(&page->remote, &head, index,
                                                    memory_order_acq_rel, memory_order_relaxed));
}

/* The page that an address is in. */
static unsigned page_of(uint64_t address)
{
    uint64_t shifted =
        (address + SPAN_REGISTRY_FIRST_PAGE_SLOTS) / ((uint64_t)2 * SPAN_REGISTRY_FIRST_PAGE_SLOTS);

    return shifted == 0 ? 0 : 64 - (unsigned)__builtin_clzll(shifted);
}

static void destroy_page(struct span_page *page)
{
    for (uint64_t i = 0; page->slots != NULL && i < page->slots_length; i++)
        span_extensions_deinit(&page->slots[i].data.extensions);
    zk_free(page->slots);
}

static void destroy_shard(struct span_shard *shard)
{
    if (shard == NULL)
        return;
    for (uint64_t k = 0; k < shard->pages_length; k++)
        destroy_page(&shard->pages[k]);
    zk_free(shard->heads);
    zk_free(shard->pages);
    zk_free(shard);
}

static void init_pages(struct span_page *pages)
{
    uint64_t before = 0;

    for (unsigned k = 0; k < SPAN_REGISTRY_PAGES; k++) {
        pages[k] = (struct span_page){.size = (uint64_t)SPAN_REGISTRY_FIRST_PAGE_SLOTS << k,
                                      .before = before};
        atomic_init(&pages[k].remote, null_index);
        before += pages[k].size;
    }
}

static struct span_shard *create_shard(uint64_t thread)
{
    struct span_page *pages = zk_malloc(SPAN_REGISTRY_PAGES * sizeof *pages);
    uint64_t *heads = zk_malloc(SPAN_REGISTRY_PAGES * sizeof *heads);
    struct span_shard *shard = zk_malloc(sizeof *shard);

    if (pages == NULL || heads == NULL || shard == NULL) {
        zk_free(pages);
        zk_free(heads);
        zk_free(shard);
        return NULL;
    }
    init_pages(pages);
    memset(heads, 0, SPAN_REGISTRY_PAGES * sizeof *heads);
    *shard = (struct span_shard){.thread = thread,
                                 .heads = heads,
                                 .heads_length = SPAN_REGISTRY_PAGES,
                                 .pages = pages,
                                 .pages_length = SPAN_REGISTRY_PAGES};
    return shard;
}

/* The calling thread's shard, created if there is none. */
static enum span_status my_shard(struct span_slab *slab, struct span_shard **shard)
{
    unsigned thread = span_thread_mine();

    if (thread == SPAN_THREAD_NONE)
        return SPAN_PANIC_THREADS;
    /* Relaxed: only this thread stores to it, or an earlier one with the same number, which ended
     * before this one got the number. */
    *shard = atomic_load_explicit(&slab->shards[thread], memory_order_relaxed);
    if (*shard != NULL)
        return SPAN_OK;
    *shard = create_shard(thread);
    if (*shard == NULL)
        return SPAN_NO_MEMORY;
    /* Release: pairs with the load in place_of. */
    atomic_store_explicit(&slab->shards[thread], *shard, memory_order_release);
    return SPAN_OK;
}

int span_slab_init(struct span_slab *slab)
{
    slab->shards_length = SPAN_REGISTRY_THREADS;
    slab->shards = zk_malloc(SPAN_REGISTRY_THREADS * sizeof *slab->shards);
    for (size_t i = 0; slab->shards != NULL && i < SPAN_REGISTRY_THREADS; i++)
        atomic_init(&slab->shards[i], NULL);
    return slab->shards == NULL ? -1 : 0;
}

void span_slab_deinit(struct span_slab *slab)
{
    for (size_t i = 0; slab->shards != NULL && i < slab->shards_length; i++)
        destroy_shard(atomic_load(&slab->shards[i]));
    zk_free((void *)slab->shards);
}

/* ---- A span's way through the slab ---- */

/* Takes the slot at place->index, which was popped, off the local free list. NOT_FOUND when its
 * word says that it is in use; the free list then stays as it is. */
static enum span_status take_slot(struct span_place *place)
{
    /* Acquire: pairs with span_slab_release of the slot's last user. */
    uint64_t lifecycle = atomic_load_explicit(&place->slot->lifecycle, memory_order_acquire);

    if (references_of(lifecycle) != 0)
        return SPAN_NOT_FOUND;
    place->shard->heads[place->page_index] = place->slot->next;
    place->generation = generation_of(lifecycle);
    place->lifecycle = lifecycle;
    return SPAN_OK;
}

/* Claims a slot in that page of the calling thread's shard; NOT_FOUND when the page has no room. */
static enum span_status claim_in_page(struct span_shard *shard, unsigned page_index,
                                      struct span_place *place)
{
    struct span_page *page = &shard->pages[page_index];
    uint64_t index;
    enum span_status status = pop_free(page, shard->heads[page_index], &index);

    if (status != SPAN_OK)
        return status;
    place->shard = shard;
    place->page = page;
    place->slot = &page->slots[index];
    place->page_index = page_index;
    place->index = index;
    return take_slot(place);
}

enum span_status span_slab_claim(struct span_slab *slab, struct span_place *place)
{
    struct span_shard *shard;
    enum span_status status = my_shard(slab, &shard);

    if (status != SPAN_OK)
        return status;
    place->thread = span_thread_mine();
    for (unsigned k = 0; k < shard->pages_length; k++) {
        status = claim_in_page(shard, k, place);
        if (status != SPAN_NOT_FOUND)
            return status;
    }
    return SPAN_PANIC_NO_ROOM;
}

uint64_t span_slab_publish(struct span_place *place)
{
    uint64_t present = with_generation(STATE_PRESENT, place->generation);

    exchange_lifecycle(place->slot, &place->lifecycle, present);
    return (place->generation << GENERATION_SHIFT | (uint64_t)place->thread << ADDRESS_BITS |
            (place->index + place->page->before)) +
           1;
}

/* Finds the slot of an identifier, whatever it holds by now: SPAN_OK, NOT_FOUND or INDEX. */
static enum span_status place_of(struct span_slab *slab, uint64_t id, struct span_place *place)
{
    uint64_t key = id - 1;
    uint64_t address = key & address_max;

    place->thread = (unsigned)(key >> ADDRESS_BITS & shard_max);
    place->page_index = page_of(address);
    place->generation = generation_of(key);
    if (place->thread >= slab->shards_length)
        return SPAN_NOT_FOUND;
    /* Acquire: pairs with the store in my_shard. */
    place->shard = atomic_load_explicit(&slab->shards[place->thread], memory_order_acquire);
    if (place->shard == NULL || place->page_index > place->shard->pages_length)
        return SPAN_NOT_FOUND;
    /* Up to 0.1.6 there is only the check above. */
    if (place->page_index == place->shard->pages_length)
        return crates_chosen() == CRATES_2026 ? SPAN_NOT_FOUND : SPAN_PANIC_INDEX;
    place->page = &place->shard->pages[place->page_index];
    place->index = address - place->page->before;
    if (place->page->slots == NULL || place->index >= place->page->slots_length)
        return SPAN_NOT_FOUND;
    place->slot = &place->page->slots[place->index];
    return SPAN_OK;
}

enum span_status span_slab_acquire(struct span_slab *slab, uint64_t id, struct span_place *place)
{
    enum span_status status = place_of(slab, id, place);

    return status != SPAN_OK ? status : acquire_slot(place->slot, place->generation);
}

bool span_slab_release(const struct span_place *place)
{
    uint64_t lifecycle = read_lifecycle(place->slot);
    uint64_t released;
    bool last;

    do {
        last = references_of(lifecycle) == 1 && (lifecycle & STATE_MASK) == STATE_MARKED;
        released = last ? with_generation(STATE_REMOVING, generation_of(lifecycle))
                        : lifecycle - one_reference;
    } while (!exchange_lifecycle(place->slot, &lifecycle, released));
    return last;
}

enum span_status span_slab_mark(const struct span_place *place)
{
    uint64_t lifecycle = read_lifecycle(place->slot);

    do {
        if (generation_of(lifecycle) != place->generation)
            return SPAN_NOT_FOUND;
        if ((lifecycle & STATE_MASK) == STATE_WEIRD)
            return SPAN_PANIC_WEIRD_LIFECYCLE;
        if ((lifecycle & STATE_MASK) == STATE_REMOVING)
            return SPAN_NOT_FOUND;
    } while ((lifecycle & STATE_MASK) != STATE_MARKED &&
             !exchange_lifecycle(place->slot, &lifecycle, lifecycle | STATE_MARKED));
    return references_of(lifecycle) == 0 ? SPAN_OK : SPAN_CLOSED;
}

bool span_slab_retire(const struct span_place *place)
{
    uint64_t next = (place->generation + 1) % generation_max;
    uint64_t lifecycle = read_lifecycle(place->slot);

    do {
        if (generation_of(lifecycle) != place->generation)
            return false;
    } while (!exchange_lifecycle(place->slot, &lifecycle, with_generation(lifecycle, next)));
    while (references_of(lifecycle) != 0) {
        sched_yield();
        lifecycle = read_lifecycle(place->slot);
    }
    return true;
}

void span_slab_free(const struct span_place *place)
{
    uint64_t *head;

    if (place->thread != span_thread_mine()) {
        push_remote(place->page, place->slot, place->index);
        return;
    }
    head = &place->shard->heads[place->page_index];
    place->slot->next = *head;
    *head = place->index;
}

/* ---- For tests and reports ---- */

static size_t present_slots(const struct span_page *page)
{
    size_t count = 0;

    for (uint64_t i = 0; page->slots != NULL && i < page->slots_length; i++)
        count += (atomic_load(&page->slots[i].lifecycle) & STATE_MASK) == STATE_PRESENT;
    return count;
}

size_t span_slab_present_count(const struct span_slab *slab)
{
    size_t count = 0;

    for (size_t i = 0; i < slab->shards_length; i++) {
        const struct span_shard *shard = atomic_load(&slab->shards[i]);

        for (uint64_t k = 0; shard != NULL && k < shard->pages_length; k++)
            count += present_slots(&shard->pages[k]);
    }
    return count;
}

size_t span_slab_page_count(const struct span_slab *slab)
{
    size_t count = 0;

    for (size_t i = 0; i < slab->shards_length; i++) {
        const struct span_shard *shard = atomic_load(&slab->shards[i]);

        for (uint64_t k = 0; shard != NULL && k < shard->pages_length; k++)
            count += shard->pages[k].slots != NULL;
    }
    return count;
}
