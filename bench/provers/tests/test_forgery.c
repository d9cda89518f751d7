/*
 * test_forgery.c - a forger of STARKs: it commits to an honest trace and to a possible quotient,
 * and then lies about one value outside of the coset, so that the constraints seem to hold there.
 * It knows the challenge when it lies; only FRI can detect it.
 *
 * Without the lie, and with the right statement, its proofs are accepted: so the lie is the only
 * thing wrong with them.
 */
#include "block.h"
#include "deep.h"
#include "quotient.h"
#include "stark.h"
#include "workload.h"

#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct field31 *const field = &field31_babybear;

enum { log_rows = 6, log_blowup = 2, log_size = log_rows + log_blowup, columns = 2 };

/* Which value differs from what was committed to. */
enum lie { lie_none, lie_this_row, lie_next_row, lie_quotient, lies };

/* The values of the polynomials at z that are sent. */
struct values {
    struct extension this_row[columns];
    struct extension next_row[columns];
    struct extension quotient[EXTENSION_DEGREE];
};

struct committed {
    uint32_t *matrix;
    size_t columns;
    struct merkle tree;
};

struct forger {
    struct air air;
    struct ntt ntt;
    struct stark stark;
    uint32_t inputs[3];
    struct transcript transcript;
    struct bytes_writer proof;
    struct committed trace;
    struct committed quotient;
    struct extension alpha;
    struct extension z;
};

static struct extension times(struct extension a, struct extension b)
{
    return extension_multiply(field, a, b);
}

static struct extension minus(struct extension a, struct extension b)
{
    return extension_subtract(field, a, b);
}

static struct extension plus(struct extension a, struct extension b)
{
    return extension_add(field, a, b);
}

/* The n-th of Fibonacci's numbers: two columns, each the other's next. */
static void set_up(struct forger *forger)
{
    struct air *air = &forger->air;

    *forger = (struct forger){.inputs = {field->one, field->one}};
    air_start(air, field, columns, 3);
    air_assert_zero(air, air_subtract(air, air_next(air, 0), air_this(air, 1)));
    air_assert_zero(
        air, air_subtract(air, air_next(air, 1), air_add(air, air_this(air, 0), air_this(air, 1))));
    air_bind(air, AIR_FIRST, 0, 0);
    air_bind(air, AIR_FIRST, 1, 1);
    air_bind(air, AIR_LAST, 1, 2);
    ntt_set_up(&forger->ntt, field, log_size);
    forger->stark = (struct stark){
        .air = air,
        .ntt = &forger->ntt,
        .log_rows = log_rows,
        .fri = {.log_blowup = log_blowup, .queries = 20, .grinding_bits = 2},
    };
}

static void tear_down(struct forger *forger)
{
    ntt_tear_down(&forger->ntt);
    merkle_free(&forger->trace.tree);
    merkle_free(&forger->quotient.tree);
    free(forger->trace.matrix);
    free(forger->quotient.matrix);
    free(forger->proof.data);
}

/* The trace; returns the number that it ends with. */
static uint32_t fill(uint32_t *trace)
{
    const size_t rows = (size_t)1 << log_rows;

    trace[0] = trace[1] = field->one;
    for (size_t i = 2; i < 2 * rows; i += 2) {
        trace[i] = trace[i - 1];
        trace[i + 1] = field31_add(field, trace[i - 1], trace[i - 2]);
    }
    return trace[2 * rows - 1];
}

/* Makes a committed matrix from values on the trace's points, or on as many of the coset. */
static void commit(struct forger *forger, struct committed *committed, const uint32_t *values,
                   size_t count, uint32_t shift)
{
    uint32_t *coefficients = ntt_interpolate(&forger->ntt, values, log_rows, count, shift);

    committed->columns = count;
    committed->matrix = ntt_evaluate(&forger->ntt, coefficients, log_rows, count,
                                     stark_shift(&forger->stark), log_blowup);
    free(coefficients);
    merkle_commit(&committed->tree, committed->matrix, count * sizeof *values, log_size);
    bytes_put_hashes(&forger->proof, merkle_root(&committed->tree), 1);
    transcript_absorb(&forger->transcript, merkle_root(&committed->tree), HASH_BYTES);
}

/* How far the constraints at z are from the quotient there. */
static struct extension gap(const struct forger *forger, const struct values *values)
{
    const struct extension one = extension_from(field->one), z = forger->z;
    const struct extension last = extension_from(stark_point_of(&forger->stark, AIR_LAST));
    const struct extension *row = values->this_row, *next = values->next_row;
    const struct extension to_last = extension_inverse(field, minus(z, last));
    const struct extension to_first = extension_inverse(field, minus(z, one));
    const struct extension vanishing = minus(extension_power(field, z, 1U << log_rows), one);
    const struct extension scale = times(minus(z, last), extension_inverse(field, vanishing));
    const struct extension terms[] = {
        times(minus(next[0], row[1]), scale),
        times(minus(next[1], plus(row[0], row[1])), scale),
        times(minus(row[0], extension_from(forger->inputs[0])), to_first),
        times(minus(row[1], extension_from(forger->inputs[1])), to_first),
        times(minus(row[1], extension_from(forger->inputs[2])), to_last),
    };
    struct extension sum = extension_from(0), power = one;

    for (size_t i = 0; i < sizeof terms / sizeof terms[0]; i++) {
        sum = plus(sum, times(power, terms[i]));
        power = times(power, forger->alpha);
    }
    for (size_t i = 0; i < EXTENSION_DEGREE; i++) {
        struct extension basis = extension_from(0);

        basis.c[i] = field->one;
        sum = minus(sum, times(basis, values->quotient[i]));
    }
    return sum;
}

/* Changes one value so that the gap closes. The gap is a linear function of it. */
static void tell(const struct forger *forger, struct values *values, enum lie lie)
{
    struct extension *const about[lies] = {NULL, &values->this_row[0], &values->next_row[1],
                                           &values->quotient[2]};
    struct extension *value = about[lie], at_zero, slope;

    if (value == NULL)
        return;
    *value = extension_from(0);
    at_zero = gap(forger, values);
    *value = extension_from(field->one);
    slope = minus(gap(forger, values), at_zero);
    *value = times(minus(extension_from(0), at_zero), extension_inverse(field, slope));
    assert_true(extension_equal(gap(forger, values), extension_from(0)));
}

static void send(struct forger *forger, const struct extension *values, size_t count)
{
    bytes_put_extensions(&forger->proof, values, count);
    transcript_absorb(&forger->transcript, values, count * sizeof *values);
}

/* The word for FRI that belongs to the values sent. */
static struct extension *combine(struct forger *forger, const struct values *values,
                                 struct extension *const denominators[2])
{
    const struct extension gamma = transcript_challenge(&forger->transcript, field);
    const struct deep_columns all[] = {
        {
            .matrix = forger->trace.matrix,
            .count = columns,
            .points = 2,
            .values = {values->this_row, values->next_row},
            .denominators = {denominators[0], denominators[1]},
            .factor = {extension_from(field->one), extension_power(field, gamma, columns)},
        },
        {
            .matrix = forger->quotient.matrix,
            .count = EXTENSION_DEGREE,
            .points = 1,
            .values = {values->quotient},
            .denominators = {denominators[0]},
            .factor = {extension_power(field, gamma, 2 * (uint64_t)columns)},
        },
    };

    return deep_combine(field, all, 2, gamma, log_size);
}

/* Opens at z, lies, and makes FRI's word of it. */
static struct extension *open_and_lie(struct forger *forger, enum lie lie)
{
    const uint32_t shift = stark_shift(&forger->stark);
    const struct extension next_z =
        extension_scale(field, forger->z, field31_root(field, log_rows));
    struct extension *const denominators[2] = {
        block_denominators(&forger->ntt, log_size, shift, forger->z),
        block_denominators(&forger->ntt, log_size, shift, next_z)};
    struct extension *word;
    struct values values;

    deep_evaluate(&forger->ntt, forger->trace.matrix, columns, log_rows, shift, denominators[0],
                  forger->z, values.this_row);
    deep_evaluate(&forger->ntt, forger->trace.matrix, columns, log_rows, shift, denominators[1],
                  next_z, values.next_row);
    deep_evaluate(&forger->ntt, forger->quotient.matrix, EXTENSION_DEGREE, log_rows, shift,
                  denominators[0], forger->z, values.quotient);
    tell(forger, &values, lie);
    send(forger, values.this_row, columns);
    send(forger, values.next_row, columns);
    send(forger, values.quotient, EXTENSION_DEGREE);
    word = combine(forger, &values, denominators);
    free(denominators[0]);
    free(denominators[1]);
    return word;
}

static void open_row(struct forger *forger, const struct committed *committed, size_t index)
{
    struct hash path[log_size];

    bytes_put_elements(&forger->proof, committed->matrix + index * committed->columns,
                       committed->columns);
    merkle_open(&committed->tree, index, path);
    bytes_put_hashes(&forger->proof, path, log_size);
}

static void finish(struct forger *forger, struct extension *word)
{
    struct fri fri;

    fri_commit(&fri, &forger->stark.fri, &forger->ntt, log_size, word, &forger->transcript,
               &forger->proof);
    for (unsigned query = 0; query < forger->stark.fri.queries; query++) {
        const size_t index = transcript_index(&forger->transcript, log_size);

        open_row(forger, &forger->trace, index);
        open_row(forger, &forger->quotient, index);
        fri_open(&fri, index, &forger->proof);
    }
    fri_free(&fri);
}

static bool verify(const struct forger *forger)
{
    struct bytes_reader reader = {.data = forger->proof.data, .bytes = forger->proof.bytes};
    struct transcript transcript;

    transcript_start(&transcript, "forgery");
    return stark_verify(&forger->stark, forger->inputs, &transcript, &reader) &&
           bytes_read_all(&reader);
}

/* Forges a proof that the trace ends with a number that is off by `off`. If `hide`, FRI is shown a word of zeros
 * in place of the right one. Is it accepted? */
static bool forge(uint32_t off, enum lie lie, bool hide)
{
    struct forger *forger = workload_alloc(sizeof *forger);
    uint32_t trace[columns << log_rows], *values;
    struct extension *word;
    bool accepted;

    set_up(forger);
    forger->inputs[2] = field31_add(field, fill(trace), off);
    transcript_start(&forger->transcript, "forgery");
    stark_absorb_statement(&forger->stark, forger->inputs, &forger->transcript);
    commit(forger, &forger->trace, trace, columns, field->one);
    forger->alpha = transcript_challenge(&forger->transcript, field);
    values = quotient_values(&forger->stark, forger->trace.matrix, forger->inputs, forger->alpha);
    commit(forger, &forger->quotient, values, EXTENSION_DEGREE, stark_shift(&forger->stark));
    free(values);
    forger->z = transcript_challenge(&forger->transcript, field);
    word = open_and_lie(forger, lie);
    if (hide)
        memset(word, 0, sizeof *word << log_size);
    finish(forger, word);
    accepted = verify(forger);
    tear_down(forger);
    free(forger);
    return accepted;
}

static void the_truth_is_accepted(void **state)
{
    (void)state;
    assert_true(forge(0, lie_none, false));
}

static void the_constraints_find_a_wrong_statement(void **state)
{
    (void)state;
    assert_false(forge(1, lie_none, false));
}

static void fri_finds_every_lie(void **state)
{
    (void)state;
    for (enum lie lie = lie_this_row; lie < lies; lie++) {
        assert_false(forge(1, lie, false));
        assert_false(forge(5, lie, false));
    }
}

static void a_word_of_another_polynomial_hides_none(void **state)
{
    (void)state;
    for (enum lie lie = lie_none; lie < lies; lie++)
        assert_false(forge(lie == lie_none ? 0 : 1, lie, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_truth_is_accepted),
        cmocka_unit_test(the_constraints_find_a_wrong_statement),
        cmocka_unit_test(fri_finds_every_lie),
        cmocka_unit_test(a_word_of_another_polynomial_hides_none),
    };

    omp_set_num_threads(1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
