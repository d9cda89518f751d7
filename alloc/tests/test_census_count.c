/*
 * test_census_count.c - how many blocks are retained at a begin, and which. The fields of a report
 * and where it goes are tested in test_audit_*.c.
 */
#include "retained_blocks.h"

/* ---- How many ---- */

/* A model of the census: what is live, and what each begin must have found of it. */
enum { LIVE_MAX = 300, KINDS = 6 };

struct model_block {
    void *p;
    unsigned kind; /* site and size */
    bool counted;
};

struct model {
    struct model_block live[LIVE_MAX];
    size_t live_count;
    unsigned phase;
    unsigned long long counts[KINDS];
    unsigned long long firsts[KINDS];
    unsigned long long lasts[KINDS];
};

static const size_t model_sizes[KINDS / 2] = {1, 1000, 5000};

static void model_begin(struct model *model)
{
    model->phase++;
    for (size_t i = 0; i < model->live_count; i++) {
        struct model_block *block = &model->live[i];

        model->counts[block->kind] += !block->counted;
        if (model->firsts[block->kind] == 0)
            model->firsts[block->kind] = model->phase;
        model->lasts[block->kind] = model->phase;
        block->counted = true;
    }
    next_phase();
    CHECK(summary_now().retained_count == model->live_count);
}

static void model_forget(struct model *model, const void *p)
{
    for (size_t i = 0; i < model->live_count; i++)
        if (model->live[i].p == p)
            model->live[i] = model->live[--model->live_count];
}

static void model_step(struct model *model, uint64_t *random, void *(*const makers[2])(size_t))
{
    if (model->live_count == LIVE_MAX || random_below(random, 5) < 2) {
        if (model->live_count > 0) {
            void *p = model->live[random_below(random, model->live_count)].p;

            model_forget(model, p);
            zk_free(p);
        }
    } else {
        unsigned kind = (unsigned)random_below(random, KINDS);
        void *p = makers[kind % 2](model_sizes[kind / 2]);

        model_forget(model, p); /* blind: its address has been handed out again */
        model->live[model->live_count++] = (struct model_block){.p = p, .kind = kind};
    }
}

static void exactly_what_is_retained_is_counted(void)
{
    static void *(*const makers[2])(size_t) = {make, make_too};
    static const char *const names[2] = {"make", "make_too"};
    static struct model model;
    struct findings found;
    uint64_t random = 3;
    size_t kinds = 0;

    for (unsigned phase = 0; phase < 50; phase++) {
        model_begin(&model);
        for (unsigned i = 0; i < 200; i++)
            model_step(&model, &random, makers);
    }
    found = findings_now();
    for (unsigned kind = 0; kind < KINDS; kind++) {
        size_t row;

        for (row = 1; row <= found.count; row++)
            if (field_is(&found, row, "symbol", names[kind % 2]) &&
                number_in(&found, row, "size") == model_sizes[kind / 2])
                break;
        CHECK(number_in(&found, row, "count") == model.counts[kind]);
        CHECK(number_in(&found, row, "bytes") == model.counts[kind] * model_sizes[kind / 2]);
        CHECK(number_in(&found, row, "phase_first") == model.firsts[kind]);
        CHECK(number_in(&found, row, "phase_last") == model.lasts[kind]);
        CHECK(number_in(&found, row, "threads") == 1);
        kinds += model.counts[kind] > 0;
    }
    CHECK(found.count == kinds && kinds == KINDS);
}

static void a_block_is_counted_once_and_seen_from_its_first_begin_to_its_last(void)
{
    struct findings found;
    void *p;

    next_phase();
    p = make(5000);
    for (unsigned i = 0; i < 3; i++) /* begins 2, 3 and 4 */
        next_phase();
    zk_free(p);
    next_phase();
    found = findings_now();
    CHECK(found.count == 1);
    CHECK(number_in(&found, 1, "count") == 1 && number_in(&found, 1, "bytes") == 5000);
    CHECK(number_in(&found, 1, "phase_first") == 2 && number_in(&found, 1, "phase_last") == 4);
    CHECK(summary_now().retained_count == 0 && summary_now().retained_max == 5000);
}

static void what_is_freed_before_the_begin_is_not_counted(void)
{
    next_phase();
    zk_free(make(5000));
    zk_free(make(50));
    end_phase();
    begin_phase();
    CHECK(findings_now().count == 0);
    CHECK(summary_now().retained_count == 0 && summary_now().retained_max == 0);
}

/* ---- Which blocks ---- */

static void blocks_kept_out_by_min_bytes_count_as_well(void)
{
    struct zk_audit_summary summary;

    next_phase();
    system_block(4095);
    system_block(3);
    CHECK(zk_owns(make(4096)));
    next_phase();
    summary = summary_now();
    CHECK(summary.retained_count == 3 && summary.retained_max == 4096);
    CHECK(summary.arena_retained_count == 1 && summary.arena_retained_max == 4096);
    CHECK(findings_now().count == 3);
}

static void the_largest_is_known_whatever_lies_in_the_arena(void)
{
    next_phase();
    make(4000);
    next_phase();
    CHECK(summary_now().retained_max == 4000 && summary_now().arena_retained_max == 0);
}

static void blocks_without_room_in_the_arena_count_as_well(void)
{
    next_phase();
    CHECK(!zk_owns(make(2 * MIB)));
    next_phase();
    CHECK(summary_now().retained_count == 1 && summary_now().arena_retained_count == 0);
}

static void blocks_made_outside_of_phases_do_not_count(void)
{
    make(5000);
    make(50);
    next_phase();
    end_phase();
    make(5000);
    make(50);
    next_phase();
    CHECK(summary_now().retained_count == 0 && findings_now().count == 0);
}

static void discarded_blocks_are_dead_and_earlier_ones_are_not(void)
{
    struct findings found;

    next_phase();
    make(5000);
    make(50);
    next_phase();
    for (unsigned i = 0; i < 3000; i++) /* holes in every shard, and around the end of its table */
        make_too(i % 2 == 0 ? 5000 : 50);
    CHECK(zk_discard_phase() == 0);
    next_phase();
    CHECK(summary_now().retained_count == 2);
    found = findings_now();
    CHECK(found.count == 2 && field_is(&found, 1, "symbol", "make"));
    CHECK(field_is(&found, 2, "symbol", "make"));
}

/* ---- Scale ---- */

static void a_million_live_blocks_take_less_than_100_bytes_each(void)
{
    enum { COUNT = 1000000 };
    void **blocks = malloc(COUNT * sizeof *blocks);
    struct findings found;

    CHECK(blocks != NULL);
    next_phase();
    for (unsigned i = 0; i < COUNT; i++) {
        blocks[i] = make(16 + i % 3);
        CHECK(i < 1000 || i % 1000 != 0 || summary_now().census_bytes < 100 * (size_t)i);
    }
    CHECK(summary_now().census_bytes < 100 * (size_t)COUNT);
    next_phase();
    CHECK(summary_now().retained_count == COUNT);
    found = findings_now();
    CHECK(found.count == 3 && sum_of(&found, "count") == COUNT);
    for (unsigned i = 0; i < COUNT; i++)
        zk_free(blocks[i]);
    next_phase();
    CHECK(summary_now().retained_count == 0);
}

static const struct CMUnitTest tests[] = {
    FRESH(exactly_what_is_retained_is_counted, .env = {CENSUS, ALL_SIZES, SLAB_64M}),
    FRESH_AS("exactly what is retained is counted, MIN_BYTES 4096",
             exactly_what_is_retained_is_counted, .env = {CENSUS, SLAB_64M}),
    FRESH_AS("exactly what is retained is counted, all in system",
             exactly_what_is_retained_is_counted, .env = {CENSUS, "ZK_ALLOC_MIN_BYTES=1G"}),
    FRESH_AS("exactly what is retained is counted, blind", exactly_what_is_retained_is_counted,
             .env = {CENSUS, ALL_SIZES, SLAB_64M, BLIND}),
    FRESH(a_block_is_counted_once_and_seen_from_its_first_begin_to_its_last, .env = {CENSUS}),
    FRESH_AS("a block is counted once, blind",
             a_block_is_counted_once_and_seen_from_its_first_begin_to_its_last,
             .env = {CENSUS, BLIND}),
    FRESH(what_is_freed_before_the_begin_is_not_counted, .env = {CENSUS}),
    FRESH(blocks_kept_out_by_min_bytes_count_as_well, .env = {CENSUS}),
    FRESH(the_largest_is_known_whatever_lies_in_the_arena, .env = {CENSUS}),
    FRESH(blocks_without_room_in_the_arena_count_as_well, .env = {CENSUS, SLAB_1M}),
    FRESH(blocks_made_outside_of_phases_do_not_count, CENSUS_ALL),
    FRESH(discarded_blocks_are_dead_and_earlier_ones_are_not, CENSUS_ALL),
    FRESH_AS("discarded blocks are dead, MIN_BYTES 4096",
             discarded_blocks_are_dead_and_earlier_ones_are_not, .env = {CENSUS}),
    FRESH(a_million_live_blocks_take_less_than_100_bytes_each, CENSUS_ALL),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
