/*
 * epoch.c - three-epoch reclamation.
 *
 * Faithful to crossbeam-epoch 0.9.13, or to 0.9.16 and later (see crates.h): a bag of 64 calls in each
 * thread's record (Local, 2104 bytes, or 2304); when it is full or flushed, it is sealed with the
 * current epoch: copied with it into a node (2072) of one Michael-Scott queue for all threads. A
 * collection pops the bags that are two epochs old, and runs their calls. Sizes measured on the
 * crate: first pin of a process 2072, 640, 2104 (2304), in this order.
 *
 * Invariant: the global epoch advances only while every pinned thread is pinned in it. So while a
 * reader is pinned in epoch e, the epoch is e or e + 1; what was unlinked in e, nobody can reach in
 * e + 2.
 *
 * For that, the store of a pin must precede the reader's loads, and an unlinking must precede the
 * load of the epoch with which its bag is sealed, in one order that all threads agree on. So all of
 * these are sequentially consistent operations (the crate has weaker ones with fences between).
 *
 * Raw pointers to records, nodes and the global data outlive the phase in which these were
 * allocated. As in the crate, nothing checks what is found there, but for the length of a bag.
 */
#include "epoch.h"

#include "crates.h"
#include "zkalloc.h"

#include <assert.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* Bits 1 and up of an epoch count; bit 0 is a flag. */
#define PINNED  ((size_t)1) /* in a record's epoch */
#define STEP    ((size_t)2)
#define DELETED ((uintptr_t)1) /* in a record's next: its thread has ended */

struct deferred {
    void (*call)(uintptr_t *words);
    uintptr_t words[3];
};

struct bag {
    struct deferred calls[EPOCH_BAG_CALLS];
    size_t length;
};

/* A node of the queue; the one at its head is the sentinel, whose bag has been taken. */
struct node {
    size_t epoch; /* the global one when the bag was sealed */
    struct bag bag;
    struct node *_Atomic next;
};

/* The part of a thread's record that only the thread itself uses; in every release it is
 * contiguous. */
struct own {
    struct global *global;
    struct bag bag;
    size_t guard_count;  /* pins not yet undone */
    size_t handle_count; /* 1 until the thread ends */
    size_t pin_count;    /* outermost pins so far */
};

/* A thread's record, which continues as one of the two structures below. Only its thread writes it,
 * except for next. */
struct local {
    _Atomic uintptr_t next; /* the next record in the list, and DELETED */
};

/* The epoch: while pinned, the global epoch at the pin, with PINNED set; else 0. */
struct local_debian12 {
    struct local local;
    _Atomic size_t epoch;
    struct own own;
};
struct local_2026 {
    struct local local;
    struct own own;
    alignas(128) _Atomic size_t epoch;
};

struct global {
    size_t counts[2]; /* the crate's reference counts; the default collector is never freed */
    alignas(128) struct node *_Atomic head;
    alignas(128) struct node *_Atomic tail; /* may lag behind the last node */
    alignas(128) _Atomic size_t epoch;
    alignas(128) _Atomic uintptr_t locals; /* first record in the list */
};

static_assert(sizeof(struct deferred) == 32, "Deferred, crossbeam-epoch 0.9.13");
static_assert(sizeof(struct bag) == EPOCH_BAG_BYTES, "Bag");
static_assert(sizeof(struct node) == EPOCH_NODE_BYTES, "Node<SealedBag>");
static_assert(sizeof(struct local_debian12) == EPOCH_LOCAL_BYTES, "Local, up to 0.9.15");
static_assert(sizeof(struct local_2026) == EPOCH_LOCAL_2026_BYTES, "Local, from 0.9.16 on");
static_assert(alignof(struct local_2026) == 128 && offsetof(struct local_2026, epoch) == 2176,
              "a CachePadded epoch");
static_assert(sizeof(struct global) == EPOCH_GLOBAL_BYTES, "ArcInner<Global>");

static struct {
    pthread_once_t once;
    pthread_key_t key; /* its destructor tells that a thread ends */
    struct global *global;
} collector = {.once = PTHREAD_ONCE_INIT};

static _Thread_local struct local *my_local;

static void *checked(void *p)
{
    if (p == NULL) {
        fputs("epoch: no memory: give the process more\n", stderr);
        abort();
    }
    return p;
}

static _Atomic size_t *epoch_of(struct local *local)
{
    return crates_chosen() == CRATES_2026 ? &((struct local_2026 *)local)->epoch
                                          : &((struct local_debian12 *)local)->epoch;
}

static struct own *own_of(struct local *local)
{
    return crates_chosen() == CRATES_2026 ? &((struct local_2026 *)local)->own
                                          : &((struct local_debian12 *)local)->own;
}

static void no_op(uintptr_t *words)
{
    (void)words;
}

static void bag_clear(struct bag *bag)
{
    for (size_t i = 0; i < EPOCH_BAG_CALLS; i++)
        bag->calls[i].call = no_op;
    bag->length = 0;
}

static void bag_run(struct bag *bag)
{
    if (bag->length > EPOCH_BAG_CALLS) {
        fputs("epoch: a bag's length is out of bounds (the crate panics)\n", stderr);
        abort();
    }
    for (size_t i = 0; i < bag->length; i++) {
        struct deferred deferred = bag->calls[i];

        bag->calls[i].call = no_op;
        deferred.call(deferred.words);
    }
}

static struct node *node_new(void)
{
    struct node *node = checked(zk_malloc(sizeof *node));

    atomic_init(&node->next, NULL);
    return node;
}

static void queue_push(struct global *global, struct node *node)
{
    for (;;) {
        struct node *tail = atomic_load(&global->tail);
        struct node *next = atomic_load(&tail->next);

        if (next == NULL && atomic_compare_exchange_strong(&tail->next, &next, node)) {
            atomic_compare_exchange_strong(&global->tail, &tail, node);
            return;
        }
        atomic_compare_exchange_strong(&global->tail, &tail, next); /* help it along */
    }
}

/* Seals the thread's bag, and leaves it an empty one. */
static void push_bag(struct own *self)
{
    struct node *node = node_new();

    node->bag = self->bag;
    bag_clear(&self->bag);
    node->epoch = atomic_load(&self->global->epoch); /* after all that the bag frees was unlinked */
    queue_push(self->global, node);
}

static void defer(struct own *self, struct deferred deferred)
{
    while (self->bag.length >= EPOCH_BAG_CALLS)
        push_bag(self);
    self->bag.calls[self->bag.length++] = deferred;
}

static void run_free(uintptr_t *words)
{
    zk_free((void *)words[0]);
}

static void defer_free(struct own *self, void *p)
{
    defer(self, (struct deferred){.call = run_free, .words = {(uintptr_t)p}});
}

/* Can no reader reach, in epoch now, what was sealed in epoch sealed? Signed as in the crate: a
 * seal from the future has not expired. */
static bool expired(size_t sealed, size_t now)
{
    return (ptrdiff_t)(now - (sealed & ~PINNED)) >= (ptrdiff_t)(2 * STEP);
}

/* Takes the oldest bag into *bag if it has expired. Its node becomes the sentinel; the old sentinel
 * becomes garbage. */
static bool pop_expired(struct own *self, size_t now, struct bag *bag)
{
    struct global *global = self->global;
    struct node *head;
    struct node *tail;
    struct node *next;

    do {
        head = atomic_load(&global->head);
        next = atomic_load(&head->next);
        if (next == NULL || !expired(next->epoch, now))
            return false;
        tail = head;
    } while (!atomic_compare_exchange_strong(&global->head, &tail, next));

    /* The tail must not stay on a node that is about to be freed. */
    tail = head;
    atomic_compare_exchange_strong(&global->tail, &tail, next);
    defer_free(self, head);
    *bag = next->bag;
    return true;
}

static void run_local_free(uintptr_t *words)
{
    struct local *local = (struct local *)words[0];

    bag_run(&own_of(local)->bag); /* empty: its thread pushed it when it ended */
    zk_free(local);
}

static void list_insert(struct global *global, struct local *local)
{
    uintptr_t next = atomic_load(&global->locals);

    do
        atomic_store(&local->next, next);
    while (!atomic_compare_exchange_weak(&global->locals, &next, (uintptr_t)local));
}

/* Unlinks the deleted record current, whose successor is next, from *link. Returns the new value of
 * *link; it has DELETED set if link itself is in a deleted record. */
static uintptr_t list_unlink(struct own *self, _Atomic uintptr_t *link, uintptr_t current,
                             uintptr_t next)
{
    uintptr_t seen = current;

    if (!atomic_compare_exchange_strong(link, &seen, next))
        return seen;
    defer(self, (struct deferred){.call = run_local_free, .words = {current}});
    return next;
}

/* Advances the global epoch if every pinned thread is pinned in it, and returns it. */
static size_t try_advance(struct own *self)
{
    struct global *global = self->global;
    size_t now = atomic_load(&global->epoch);
    _Atomic uintptr_t *link = &global->locals;
    uintptr_t current = atomic_load(link);

    while (current != 0) {
        struct local *local = (struct local *)current;
        uintptr_t next = atomic_load(&local->next);
        size_t pinned;

        if ((next & DELETED) != 0) {
            current = list_unlink(self, link, current, next & ~DELETED);
            if ((current & DELETED) != 0)
                return now; /* another thread unlinks here: leave the advance to it */
            continue;
        }
        pinned = atomic_load(epoch_of(local));
        if ((pinned & PINNED) != 0 && (pinned & ~PINNED) != now)
            return now;
        link = &local->next;
        current = next;
    }
    /* Another thread may have stored the same value meanwhile, but no higher one: this thread is
     * pinned in now. */
    atomic_store(&global->epoch, now + STEP);
    return now + STEP;
}

static __attribute__((noinline)) void collect(struct own *self)
{
    size_t now = try_advance(self);
    struct bag bag;

    for (unsigned i = 0; i < EPOCH_COLLECT_STEPS && pop_expired(self, now, &bag); i++)
        bag_run(&bag);
}

static void pin(struct local *local)
{
    struct own *self = own_of(local);
    size_t unpinned = 0;

    if (self->guard_count++ > 0)
        return;
    /* A compare-and-swap, as in the crate on x86-64: a record found already pinned (overwritten) is
     * left alone.
     */
    atomic_compare_exchange_strong(epoch_of(local), &unpinned,
                                   atomic_load(&self->global->epoch) | PINNED);
    if (self->pin_count++ % EPOCH_PINS_PER_COLLECT == 0)
        collect(self);
}

static void unpin(struct local *local)
{
    if (--own_of(local)->guard_count == 0)
        /* Release: pairs with the load in try_advance; everything that was read while pinned is
         * read before the epoch can advance. */
        atomic_store_explicit(epoch_of(local), 0, memory_order_release);
}

/* The end of a thread: its bag, empty or not, goes to the queue; its record is left to the next
 * thread that tries to advance. */
static void finalize(void *arg)
{
    struct local *local = arg;
    struct own *self = own_of(local);

    if (self->guard_count > 0)
        return;
    pin(local);
    push_bag(self);
    unpin(local);
    self->handle_count = 0;
    my_local = NULL;
    atomic_fetch_or(&local->next, DELETED);
}

static void collector_new(void)
{
    struct node *sentinel = node_new();
    struct global *global = checked(zk_aligned_alloc(alignof(struct global), sizeof *global));

    atomic_init(&global->head, sentinel);
    atomic_init(&global->tail, sentinel);
    atomic_init(&global->epoch, 0);
    atomic_init(&global->locals, 0);
    collector.global = global;
    if (pthread_key_create(&collector.key, finalize) != 0) {
        fputs("epoch: no thread-specific key is left: use fewer\n", stderr);
        abort();
    }
}

static struct local *local_new(void)
{
    if (crates_chosen() == CRATES_2026)
        return checked(zk_aligned_alloc(alignof(struct local_2026), sizeof(struct local_2026)));
    return checked(zk_malloc(sizeof(struct local_debian12)));
}

static __attribute__((noinline)) struct local *register_local(void)
{
    struct local *local;
    struct own *own;

    pthread_once(&collector.once, collector_new);
    local = local_new();
    own = own_of(local);
    atomic_init(&local->next, 0);
    atomic_init(epoch_of(local), 0);
    own->global = collector.global;
    bag_clear(&own->bag);
    own->guard_count = 0;
    own->handle_count = 1;
    own->pin_count = 0;
    list_insert(own->global, local);
    pthread_setspecific(collector.key, local);
    my_local = local;
    return local;
}

void epoch_pin(void)
{
    pin(my_local != NULL ? my_local : register_local());
}

void epoch_unpin(void)
{
    unpin(my_local);
}

void epoch_defer(void (*call)(uintptr_t *words), uintptr_t a, uintptr_t b, uintptr_t c)
{
    defer(own_of(my_local), (struct deferred){.call = call, .words = {a, b, c}});
}

void epoch_defer_free(void *p)
{
    defer_free(own_of(my_local), p);
}

void epoch_flush(void)
{
    struct own *self = own_of(my_local);

    if (self->bag.length > 0)
        push_bag(self);
    collect(self);
}
