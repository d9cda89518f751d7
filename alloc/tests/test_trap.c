/*
 * test_trap.c - stale accesses are caught when they are made, the program goes on, and what is not
 * stale keeps its meaning. Every body runs with ZK_ALLOC_AUDIT=trap.
 */
#include "findings.h"

#include "dispatch.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>

static unsigned made_at;
static unsigned used_at;

SITE static void *make(size_t size)
{
    void *p = AT(made_at, zk_malloc(size));

    STAY_IN_FRAME();
    return p;
}

/* A null pointer's as well. */
__attribute__((no_sanitize("undefined"))) SITE static char read_at(const volatile char *p,
                                                                   size_t offset)
{
    return AT(used_at, p[offset]);
}

SITE static void write_at(volatile char *p, size_t offset)
{
    AT(used_at, p[offset] = 1);
}

/* A block of the phase before. */
static char *stale_block(size_t size)
{
    char *p;

    next_phase();
    p = make(size);
    memset(p, 7, size);
    next_phase();
    return p;
}

/* ---- One access ---- */

static void a_read_is_a_read(void)
{
    char *p = stale_block(100);
    struct findings found;

    CHECK(read_at(p, 42) == 7); /* and the program goes on with its data */
    found = findings_now();
    CHECK(found.count == 1);
    CHECK(field_is(&found, 1, "kind", "touched") && field_is(&found, 1, "access", "read"));
    CHECK(number_in(&found, 1, "size") == 100 && number_in(&found, 1, "offset") == 42);
    CHECK(number_in(&found, 1, "count") == 1 && number_in(&found, 1, "threads") == 1);
    CHECK(number_in(&found, 1, "phase_allocated") == 1);
    CHECK(number_in(&found, 1, "phase_accessed") == 2);
    CHECK(placed_at(&found, 1, "", "make", __FILE__, made_at));
    CHECK(placed_at(&found, 1, "access_", "read_at", __FILE__, used_at));
    CHECK(strstr(field(&found, 1, "access_module"), "/test_trap") != NULL);
}

static void a_write_is_a_write(void)
{
    char *p = stale_block(10000);
    struct findings found;

    write_at(p, 9999);
    found = findings_now();
    CHECK(p[9999] == 1 && p[9998] == 7);
    CHECK(found.count == 1);
    CHECK(field_is(&found, 1, "kind", "touched") && field_is(&found, 1, "access", "write"));
    CHECK(number_in(&found, 1, "size") == 10000 && number_in(&found, 1, "offset") == 9999);
    CHECK(placed_at(&found, 1, "access_", "write_at", __FILE__, used_at));
}

static void phases_apart_are_told(void)
{
    char *p = stale_block(100);
    struct findings found;

    for (unsigned i = 0; i < 5; i++)
        next_phase();
    read_at(p, 0);
    found = findings_now();
    CHECK(number_in(&found, 1, "phase_allocated") == 1);
    CHECK(number_in(&found, 1, "phase_accessed") == 7);
}

static void an_access_outside_of_phases_is_one_as_well(void)
{
    char *p = stale_block(100);

    end_phase();
    read_at(p, 0);
    CHECK(summary_now().touched_count == 1);
}

static void what_the_c_library_touches_is_its_callers(void)
{
    char *p = stale_block(100);
    struct findings found;
    char copy[100];

    memcpy(copy, p, fresh_number);
    CHECK(is_all(copy, fresh_number, 7));
    found = findings_now();
    CHECK(found.count == 1 && field_is(&found, 1, "access", "read"));
    CHECK(THREAD_SANITIZED ||
          field_is(&found, 1, "access_symbol", "what_the_c_library_touches_is_its_callers"));
}

/* ---- Which accesses ---- */

static void the_phase_of_a_block_is_its_own_until_the_next_begin(void)
{
    char *p;

    next_phase();
    p = make(100);
    write_at(p, 5);
    end_phase();
    CHECK(read_at(p, 5) == 1);
    CHECK(summary_now().touched_count == 0 && findings_now().count == 0);
    begin_phase();
    CHECK(summary_now().retained_count == 1);
    CHECK(summary_now().touched_count == 0);
}

static void a_block_is_touched_once_in_a_phase(void)
{
    char *p = stale_block(10000);
    struct findings found;

    for (unsigned phase = 0; phase < 4; phase++) {
        for (unsigned i = 0; i < 10; i++)
            read_at(p, 1000 * i);
        next_phase();
    }
    found = findings_now();
    CHECK(found.count == 1 && number_in(&found, 1, "count") == 1);
    CHECK(number_in(&found, 1, "phase_accessed") == 2); /* the first time */
    CHECK(summary_now().touched_count == 4 && summary_now().touched_max == 10000);
}

static void blocks_of_one_site_are_one_row_and_sites_are_apart(void)
{
    char *blocks[10];
    struct findings found;

    next_phase();
    for (unsigned i = 0; i < 10; i++)
        blocks[i] = make(100);
    next_phase();
    for (unsigned i = 0; i < 10; i++)
        if (i < 3)
            write_at(blocks[i], 0);
        else
            read_at(blocks[i], 0);
    found = findings_now();
    CHECK(found.count == 2 && sum_of(&found, "count") == 10);
    CHECK(number_in(&found, row_with(&found, "access", "write"), "count") == 3);
    CHECK(number_in(&found, row_with(&found, "access", "read"), "count") == 7);
}

static void neighbours_are_told_apart(void)
{
    enum { COUNT = 100 };
    char *blocks[COUNT];

    next_phase();
    for (unsigned i = 0; i < COUNT; i++)
        blocks[i] = make(i * 100);
    next_phase();
    for (unsigned i = 1; i < COUNT; i += 2)
        read_at(blocks[i], i * 100 - 1);
    CHECK(summary_now().touched_count == COUNT / 2);
    CHECK(summary_now().touched_max == (COUNT - 1) * 100);
    CHECK(summary_now().retained_count == COUNT);
    CHECK(findings_now().count == COUNT / 2);
}

/* The merged row of several threads tells of one access, not of parts of two. */
static void *make_on_thread(void *arg)
{
    return *(void **)arg = make(100);
}

static void a_row_tells_of_the_first_access_whole(void)
{
    char *first;
    char *second;
    struct findings found;

    next_phase();
    run_thread(make_on_thread, &first);
    for (unsigned i = 0; i < 4; i++)
        next_phase();
    run_thread(make_on_thread, &second); /* in phase 5 */
    next_phase();
    for (unsigned i = 0; i < 2; i++) {
        read_at(i == 0 ? second : first, i == 0 ? 22 : 11); /* in phases 6 and 7 */
        next_phase();
    }
    found = findings_now();
    CHECK(found.count == 1 && number_in(&found, 1, "threads") == 2);
    CHECK(number_in(&found, 1, "phase_allocated") == 5);
    CHECK(number_in(&found, 1, "phase_accessed") == 6);
    CHECK(number_in(&found, 1, "offset") == 22);
}

/* ---- free and realloc ---- */

static void a_free_of_what_was_not_touched_is_late(void)
{
    char *p = stale_block(100);
    struct findings found;

    zk_free(p);
    found = findings_now();
    CHECK(found.count == 1 && field_is(&found, 1, "kind", "freed_late"));
    CHECK(field_is(&found, 1, "access", "NA") && field_is(&found, 1, "access_site", "NA"));
    CHECK(field_is(&found, 1, "symbol", "make"));
    CHECK(summary_now().freed_late_count == 1 && summary_now().touched_count == 0);
}

static void a_free_of_what_was_touched_is_not(void)
{
    char *p = stale_block(100);

    read_at(p, 0);
    next_phase();
    zk_free(p);
    CHECK(summary_now().freed_late_count == 0 && summary_now().touched_count == 1);
    CHECK(findings_now().count == 1);
}

static void a_free_in_time_is_not(void)
{
    next_phase();
    zk_free(make(100));
    zk_free(make(100));
    end_phase();
    zk_free(NULL);
    begin_phase();
    CHECK(findings_now().count == 0 && summary_now().retained_count == 0);
}

static unsigned moved_at;

SITE static void *move(void *p, size_t size)
{
    p = fresh_number == 0 ? AT(moved_at, zk_realloc(p, size))
                          : AT(moved_at, zk_realloc_sized(p, 100, 16, size));
    STAY_IN_FRAME();
    return p;
}

static void a_realloc_of_a_retained_block_is_a_touch_by_its_caller(void)
{
    char *p = stale_block(100);
    struct findings found;

    p = move(p, 5000);
    CHECK(is_all(p, 100, 7));
    found = findings_now();
    CHECK(found.count == 1);
    CHECK(field_is(&found, 1, "kind", "touched") && field_is(&found, 1, "access", "read"));
    CHECK(number_in(&found, 1, "size") == 100);
    CHECK(placed_at(&found, 1, "access_", "move", __FILE__, moved_at));
    next_phase();
    CHECK(summary_now().retained_count == 1);
    read_at(p, 4999);
    CHECK(summary_now().touched_max == 5000);
}

static void a_realloc_in_its_phase_is_no_touch(void)
{
    char *p;

    next_phase();
    p = move(make(100), 5000);
    p = move(p, 200);
    CHECK(zk_realloc(p, 0) == NULL);
    CHECK(findings_now().count == 0);
}

static void discarded_blocks_are_no_longer_retained(void)
{
    char *kept = stale_block(100);
    char *discarded = make(200);

    memset(discarded, 9, 200);
    CHECK(zk_discard_phase() == 0);
    CHECK(is_all(discarded, 200, 9)); /* valid until the next begin */
    begin_phase();
    CHECK(summary_now().retained_count == 1);
    CHECK(read_at(kept, 0) == 7);
    CHECK(summary_now().touched_count == 1);
}

static void what_is_freed_or_discarded_takes_no_memory(void)
{
    size_t before = 0;

    if (SANITIZED)
        skip_because("the sanitizer's own memory");
    for (unsigned phase = 0; phase < 200; phase++) {
        char *p;

        begin_phase();
        for (unsigned i = 0; i < 10; i++) {
            p = make(MIB);
            memset(p, 1, MIB);
            if (fresh_number == 0)
                zk_free(p);
        }
        CHECK(fresh_number == 0 ? zk_end_phase() == 0 : zk_discard_phase() == 0);
        if (phase == 5)
            before = resident_bytes();
    }
    CHECK(resident_bytes() < before + 20 * (size_t)MIB);
}

/* ---- After a free: the program's own bug ---- */

static void an_access_after_a_free_is_told_apart(void)
{
    char *p = stale_block(300);
    struct findings found;
    size_t row;

    zk_free(p);
    read_at(p, 20);
    found = findings_now();
    row = row_with(&found, "kind", "freed");
    CHECK(found.count == 2 && row != 0);
    CHECK(field_is(&found, row, "access", "read"));
    CHECK(number_in(&found, row, "size") == 300 && number_in(&found, row, "offset") == 20);
    CHECK(field_is(&found, row, "symbol", "make"));
    CHECK(placed_at(&found, row, "access_", "read_at", __FILE__, used_at));
    CHECK(summary_now().after_free_count == 1 && summary_now().touched_count == 0);
    CHECK(summary_now().touched_max == 0);
}

static void an_access_long_after_a_free_has_no_block_any_more(void)
{
    char *p = stale_block(300);
    struct findings found;
    size_t row;

    zk_free(p);
    next_phase();
    write_at(p, 20);
    found = findings_now();
    row = row_with(&found, "kind", "freed");
    CHECK(row != 0 && field_is(&found, row, "access", "write"));
    CHECK(field_is(&found, row, "site", "NA"));
    CHECK(field_is(&found, row, "access_symbol", "write_at"));
}

/* ---- The program's own handlers ---- */

static sigjmp_buf back;
static volatile sig_atomic_t handled;
static void *volatile handled_address;
static volatile sig_atomic_t handled_code;
static volatile sig_atomic_t usr1_blocked;

static void note(int signal)
{
    sigset_t mask;

    CHECK(signal == SIGSEGV);
    handled++;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    usr1_blocked = sigismember(&mask, SIGUSR1);
}

static void jump(int signal)
{
    note(signal);
    siglongjmp(back, 1);
}

static void jump_with_info(int signal, siginfo_t *info, void *context)
{
    CHECK(context != NULL);
    handled_address = info->si_addr;
    handled_code = info->si_code;
    jump(signal);
}

static struct sigaction old_action;
static char *page; /* without access */

static void open_page(int signal)
{
    note(signal);
    CHECK(mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0);
}

static void set_action(void (*handler)(int), int flags, int masked)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

    if (masked != 0)
        sigaddset(&action.sa_mask, masked);
    CHECK(sigaction(SIGSEGV, &action, &old_action) == 0);
}

static void set_info_action(void)
{
    struct sigaction action = {.sa_sigaction = jump_with_info, .sa_flags = SA_SIGINFO};

    CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
}

static char *barred_page(void)
{
    page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    return page;
}

/* A genuine fault, which the handler leaves by siglongjmp. */
static void fault_and_come_back(void)
{
    int before = handled;

    if (sigsetjmp(back, 1) == 0) {
        read_at(page, 8);
        CHECK(!"reached");
    }
    CHECK(handled == before + 1);
}

/* A stale access in this phase and one genuine fault, twice. */
static void stale_is_ours_and_genuine_is_the_programs(void)
{
    for (unsigned i = 0; i < 2; i++) {
        char *p = stale_block(100);
        uint64_t touched = summary_now().touched_count;

        read_at(p, 3);
        CHECK(summary_now().touched_count == touched + 1);
        fault_and_come_back();
    }
    CHECK(handled == 2);
}

static void a_handler_set_before_the_first_begin_gets_genuine_faults(void)
{
    barred_page();
    set_action(jump, 0, 0);
    stale_is_ours_and_genuine_is_the_programs();
}

static void a_handler_set_after_the_first_begin_gets_genuine_faults(void)
{
    barred_page();
    next_phase();
    set_action(jump, 0, 0);
    stale_is_ours_and_genuine_is_the_programs();
    set_action(jump, SA_NODEFER, 0); /* and another one */
    handled = 0;
    stale_is_ours_and_genuine_is_the_programs();
}

static void a_handler_with_information_gets_it(void)
{
    barred_page();
    set_info_action();
    stale_is_ours_and_genuine_is_the_programs();
    CHECK(handled_address == page + 8 && handled_code == SEGV_ACCERR);
}

static void a_handler_that_mends_the_fault_goes_on(void)
{
    char *p = stale_block(100);

    barred_page();
    set_action(open_page, 0, SIGUSR1);
    next_phase();
    CHECK(read_at(page, 8) == 0);
    CHECK(read_at(p, 8) == 7);
    CHECK(handled == 1 && summary_now().touched_count == 1);
    CHECK(usr1_blocked); /* its sa_mask */
}

static void signals_are_blocked_in_a_handler_as_the_program_said(void)
{
    sigset_t mask;

    barred_page();
    set_action(open_page, 0, 0);
    next_phase();
    read_at(page, 8);
    CHECK(handled == 1 && !usr1_blocked);
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    CHECK(!sigismember(&mask, SIGUSR1) && !sigismember(&mask, SIGSEGV));
}

static void a_handler_that_resets_itself_gets_one_fault(void)
{
    barred_page();
    set_action(jump, (int)SA_RESETHAND, 0);
    next_phase();
    fault_and_come_back();
    CHECK(handled == 1);
    read_at(page, 8); /* the default action */
}

/* It passes on what it does not know to the handler that was there before: ours. */
static void chain(int signal, siginfo_t *info, void *context)
{
    handled++;
    if (handled > 10)
        _exit(99);
    if ((old_action.sa_flags & SA_SIGINFO) != 0)
        old_action.sa_sigaction(signal, info, context);
}

static void a_handler_that_passes_faults_on_to_ours_ends_in_the_default_action(void)
{
    struct sigaction action = {.sa_sigaction = chain, .sa_flags = SA_SIGINFO};
    char *p = stale_block(100);
    int through;

    barred_page();
    CHECK(sigaction(SIGSEGV, &action, &old_action) == 0);
    read_at(p, 0);     /* goes through the handler, before there was a begin */
    through = handled; /* unless the kernel sends us all faults first */
    CHECK(summary_now().touched_count == 1 && through <= 1);
    next_phase();
    read_at(p, 0);
    CHECK(summary_now().touched_count == 2 && handled == through);
    read_at(page, 8);
    _exit(98);
}

/* It puts back what was there before it, and lets the fault happen again: as crash reporters do. */
static void step_aside(int signal)
{
    if (++handled > 10)
        _exit(99);
    CHECK(sigaction(signal, &old_action, NULL) == 0);
}

static void a_handler_that_steps_aside_for_ours_ends_in_the_default_action(void)
{
    barred_page();
    next_phase();
    set_action(step_aside, 0, 0);
    next_phase();
    read_at(page, 8);
    _exit(98);
}

/* ---- The default action ---- */

static void a_null_pointer_kills(void)
{
    stale_block(10);
    read_at((char *)(uintptr_t)fresh_number, 0);
}

static void a_fault_outside_of_the_arena_kills(void)
{
    stale_block(10);
    write_at(barred_page(), 1);
}

static void a_jump_into_the_arena_kills(void)
{
    char *p = stale_block(10);
    void (*function)(void);

    if (fresh_number == 1)
        p = make(10);
    memcpy(&function, &p, sizeof function);
    function();
}

static void a_signal_from_outside_kills(void)
{
    stale_block(10);
    kill(getpid(), SIGSEGV);
    pause();
}

static void a_signal_from_outside_that_is_ignored_does_nothing(void)
{
    char *p;

    signal(SIGSEGV, SIG_IGN);
    p = stale_block(10);
    kill(getpid(), SIGSEGV);
    raise(SIGSEGV);
    read_at(p, 0);
    CHECK(summary_now().touched_count == 1);
}

static void a_fault_cannot_be_ignored(void)
{
    signal(SIGSEGV, SIG_IGN);
    stale_block(10);
    read_at(barred_page(), 0);
}

/* Without end, and the compiler does not know it. */
SITE static size_t overflow_the_stack(size_t levels)
{
    volatile char frame[1000] = {0};
    size_t reached = 0;

    frame[levels % sizeof frame] = 1;
    if (levels < SIZE_MAX)
        reached = overflow_the_stack(levels + 1) + 1;
    STAY_IN_FRAME();
    return reached + (size_t)frame[0];
}

static void a_stack_overflow_kills(void)
{
    stale_block(10);
    overflow_the_stack(0);
}

static void *overflow_on_thread(void *arg)
{
    make(10);
    overflow_the_stack(0);
    return arg;
}

static void a_stack_overflow_on_another_thread_kills(void)
{
    stale_block(10);
    run_thread(overflow_on_thread, NULL);
}

/* ---- Threads ---- */

enum { CROWD = 8, ROUNDS = 200 };

static pthread_barrier_t barrier;
static char *shared;

static void *touch_with_the_others(void *arg)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        pthread_barrier_wait(&barrier);
        (void)__atomic_load_n(shared + (uintptr_t)arg, __ATOMIC_RELAXED);
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}

static void threads_that_fault_on_one_block_at_once_are_one_touch(void)
{
    pthread_t threads[CROWD];

    CHECK(pthread_barrier_init(&barrier, NULL, CROWD + 1) == 0);
    shared = stale_block(10000);
    for (uintptr_t i = 0; i < CROWD; i++)
        threads[i] = start_thread(touch_with_the_others, (void *)(i * 1000));
    for (unsigned i = 0; i < ROUNDS; i++) {
        pthread_barrier_wait(&barrier);
        pthread_barrier_wait(&barrier);
        CHECK(summary_now().touched_count == i + 1);
        next_phase();
    }
    for (unsigned i = 0; i < CROWD; i++)
        join_thread(threads[i]);
}

static _Atomic unsigned wrong;

static void *use_own_blocks(void *arg)
{
    char **kept = arg;

    for (unsigned i = 0; i < 20; i++) {
        char *p = make(100 + i);

        memset(p, (int)i, 100 + i);
        if (*kept != NULL) {
            wrong += (*kept)[0] != (char)(i - 1);
            zk_free(*kept);
        }
        *kept = p;
        if (i % 5 == 4)
            pthread_barrier_wait(&barrier);
        if (i % 5 == 4)
            pthread_barrier_wait(&barrier);
    }
    zk_free(*kept);
    return NULL;
}

static void two_hundred_threads(void)
{
    enum { THREADS = 200 };
    static char *kept[THREADS];
    static pthread_t threads[THREADS];

    CHECK(pthread_barrier_init(&barrier, NULL, THREADS + 1) == 0);
    next_phase();
    for (unsigned i = 0; i < THREADS; i++)
        threads[i] = start_thread(use_own_blocks, &kept[i]);
    for (unsigned i = 0; i < 4; i++) {
        pthread_barrier_wait(&barrier);
        next_phase();
        CHECK(summary_now().retained_count == THREADS);
        pthread_barrier_wait(&barrier);
    }
    for (unsigned i = 0; i < THREADS; i++)
        join_thread(threads[i]);
    CHECK(wrong == 0);
    CHECK(summary_now().touched_count == 3 * THREADS);
    CHECK(summary_now().freed_late_count == THREADS); /* after the last begin: not read any more */
}

static void *touch_with_signals_blocked(void *arg)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    make(10);
    read_at(arg, 0);
    return NULL;
}

static void a_thread_that_blocks_all_signals_goes_on(void)
{
    run_thread(touch_with_signals_blocked, stale_block(10));
    CHECK(summary_now().touched_count == 1);
}

/* ---- Limits ---- */

static void what_cannot_be_watched_is_told_and_served_by_system(void)
{
    struct rlimit limits = {.rlim_cur = (rlim_t)3 << 30, .rlim_max = (rlim_t)3 << 30};
    struct findings found;
    unsigned count = 0;

    if (SANITIZED)
        skip_because("a sanitizer's shadow memory is larger than any such limit");
    CHECK(setrlimit(RLIMIT_AS, &limits) == 0);
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
    struct rlimit limits = {.rlim_cur = (rlim_t)100 << 20, .rlim_max = (rlim_t)100 << 20};
    char *p;

    if (SANITIZED)
        skip_because("a sanitizer's shadow memory is larger than any such limit");
    CHECK(setrlimit(RLIMIT_AS, &limits) == 0);
    p = stale_block(1000);
    CHECK(p != NULL && !zk_owns(p));
    CHECK(read_at(p, 0) == 7);
    zk_free(p);
    CHECK(summary_now().unwatched_count == 1);
}

/* The program needs it as well. */
static void of_little_address_space_half_is_the_programs(void)
{
    struct rlimit limits = {.rlim_cur = (rlim_t)512 << 20, .rlim_max = (rlim_t)512 << 20};
    void *p;

    if (SANITIZED)
        skip_because("a sanitizer's shadow memory is larger than any such limit");
    CHECK(setrlimit(RLIMIT_AS, &limits) == 0);
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

/* There is something left for the program. */
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
    /* What was opened is closed again to make room, and all is seen. */
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
    /* Each takes a page: as many bytes as a million of 4 KiB. A multiple of 2000. */
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

static void what_the_kernel_touches_is_touched(void)
{
    char *p = stale_block(100);
    int pipes[2];

    CHECK(pipe(pipes) == 0);
    if (write(pipes[1], p, 100) != 100) {
        CHECK(errno == EFAULT && !zk_dispatch_is_on());
        skip_undispatched();
    }
    CHECK(summary_now().touched_count == 1);
    CHECK(is_all(p, 100, 7));
}

/* ---- Blocks ---- */

static void blocks_are_what_they_are_elsewhere(void)
{
    uint64_t random = 5;
    struct zk_stats stats;

    next_phase();
    for (unsigned shift = 0; shift <= 30; shift++) {
        size_t size = random_below(&random, 10000);
        char *p = zk_aligned_alloc((size_t)1 << shift, size);

        CHECK(zk_owns(p) && is_aligned(p, (size_t)1 << shift));
        CHECK(zk_usable_size(p) >= size && zk_usable_size(p) <= granules(size));
        fill(p, size, shift);
        CHECK(is_filled(p, size, shift));
    }
    CHECK(zk_usable_size(NULL) == 0 && !zk_owns(NULL) && !zk_owns(&random));
    CHECK(zk_calloc(SIZE_MAX / 2, 3) == NULL && errno == ENOMEM);
    for (unsigned i = 0; i < 50; i++) {
        size_t size = random_below(&random, 20000);
        char *p = zk_calloc(size, 1);

        CHECK(zk_owns(p) && is_all(p, size, 0) && is_aligned(p, 16));
        memset(p, 1, size);
        if (i % 2 == 0)
            zk_free(p);
        if (i % 10 == 0)
            next_phase();
    }
    CHECK(make(0) != make(0));
    CHECK(zk_stats(&stats) == 0 && stats.phases == 6);
    zk_reset_stats();
    CHECK(zk_high_water() == 0);
    CHECK(findings_now().count == 0);
}

static void small_blocks_are_kept_out_by_min_bytes(void)
{
    next_phase();
    system_block(4095);
    arena_block(4096);
    next_phase();
    CHECK(summary_now().retained_count == 1);
}

static void goes_on_in_a_child(void *arg)
{
    char *p;

    CHECK(summary_now().touched_count == 0);
    CHECK(read_at(arg, 0) == 7); /* of a phase of its parent's */
    next_phase();
    read_at(arg, 0);
    p = make(50);
    next_phase();
    read_at(p, 0);
    CHECK(summary_now().touched_count == 3);
}

static void a_child_has_a_trap_of_its_own(void)
{
    char *p = stale_block(100);
    char *q = stale_block(100);

    read_at(q, 0);
    CHECK(status_of_fork(goes_on_in_a_child, p) == 0);
    CHECK(summary_now().touched_count == 1);
    read_at(p, 0);
    CHECK(summary_now().touched_count == 2);
}

static void *fault_all_the_time(void *arg)
{
    while (!atomic_load(&wrong)) {
        char *p = make(100);

        p[0] = 1;
        sched_yield();
        p[1] = 2;
        zk_free(p);
    }
    return arg;
}

static void a_fork_while_other_threads_fault(void)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    char *p = stale_block(100);

    for (unsigned i = 0; i < THREADS; i++)
        threads[i] = start_thread(fault_all_the_time, NULL);
    for (unsigned i = 0; i < 50; i++) {
        next_phase();
        CHECK(status_of_fork(goes_on_in_a_child, p) == 0);
    }
    atomic_store(&wrong, 1);
    for (unsigned i = 0; i < THREADS; i++)
        join_thread(threads[i]);
}

/* ---- Signals that come from outside, while the allocator is at work ---- */

static char *volatile seen_by_handler;

static void read_stale(int signal)
{
    (void)signal;
    if (seen_by_handler != NULL)
        (void)*(volatile char *)seen_by_handler;
}

static void a_handler_of_the_programs_may_touch_what_is_stale_at_any_moment(void)
{
    struct sigaction action = {.sa_handler = read_stale, .sa_flags = SA_RESTART};
    timer_t timer;
    const struct itimerspec often = {.it_interval = {.tv_nsec = 50000},
                                     .it_value = {.tv_nsec = 50000}};

    if (THREAD_SANITIZED)
        skip_because("ThreadSanitizer blocks SIGSEGV while it runs a handler");
    CHECK(sigaction(SIGPROF, &action, NULL) == 0);
    seen_by_handler = stale_block(100);
    CHECK(timer_create(CLOCK_MONOTONIC,
                       &(struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGPROF},
                       &timer) == 0);
    CHECK(timer_settime(timer, 0, &often, NULL) == 0);
    for (unsigned i = 0; i < 3000; i++) {
        char *p = make(100);

        next_phase();
        read_at(p, 0);
        zk_free(p);
    }
    CHECK(timer_delete(timer) == 0);
    CHECK(summary_now().touched_count >= 3000);
}

#define TRAP_ALL   .env = {TRAP, ALL_SIZES}
#define TRAP_FATAL .env = {TRAP, ALL_SIZES, TO_DEV_NULL}
#define DIES       .status = 128 + SIGSEGV, .says = {"dies of signal 11"}

static const struct CMUnitTest tests[] = {
    FRESH(a_read_is_a_read, TRAP_ALL),
    FRESH(a_write_is_a_write, TRAP_ALL),
    FRESH(phases_apart_are_told, TRAP_ALL),
    FRESH(an_access_outside_of_phases_is_one_as_well, TRAP_ALL),
    FRESH(what_the_c_library_touches_is_its_callers, TRAP_ALL, .number = 100),
    FRESH(the_phase_of_a_block_is_its_own_until_the_next_begin, TRAP_ALL),
    FRESH(a_block_is_touched_once_in_a_phase, TRAP_ALL),
    FRESH(blocks_of_one_site_are_one_row_and_sites_are_apart, TRAP_ALL),
    FRESH(neighbours_are_told_apart, TRAP_ALL),
    FRESH(a_row_tells_of_the_first_access_whole,
          .env = {TRAP, ALL_SIZES, "ZK_ALLOC_AUDIT_DEPTH=1"}),
    FRESH(a_free_of_what_was_not_touched_is_late, TRAP_ALL),
    FRESH(a_free_of_what_was_touched_is_not, TRAP_ALL),
    FRESH(a_free_in_time_is_not, TRAP_ALL),
    FRESH(a_realloc_of_a_retained_block_is_a_touch_by_its_caller, TRAP_ALL),
    FRESH_AS("a realloc_sized of a retained block is a touch by its caller",
             a_realloc_of_a_retained_block_is_a_touch_by_its_caller, TRAP_ALL, .number = 1),
    FRESH(a_realloc_in_its_phase_is_no_touch, TRAP_ALL),
    FRESH(discarded_blocks_are_no_longer_retained, TRAP_ALL),
    FRESH(what_is_freed_or_discarded_takes_no_memory, TRAP_ALL),
    FRESH_AS("what is discarded takes no memory", what_is_freed_or_discarded_takes_no_memory,
             TRAP_ALL, .number = 1),
    FRESH(an_access_after_a_free_is_told_apart, TRAP_ALL),
    FRESH(an_access_long_after_a_free_has_no_block_any_more, TRAP_ALL),
    FRESH(a_handler_set_before_the_first_begin_gets_genuine_faults, TRAP_ALL),
    FRESH(a_handler_set_after_the_first_begin_gets_genuine_faults, TRAP_ALL),
    FRESH(a_handler_with_information_gets_it, TRAP_ALL),
    FRESH(a_handler_that_mends_the_fault_goes_on, TRAP_ALL),
    FRESH(signals_are_blocked_in_a_handler_as_the_program_said, TRAP_ALL),
    FRESH(a_handler_that_resets_itself_gets_one_fault, TRAP_FATAL, DIES),
    FRESH(a_handler_that_passes_faults_on_to_ours_ends_in_the_default_action, TRAP_FATAL, DIES),
    FRESH(a_handler_that_steps_aside_for_ours_ends_in_the_default_action, TRAP_FATAL, DIES),
    FRESH(a_null_pointer_kills, TRAP_FATAL, DIES),
    FRESH_AS("an address that cannot be kills", a_null_pointer_kills, TRAP_FATAL, DIES,
             .number = (size_t)1 << 63),
    FRESH(a_fault_outside_of_the_arena_kills, TRAP_FATAL, DIES),
    FRESH(a_jump_into_the_arena_kills, TRAP_FATAL, DIES),
    FRESH_AS("a jump into a live block kills", a_jump_into_the_arena_kills, TRAP_FATAL, DIES,
             .number = 1),
    FRESH(a_signal_from_outside_kills, TRAP_FATAL, DIES),
    FRESH(a_signal_from_outside_that_is_ignored_does_nothing, TRAP_ALL),
    FRESH(a_fault_cannot_be_ignored, TRAP_FATAL, DIES),
    FRESH(a_stack_overflow_kills, TRAP_FATAL, DIES),
    FRESH(a_stack_overflow_on_another_thread_kills, TRAP_FATAL, DIES),
    FRESH(threads_that_fault_on_one_block_at_once_are_one_touch, TRAP_ALL),
    FRESH(two_hundred_threads, TRAP_ALL),
    FRESH(a_thread_that_blocks_all_signals_goes_on, TRAP_ALL),
    FRESH(what_cannot_be_watched_is_told_and_served_by_system, TRAP_ALL),
    FRESH(no_address_space_at_all_is_said, TRAP_ALL, .says = {"nothing is watched", "ulimit -v"}),
    FRESH(of_little_address_space_half_is_the_programs, TRAP_ALL),
    FRESH(no_arena_is_nothing_to_watch, .env = {TRAP, ALL_SIZES, "ZK_ALLOC_SLAB_GB=0"}),
    FRESH(more_stale_blocks_than_the_kernel_has_mappings, TRAP_ALL),
    FRESH(blocks_that_lie_side_by_side_need_one_mapping, TRAP_ALL),
    FRESH(a_million_live_blocks, TRAP_ALL),
    FRESH(what_the_kernel_touches_is_touched, TRAP_ALL),
    FRESH(blocks_are_what_they_are_elsewhere, TRAP_ALL),
    FRESH(small_blocks_are_kept_out_by_min_bytes, .env = {TRAP}),
    FRESH(a_child_has_a_trap_of_its_own, TRAP_ALL),
    FRESH(a_fork_while_other_threads_fault, TRAP_ALL),
    FRESH(a_handler_of_the_programs_may_touch_what_is_stale_at_any_moment, TRAP_ALL),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
