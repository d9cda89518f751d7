/*
 * test_span_registry_identifiers.c - identifiers and when they go stale, references, parents, and
 * extensions.
 */
#include "spans.h"

static void closed_identifiers_are_stale(void **state)
{
    struct span_registry *registry = new_registry();
    uint64_t id = open_span(registry);
    uint64_t other;

    (void)state;
    assert_int_equal(span_registry_close(registry, id), SPAN_CLOSED);
    /* First while the slot is free, then while it is in use again. */
    for (unsigned round = 0; round < 2; round++) {
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

/* A generation has 13 bits and is never all ones: an identifier comes back after 8191 spans. */
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

/* A second entry of a span that is already on the stack holds no reference, and does not count as
 * the current span. */
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
    /* Drops the first entry's reference. */
    assert_int_equal(span_registry_close(registry, outer), SPAN_CLOSED);
    assert_int_equal(span_registry_exit(registry, outer), SPAN_OK);
    assert_int_equal(span_registry_exit(registry, outer), SPAN_PANIC_DROP_UNKNOWN);
    span_registry_destroy(registry);
}

/* The panic because of the parent leaves the child's slot half emptied, and on no free list. */
static void slot_is_lost_when_the_parent_is_gone(void **state)
{
    struct span_registry *registry = new_registry();
    uint64_t parent = open_span(registry);
    uint64_t child;

    (void)state;
    assert_int_equal(span_registry_new_child(registry, &metadata, parent, &child), SPAN_OK);
    assert_int_equal(span_registry_close(registry, parent), SPAN_OK);
    /* Drops the child's reference. */
    assert_int_equal(span_registry_close(registry, parent), SPAN_CLOSED);
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
    for (unsigned i = 0; i < 50; i++) /* in the order of entering, unlike a stack */
        assert_int_equal(span_registry_exit(registry, ids[i]), SPAN_OK);
    for (unsigned i = 0; i < 49; i++)
        assert_int_equal(span_registry_close(registry, ids[i]), SPAN_OK);
    assert_int_equal(span_registry_span_count(registry), 50);
    /* With it go all its ancestors. */
    assert_int_equal(span_registry_close(registry, ids[49]), SPAN_CLOSED);
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
    id = open_span(registry); /* the lock stays poisoned with the slot */
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

/* A span that is closed while it is in use is removed by its last user. */
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

static void every_status_has_a_text(void **state)
{
    (void)state;
    for (unsigned status = SPAN_OK; status <= SPAN_PANIC_DUPLICATE_EXTENSION; status++)
        assert_non_null(span_status_text((enum span_status)status));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
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
        cmocka_unit_test(every_status_has_a_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
