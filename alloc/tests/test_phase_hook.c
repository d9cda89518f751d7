/*
 * test_phase_hook.c - hooks run after each phase, however it is left.
 */
#include "phase_bodies.h"

enum { HOOKS = 30 };

static struct {
    unsigned calls;
    unsigned order[100];
    pthread_t thread;
} hooks;

static void note_hook(void *arg)
{
    CHECK(hooks.calls < 100);
    hooks.order[hooks.calls++] = *(unsigned *)arg;
    hooks.thread = pthread_self();
    system_block(64); /* the phase is over */
    CHECK(!zk_owns(zk_calloc(1, 64)));
    end_fails_with(EINVAL);
}

static unsigned numbers[HOOKS];

static void register_hooks(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        numbers[i] = 1000 + i;
        CHECK(zk_on_phase_end(note_hook, &numbers[i]) == 0);
    }
}

static void hooks_run_in_order_after_each_end(void)
{
    register_hooks(HOOKS);
    CHECK(hooks.calls == 0);
    for (unsigned phase = 0; phase < 3; phase++) {
        begin_phase();
        arena_block(100);
        CHECK(hooks.calls == 0);
        end_phase();
        CHECK(hooks.calls == HOOKS);
        for (unsigned i = 0; i < HOOKS; i++)
            CHECK(hooks.order[i] == 1000 + i);
        hooks.calls = 0;
    }
}

static void hooks_registered_in_a_phase_run_at_its_end(void)
{
    begin_phase();
    register_hooks(2);
    end_phase();
    CHECK(hooks.calls == 2);
}

static void hooks_do_not_run_when_an_end_fails(void)
{
    register_hooks(1);
    end_fails_with(EINVAL);
    begin_phase();
    run_thread(foreign_end_is_eperm, NULL);
    CHECK(hooks.calls == 0);
    end_phase();
    CHECK(hooks.calls == 1);
}

static void hooks_run_at_the_last_of_counted_ends(void)
{
    register_hooks(1);
    begin_phase();
    begin_phase();
    end_phase();
    CHECK(hooks.calls == 0);
    end_phase();
    CHECK(hooks.calls == 1);
}

static void *end_here(void *arg)
{
    end_phase();
    *(pthread_t *)arg = pthread_self();
    return NULL;
}

static void hooks_run_on_the_thread_that_ended_the_phase(void)
{
    pthread_t other;

    register_hooks(1);
    begin_phase();
    end_phase();
    CHECK(pthread_equal(hooks.thread, pthread_self()));
    begin_phase();
    run_thread(end_here, &other);
    CHECK(hooks.calls == 2 && pthread_equal(hooks.thread, other));
}

static void hooks_run_however_a_phase_is_left(void)
{
    int code = 1;
    int runs = 0;

    register_hooks(1);
    CHECK(zk_phase(note_arg, &runs) == 0);
    CHECK(hooks.calls == 1);
    CHECK(leave_scope_by_return(1) == 1);
    CHECK(hooks.calls == 2);
    CHECK(zk_catch(escape_in_phase, &code) == 1);
    CHECK(hooks.calls == 3);
    CHECK(zk_catch(escape_in_scope, &code) == 1);
    CHECK(hooks.calls == 4);
}

static void hooks_run_for_a_phase_left_by_longjmp(void)
{
    register_hooks(1);
    leave_phase_by_longjmp();
    CHECK(hooks.calls == 0);
    begin_phase();
    CHECK(hooks.calls == 1);
}

static void hooks_run_for_a_phase_whose_thread_has_ended(void)
{
    register_hooks(1);
    run_thread(begin_and_leave, NULL);
    CHECK(hooks.calls == 0);
    begin_phase();
    CHECK(hooks.calls == 1);
}

static const struct CMUnitTest tests[] = {
    FRESH(hooks_run_in_order_after_each_end, .env = {ARENA}),
    FRESH(hooks_registered_in_a_phase_run_at_its_end, .env = {ARENA}),
    FRESH(hooks_do_not_run_when_an_end_fails, .env = {ARENA}),
    FRESH(hooks_run_at_the_last_of_counted_ends, .env = {ARENA, COUNT}),
    FRESH(hooks_run_on_the_thread_that_ended_the_phase, .env = {ARENA, ANY}),
    FRESH(hooks_run_however_a_phase_is_left, .env = {ARENA}),
    FRESH(hooks_run_for_a_phase_left_by_longjmp, .env = {ARENA}, .says = {"longjmp"}),
    FRESH(hooks_run_for_a_phase_whose_thread_has_ended, .env = {ARENA}, .says = {"thread"}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
