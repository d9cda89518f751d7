/*
 * test_pinned_warning.c - the warning to a program that never frees.
 */
#include "pinned_phases.h"

static void a_program_that_never_frees_is_told_so(void)
{
    const size_t bytes =
        5 * chunk_bytes(); /* of a phase: what its last chunk lacks is little beside it */

    for (size_t phase = 0; phase < 64 * MIB / bytes; phase++) {
        begin_phase();
        for (size_t i = 0; i < bytes / 12000; i++)
            zk_malloc(12000);
        end_phase();
    }
    CHECK(stats_now().pinned_bytes > 16 * MIB);
}

/* Its slab fills up before 16 phases of growth have been seen. */
static void a_program_that_never_frees_and_has_large_phases_is_told_so(void)
{
    for (unsigned phase = 0; phase < 5; phase++) {
        begin_phase();
        zk_malloc(20 * MIB);
        end_phase();
    }
}

static void a_program_that_frees_is_told_nothing(void)
{
    char *late = NULL;

    for (unsigned phase = 0; phase < 100; phase++) {
        begin_phase();
        zk_free(late);
        late = zk_malloc(2 * MIB);
        for (unsigned i = 0; i < 100; i++)
            zk_free(arena_block(50000));
        end_phase();
    }
}

static const struct CMUnitTest tests[] = {
    FRESH(a_program_that_never_frees_is_told_so, PINNED_SMALL,
          .says = {"MiB are pinned", "zk_discard_phase", "zk-audit"}),
    FRESH(a_program_that_never_frees_and_has_large_phases_is_told_so, PINNED_SMALL,
          .says = {"MiB are pinned", "zk_discard_phase"}),
    FRESH(a_program_that_frees_is_told_nothing, PINNED_SMALL),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
