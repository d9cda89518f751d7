/*
 * test_phase_escape.c - zk_catch and zk_escape, and which phases an escape ends.
 */
#include "phase_bodies.h"

static void do_nothing(void *arg)
{
    (void)arg;
}

static void catch_returns_the_code(void)
{
    int codes[] = {1, 2, -1, 256, INT32_MAX, INT32_MIN};

    CHECK(zk_catch(do_nothing, NULL) == 0);
    for (unsigned i = 0; i < sizeof codes / sizeof *codes; i++) {
        CHECK(zk_catch(escape_with, &codes[i]) == codes[i]);
        CHECK(zk_catch(escape_in_phase, &codes[i]) == codes[i]);
        CHECK(zk_catch(escape_in_scope, &codes[i]) == codes[i]);
    }
}

static void code_0_becomes_1(void)
{
    int code = 0;

    CHECK(zk_catch(escape_with, &code) == 1);
    CHECK(zk_catch(escape_in_phase, &code) == 1);
}

static void an_escape_ends_the_phase(void)
{
    int code = 5;

    CHECK(zk_catch(escape_in_phase, &code) == 5);
    CHECK(!is_active());
    CHECK(zk_catch(escape_in_scope, &code) == 5);
    CHECK(!is_active());
    CHECK(stats_now().phases == 2 && stats_now().orphans == 0);
    begin_phase();
    end_phase();
}

struct dive {
    unsigned levels;
    int code;
};

static void dive(void *arg)
{
    struct dive *at = arg;

    if (at->levels-- > 0)
        zk_phase(dive, at);
    else
        zk_escape(at->code);
    CHECK(!"reached");
}

static void an_escape_ends_all_nested_phases(void)
{
    for (unsigned levels = 1; levels < 100; levels += 7) {
        struct dive deep = {levels, 6};

        CHECK(zk_catch(dive, &deep) == 6);
        CHECK(!is_active());
        end_fails_with(EINVAL);
    }
    CHECK(stats_now().orphans == 0);
}

static void catch_in_phase(void *arg)
{
    struct dive deep = {3, 8};
    char *p = arena_block(1000);

    CHECK(zk_catch(dive, &deep) == 8);
    CHECK((char *)arena_block(1000) == p + granules(1000));
    *(int *)arg = 1;
}

/* Phases outside of the catch go on. */
static void an_escape_ends_the_phases_since_the_innermost_catch(void)
{
    int reached = 0;

    CHECK(zk_phase(catch_in_phase, &reached) == 0 && reached == 1);
    CHECK(!is_active());
    end_fails_with(EINVAL);
    CHECK(stats_now().phases == 1);
}

static void catch_and_escape_again(void *arg)
{
    int inner = 3;

    CHECK(zk_catch(escape_in_phase, &inner) == 3);
    zk_escape(*(int *)arg);
}

static void the_innermost_catch_catches(void)
{
    int outer = 4;

    CHECK(zk_catch(catch_and_escape_again, &outer) == 4);
    CHECK(!is_active());
}

static void begin_and_escape(void *arg)
{
    begin_phase();
    escape_with(arg);
}

static void an_escape_leaves_phases_without_a_guard_alone(void)
{
    int code = 9;

    CHECK(zk_catch(begin_and_escape, &code) == 9);
    CHECK(is_active());
    end_phase();
}

static void escape_without_catch(void)
{
    zk_escape(17);
}

static void escape_after_the_catch_has_returned(void)
{
    int code = 1;

    CHECK(zk_catch(escape_in_phase, &code) == 1);
    CHECK(zk_catch(do_nothing, NULL) == 0);
    zk_escape(18);
}

static void *escape_on_this_thread(void *arg)
{
    escape_with(arg);
    return NULL;
}

static void escape_on_another_thread(void *arg)
{
    run_thread(escape_on_this_thread, arg);
}

static void escape_beside_another_threads_catch(void)
{
    int code = 19;

    zk_catch(escape_on_another_thread, &code);
}

static const struct CMUnitTest tests[] = {
    FRESH(catch_returns_the_code, .env = {ARENA}),
    FRESH(code_0_becomes_1, .env = {ARENA}),
    FRESH(an_escape_ends_the_phase, .env = {ARENA}),
    FRESH(an_escape_ends_all_nested_phases, .env = {ARENA, COUNT}),
    FRESH(an_escape_ends_the_phases_since_the_innermost_catch, .env = {ARENA, COUNT}),
    FRESH(the_innermost_catch_catches, .env = {ARENA}),
    FRESH(an_escape_leaves_phases_without_a_guard_alone, .env = {ARENA}),
    FRESH(escape_without_catch, .env = {ARENA}, .status = 128 + SIGABRT,
          .says = {"zkalloc: ", "zk_escape(17)"}),
    FRESH(escape_after_the_catch_has_returned, .env = {ARENA}, .status = 128 + SIGABRT,
          .says = {"zkalloc: ", "zk_escape(18)"}),
    FRESH(escape_beside_another_threads_catch, .env = {ARENA}, .status = 128 + SIGABRT,
          .says = {"zkalloc: ", "zk_escape(19)"}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
