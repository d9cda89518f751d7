/*
 * test_trap_limits.c - what cannot be watched for want of address space or mappings, and how much can be.
 */
#include "emulator.h"
#include "stale_block.h"

static void limit_address_space(size_t bytes)
{
    const struct rlimit limits = {.rlim_cur = bytes, .rlim_max = bytes};

    if (SANITIZED)
        skip_because("a sanitizer's shadow memory is larger than any such limit");
    needs_limits();
    CHECK(setrlimit(RLIMIT_AS, &limits) == 0);
}

static void what_cannot_be_watched_is_told_and_served_by_system(void)
{
    struct findings found;
    unsigned count = 0;

    limit_address_space((size_t)3 << 30);
    next_phase();
    while (count < 100 && zk_owns(zk_malloc((size_t)100 << 20)))
        count++;
    CHECK(count > 0 && count < 100);
    found = findings_now();
    CHECK(found.count == 1 && field_is(&found, 1, "kind", "unwatched"));
    CHECK(number_in(&found, 1, "count") == 1);
    CHECK(number_in(&found, 1, "size") == (size_t)100 << 20);
    CHECK(summary_now().unwatched_count == 1);
    next_phase(); /* and goes on */
    CHECK(make(10) != NULL);
}

static void no_address_space_at_all_is_said(void)
{
    char *p;

    limit_address_space((size_t)100 << 20);
    p = stale_block(1000);
    CHECK(p != NULL && !zk_owns(p));
    CHECK(read_at(p, 0) == 7);
    zk_free(p);
    CHECK(summary_now().unwatched_count == 1);
}

/* The program needs address space as well. */
static void of_little_address_space_half_is_the_programs(void)
{
    void *p;

    limit_address_space((size_t)512 << 20);
    read_at(stale_block(1000), 0);
    CHECK(summary_now().touched_count == 1 && summary_now().unwatched_count == 0);
    p = mmap(NULL, (size_t)200 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
}

static void no_arena_is_nothing_to_watch(void)
{
    char *p = stale_block(1000);

    CHECK(!zk_owns(p) && read_at(p, 0) == 7);
    zk_free(p);
}

static size_t mappings_max(void)
{
    FILE *file = fopen("/proc/sys/vm/max_map_count", "r");
    size_t most = 0;

    CHECK(file != NULL && fscanf(file, "%zu", &most) == 1); /* NOLINT */
    fclose(file);
    return most;
}

/* Are there mappings left for the program? */
static bool can_map_a_hundred(void)
{
    const size_t bytes = 200 * (size_t)4096;
    char *pages = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool can = pages != MAP_FAILED;

    for (size_t at = 0; can && at < bytes; at += 2 * (size_t)4096)
        can = mprotect(pages + at, 4096, PROT_NONE) == 0;
    return can && munmap(pages, bytes) == 0;
}

static void more_stale_blocks_than_the_kernel_has_mappings(void)
{
    size_t count = mappings_max() + 10000;
    char **blocks;

    if (count > 300000)
        skip_because("vm.max_map_count is large");
    blocks = malloc(count * sizeof *blocks);
    CHECK(blocks != NULL);
    next_phase();
    for (size_t i = 0; i < count; i++)
        *(blocks[i] = make(8)) = (char)i;
    for (unsigned phase = 0; phase < 2; phase++) {
        next_phase();
        for (size_t i = 0; i < count; i += 2) { /* every other one: none can be merged */
            CHECK(blocks[i][0] == (char)i);
            CHECK(i % 100 != 0 || can_map_a_hundred());
        }
    }
    /* What was opened is closed again to make room, and every access is seen. */
    CHECK(summary_now().touched_count == 2 * (count / 2) && summary_now().unwatched_count == 0);
}

static void blocks_that_lie_side_by_side_need_one_mapping(void)
{
    size_t count = mappings_max();
    char **blocks;

    if (count > 300000)
        skip_because("vm.max_map_count is large");
    blocks = malloc(count * sizeof *blocks);
    CHECK(blocks != NULL);
    next_phase();
    for (size_t i = 0; i < count; i++)
        blocks[i] = make(8);
    next_phase();
    for (size_t i = 0; i < count; i++)
        read_at(blocks[i], 0);
    CHECK(summary_now().touched_count == count && summary_now().unwatched_count == 0);
}

static void a_million_live_blocks(void)
{
    /* Each takes a page: with larger pages, fewer blocks take as many bytes. A multiple of 2000. */
    const unsigned count = 500 / (unsigned)(sysconf(_SC_PAGESIZE) / 4096) * 2000;
    char **blocks = malloc(count * sizeof *blocks);

    CHECK(blocks != NULL);
    next_phase();
    for (unsigned i = 0; i < count; i++)
        blocks[i] = make(16);
    next_phase();
    CHECK(summary_now().retained_count == count && summary_now().unwatched_count == 0);
    read_at(blocks[0], 15);
    read_at(blocks[count / 2], 0);
    read_at(blocks[count - 1], 3);
    CHECK(summary_now().touched_count == 3);
    for (unsigned i = 0; i < count; i += 1000)
        zk_free(blocks[i]);
    CHECK(summary_now().freed_late_count == count / 1000 - 2);
    next_phase();
    CHECK(summary_now().retained_count == count - count / 1000);
}

static const struct CMUnitTest tests[] = {
    FRESH(what_cannot_be_watched_is_told_and_served_by_system, TRAP_ALL),
    FRESH(no_address_space_at_all_is_said, TRAP_ALL, .says = {"nothing is watched", "ulimit -v"}),
    FRESH(of_little_address_space_half_is_the_programs, TRAP_ALL),
    FRESH(no_arena_is_nothing_to_watch, .env = {TRAP, ALL_SIZES, "ZK_ALLOC_SLAB_GB=0"}),
    FRESH(more_stale_blocks_than_the_kernel_has_mappings, TRAP_ALL),
    FRESH(blocks_that_lie_side_by_side_need_one_mapping, TRAP_ALL),
    FRESH(a_million_live_blocks, TRAP_ALL),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
