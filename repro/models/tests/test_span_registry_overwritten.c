/*
 * test_span_registry_overwritten.c - what overwriting does to a registry; each case in a child
 * process with a blind arena.
 */
#include "spans.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    HUNG = -1,
    DIED = -2,
    RETURNED = 100 /* + the status: others are a sanitizer's */
};

/* The status that body returns; or HUNG or DIED, if the child did. */
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
        close(STDERR_FILENO); /* hides a sanitizer's report */
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

/* Recycled pages that read as zero: each slot seems to be present, and to follow itself on the free
 * list. */
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

/* Returns the number of pages after one more span. */
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
    /* With MIN_BYTES above the shard's largest block and up to the page's size, only the page is in
     * the arena. */
    assert_int_equal(in_arena(3073, 0xAA, open_across), SPAN_CLOSED);
    assert_int_equal(in_arena(3072, 0xAA, open_across), SPAN_PANIC_WEIRD_LIFECYCLE);
    assert_int_equal(in_arena(3072, 0x55, open_across), SPAN_PANIC_DROP_UNKNOWN);
    assert_int_equal(in_arena(1281, 0x55, open_across), SPAN_PANIC_DROP_UNKNOWN);
    /* Free slots look as if they were in use: the page counts as full, and the next one is made. */
    assert_int_equal(in_arena(3073, 0xAA, closed_before), 1);
    assert_int_equal(in_arena(3072, 0xAA, closed_before), 2);
    assert_int_equal(in_arena(3072, 0x55, closed_before), 2);
    assert_int_equal(in_arena(3072, 0x00, cloned_across), SPAN_PANIC_CLONE_CLOSED);
    assert_int_equal(in_arena(3072, 0x00, open_across), SPAN_CLOSED);
    assert_int_equal(in_arena(3073, 0x00, twice_the_same), 0);
    assert_int_equal(in_arena(3072, 0x00, twice_the_same), 1);
    /* With the shard's page records in the arena too: fatal at once. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overwritten_pages),
        cmocka_unit_test(overwritten_maps_and_stacks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
