/*
 * test_census.c - what is retained at a begin, counted by call stack and size. Which fields a report
 * has and where it goes is test_audit.c's.
 */
#include "findings.h"

static unsigned made_at;

SITE static void *make(size_t size)
{
    void *p = AT(made_at, zk_malloc(size));

    STAY_IN_FRAME();
    return p;
}

SITE static void *make_too(size_t size)
{
    void *p = zk_malloc(size);

    STAY_IN_FRAME();
    return p;
}

/* ---- How many ---------------------------------------------------------------------------------
 */

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

        model_forget(model, p); /* blind: its address was handed out again */
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

/* ---- Which blocks -----------------------------------------------------------------------------
 */

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
    for (unsigned i = 0; i < 3000; i++) /* holes in every shard, and around its end */
        make_too(i % 2 == 0 ? 5000 : 50);
    CHECK(zk_discard_phase() == 0);
    next_phase();
    CHECK(summary_now().retained_count == 2);
    found = findings_now();
    CHECK(found.count == 2 && field_is(&found, 1, "symbol", "make"));
    CHECK(field_is(&found, 2, "symbol", "make"));
}

/* ---- Every way to ask for a block -------------------------------------------------------------
 */

static unsigned asked_at;

SITE static void ask_zk_malloc(void)
{
    AT(asked_at, zk_malloc(101));
    STAY_IN_FRAME();
}

SITE static void ask_zk_calloc(void)
{
    AT(asked_at, zk_calloc(7, 11));
    STAY_IN_FRAME();
}

SITE static void ask_zk_realloc(void)
{
    AT(asked_at, zk_realloc(NULL, 103));
    STAY_IN_FRAME();
}

SITE static void ask_zk_realloc_sized(void)
{
    AT(asked_at, zk_realloc_sized(NULL, 0, 64, 104));
    STAY_IN_FRAME();
}

SITE static void ask_zk_aligned_alloc(void)
{
    AT(asked_at, zk_aligned_alloc(4096, 105));
    STAY_IN_FRAME();
}

SITE static void ask_zk_aligned_calloc(void)
{
    AT(asked_at, zk_aligned_calloc(4096, 2, 61));
    STAY_IN_FRAME();
}

SITE static void move_by_zk_realloc(void)
{
    void *p = zk_malloc(106);

    p = AT(asked_at, zk_realloc(p, 10000));
    CHECK(p != NULL);
}

SITE static void move_by_zk_realloc_sized(void)
{
    void *p = zk_malloc(106);

    p = AT(asked_at, zk_realloc_sized(p, 106, 16, 10001));
    CHECK(p != NULL);
}

static void the_caller_is_the_first_frame_of_a_site(void)
{
    static const struct {
        void (*ask)(void);
        const char *name;
        size_t size;
    } ways[] = {
        {ask_zk_malloc, "ask_zk_malloc", 101},
        {ask_zk_calloc, "ask_zk_calloc", 77},
        {ask_zk_realloc, "ask_zk_realloc", 103},
        {ask_zk_realloc_sized, "ask_zk_realloc_sized", 104},
        {ask_zk_aligned_alloc, "ask_zk_aligned_alloc", 105},
        {ask_zk_aligned_calloc, "ask_zk_aligned_calloc", 122},
        {move_by_zk_realloc, "move_by_zk_realloc", 10000},
        {move_by_zk_realloc_sized, "move_by_zk_realloc_sized", 10001},
    };
    enum { COUNT = sizeof ways / sizeof *ways };
    unsigned lines[COUNT];
    struct findings found;

    next_phase();
    for (unsigned i = 0; i < COUNT; i++) {
        ways[i].ask();
        lines[i] = asked_at;
    }
    next_phase();
    found = findings_now();
    CHECK(found.count == COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        size_t row = row_with(&found, "symbol", ways[i].name);

        CHECK(row != 0);
        CHECK(number_in(&found, row, "size") == ways[i].size);
        CHECK(placed_at(&found, row, "", ways[i].name, __FILE__, lines[i]));
        CHECK(strstr(field(&found, row, "module"), "/test_census") != NULL);
        CHECK(strncmp(field(&found, row, "site"), "test_census+0x", 14) == 0);
    }
}

__attribute__((optimize("O0"))) SITE static void *make_unoptimised(size_t size)
{
    return zk_malloc(size);
}

#if defined __x86_64__ || defined __aarch64__
/* A tail call, however this is compiled. */
void *make_by_tail_call(size_t size);
__asm__(".text\n"
        ".type make_by_tail_call, %function\n"
        "make_by_tail_call:\n"
        ".cfi_startproc\n"
#ifdef __x86_64__
        "jmp zk_malloc\n"
#else
        "b zk_malloc\n"
#endif
        ".cfi_endproc\n"
        ".size make_by_tail_call, .-make_by_tail_call\n");

SITE static void *calls_what_tail_calls(size_t size)
{
    void *p = AT(made_at, make_by_tail_call(size));

    STAY_IN_FRAME();
    return p;
}
#else
#define calls_what_tail_calls make
#endif

static void a_tail_call_leaves_no_frame_and_unoptimised_code_leaves_one(void)
{
    struct findings found;

    next_phase();
    calls_what_tail_calls(50);
    make_unoptimised(60);
    next_phase();
    found = findings_now();
    CHECK(found.count == 2);
    CHECK(placed_at(&found, 2, "", "calls_what_tail_calls", __FILE__, made_at));
    CHECK(field_is(&found, 1, "symbol", "make_unoptimised"));
}

/* ---- realloc ----------------------------------------------------------------------------------
 */

/* The census after a next begin: one block of this size, count times. */
static void only_block_is(size_t size, unsigned count)
{
    struct findings found;

    next_phase();
    found = findings_now();
    CHECK(found.count == 1);
    CHECK(number_in(&found, 1, "size") == size && number_in(&found, 1, "count") == count);
}

static void growing_in_place_grows_the_size_on_record(void)
{
    char *p;

    next_phase();
    p = make(5);
    CHECK(zk_realloc(p, 16) == p);
    only_block_is(16, 1);
}

static void shrinking_in_place_does_not_shrink_the_size_on_record(void)
{
    char *p;
    char *to;

    next_phase();
    p = make(500);
    to = zk_realloc_sized(zk_realloc(p, 16), 16, 16, 10);
    CHECK(to == p || (SANITIZED && !zk_owns(to))); /* whose realloc always moves */
    only_block_is(500, 1);
}

static void a_moved_block_is_the_caller_of_reallocs(void)
{
    struct findings found;

    next_phase();
    move_by_zk_realloc();
    next_phase();
    found = findings_now();
    CHECK(found.count == 1 && number_in(&found, 1, "size") == 10000);
    CHECK(placed_at(&found, 1, "", "move_by_zk_realloc", __FILE__, asked_at));
}

static void a_retained_block_that_moves_is_another_one(void)
{
    struct findings found;
    void *p;

    next_phase();
    p = make(500);
    next_phase();
    p = zk_realloc(p, 5000);
    CHECK(p != NULL);
    next_phase();
    found = findings_now();
    CHECK(found.count == 2);
    CHECK(number_in(&found, 1, "size") == 5000 && number_in(&found, 1, "phase_first") == 3);
    CHECK(number_in(&found, 2, "size") == 500 && number_in(&found, 2, "phase_last") == 2);
}

static void a_sticky_system_block_of_no_phase_stays_out(void)
{
    void *p = zk_malloc(50);

    next_phase();
    p = zk_realloc(p, 50000);
    CHECK(!zk_owns(p));
    p = zk_realloc_sized(p, 50000, 4096, 60000);
    CHECK(!zk_owns(p));
    next_phase();
    CHECK(findings_now().count == 0);
}

static void a_block_kept_out_by_min_bytes_that_grows_is_the_arenas(void)
{
    void *p;

    next_phase();
    p = zk_realloc(system_block(50), 50000);
    CHECK(!zk_owns(p)); /* sticky */
    only_block_is(50000, 1);
}

static void a_migrating_block_is_the_arenas_whatever_min_bytes_is(void)
{
    void *small = zk_malloc(50);
    void *large = zk_malloc(50);
    struct findings found;

    next_phase();
    small = zk_realloc(small, 500);
    large = zk_realloc(large, 50000);
    CHECK(!zk_owns(small) && zk_owns(large));
    next_phase();
    found = findings_now();
    CHECK(found.count == 2);
    CHECK(number_in(&found, 1, "size") == 50000 && number_in(&found, 2, "size") == 500);
}

/* Outside of phases a block that moves leaves the arena; one that can stay does not, and so not one
 * that would have been there at a lower MIN_BYTES. */
static void outside_of_phases_what_moves_leaves_and_what_stays_does_not(void)
{
    enum { COUNT = 3 };
    static const size_t before[COUNT] = {100, 200, 300};
    static const size_t after[COUNT] = {10000, 208, 10};
    void *blocks[COUNT];
    struct findings found;

    next_phase();
    for (unsigned i = 0; i < COUNT; i++)
        blocks[i] = zk_malloc(before[i]);
    end_phase();
    for (unsigned i = 0; i < COUNT; i++)
        CHECK(zk_realloc(blocks[i], after[i]) != NULL);
    next_phase();
    found = findings_now();
    CHECK(found.count == 2);
    CHECK(number_in(&found, 1, "size") == 300 && number_in(&found, 2, "size") == 208);
}

static void a_retained_block_that_stays_is_counted_once(void)
{
    void *p;

    next_phase();
    p = zk_malloc(100);
    for (unsigned i = 0; i < 4; i++) {
        next_phase();
        p = zk_realloc(p, 90 - i);
        end_phase();
        p = zk_realloc(p, 50 - i);
    }
    only_block_is(100, 1);
}

static void a_realloc_to_nothing_is_a_free(void)
{
    next_phase();
    CHECK(zk_realloc(make(100), 0) == NULL && zk_realloc(make(10000), 0) == NULL);
    CHECK(zk_realloc_sized(make(100), 100, 16, 0) == NULL);
    next_phase();
    CHECK(findings_now().count == 0);
}

static void a_realloc_that_fails_leaves_the_record(void)
{
    void *p;

    if (SANITIZED)
        skip_because("a sanitizer warns of a huge size");
    next_phase();
    p = make(100);
    CHECK(zk_realloc(p, SIZE_MAX / 4) == NULL && errno == ENOMEM);
    only_block_is(100, 1);
}

/* ---- Sites ------------------------------------------------------------------------------------
 */

SITE static void *wrapper(size_t size)
{
    void *p = zk_malloc(size);

    STAY_IN_FRAME();
    return p;
}

SITE static void *between(size_t size)
{
    void *p = wrapper(size);

    STAY_IN_FRAME();
    return p;
}

SITE static void *one_caller(size_t size)
{
    void *p = between(size);

    STAY_IN_FRAME();
    return p;
}

SITE static void *another_caller(size_t size)
{
    void *p = between(size);

    STAY_IN_FRAME();
    return p;
}

/* The allocator's caller and its frame's address are the same, and two frames up is another. */
static void two_callers_of_a_callers_caller_are_two_sites(void)
{
    struct findings found;

    next_phase();
    for (unsigned i = 0; i < 300; i++)
        (i % 3 == 0 ? one_caller : another_caller)(5000);
    next_phase();
    found = findings_now();
    CHECK(found.count == (fresh_number == 1 || fresh_number == 0 ? 1 : 2));
    CHECK(sum_of(&found, "count") == 300);
    for (size_t row = 1; row <= found.count; row++)
        CHECK(field_is(&found, row, "symbol", fresh_number == 0 ? "NA" : "wrapper"));
    if (found.count == 2)
        CHECK(number_in(&found, 1, "count") == 100 && number_in(&found, 2, "count") == 200);
}

SITE static void *dig(unsigned levels, size_t size)
{
    void *p = levels == 0 ? make(size) : dig(levels - 1, size);

    STAY_IN_FRAME();
    return p;
}

static void a_site_has_as_many_frames_as_are_wanted(void)
{
    struct findings found;

    next_phase();
    dig(100, 10);
    next_phase();
    found = findings_now();
    CHECK(found.count == 1);
    CHECK(frames_in(field(&found, 1, "site")) == fresh_number);
    CHECK(fresh_number == 0 || field_is(&found, 1, "symbol", "make"));
    if (fresh_number == 0)
        for (size_t i = 0; i < 4; i++)
            CHECK(field_is(&found, 1, (const char *const[]){"module", "symbol", "file", "line"}[i],
                           "NA"));
}

static void recursion_has_one_site_once_it_is_deeper_than_what_is_kept(void)
{
    struct findings found;

    next_phase();
    for (unsigned levels = ZK_DEFAULT_AUDIT_DEPTH; levels < 2000; levels += 100)
        dig(levels, 10);
    next_phase();
    found = findings_now();
    CHECK(found.count == 1);
    CHECK(placed_at(&found, 1, "", "make", __FILE__, made_at));
    CHECK(number_in(&found, 1, "count") == 20);
}

SITE static void retain_on_the_way_down(unsigned levels)
{
    zk_malloc(16);
    if (levels > 0)
        retain_on_the_way_down(levels - 1);
    STAY_IN_FRAME();
}

static void deep_recursion_is_counted_at_every_level(void)
{
    enum { LEVELS = 20000 };
    struct findings found;

    next_phase();
    retain_on_the_way_down(LEVELS - 1);
    next_phase();
    found = findings_now();
    CHECK(sum_of(&found, "count") == LEVELS && summary_now().retained_count == LEVELS);
    CHECK(found.count <=
          ZK_DEFAULT_AUDIT_DEPTH); /* the levels from which the test is in sight, and all others */
}

/* ---- Threads ----------------------------------------------------------------------------------
 */

static void *make_on_thread(void *arg)
{
    return make((size_t)(uintptr_t)arg);
}

static void *free_on_thread(void *arg)
{
    zk_free(arg);
    return NULL;
}

static void threads_are_counted_and_not_told_apart(void)
{
    struct findings found;

    next_phase();
    for (unsigned i = 0; i < 30; i++)
        run_thread(make_on_thread, (void *)(uintptr_t)(i % 3 == 0 ? 5000 : 50));
    next_phase();
    found = findings_now();
    CHECK(found.count == 2);
    CHECK(number_in(&found, 1, "count") == 10 && number_in(&found, 1, "threads") == 10);
    CHECK(number_in(&found, 2, "count") == 20 && number_in(&found, 2, "threads") == 20);
}

static void a_free_on_another_thread_is_a_free(void)
{
    next_phase();
    run_thread(free_on_thread, make(5000));
    run_thread(free_on_thread, make(50));
    next_phase();
    CHECK(findings_now().count == 0);
}

static void a_thousand_threads_over_time(void)
{
    enum { ROUNDS = 50, AT_ONCE = 20 };
    struct findings found;
    pthread_t threads[AT_ONCE];

    for (unsigned round = 0; round < ROUNDS; round++) {
        next_phase();
        for (unsigned i = 0; i < AT_ONCE; i++)
            threads[i] = start_thread(make_on_thread, (void *)(uintptr_t)5000);
        for (unsigned i = 0; i < AT_ONCE; i++)
            join_thread(threads[i]);
    }
    next_phase();
    found = findings_now();
    CHECK(found.count == 1);
    CHECK(number_in(&found, 1, "count") == 1000 && number_in(&found, 1, "threads") == 1000);
}

/* ---- Scale ------------------------------------------------------------------------------------
 */

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

/* ---- Fork -------------------------------------------------------------------------------------
 */

static _Atomic bool stop;

static void *allocate_all_the_time(void *arg)
{
    uint64_t random = (uintptr_t)arg;

    while (!stop) {
        void *p = make(random_below(&random, 10000));

        zk_free(zk_realloc(p, random_below(&random, 10000) + 1));
    }
    return NULL;
}

static void goes_on_after_a_fork(void *arg)
{
    struct findings found;

    (void)arg;
    next_phase(); /* what the other threads held is retained for good */
    make_too(12345);
    next_phase();
    found = findings_now();
    CHECK(row_with(&found, "symbol", "make_too") != 0);
}

static void a_fork_in_the_middle_of_other_threads_allocations(void)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];

    if (SANITIZED && !THREAD_SANITIZED)
        skip_because("AddressSanitizer's malloc cannot be used after a fork beside threads");
    next_phase();
    for (unsigned i = 0; i < THREADS; i++)
        threads[i] = start_thread(allocate_all_the_time, (void *)(uintptr_t)(i + 1));
    for (unsigned i = 0; i < 50; i++) {
        CHECK(status_of_fork(goes_on_after_a_fork, NULL) == 0);
        next_phase();
    }
    stop = true;
    for (unsigned i = 0; i < THREADS; i++)
        join_thread(threads[i]);
    next_phase();
    CHECK(summary_now().retained_count == 0);
}

#define CENSUS_ALL .env = {CENSUS, ALL_SIZES, SLAB_64M}
#define AT_DEPTH(n, switch)                                                                        \
    FRESH_AS(                                                                                      \
        "two callers of a caller's caller, depth " #n,                                             \
        two_callers_of_a_callers_caller_are_two_sites,                                             \
        .env = { CENSUS, ALL_SIZES, SLAB_64M, switch #n }, .number = n),                           \
        FRESH_AS(                                                                                  \
            "a site has as many frames as are wanted: " #n,                                        \
            a_site_has_as_many_frames_as_are_wanted,                                               \
            .env = { CENSUS, ALL_SIZES, SLAB_64M, switch #n }, .number = n)

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
    FRESH(the_caller_is_the_first_frame_of_a_site, CENSUS_ALL),
    FRESH_AS("the caller is the first frame of a site, depth 1",
             the_caller_is_the_first_frame_of_a_site,
             .env = {CENSUS, ALL_SIZES, "ZK_ALLOC_AUDIT_DEPTH=1"}),
    FRESH_AS("the caller is the first frame of a site, from system",
             the_caller_is_the_first_frame_of_a_site, .env = {CENSUS, "ZK_ALLOC_MIN_BYTES=1M"}),
    FRESH(a_tail_call_leaves_no_frame_and_unoptimised_code_leaves_one, CENSUS_ALL),
    FRESH(growing_in_place_grows_the_size_on_record, CENSUS_ALL),
    FRESH(shrinking_in_place_does_not_shrink_the_size_on_record, CENSUS_ALL),
    FRESH_AS("shrinking in place, by system", shrinking_in_place_does_not_shrink_the_size_on_record,
             .env = {CENSUS}),
    FRESH(a_moved_block_is_the_caller_of_reallocs, CENSUS_ALL),
    FRESH_AS("a moved block is the caller of realloc's, by system",
             a_moved_block_is_the_caller_of_reallocs, .env = {CENSUS, "ZK_ALLOC_MIN_BYTES=1M"}),
    FRESH(a_retained_block_that_moves_is_another_one, CENSUS_ALL),
    FRESH_AS("a retained block that moves, from system", a_retained_block_that_moves_is_another_one,
             .env = {CENSUS}),
    FRESH(a_sticky_system_block_of_no_phase_stays_out, CENSUS_ALL),
    FRESH(a_block_kept_out_by_min_bytes_that_grows_is_the_arenas, .env = {CENSUS}),
    FRESH(a_migrating_block_is_the_arenas_whatever_min_bytes_is,
          .env = {CENSUS, "ZK_ALLOC_REALLOC=migrate"}),
    FRESH(outside_of_phases_what_moves_leaves_and_what_stays_does_not, CENSUS_ALL),
    FRESH_AS("outside of phases what moves leaves, system",
             outside_of_phases_what_moves_leaves_and_what_stays_does_not, .env = {CENSUS}),
    FRESH(a_retained_block_that_stays_is_counted_once, CENSUS_ALL),
    FRESH_AS("a retained block that stays is counted once, system",
             a_retained_block_that_stays_is_counted_once, .env = {CENSUS}),
    FRESH(a_realloc_to_nothing_is_a_free, CENSUS_ALL),
    FRESH(a_realloc_that_fails_leaves_the_record, CENSUS_ALL),
    FRESH_AS("a realloc that fails leaves the record, system",
             a_realloc_that_fails_leaves_the_record, .env = {CENSUS}),
    AT_DEPTH(0, "ZK_ALLOC_AUDIT_DEPTH="),
    AT_DEPTH(1, "ZK_ALLOC_AUDIT_DEPTH="),
    AT_DEPTH(8, "ZK_ALLOC_AUDIT_DEPTH="),
    AT_DEPTH(32, "ZK_ALLOC_AUDIT_DEPTH="),
    FRESH_AS("a site has 32 frames", a_site_has_as_many_frames_as_are_wanted, CENSUS_ALL,
             .number = ZK_DEFAULT_AUDIT_DEPTH),
    FRESH(recursion_has_one_site_once_it_is_deeper_than_what_is_kept, CENSUS_ALL),
    FRESH(deep_recursion_is_counted_at_every_level, CENSUS_ALL),
    FRESH(threads_are_counted_and_not_told_apart, CENSUS_ALL),
    FRESH(a_free_on_another_thread_is_a_free, .env = {CENSUS}),
    FRESH(a_thousand_threads_over_time, CENSUS_ALL),
    FRESH(a_million_live_blocks_take_less_than_100_bytes_each, CENSUS_ALL),
    FRESH(a_fork_in_the_middle_of_other_threads_allocations, .env = {CENSUS, SLAB_64M}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
