/*
 * test_census_site.c - retained blocks are counted by call stack and size.
 */
#include "retained_blocks.h"

/* ---- Every way to ask for a block ---- */

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
        CHECK(strstr(field(&found, row, "module"), "/test_census_site") != NULL);
        CHECK(strncmp(field(&found, row, "site"), "test_census_site+0x", 19) == 0);
    }
}

__attribute__((optimize("O0"))) SITE static void *make_unoptimised(size_t size)
{
    return zk_malloc(size);
}

#if defined __x86_64__ || defined __aarch64__
/* A tail call, whatever the compiler does. */
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

/* ---- realloc ---- */

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

/* ---- Sites ---- */

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

/* The allocator's caller and its frame's address are the same in both, and two frames up the
 * callers differ. */
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
    CHECK(placed_at(&found, 1, "", "make", retained_blocks_file, made_at));
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
    CHECK(found.count <= ZK_DEFAULT_AUDIT_DEPTH); /* depths that reach the test, and the others */
}

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
    FRESH(the_caller_is_the_first_frame_of_a_site, CENSUS_ALL),
    FRESH_AS("the caller is the first frame of a site, depth 1",
             the_caller_is_the_first_frame_of_a_site,
             .env = {CENSUS, ALL_SIZES, "ZK_ALLOC_AUDIT_DEPTH=1"}),
    FRESH_AS("the caller is the first frame of a site, from system",
             the_caller_is_the_first_frame_of_a_site, .env = {CENSUS, "ZK_ALLOC_MIN_BYTES=1M"}),
    FRESH(a_tail_call_leaves_no_frame_and_unoptimised_code_leaves_one, CENSUS_ALL),
    FRESH(a_moved_block_is_the_caller_of_reallocs, CENSUS_ALL),
    FRESH_AS("a moved block is the caller of realloc's, by system",
             a_moved_block_is_the_caller_of_reallocs, .env = {CENSUS, "ZK_ALLOC_MIN_BYTES=1M"}),
    AT_DEPTH(0, "ZK_ALLOC_AUDIT_DEPTH="),
    AT_DEPTH(1, "ZK_ALLOC_AUDIT_DEPTH="),
    AT_DEPTH(8, "ZK_ALLOC_AUDIT_DEPTH="),
    AT_DEPTH(32, "ZK_ALLOC_AUDIT_DEPTH="),
    FRESH_AS("a site has 32 frames", a_site_has_as_many_frames_as_are_wanted, CENSUS_ALL,
             .number = ZK_DEFAULT_AUDIT_DEPTH),
    FRESH(recursion_has_one_site_once_it_is_deeper_than_what_is_kept, CENSUS_ALL),
    FRESH(deep_recursion_is_counted_at_every_level, CENSUS_ALL),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
