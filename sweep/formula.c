/*
 * formula.c - evaluates a law by recursive descent: see formula.h for the grammar.
 *
 * The first error is kept, and everything after it evaluates to 0.
 */
#include "formula.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { depth_most = 64 }; /* of parentheses */

struct parser {
    const char *formula;
    const char *at; /* the text not read yet */
    formula_lookup *lookup;
    const void *names;
    unsigned depth;
    bool failed;
    char *error;
    size_t room;
};

static unsigned long fail(struct parser *parser, const char *what)
{
    if (!parser->failed)
        snprintf(parser->error, parser->room, "%s: at character %zu: %s", parser->formula,
                 (size_t)(parser->at - parser->formula) + 1, what);
    parser->failed = true;
    return 0;
}

static char next(struct parser *parser)
{
    while (isspace((unsigned char)*parser->at))
        parser->at++;
    return *parser->at;
}

static void expect(struct parser *parser, char wanted)
{
    char what[] = "want ?";

    if (parser->failed)
        return;
    what[sizeof what - 2] = wanted;
    if (next(parser) != wanted)
        fail(parser, what);
    else
        parser->at++;
}

static unsigned long sum(struct parser *parser);

static unsigned long number(struct parser *parser)
{
    char *end;
    unsigned long value;

    errno = 0;
    value = strtoul(parser->at, &end, 10);
    if (errno != 0)
        return fail(parser, "a number that is too large");
    parser->at = end;
    return value;
}

static unsigned long pow2_at_least(struct parser *parser, unsigned long x)
{
    unsigned long power = 1;

    while (power < x && power << 1 != 0)
        power <<= 1;
    return power < x ? fail(parser, "the value is too large") : power;
}

static unsigned long pow2_above(struct parser *parser, unsigned long x)
{
    return x + 1 == 0 ? fail(parser, "the value is too large") : pow2_at_least(parser, x + 1);
}

static unsigned long larger(struct parser *parser, unsigned long a, unsigned long b)
{
    (void)parser;
    return a > b ? a : b;
}

static unsigned long smaller(struct parser *parser, unsigned long a, unsigned long b)
{
    (void)parser;
    return a < b ? a : b;
}

/* One of the two function pointers is NULL. */
static const struct function {
    const char *name;
    unsigned long (*of_one)(struct parser *parser, unsigned long x);
    unsigned long (*of_two)(struct parser *parser, unsigned long a, unsigned long b);
} functions[] = {
    {"max", NULL, larger},
    {"min", NULL, smaller},
    {"pow2_at_least", pow2_at_least, NULL},
    {"pow2_above", pow2_above, NULL},
};

static unsigned long call(struct parser *parser, const char *name, size_t length)
{
    unsigned long first;
    unsigned long second;

    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        const struct function *function = &functions[i];

        if (strlen(function->name) != length || strncmp(function->name, name, length) != 0)
            continue;
        expect(parser, '(');
        first = sum(parser);
        if (function->of_one != NULL) {
            expect(parser, ')');
            return parser->failed ? 0 : function->of_one(parser, first);
        }
        expect(parser, ',');
        second = sum(parser);
        expect(parser, ')');
        return parser->failed ? 0 : function->of_two(parser, first, second);
    }
    parser->at = name;
    return fail(parser, "no such function: want max, min, pow2_at_least or pow2_above");
}

static unsigned long name(struct parser *parser)
{
    const char *start = parser->at;
    unsigned long value;
    size_t length;

    while (isalnum((unsigned char)*parser->at) || *parser->at == '_')
        parser->at++;
    length = (size_t)(parser->at - start);
    if (next(parser) == '(')
        return call(parser, start, length);
    if (parser->lookup(parser->names, start, length, &value))
        return value;
    parser->at = start;
    return fail(parser, "nothing has that name");
}

static unsigned long parenthesised(struct parser *parser)
{
    unsigned long value;

    expect(parser, '(');
    value = sum(parser);
    expect(parser, ')');
    return value;
}

static unsigned long term(struct parser *parser)
{
    char first = next(parser);

    if (parser->failed)
        return 0;
    if (isdigit((unsigned char)first))
        return number(parser);
    if (isalpha((unsigned char)first) || first == '_')
        return name(parser);
    if (first == '(')
        return parenthesised(parser);
    return fail(parser, "want a number, a name or a parenthesis");
}

static unsigned long product(struct parser *parser)
{
    unsigned long value = term(parser);

    while (!parser->failed && (next(parser) == '*' || next(parser) == '/')) {
        char operation = *parser->at++;
        unsigned long right = term(parser);

        if (parser->failed)
            return 0;
        if (operation == '/' && right == 0)
            return fail(parser, "a division by 0");
        if (operation == '/')
            value /= right;
        else if (__builtin_mul_overflow(value, right, &value))
            return fail(parser, "the value is too large");
    }
    return value;
}

static unsigned long sum(struct parser *parser)
{
    unsigned long value;

    if (parser->depth++ == depth_most)
        return fail(parser, "too many parentheses");
    value = product(parser);
    while (!parser->failed && (next(parser) == '+' || next(parser) == '-')) {
        char operation = *parser->at++;
        unsigned long right = product(parser);

        if (parser->failed)
            return 0;
        if (operation == '-' && right > value)
            return fail(parser, "a difference below 0");
        if (operation == '-')
            value -= right;
        else if (__builtin_add_overflow(value, right, &value))
            return fail(parser, "the value is too large");
    }
    parser->depth--;
    return value;
}

bool formula_evaluate(const char *formula, formula_lookup *lookup, const void *names,
                      unsigned long *value, char *error, size_t room)
{
    struct parser parser = {.formula = formula,
                            .at = formula,
                            .lookup = lookup,
                            .names = names,
                            .error = error,
                            .room = room};

    *value = sum(&parser);
    if (!parser.failed && next(&parser) != '\0')
        fail(&parser, "want an operator, or the end");
    return !parser.failed;
}
