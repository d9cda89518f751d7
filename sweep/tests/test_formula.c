/*
 * test_formula.c - the formulas of laws: their values, and the errors of those that have none.
 */
#include "formula.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Knows one name: threads, which is 7. */
static bool look_up(const void *names, const char *name, size_t length, unsigned long *value)
{
    assert_string_equal(names, "the caller's");
    *value = 7;
    return length == strlen("threads") && strncmp(name, "threads", length) == 0;
}

static void gives(const char *formula, unsigned long wanted)
{
    char error[160] = "";
    unsigned long value = ~wanted;

    if (!formula_evaluate(formula, look_up, "the caller's", &value, error, sizeof error))
        fail_msg("%s", error);
    assert_int_equal(value, wanted);
}

static void refuses(const char *formula, const char *wanted)
{
    char error[160] = "";
    char line[160];
    unsigned long value;

    assert_false(formula_evaluate(formula, look_up, "the caller's", &value, error, sizeof error));
    snprintf(line, sizeof line, "%s: %s", formula, wanted);
    assert_string_equal(error, line);
}

static void arithmetic(void **state)
{
    (void)state;
    gives("0", 0);
    gives("  12  ", 12);
    gives("1 + 2 * 3", 7);
    gives("(1 + 2) * 3", 9);
    gives("10 - 3 - 2", 5);
    gives("100 / 7 / 2", 7);
    gives("7 / 2 * 2", 6);
    gives("2*threads+1", 15);
    gives("((((threads))))", 7);
    gives("18446744073709551615", ULONG_MAX);
}

static void functions(void **state)
{
    (void)state;
    gives("max(2104, 128 * threads) + 1", 2105);
    gives("max(1, max(2, 3))", 3);
    gives("min(threads, 9)", 7);
    gives("max (4, 4)", 4);
    gives("pow2_at_least(0)", 1);
    gives("pow2_at_least(1)", 1);
    gives("pow2_at_least(64)", 64);
    gives("pow2_at_least(65)", 128);
    gives("pow2_above(0)", 1);
    gives("pow2_above(63)", 64);
    gives("pow2_above(64)", 128);
    gives("pow2_at_least(9223372036854775808)", (unsigned long)1 << 63);
    gives("3072 * pow2_at_least((33 + 31) / 32 + 1) / 2 + 1", 6145);
}

static void what_is_no_formula(void **state)
{
    (void)state;
    refuses("", "at character 1: want a number, a name or a parenthesis");
    refuses("1 +", "at character 4: want a number, a name or a parenthesis");
    refuses("1 2", "at character 3: want an operator, or the end");
    refuses("(1", "at character 3: want )");
    refuses("max(1)", "at character 6: want ,");
    refuses("pow2_above(1, 2)", "at character 13: want )");
    refuses("-1", "at character 1: want a number, a name or a parenthesis");
    refuses("1 + workers", "at character 5: nothing has that name");
    refuses("thread + 1", "at character 1: nothing has that name");
    refuses("ceil(1)", "at character 1: no such function: want max, min, pow2_at_least or "
                       "pow2_above");
}

static void what_has_no_value(void **state)
{
    char deep[400];

    (void)state;
    refuses("3 - threads", "at character 12: a difference below 0");
    refuses("1 / (threads - 7)", "at character 18: a division by 0");
    refuses("18446744073709551615 + 1", "at character 25: the value is too large");
    refuses("18446744073709551615 * 2", "at character 25: the value is too large");
    refuses("18446744073709551616", "at character 1: a number that is too large");
    refuses("pow2_above(9223372036854775808)", "at character 32: the value is too large");
    refuses("pow2_above(18446744073709551615)", "at character 33: the value is too large");
    memset(deep, '(', sizeof deep);
    deep[sizeof deep - 1] = '\0';
    assert_false(
        formula_evaluate(deep, look_up, "the caller's", &(unsigned long){0}, (char[160]){0}, 160));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arithmetic),
        cmocka_unit_test(functions),
        cmocka_unit_test(what_is_no_formula),
        cmocka_unit_test(what_has_no_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
