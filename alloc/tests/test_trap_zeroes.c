/*
 * test_trap_zeroes.c - under the trap too, zeroed blocks are 0: even if so many blocks come and go in a phase that
 * addresses are reused.
 */
#include "fresh.h"

enum { MANY = 70000 }; /* from 1 << 16 on, the address of the last block is reused */

static void used_again_it_is_zero(void)
{
    char *p;
    char *again;

    begin_phase();
    for (unsigned i = 0; i < MANY; i++)
        zk_free(arena_block(100));
    p = arena_block(5000);
    fill(p, 5000, 1);
    zk_free(p);
    again = zk_calloc(1, 20000);
    CHECK(again == p); /* otherwise nothing is tested */
    CHECK(is_all(again, 20000, 0));
    fill(again, 20000, 2);
    zk_free(again);
    again = zk_aligned_calloc(64, 1, 100);
    CHECK(again == p && is_all(again, 100, 0));
    end_phase();
}

static void new_it_is_zero(void)
{
    begin_phase();
    for (unsigned i = 0; i < 100; i++) {
        char *p = zk_calloc(1, 5000);

        CHECK(is_all(p, 5000, 0));
        fill(p, 5000, i);
        if (i % 2 == 0)
            zk_free(p);
    }
    end_phase();
}

#define TRAPPED .env = {ALL_SIZES, "ZK_ALLOC_AUDIT=trap", "ZK_ALLOC_AUDIT_OUT=/dev/null"}

static const struct CMUnitTest tests[] = {
    FRESH(used_again_it_is_zero, TRAPPED),
    FRESH(new_it_is_zero, TRAPPED),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
