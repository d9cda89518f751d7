/*
 * test_span_registry.c - the span registry model: blocks and when they appear, identifiers and when
 * they go stale, what is kept, threads; and what overwriting does, in children with an arena.
 */
#include "models/span_registry.h"
#include "zkalloc.h"

#include "allocated.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { MOST = 2048, THREADS = 4, ROUNDS = 4000 };

static const struct span_metadata metadata = {.name = "prove", .target = "test"};

static _Atomic unsigned long dropped;

static void count_drop(void *value)
{
    (void)value;
    atomic_fetch_add(&dropped, 1);
}

static const struct span_extension_type timings = {.id = 1, .value_bytes = 40, .drop = count_drop};
static const struct span_extension_type fields = {.id = 2, .value_bytes = 24};
static const struct span_extension_type more[2] = {{.id = 3, .value_bytes = 8},
                                                   {.id = 4, .value_bytes = 8}};

static struct span_registry *new_registry(void)
{
    struct span_registry *registry = span_registry_create();

    assert_non_null(registry);
    return registry;
}

static uint64_t open_span(struct span_registry *registry)
{
    uint64_t id = 0;

    assert_int_equal(span_registry_new_span(registry, &metadata, &id), SPAN_OK);
    assert_true(id != 0);
    return id;
}

/* Where the real one's layout has it. */
static unsigned shard_of(uint64_t id)
{
    return (unsigned)((id - 1) >> 38 & 0x1FFF);
}

static uint64_t address_of(uint64_t id)
{
    return (id - 1) & 0x3FFFFFFFFF;
}

/* ---- Blocks ---- */

static void first_span_makes_shard_and_page(void **state)
{
    struct zk_stats before = allocated_so_far();
    struct zk_stats since;
    struct span_registry *registry = new_registry();
    uint64_t id;

    (void)state;
    since = allocated_since(&before);
    assert_int_equal(since.system_count, 4); /* record, shard pointers, two buckets of one */
    assert_true(since.system_bytes > 32768 + 2 * 40 && since.system_bytes < 34000);
    before = allocated_so_far();
    id = open_span(registry);
    since = allocated_since(&before);
    assert_int_equal(since.system_count, 4); /* shard: pages, heads, record; page 0 */
    assert_int_equal(since.system_bytes, 1280 + 256 + 40 + 3072);
    assert_int_equal(address_of(id), 0);
    assert_int_equal(span_registry_close(registry, id), SPAN_CLOSED);
    span_registry_destroy(registry);
}

static void pages_appear_with_spans_1_33_97_225_481_993(void **state)
{
    const size_t firsts[] = {1, 33, 97, 225, 481, 993};
    const size_t bytes[] = {3072, 6144, 12288, 24576, 49152, 98304};
    struct span_registry *registry = new_registry();
    static uint64_t ids[MOST];
    size_t page = 0;

    (void)state;
    for (size_t live = 1; live <= 1100; live++) {
        struct zk_stats before = allocated_so_far();
        struct zk_stats since;

        ids[live] = open_span(registry);
        assert_int_equal(address_of(ids[live]), live - 1);
        since = allocated_since(&before);
        if (page < 6 && live == firsts[page]) {
            assert_int_equal(span_registry_page_bytes((unsigned)page), bytes[page]);
            assert_int_equal(since.system_bytes, bytes[page] + (live == 1 ? 1280 + 256 + 40 : 0));
            page++;
        } else {
            assert_int_equal(since.system_count, 0);
        }
        assert_int_equal(span_registry_page_count(registry), page);
        assert_int_equal(span_registry_span_count(registry), live);
    }
    for (size_t live = 1100; live >= 1; live--)
        assert_int_equal(span_registry_close(registry, ids[live]), SPAN_CLOSED);
    assert_int_equal(span_registry_page_count(registry), 6); /* never freed */
    span_registry_destroy(registry);
}

static void closed_slots_are_used_again(void **state)
{
    struct span_registry *registry = new_registry();
    static uint64_t ids[MOST];
    struct zk_stats before;
    struct zk_stats since;

    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        before = allocated_so_far();
        for (unsigned i = 0; i < 1000; i++)
            ids[i] = open_span(registry);
        assert_int_equal(span_registry_span_count(registry), 1000);
        for (unsigned i = 0; i < 1000; i++)
            assert_int_equal(span_registry_close(registry, ids[i]), SPAN_CLOSED);
        assert_int_equal(span_registry_span_count(registry), 0);
        since = allocated_since(&before);
        assert_int_equal(since.system_count, round == 0 ? 9 : 0);
    }
    span_registry_destroy(registry);
}

/* Enters that many at once, and leaves them. */
static void enter_and_exit(struct span_registry *registry, unsigned count)
{
    static uint64_t ids[MOST];

    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(span_registry_new_root(registry, &metadata, &ids[i]), SPAN_OK);
        assert_int_equal(span_registry_enter(registry, ids[i]), SPAN_OK);
        assert_int_equal(span_registry_close(registry, ids[i]), SPAN_OK);
    }
    while (count-- > 0)
        assert_int_equal(span_registry_exit(registry, ids[count]), SPAN_CLOSED);
}

static void stack_of_current_spans_doubles_and_is_kept(void **state)
{
    const struct {
        unsigned entered;
        size_t bytes;
    } seen[] = {{1, 64},   {4, 64},    {5, 128},    {16, 256},    {17, 512},
                {32, 512}, {64, 1024}, {512, 8192}, {513, 16384}, {1024, 16384}};
    struct span_registry *registry = new_registry();

    (void)state;
    assert_int_equal(span_registry_stack_bytes(registry), 0);
    for (unsigned i = 0; i < sizeof seen / sizeof seen[0]; i++) {
        enter_and_exit(registry, seen[i].entered);
        assert_int_equal(span_registry_stack_bytes(registry), seen[i].bytes);
    }
    enter_and_exit(registry, 1);
    assert_int_equal(span_registry_stack_bytes(registry), 16384);
    span_registry_destroy(registry);
}

static void extension_buffer_is_kept_for_the_next_span(void **state)
{
    const unsigned char value[40] = "fields";
    unsigned char read[40];
    struct span_registry *registry = new_registry();
    uint64_t id = open_span(registry);
    unsigned long drops = dropped;
    struct zk_stats before = allocated_so_far();
    struct zk_stats since;

    (void)state;
    assert_int_equal(span_registry_extension_bytes(registry, id), 0);
    assert_int_equal(span_registry_insert_extension(registry, id, &timings, value), SPAN_OK);
    since = allocated_since(&before);
    assert_int_equal(since.system_count, 2);
    assert_int_equal(since.system_bytes, 40 + 116);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(span_registry_close(registry, id), SPAN_CLOSED);
        assert_int_equal(dropped, ++drops);
        id = open_span(registry);
        assert_int_equal(address_of(id), 0);
        assert_int_equal(span_registry_extension_bytes(registry, id), 116);
        assert_int_equal(span_registry_get_extension(registry, id, &timings, read), SPAN_NOT_FOUND);
        before = allocated_so_far();
        assert_int_equal(span_registry_insert_extension(registry, id, &timings, value), SPAN_OK);
        assert_int_equal(allocated_since(&before).system_count, 1); /* the box alone */
        assert_int_equal(allocated_since(&before).system_bytes, 40);
        assert_int_equal(span_registry_get_extension(registry, id, &timings, read), SPAN_OK);
        assert_memory_equal(read, value, sizeof value);
    }
    assert_int_equal(span_registry_insert_extension(registry, id, &fields, value), SPAN_OK);
    assert_int_equal(span_registry_insert_extension(registry, id, &more[0], value), SPAN_OK);
    assert_int_equal(span_registry_extension_bytes(registry, id), 116);
    assert_int_equal(span_registry_insert_extension(registry, id, &more[1], value), SPAN_OK);
    assert_int_equal(span_registry_extension_bytes(registry, id), 216);
    span_registry_destroy(registry);
    assert_int_equal(dropped, drops + 1);
}

/* ---- Identifiers, references, parents ---- */

static void closed_identifiers_are_stale(void **state)
{
    struct span_registry *registry = new_registry();
    uint64_t id = open_span(registry);
    uint64_t other;

    (void)state;
    assert_int_equal(span_registry_close(registry, id), SPAN_CLOSED);
    for (unsigned round = 0; round < 2; round++) { /* the slot free, the slot in use again */
        assert_int_equal(span_registry_data(registry, id, NULL, NULL), SPAN_NOT_FOUND);
        assert_int_equal(span_registry_clone(registry, id), SPAN_PANIC_CLONE_UNKNOWN);
        assert_int_equal(span_registry_close(registry, id), SPAN_PANIC_DROP_UNKNOWN);
        assert_int_equal(span_registry_insert_extension(registry, id, &fields, &id),
                         SPAN_NOT_FOUND);
        assert_int_equal(span_registry_new_child(registry, &metadata, id, &other),
                         SPAN_PANIC_CLONE_UNKNOWN);
        assert_int_equal(span_registry_enter(registry, id), SPAN_PANIC_CLONE_UNKNOWN);
        assert_int_equal(span_registry_exit(registry, id), SPAN_PANIC_DROP_UNKNOWN);
        if (round == 0)
            other = open_span(registry);
    }
    assert_int_equal(address_of(other), address_of(id));
    assert_true(other != id);
    assert_int_equal(span_registry_close(registry, other), SPAN_CLOSED);
    span_registry_destroy(registry);
}

static void made_up_identifiers_are_not_found(void **state)
{
    const uint64_t made_up[] = {2,
                                33,
                                0x5555555555555555,
                                0xAAAAAAAAAAAAAAAA,
                                UINT64_MAX,
                                1 + ((uint64_t)1 << 36),
                                1 + ((uint64_t)7 << 38),
                                1 + ((uint64_t)4096 << 38),
                                1 + ((uint64_t)1 << 51)};
    struct span_registry *registry = new_registry();
    uint64_t id = open_span(registry);

    (void)state;
    for (unsigned i = 0; i < sizeof made_up / sizeof made_up[0]; i++) {
        uint64_t guess = i == 0 || i == 1 ? id - 1 + made_up[i] : made_up[i];

        assert_int_equal(span_registry_data(registry, guess, NULL, NULL), SPAN_NOT_FOUND);
        assert_int_equal(span_registry_close(registry, guess), SPAN_PANIC_DROP_UNKNOWN);
    }
    assert_int_equal(span_registry_close(registry, id), SPAN_CLOSED);
    span_registry_destroy(registry);
}

/* 13 bits of generation, all ones not being used: 8191 spans later the number comes back. */
static void generations_come_round(void **state)
{
    struct span_registry *registry = new_registry();
    uint64_t first = open_span(registry);
    uint64_t id = first;

    (void)state;
    for (unsigned i = 0; i < 8191; i++) {
        assert_true(i == 0 || id != first);
        assert_int_equal(span_registry_close(registry, id), SPAN_CLOSED);
        id = open_span(registry);
    }
    assert_true(id == first);
    assert_int_equal(span_registry_close(registry, id), SPAN_CLOSED);
    span_registry_destroy(registry);
}

static void references_keep_a_span(void **state)
{
    const struct span_metadata *found;
    struct span_registry *registry = new_registry();
    uint64_t id = open_span(registry);

    (void)state;
    assert_int_equal(span_registry_clone(registry, id), SPAN_OK);
    assert_int_equal(span_registry_close(registry, id), SPAN_OK);
    assert_int_equal(span_registry_data(registry, id, &found, NULL), SPAN_OK);
    assert_ptr_equal(found, &metadata);
    assert_int_equal(span_registry_close(registry, id), SPAN_CLOSED);
    span_registry_destroy(registry);
}

static void entering_holds_a_reference_once(void **state)
{
    struct span_registry *registry = new_registry();
    uint64_t id = open_span(registry);
    uint64_t current;

    (void)state;
    assert_int_equal(span_registry_current(registry, &current), SPAN_NOT_FOUND);
    assert_int_equal(span_registry_exit(registry, id), SPAN_NOT_FOUND);
    assert_int_equal(span_registry_enter(registry, id), SPAN_OK);
    assert_int_equal(span_registry_enter(registry, id), SPAN_OK);
    assert_int_equal(span_registry_current(registry, &current), SPAN_OK);
    assert_true(current == id);
    assert_int_equal(span_registry_close(registry, id), SPAN_OK);
    assert_int_equal(span_registry_exit(registry, id), SPAN_OK);
    assert_int_equal(span_registry_current(registry, &current), SPAN_OK);
    assert_int_equal(span_registry_exit(registry, id), SPAN_CLOSED);
    assert_int_equal(span_registry_exit(registry, id), SPAN_NOT_FOUND);
    assert_int_equal(span_registry_current(registry, &current), SPAN_NOT_FOUND);
    span_registry_destroy(registry);
}

/* An entry of a span that is on the stack already holds no reference, and is not what one is in. */
static void second_entry_of_a_span_is_a_duplicate(void **state)
{
    struct span_registry *registry = new_registry();
    uint64_t outer = open_span(registry);
    uint64_t inner = open_span(registry);
    uint64_t current;

    (void)state;
    assert_int_equal(span_registry_enter(registry, outer), SPAN_OK);
    assert_int_equal(span_registry_enter(registry, inner), SPAN_OK);
    assert_int_equal(span_registry_enter(registry, outer), SPAN_OK);
    assert_int_equal(span_registry_current(registry, &current), SPAN_OK);
    assert_true(current == inner);
    assert_int_equal(span_registry_close(registry, outer), SPAN_OK);
    assert_int_equal(span_registry_close(registry, outer), SPAN_CLOSED); /* the first entry's */
    assert_int_equal(span_registry_exit(registry, outer), SPAN_OK);
    assert_int_equal(span_registry_exit(registry, outer), SPAN_PANIC_DROP_UNKNOWN);
    span_registry_destroy(registry);
}

/* The panic over the parent leaves the child's slot half emptied, on no free list. */
static void slot_is_lost_when_the_parent_is_gone(void **state)
{
    struct span_registry *registry = new_registry();
    uint64_t parent = open_span(registry);
    uint64_t child;

    (void)state;
    assert_int_equal(span_registry_new_child(registry, &metadata, parent, &child), SPAN_OK);
    assert_int_equal(span_registry_close(registry, parent), SPAN_OK);
    assert_int_equal(span_registry_close(registry, parent), SPAN_CLOSED); /* the child's */
    assert_int_equal(span_registry_close(registry, child), SPAN_PANIC_DROP_UNKNOWN);
    assert_int_equal(address_of(open_span(registry)), 0);
    assert_int_equal(address_of(open_span(registry)), 2);
    span_registry_destroy(registry);
}

static void children_keep_their_parents(void **state)
{
    struct span_registry *registry = new_registry();
    uint64_t ids[50];
    uint64_t parent;

    (void)state;
    for (unsigned i = 0; i < 50; i++) {
        ids[i] = open_span(registry);
        assert_int_equal(span_registry_enter(registry, ids[i]), SPAN_OK);
        assert_int_equal(span_registry_data(registry, ids[i], NULL, &parent), SPAN_OK);
        assert_true(parent == (i == 0 ? 0 : ids[i - 1]));
    }
    for (unsigned i = 0; i < 50; i++) /* not in the order of a stack */
        assert_int_equal(span_registry_exit(registry, ids[i]), SPAN_OK);
    for (unsigned i = 0; i < 49; i++)
        assert_int_equal(span_registry_close(registry, ids[i]), SPAN_OK);
    assert_int_equal(span_registry_span_count(registry), 50);
    assert_int_equal(span_registry_close(registry, ids[49]), SPAN_CLOSED); /* and all above it */
    assert_int_equal(span_registry_span_count(registry), 0);
    span_registry_destroy(registry);
}

static void second_extension_of_a_type_poisons(void **state)
{
    uint64_t value[5] = {1};
    uint64_t read[5];
    unsigned long drops = dropped;
    struct span_registry *registry = new_registry();
    uint64_t id = open_span(registry);

    (void)state;
    assert_int_equal(span_registry_insert_extension(registry, id, &timings, value), SPAN_OK);
    assert_int_equal(span_registry_insert_extension(registry, id, &timings, value),
                     SPAN_PANIC_DUPLICATE_EXTENSION);
    assert_int_equal(dropped, drops + 1);
    assert_int_equal(span_registry_get_extension(registry, id, &timings, read),
                     SPAN_PANIC_POISONED);
    assert_int_equal(span_registry_insert_extension(registry, id, &fields, value),
                     SPAN_PANIC_POISONED);
    assert_int_equal(span_registry_close(registry, id), SPAN_CLOSED);
    id = open_span(registry); /* poison stays with the slot */
    assert_int_equal(span_registry_get_extension(registry, id, &timings, read),
                     SPAN_PANIC_POISONED);
    span_registry_destroy(registry);
}

static struct {
    struct span_registry *registry;
    uint64_t id;
    enum span_status status;
} last_reference;

static void close_last_reference(void *value)
{
    (void)value;
    if (last_reference.registry != NULL)
        last_reference.status = span_registry_close(last_reference.registry, last_reference.id);
    last_reference.registry = NULL;
}

/* A span that closes while it is in use is removed by its user. */
static void span_in_use_is_removed_afterwards(void **state)
{
    const struct span_extension_type closing = {
        .id = 9, .value_bytes = 8, .drop = close_last_reference};
    struct span_registry *registry = new_registry();
    uint64_t id = open_span(registry);

    (void)state;
    assert_int_equal(span_registry_insert_extension(registry, id, &closing, &id), SPAN_OK);
    last_reference.registry = registry;
    last_reference.id = id;
    last_reference.status = SPAN_OK;
    assert_int_equal(span_registry_insert_extension(registry, id, &closing, &id),
                     SPAN_PANIC_DUPLICATE_EXTENSION);
    assert_int_equal(last_reference.status, SPAN_CLOSED);
    assert_int_equal(span_registry_span_count(registry), 0);
    assert_int_equal(address_of(open_span(registry)), address_of(id));
    span_registry_destroy(registry);
}

/* ---- Threads ---- */

struct errand {
    struct span_registry *registry;
    uint64_t ids[32];
    enum span_status statuses[32];
    unsigned shard;
};

static void *close_all(void *arg)
{
    struct errand *errand = arg;

    for (unsigned i = 0; i < 32; i++)
        errand->statuses[i] = span_registry_close(errand->registry, errand->ids[i]);
    return NULL;
}

static void *open_one(void *arg)
{
    struct errand *errand = arg;

    if (span_registry_new_span(errand->registry, &metadata, &errand->ids[0]) == SPAN_OK)
        errand->shard = shard_of(errand->ids[0]);
    span_registry_close(errand->registry, errand->ids[0]);
    return NULL;
}

static void on_a_thread(void *(*body)(void *), struct errand *errand)
{
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, body, errand), 0);
    pthread_join(thread, NULL);
}

static void slots_closed_by_other_threads_are_used_again(void **state)
{
    struct errand errand = {.registry = new_registry()};

    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 32; i++)
            errand.ids[i] = open_span(errand.registry);
        assert_int_equal(span_registry_page_count(errand.registry), 1);
        on_a_thread(close_all, &errand);
        for (unsigned i = 0; i < 32; i++)
            assert_int_equal(errand.statuses[i], SPAN_CLOSED);
    }
    assert_int_equal(address_of(open_span(errand.registry)), address_of(errand.ids[31]));
    span_registry_destroy(errand.registry);
}

/* Local slots first, then all remote ones at once; only then the next page. */
static void local_free_list_comes_first(void **state)
{
    struct errand errand = {.registry = new_registry()};
    uint64_t local[8];

    (void)state;
    for (unsigned i = 0; i < 32; i++)
        errand.ids[i] = open_span(errand.registry);
    memcpy(local, errand.ids + 24, sizeof local);
    memset(errand.ids + 24, 0xFF, sizeof local);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(span_registry_close(errand.registry, local[i]), SPAN_CLOSED);
    on_a_thread(close_all, &errand);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(address_of(open_span(errand.registry)), address_of(local[7 - i]));
    for (unsigned i = 0; i < 24; i++)
        assert_int_equal(address_of(open_span(errand.registry)), address_of(errand.ids[23 - i]));
    assert_int_equal(span_registry_page_count(errand.registry), 1);
    assert_int_equal(address_of(open_span(errand.registry)), 32);
    span_registry_destroy(errand.registry);
}

/* Numbers go from ended threads to new ones, the oldest first, while more than one waits. */
static void shards_of_ended_threads_are_used_again(void **state)
{
    struct errand errand = {.registry = new_registry()};
    unsigned shards[6];
    size_t pages;

    (void)state;
    for (unsigned i = 0; i < 40; i++) /* whatever earlier tests have left in the queue */
        on_a_thread(open_one, &errand);
    pages = span_registry_page_count(errand.registry);
    for (unsigned i = 0; i < 6; i++) {
        on_a_thread(open_one, &errand);
        shards[i] = errand.shard;
    }
    assert_int_equal(span_registry_page_count(errand.registry), pages);
    assert_true(pages < 20);
    assert_int_not_equal(shards[0], shards[1]); /* the last one in the queue waits for company */
    span_registry_destroy(errand.registry);
}

struct crowd {
    struct span_registry *registry;
    pthread_barrier_t start;
    _Atomic uint64_t mailbox[16]; /* spans that anybody may close */
    _Atomic unsigned wrong;
};

static void expect(struct crowd *crowd, bool right)
{
    if (!right)
        atomic_fetch_add(&crowd->wrong, 1);
}

/* Opens a span with one reference more, uses it, and leaves that one in the mailbox for some other
 * thread. */
static void one_round(struct crowd *crowd, uint64_t tag, unsigned place)
{
    struct span_registry *registry = crowd->registry;
    uint64_t value[5] = {tag, 1, 2, 3, ~tag};
    uint64_t read[5] = {0};
    uint64_t id = 0;

    expect(crowd, span_registry_new_span(registry, &metadata, &id) == SPAN_OK);
    expect(crowd, span_registry_enter(registry, id) == SPAN_OK);
    expect(crowd, span_registry_insert_extension(registry, id, &timings, value) == SPAN_OK);
    expect(crowd, span_registry_get_extension(registry, id, &timings, read) == SPAN_OK);
    expect(crowd, memcmp(read, value, sizeof value) == 0);
    expect(crowd, span_registry_clone(registry, id) == SPAN_OK);
    expect(crowd, span_registry_exit(registry, id) == SPAN_OK);
    id = atomic_exchange(&crowd->mailbox[place], id);
    if (id == 0)
        return;
    expect(crowd, span_registry_get_extension(registry, id, &timings, read) == SPAN_OK);
    expect(crowd, read[0] == ~read[4]);
    expect(crowd, span_registry_close(registry, id) == SPAN_OK);
    expect(crowd, span_registry_close(registry, id) == SPAN_CLOSED);
}

static void *live_in_the_crowd(void *arg)
{
    struct crowd *crowd = arg;
    unsigned seed = (unsigned)(uintptr_t)&seed;

    pthread_barrier_wait(&crowd->start);
    for (unsigned i = 0; i < ROUNDS; i++)
        one_round(crowd, i, (unsigned)rand_r(&seed) % 16);
    return NULL;
}

static void four_threads_agree(void **state)
{
    struct crowd crowd = {.registry = new_registry()};
    unsigned long drops = dropped;
    pthread_t threads[THREADS];

    (void)state;
    pthread_barrier_init(&crowd.start, NULL, THREADS);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, live_in_the_crowd, &crowd), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < 16; i++)
        if (crowd.mailbox[i] != 0) {
            span_registry_close(crowd.registry, crowd.mailbox[i]);
            expect(&crowd, span_registry_close(crowd.registry, crowd.mailbox[i]) == SPAN_CLOSED);
        }
    assert_int_equal(crowd.wrong, 0);
    assert_int_equal(dropped - drops, THREADS * ROUNDS);
    assert_int_equal(span_registry_span_count(crowd.registry), 0);
    assert_true(span_registry_page_count(crowd.registry) <= THREADS + 1);
    pthread_barrier_destroy(&crowd.start);
    span_registry_destroy(crowd.registry);
}

struct pair {
    struct span_registry *registry;
    uint64_t id;
    _Atomic unsigned wrong;
};

static void *wait_for_extension(void *arg)
{
    struct pair *pair = arg;
    uint64_t read[3];
    enum span_status status;

    do
        status = span_registry_get_extension(pair->registry, pair->id, &fields, read);
    while (status == SPAN_NOT_FOUND);
    if (status != SPAN_OK || read[0] != pair->id || read[2] != 3)
        atomic_fetch_add(&pair->wrong, 1);
    return NULL;
}

/* Extensions are read while others are inserted. */
static void extensions_are_locked(void **state)
{
    struct pair pair = {.registry = new_registry()};

    (void)state;
    for (unsigned round = 0; round < 100; round++) {
        uint64_t value[5] = {pair.id = open_span(pair.registry), 2, 3, 4, 5};
        pthread_t threads[2];

        for (unsigned i = 0; i < 2; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, wait_for_extension, &pair), 0);
        span_registry_insert_extension(pair.registry, pair.id, &more[0], value);
        span_registry_insert_extension(pair.registry, pair.id, &more[1], value);
        span_registry_insert_extension(pair.registry, pair.id, &timings, value);
        span_registry_insert_extension(pair.registry, pair.id, &fields, value);
        for (unsigned i = 0; i < 2; i++)
            pthread_join(threads[i], NULL);
        assert_int_equal(span_registry_close(pair.registry, pair.id), SPAN_CLOSED);
    }
    assert_int_equal(pair.wrong, 0);
    span_registry_destroy(pair.registry);
}

/* All threads close one reference each of the same spans: exactly one of them is told that it was
 * the last. */
struct race {
    struct span_registry *registry;
    pthread_barrier_t start;
    uint64_t id;
    _Atomic unsigned started; /* threads */
    _Atomic unsigned closed;
    _Atomic unsigned wrong;
};

static void *close_together(void *arg)
{
    struct race *race = arg;
    bool first = atomic_fetch_add(&race->started, 1) == 0;
    enum span_status status;

    for (unsigned i = 0; i < 500; i++) {
        pthread_barrier_wait(&race->start);
        if (first) {
            span_registry_new_root(race->registry, &metadata, &race->id);
            for (unsigned k = 1; k < THREADS; k++)
                span_registry_clone(race->registry, race->id);
        }
        pthread_barrier_wait(&race->start);
        status = span_registry_close(race->registry, race->id);
        if (status == SPAN_CLOSED)
            atomic_fetch_add(&race->closed, 1);
        else if (status != SPAN_OK)
            atomic_fetch_add(&race->wrong, 1);
    }
    return NULL;
}

static void exactly_one_closes(void **state)
{
    struct race race = {.registry = new_registry()};
    pthread_t threads[THREADS];

    (void)state;
    pthread_barrier_init(&race.start, NULL, THREADS);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, close_together, &race), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(race.wrong, 0);
    assert_int_equal(race.closed, 500);
    assert_int_equal(span_registry_span_count(race.registry), 0);
    pthread_barrier_destroy(&race.start);
    span_registry_destroy(race.registry);
}

/* ---- Overwritten: each in a child with a blind arena ---- */

enum { HUNG = -1, DIED = -2, RETURNED = 100 /* and the status: other exits are a sanitizer's */ };

/* The status that body returns, or what became of the child. */
static int in_arena(size_t min_bytes, int filler, int (*body)(struct span_registry *, int))
{
    const struct zk_config config = {.recycle = ZK_RECYCLE_BLIND,
                                     .min_bytes = min_bytes,
                                     .slab_bytes = (size_t)64 << 20,
                                     .owner = ZK_OWNER_ANY};
    const struct itimerval limit = {.it_value = {.tv_usec = 300000}};
    pid_t child = fork();
    int status;

    assert_int_not_equal(child, -1);
    if (child == 0) {
        struct span_registry *registry = span_registry_create();

        signal(SIGSEGV, SIG_DFL);
        signal(SIGBUS, SIG_DFL);
        setrlimit(RLIMIT_CORE, &(struct rlimit){0});
        setitimer(ITIMER_PROF, &limit, NULL);
        if (zk_configure(&config) != 0 || zk_begin_phase() != 0)
            _exit(RETURNED - 1);
        close(STDERR_FILENO); /* a sanitizer's words are not wanted */
        _exit(RETURNED + body(registry, filler));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGPROF ? HUNG : DIED;
    assert_int_not_equal(WEXITSTATUS(status), RETURNED - 1);
    return WEXITSTATUS(status) < RETURNED ? DIED : WEXITSTATUS(status) - RETURNED;
}

static void next_phase(int filler)
{
    size_t bytes;

    zk_end_phase();
    zk_begin_phase();
    bytes = zk_high_water();
    memset(zk_malloc(bytes), filler, bytes);
}

static int open_across(struct span_registry *registry, int filler)
{
    uint64_t id = 0;

    span_registry_new_root(registry, &metadata, &id);
    next_phase(filler);
    return (int)span_registry_close(registry, id);
}

static int cloned_across(struct span_registry *registry, int filler)
{
    uint64_t id = 0;

    span_registry_new_root(registry, &metadata, &id);
    next_phase(filler);
    return (int)span_registry_clone(registry, id);
}

/* Recycled pages that read as zero: a slot that is present, and follows itself on the free list. */
static int twice_the_same(struct span_registry *registry, int filler)
{
    uint64_t ids[2] = {0};

    span_registry_new_root(registry, &metadata, &ids[0]);
    span_registry_close(registry, ids[0]);
    next_phase(filler);
    span_registry_new_root(registry, &metadata, &ids[0]);
    span_registry_new_root(registry, &metadata, &ids[1]);
    return ids[0] == ids[1];
}

/* Returns the pages that there are after one more span. */
static int closed_before(struct span_registry *registry, int filler)
{
    uint64_t id = 0;

    span_registry_new_root(registry, &metadata, &id);
    span_registry_close(registry, id);
    next_phase(filler);
    if (span_registry_new_root(registry, &metadata, &id) != SPAN_OK ||
        span_registry_close(registry, id) != SPAN_CLOSED)
        return 50;
    return (int)span_registry_page_count(registry);
}

static int map_of_closed_span(struct span_registry *registry, int filler)
{
    uint64_t value[5] = {0};
    uint64_t id = 0;

    span_registry_new_root(registry, &metadata, &id);
    span_registry_insert_extension(registry, id, &timings, value);
    span_registry_close(registry, id);
    next_phase(filler);
    span_registry_new_root(registry, &metadata, &id);
    return (int)span_registry_insert_extension(registry, id, &timings, value);
}

static int warm_then(struct span_registry *registry, int (*body)(struct span_registry *, int),
                     int filler)
{
    uint64_t id = 0;

    zk_end_phase(); /* shard and page 0 outside of any phase */
    span_registry_new_root(registry, &metadata, &id);
    span_registry_close(registry, id);
    zk_begin_phase();
    return body(registry, filler);
}

static int map_alone(struct span_registry *registry, int filler)
{
    return warm_then(registry, map_of_closed_span, filler);
}

static int entered_across(struct span_registry *registry, int filler)
{
    uint64_t id = 0;

    span_registry_new_root(registry, &metadata, &id);
    span_registry_enter(registry, id);
    next_phase(filler);
    return (int)span_registry_exit(registry, id);
}

static int stack_alone(struct span_registry *registry, int filler)
{
    return warm_then(registry, entered_across, filler);
}

static void overwritten_pages(void **state)
{
    (void)state;
    /* The page alone is in the arena from its own size down to the shard's largest block. */
    assert_int_equal(in_arena(3073, 0xAA, open_across), SPAN_CLOSED);
    assert_int_equal(in_arena(3072, 0xAA, open_across), SPAN_PANIC_WEIRD_LIFECYCLE);
    assert_int_equal(in_arena(3072, 0x55, open_across), SPAN_PANIC_DROP_UNKNOWN);
    assert_int_equal(in_arena(1281, 0x55, open_across), SPAN_PANIC_DROP_UNKNOWN);
    /* Free slots look as if they were in use: the page is given up, the next one made. */
    assert_int_equal(in_arena(3073, 0xAA, closed_before), 1);
    assert_int_equal(in_arena(3072, 0xAA, closed_before), 2);
    assert_int_equal(in_arena(3072, 0x55, closed_before), 2);
    assert_int_equal(in_arena(3072, 0x00, cloned_across), SPAN_PANIC_CLONE_CLOSED);
    assert_int_equal(in_arena(3072, 0x00, open_across), SPAN_CLOSED);
    assert_int_equal(in_arena(3073, 0x00, twice_the_same), 0);
    assert_int_equal(in_arena(3072, 0x00, twice_the_same), 1);
    /* The shard's page records: fatal at once. */
    assert_int_equal(in_arena(1280, 0xAA, closed_before), DIED);
    assert_int_equal(in_arena(1280, 0x55, closed_before), DIED);
}

static void overwritten_maps_and_stacks(void **state)
{
    (void)state;
    assert_int_equal(in_arena(117, 0xAA, map_alone), SPAN_OK);
    assert_int_equal(in_arena(116, 0xAA, map_alone), HUNG);
    assert_int_equal(in_arena(116, 0x55, map_alone), HUNG);
    assert_int_equal(in_arena(65, 0xAA, stack_alone), SPAN_OK);
    assert_int_equal(in_arena(64, 0xAA, stack_alone), SPAN_NOT_FOUND);
    assert_int_equal(in_arena(64, 0x55, stack_alone), SPAN_NOT_FOUND);
}

static void every_status_has_a_text(void **state)
{
    (void)state;
    for (unsigned status = SPAN_OK; status <= SPAN_PANIC_DUPLICATE_EXTENSION; status++)
        assert_non_null(span_status_text((enum span_status)status));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_span_makes_shard_and_page),
        cmocka_unit_test(pages_appear_with_spans_1_33_97_225_481_993),
        cmocka_unit_test(closed_slots_are_used_again),
        cmocka_unit_test(stack_of_current_spans_doubles_and_is_kept),
        cmocka_unit_test(extension_buffer_is_kept_for_the_next_span),
        cmocka_unit_test(closed_identifiers_are_stale),
        cmocka_unit_test(made_up_identifiers_are_not_found),
        cmocka_unit_test(generations_come_round),
        cmocka_unit_test(references_keep_a_span),
        cmocka_unit_test(entering_holds_a_reference_once),
        cmocka_unit_test(second_entry_of_a_span_is_a_duplicate),
        cmocka_unit_test(slot_is_lost_when_the_parent_is_gone),
        cmocka_unit_test(children_keep_their_parents),
        cmocka_unit_test(span_in_use_is_removed_afterwards),
        cmocka_unit_test(second_extension_of_a_type_poisons),
        cmocka_unit_test(slots_closed_by_other_threads_are_used_again),
        cmocka_unit_test(local_free_list_comes_first),
        cmocka_unit_test(shards_of_ended_threads_are_used_again),
        cmocka_unit_test(four_threads_agree),
        cmocka_unit_test(extensions_are_locked),
        cmocka_unit_test(exactly_one_closes),
        cmocka_unit_test(overwritten_pages),
        cmocka_unit_test(overwritten_maps_and_stacks),
        cmocka_unit_test(every_status_has_a_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
