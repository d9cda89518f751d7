/*
 * test_course.c - the course column: how many blocks of a row were live at which begin.
 */
#include "retained_blocks.h"

/* The stride of a row's course, and how many blocks were live at begin number at * stride. */
static unsigned long stride_of(const struct findings *found, size_t row)
{
    return strtoul(field(found, row, "course"), NULL, 10);
}

static unsigned long live_at(const struct findings *found, size_t row, size_t at)
{
    const char *text = strchr(field(found, row, "course"), ':');

    CHECK(text != NULL);
    for (size_t i = 0; i < at; i++) {
        text = strchr(text + 1, ',');
        if (text == NULL)
            return 0;
    }
    return strtoul(text + 1, NULL, 10);
}

static void what_stays_what_grows_and_what_goes(void)
{
    struct findings found;
    void *goes;

    next_phase(); /* begin 1 finds nothing */
    make(100);
    goes = make(200);
    for (unsigned phase = 2; phase <= 5; phase++) {
        make(300); /* one more at each begin */
        if (phase == 4)
            zk_free(goes);
        next_phase();
    }
    found = bare_findings_now();
    CHECK(field_is(&found, row_with(&found, "size", "100"), "course", "1:0,0,1,1,1,1"));
    CHECK(field_is(&found, row_with(&found, "size", "200"), "course", "1:0,0,1,1"));
    CHECK(field_is(&found, row_with(&found, "size", "300"), "course", "1:0,0,1,2,3,4"));
}

/* Going by the row's count alone, there are more and more. */
static void what_is_replaced_in_each_phase_stays_at_one(void)
{
    struct findings found;
    void *last = NULL;

    for (unsigned phase = 1; phase <= 6; phase++) {
        next_phase();
        zk_free(last);
        last = make(100);
    }
    found = bare_findings_now();
    CHECK(number_in(&found, 1, "count") == 5);
    CHECK(field_is(&found, 1, "course", "1:0,0,1,1,1,1,1"));
}

/* After any number of begins, a course has at most 32 of them, and is right about these. */
static void of_many_begins_every_so_manieth_is_kept(void)
{
    enum { BEGINS = 1000, COURSE = 32 };

    next_phase();
    for (unsigned phase = 2; phase <= BEGINS; phase++) {
        make(100);
        next_phase();
        if (phase % 50 == 0 || phase == 31 || phase == 32 || phase == 63 || phase == 64) {
            struct findings found = bare_findings_now();
            unsigned long stride = stride_of(&found, 1);
            unsigned long expected = 1;

            while (phase / expected >= COURSE)
                expected *= 2;
            CHECK(stride == expected);
            CHECK(live_at(&found, 1, 0) == 0);
            for (unsigned at = 1; at <= phase / stride; at++)
                CHECK(live_at(&found, 1, at) == at * stride - 1);
            CHECK(live_at(&found, 1, phase / stride + 1) == 0);
        }
    }
}

static void *make_on_thread(void *arg)
{
    (void)arg;
    return make(100);
}

static void threads_are_added_up(void)
{
    struct findings found;

    next_phase();
    for (unsigned i = 0; i < 3; i++)
        run_thread(make_on_thread, NULL);
    next_phase();
    next_phase();
    found = bare_findings_now();
    CHECK(number_in(&found, row_with(&found, "size", "100"), "threads") == 3);
    CHECK(field_is(&found, row_with(&found, "size", "100"), "course", "1:0,0,3,3"));
}

static void finds_what_it_has_made(void *arg)
{
    struct findings found;

    (void)arg;
    make(200);
    next_phase(); /* 41 */
    next_phase(); /* 42, which is even */
    found = bare_findings_now();
    CHECK(found.count == 1 && number_in(&found, 1, "size") == 200);
    CHECK(stride_of(&found, 1) == 2);
    for (size_t at = 0; at < 21; at++)
        CHECK(live_at(&found, 1, at) == 0);
    CHECK(live_at(&found, 1, 21) == 1);
}

/* The child's course does not contain what the parent's begins found. */
static void a_child_has_a_course_of_its_own(void)
{
    next_phase();
    for (unsigned phase = 2; phase <= 40; phase++) {
        if (phase % 4 == 0) /* not so many that it is said how much they pin */
            make(100);
        next_phase();
    }
    CHECK(status_of_fork(finds_what_it_has_made, NULL) == 0);
}

static const struct CMUnitTest tests[] = {
    FRESH(what_stays_what_grows_and_what_goes, CENSUS_ALL),
    FRESH_AS("what stays, grows and goes, by system", what_stays_what_grows_and_what_goes,
             .env = {CENSUS}),
    FRESH(what_is_replaced_in_each_phase_stays_at_one, CENSUS_ALL),
    FRESH(of_many_begins_every_so_manieth_is_kept, .env = {CENSUS}),
    FRESH(threads_are_added_up, CENSUS_ALL),
    FRESH(a_child_has_a_course_of_its_own, CENSUS_ALL),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
