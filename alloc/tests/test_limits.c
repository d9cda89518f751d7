/*
 * test_limits.c - less address space than the arena wants: it makes do, says so in one line, and
 * the program goes on.
 */
#include "emulator.h"

/* Bytes of address space in use. */
static size_t address_space_bytes(void)
{
    return status_bytes("VmSize:");
}

static void limit(__rlimit_resource_t resource, size_t bytes)
{
    struct rlimit limits = {.rlim_cur = bytes, .rlim_max = bytes};

    CHECK(setrlimit(resource, &limits) == 0);
}

/* Limits address space to that many bytes beyond what is in use. */
static void leave_address_space(size_t bytes)
{
    if (SANITIZED)
        skip_because("a sanitizer's shadow memory is larger than any such limit");
    needs_limits();
    limit(RLIMIT_AS, address_space_bytes() + bytes);
}

/* Allocates blocks of many sizes, in two phases and between them: all are served, and counted. */
static void all_is_served(void)
{
    enum { COUNT = 60 };
    static char *blocks[COUNT];
    static size_t sizes[COUNT];
    uint64_t random = 10;

    for (unsigned phase = 0; phase < 2; phase++) {
        struct zk_stats before;
        struct zk_stats after;
        uint64_t arena = 0;

        begin_phase();
        before = stats_now();
        for (unsigned i = 0; i < COUNT; i++) {
            if (i == COUNT / 2)
                end_phase();
            sizes[i] = random_below(&random, 100000);
            blocks[i] = i % 2 == 0 ? zk_malloc(sizes[i]) : zk_calloc(1, sizes[i]);
            CHECK(blocks[i] != NULL);
            fill(blocks[i], sizes[i], i);
            arena += zk_owns(blocks[i]);
        }
        after = stats_now();
        CHECK(arena == (before.slabs > 0 ? COUNT / 2 : 0));
        CHECK(after.arena_count - before.arena_count == arena);
        CHECK(after.system_count - before.system_count == COUNT - arena);
        for (unsigned i = 0; i < COUNT; i++) {
            CHECK(is_filled(blocks[i], sizes[i], i));
            zk_free(blocks[i]);
        }
        CHECK(zk_begin_phase() == 0);
        CHECK(stats_now().retained_count == 0);
        end_phase();
    }
}

static size_t config_slab_bytes(void)
{
    struct zk_config config;

    CHECK(zk_config(&config) == 0);
    return config.slab_bytes;
}

/* fresh_number MiB of address space for slabs of 1 GiB. */
static void slabs_are_smaller(void)
{
    size_t bytes = fresh_number << 20;

    leave_address_space(bytes);
    all_is_served();
    CHECK(stats_now().slab_bytes < (size_t)1 << 30);
    CHECK(stats_now().slab_bytes == config_slab_bytes());
    CHECK(stats_now().slabs > 0);
    CHECK(stats_now().slabs * stats_now().slab_bytes < bytes);
}

/* 64 TiB each: no process has room for all of them. */
static void the_largest_slabs_are_smaller(void)
{
    if (SANITIZED)
        skip_because("a sanitizer's shadow memory takes most of the address space");
    all_is_served();
    CHECK(stats_now().slab_bytes < (size_t)1 << 46);
    CHECK(stats_now().slabs >= 5);
}

static void small_slabs_are_fewer(void)
{
    size_t asked = config_slab_bytes();

    leave_address_space(5 * asked / 2); /* without the limit there are at least five slabs */
    all_is_served();
    CHECK(stats_now().slab_bytes == asked);
    CHECK(stats_now().slabs >= 1 && stats_now().slabs <= 2);
}

static void there_is_no_arena(void)
{
    leave_address_space((size_t)48 << 20);
    all_is_served();
    CHECK(stats_now().slabs == 0 && stats_now().slab_bytes == 0 && stats_now().slabs_in_use == 0);
    CHECK(config_slab_bytes() == 0);
    CHECK(stats_now().overflow_count > 0);
    CHECK(zk_high_water() == 0);
}

/* The arena asks for no more writable memory than it uses: it works where there is little, and
 * without any nothing would. */
static void little_writable_memory_is_enough_for_little(void)
{
    enum { COUNT = 64 };
    unsigned served = 0;

    if (SANITIZED)
        skip_because("a sanitizer's shadow memory is larger than any such limit");
    needs_limits();
    limit(RLIMIT_DATA, (size_t)48 << 20);
    all_is_served();
    CHECK(stats_now().slabs > 0 && stats_now().overflow_count == 0);
    begin_phase();
    for (unsigned i = 0; i < COUNT; i++)
        served += zk_malloc(MIB) != NULL;
    CHECK(served > COUNT / 4 && served < COUNT);
    CHECK(errno == ENOMEM);
}

static void slab_gb_0_is_no_arena(void)
{
    all_is_served();
    CHECK(stats_now().slabs == 0 && stats_now().slab_bytes == 0);
    CHECK(config_slab_bytes() == 0);
    CHECK(zk_high_water() == 0 && !zk_owns(&fresh_number));
}

static void a_limit_beyond_our_needs_changes_nothing(void)
{
    size_t asked = config_slab_bytes();

    leave_address_space((size_t)1 << 40);
    all_is_served();
    CHECK(stats_now().slab_bytes == asked && stats_now().slabs >= 5);
}

/* Uses memory that the C library could have served before the arena took its share. */
static void use_16_mib_of_system(void *arg)
{
    int nowhere = open("/dev/null", O_WRONLY);
    void *p;

    CHECK(dup2(nowhere, STDERR_FILENO) >= 0);
    close(nowhere);
    leave_address_space(*(size_t *)arg);
    begin_phase();
    end_phase();
    p = zk_malloc((size_t)16 << 20);
    _exit(p == NULL);
}

static void the_arena_leaves_address_space_to_the_c_library(void)
{
    if (SANITIZED)
        skip_because("a sanitizer's shadow memory is larger than any such limit");
    needs_limits();
    for (size_t bytes = (size_t)64 << 20; bytes <= (size_t)256 << 20; bytes += 2 << 20)
        CHECK(status_of_fork(use_16_mib_of_system, &bytes) == 0);
}

static const struct CMUnitTest tests[] = {
    FRESH_AS("slabs are smaller under a limit of 4 GiB", slabs_are_smaller,
             .env = {BLIND, ALL_SIZES, "ZK_ALLOC_SLAB_GB=1"}, .number = 4096,
             .says = {"zkalloc: ", "1024 MiB refused", "ZK_ALLOC_SLAB_GB"}),
    FRESH_AS("slabs are smaller under a limit of 1 GiB", slabs_are_smaller,
             .env = {BLIND, ALL_SIZES, "ZK_ALLOC_SLAB_GB=1"}, .number = 1024,
             .says = {"zkalloc: ", "1024 MiB refused", "ZK_ALLOC_SLAB_GB"}),
    FRESH_AS("slabs are smaller under a limit of 300 MiB", slabs_are_smaller,
             .env = {BLIND, ALL_SIZES, "ZK_ALLOC_SLAB_GB=1"}, .number = 300,
             .says = {"zkalloc: ", "1024 MiB refused", "ZK_ALLOC_SLAB_GB"}),
    FRESH(the_largest_slabs_are_smaller, .env = {BLIND, ALL_SIZES, "ZK_ALLOC_SLAB_GB=65536"},
          .says = {"zkalloc: ", "refused", "ZK_ALLOC_SLAB_GB"}),
    FRESH(small_slabs_are_fewer, .env = {BLIND, ALL_SIZES, SLAB_64M},
          .says = {"zkalloc: ", "64 MiB refused", "ZK_ALLOC_SLAB_GB"}),
    FRESH(there_is_no_arena, .env = {BLIND, ALL_SIZES, SLAB_64M},
          .says = {"zkalloc: ", "no arena", "ZK_ALLOC_SLAB_GB"}),
    FRESH(little_writable_memory_is_enough_for_little, .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(slab_gb_0_is_no_arena, .env = {BLIND, ALL_SIZES, "ZK_ALLOC_SLAB_GB=0"}),
    FRESH(a_limit_beyond_our_needs_changes_nothing, .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(the_arena_leaves_address_space_to_the_c_library, .env = {BLIND, ALL_SIZES, SLAB_64M}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
