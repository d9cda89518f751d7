/*
 * test_span_registry_blocks.c - which blocks the span registry model allocates, and when.
 */
#include "spans.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_span_makes_shard_and_page),
        cmocka_unit_test(pages_appear_with_spans_1_33_97_225_481_993),
        cmocka_unit_test(closed_slots_are_used_again),
        cmocka_unit_test(stack_of_current_spans_doubles_and_is_kept),
        cmocka_unit_test(extension_buffer_is_kept_for_the_next_span),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
