/*
 * test_without_audit.c - a build with ZKALLOC_AUDIT=OFF: asking for the audit fails, and everything else works.
 * Built only then; see outside/without_audit_test.sh.
 */
#include "fresh.h"

static void the_calls_say_that_there_is_none(void)
{
    struct zk_audit_summary summary = {.retained_count = 1};

    begin_phase();
    CHECK(zk_audit_summary(&summary) == -1 && errno == ENOSYS && summary.retained_count == 0);
    errno = 0;
    CHECK(zk_audit_report(-1) == -1 && errno == ENOSYS);
    errno = 0;
    CHECK(zk_audit_report(STDERR_FILENO) == -1 && errno == ENOSYS);
    end_phase();
}

static void it_cannot_be_configured(void)
{
    struct zk_config config;

    CHECK(zk_config(&config) == 0);
    config.min_bytes = 1;
    config.audit = ZK_AUDIT_CENSUS;
    CHECK(zk_configure(&config) == -1 && errno == ENOSYS);
    config.audit = ZK_AUDIT_TRAP;
    CHECK(zk_configure(&config) == -1 && errno == ENOSYS);
    config.audit = (enum zk_audit)(ZK_AUDIT_TRAP + 1);
    CHECK(zk_configure(&config) == -1 && errno == EINVAL);
    CHECK(zk_config(&config) == 0);
    CHECK(config.audit == ZK_AUDIT_OFF && config.min_bytes == ZK_DEFAULT_MIN_BYTES);
    config.min_bytes = 1;
    CHECK(zk_configure(&config) == 0);
}

/* Refused with one line, and the arena serves. */
static void the_arena_serves_all_the_same(void)
{
    struct zk_config config;
    char *p;

    begin_phase();
    p = arena_block(100);
    fill(p, 100, 1);
    end_phase();
    begin_phase();
    CHECK(arena_block(100) != p);
    CHECK(is_filled(p, 100, 1));
    end_phase();
    CHECK(zk_config(&config) == 0 && config.audit == ZK_AUDIT_OFF);
}

#define REFUSED(value)                                                                             \
    FRESH_AS("audit " value " is refused", the_arena_serves_all_the_same,                          \
             .env = {ALL_SIZES, "ZK_ALLOC_AUDIT=" value},                                          \
             .says = {"ZK_ALLOC_AUDIT=" value " refused", "built without the audit"})

static const struct CMUnitTest tests[] = {
    FRESH(the_calls_say_that_there_is_none),
    FRESH(it_cannot_be_configured),
    REFUSED("census"),
    REFUSED("trap"),
    FRESH_AS("audit off is not", the_arena_serves_all_the_same,
             .env = {ALL_SIZES, "ZK_ALLOC_AUDIT=off"}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
