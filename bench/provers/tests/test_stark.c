/*
 * test_stark.c - STARKs of three AIRs: a proof of a right trace is accepted; what the same prover
 * makes of a wrong trace is not, nor is a proof with a flipped bit, a wrong length, or other
 * inputs.
 */
#include "machine.h"
#include "rounds.h"
#include "stark.h"
#include "workload.h"

#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct fri_parameters parameters = {
    .log_blowup = 2, .queries = 10, .grinding_bits = 4};

enum { log_rows_most = 10, inputs_most = 2 * AIR_COLUMNS_MOST };

/* A statement with its trace. */
struct instance {
    const struct field31 *field;
    struct air *air;
    struct ntt ntt;
    struct stark stark;
    uint32_t inputs[inputs_most];
    uint32_t *trace;
};

static struct instance instance_of(const struct field31 *field, unsigned log_rows)
{
    struct instance instance = {.field = field, .air = workload_alloc(sizeof *instance.air)};

    ntt_set_up(&instance.ntt, field, log_rows_most + parameters.log_blowup);
    instance.stark = (struct stark){.air = instance.air, .log_rows = log_rows, .fri = parameters};
    return instance;
}

static void discard(struct instance *instance)
{
    ntt_tear_down(&instance->ntt);
    free(instance->air);
    free(instance->trace);
}

static struct instance rounds_instance(const struct field31 *field, unsigned log_rows)
{
    struct instance instance = instance_of(field, log_rows);
    const size_t last = ((size_t)1 << log_rows) - 1;

    rounds_air(instance.air, field);
    for (uint32_t i = 0; i < ROUNDS_WIDTH; i++)
        instance.inputs[i] = field31_from(field, 1000003 * i + 7);
    instance.trace = rounds_trace(field, instance.inputs, log_rows);
    memcpy(instance.inputs + ROUNDS_WIDTH, instance.trace + last * ROUNDS_WIDTH,
           ROUNDS_WIDTH * sizeof *instance.inputs);
    return instance;
}

/* A piece of an execution that begins with cycle 5. */
static struct instance machine_instance(const struct field31 *field, unsigned log_rows)
{
    struct instance instance = instance_of(field, log_rows);
    const size_t rows = (size_t)1 << log_rows, first = 5;
    uint32_t start[MACHINE_REGISTERS], *numbers;

    machine_air(instance.air, field);
    for (uint32_t i = 0; i < MACHINE_REGISTERS; i++)
        start[i] = field31_from(field, 3000017 * i + 1);
    numbers = machine_execute(field, start, first + rows);
    instance.trace = machine_trace(field, numbers, first, rows);
    machine_inputs(field, numbers + first, numbers + first + rows - 1, first, instance.inputs);
    free(numbers);
    return instance;
}

/* Fibonacci's numbers: constraints of degree 1, and only three cells are public. */
static struct instance fibonacci_instance(const struct field31 *field, unsigned log_rows)
{
    struct instance instance = instance_of(field, log_rows);
    const size_t rows = (size_t)1 << log_rows;
    struct air *air = instance.air;
    uint32_t a = field->one, b = field->one;

    air_start(air, field, 2, 3);
    air_assert_zero(air, air_subtract(air, air_next(air, 0), air_this(air, 1)));
    air_assert_zero(
        air, air_subtract(air, air_next(air, 1), air_add(air, air_this(air, 0), air_this(air, 1))));
    air_bind(air, AIR_FIRST, 0, 0);
    air_bind(air, AIR_FIRST, 1, 1);
    air_bind(air, AIR_LAST, 1, 2);
    instance.trace = workload_alloc(rows * 2 * sizeof *instance.trace);
    for (size_t row = 0; row < rows; row++) {
        const uint32_t sum = field31_add(field, a, b);

        instance.trace[2 * row] = a;
        instance.trace[2 * row + 1] = b;
        a = b;
        b = sum;
    }
    instance.inputs[0] = instance.inputs[1] = field->one;
    instance.inputs[2] = instance.trace[2 * rows - 1];
    return instance;
}

/* Proves what is in the trace, right or wrong. */
static struct bytes_writer prove(struct instance *instance)
{
    const size_t bytes = (sizeof(uint32_t) * instance->air->columns) << instance->stark.log_rows;
    uint32_t *trace = workload_alloc(bytes);
    struct bytes_writer proof = {0};
    struct transcript transcript;

    memcpy(trace, instance->trace, bytes);
    instance->stark.ntt = &instance->ntt;
    transcript_start(&transcript, "test");
    stark_prove(&instance->stark, trace, instance->inputs, &transcript, &proof);
    return proof;
}

static bool verify(const struct instance *instance, const uint8_t *proof, size_t bytes)
{
    struct bytes_reader reader = {.data = proof, .bytes = bytes};
    struct stark stark = instance->stark;
    struct transcript transcript;

    stark.ntt = NULL;
    transcript_start(&transcript, "test");
    return stark_verify(&stark, instance->inputs, &transcript, &reader) && bytes_read_all(&reader);
}

static bool accepts(struct instance *instance)
{
    struct bytes_writer proof = prove(instance);
    const bool accepted = verify(instance, proof.data, proof.bytes);

    free(proof.data);
    return accepted;
}

typedef struct instance instance_maker(const struct field31 *field, unsigned log_rows);

static instance_maker *const makers[] = {rounds_instance, machine_instance, fibonacci_instance};
static const struct field31 *const fields[] = {&field31_babybear, &field31_koalabear};

enum { maker_count = 3, field_count = 2 };

static void accepts_right_traces(void **state)
{
    (void)state;
    for (unsigned f = 0; f < field_count; f++)
        for (unsigned maker = 0; maker < maker_count; maker++)
            for (unsigned log_rows = 1; log_rows <= log_rows_most; log_rows++) {
                struct instance instance = makers[maker](fields[f], log_rows);

                assert_true(accepts(&instance));
                discard(&instance);
            }
}

/* One cell is off by one: in the first row, in the last one, and between. */
static void rejects_wrong_traces(void **state)
{
    const unsigned log_rows = 5;

    (void)state;
    for (unsigned maker = 0; maker < maker_count; maker++) {
        struct instance instance = makers[maker](&field31_babybear, log_rows);
        const size_t cells = (size_t)instance.air->columns << log_rows;

        for (size_t cell = 0; cell < cells; cell += 1 + cells / 97) {
            const uint32_t right = instance.trace[cell];

            instance.trace[cell] = field31_add(instance.field, right, instance.field->one);
            assert_false(accepts(&instance));
            instance.trace[cell] = right;
        }
        assert_true(accepts(&instance));
        discard(&instance);
    }
}

/* The prover is told other inputs than those of its trace: all that are bound. */
static void rejects_inputs_that_are_not_the_traces(void **state)
{
    (void)state;
    for (unsigned maker = 0; maker < maker_count; maker++) {
        struct instance instance = makers[maker](&field31_koalabear, 4);

        for (size_t i = 0; i < instance.air->inputs; i++) {
            const uint32_t right = instance.inputs[i];

            instance.inputs[i] = field31_add(instance.field, right, instance.field->one);
            assert_false(accepts(&instance));
            instance.inputs[i] = right;
        }
        discard(&instance);
    }
}

/* The proof of one statement is none of another. */
static void rejects_other_inputs_and_sizes(void **state)
{
    struct instance instance = rounds_instance(&field31_babybear, 5);
    struct bytes_writer proof = prove(&instance);

    (void)state;
    for (size_t i = 0; i < instance.air->inputs; i++) {
        const uint32_t right = instance.inputs[i];

        instance.inputs[i] = field31_subtract(instance.field, right, instance.field->one);
        assert_false(verify(&instance, proof.data, proof.bytes));
        instance.inputs[i] = right;
    }
    instance.stark.log_rows++;
    assert_false(verify(&instance, proof.data, proof.bytes));
    instance.stark.log_rows -= 2;
    assert_false(verify(&instance, proof.data, proof.bytes));
    instance.stark.log_rows++;
    instance.stark.fri.queries--;
    assert_false(verify(&instance, proof.data, proof.bytes));
    instance.stark.fri.queries++;
    assert_true(verify(&instance, proof.data, proof.bytes));
    free(proof.data);
    discard(&instance);
}

static struct hash state_after_statement(const struct instance *instance)
{
    struct transcript transcript;

    transcript_start(&transcript, "test");
    stark_absorb_statement(&instance->stark, instance->inputs, &transcript);
    return transcript.state;
}

/* All that prover and verifier agree on goes into the challenges. */
static void challenges_depend_on_the_statement(void **state)
{
    struct instance instance = machine_instance(&field31_koalabear, 4);
    const struct hash expected = state_after_statement(&instance);
    uint32_t *const parts[] = {
        &instance.inputs[0],
        &instance.inputs[instance.air->inputs - 1],
        &instance.air->step[0].constant,
        &instance.air->step[instance.air->steps - 1].a,
        &instance.air->asserted[3],
        &instance.air->boundary[2].input,
        &instance.stark.log_rows,
        &instance.stark.fri.log_blowup,
        &instance.stark.fri.queries,
        &instance.stark.fri.grinding_bits,
    };

    (void)state;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct hash found;

        ++*parts[i];
        found = state_after_statement(&instance);
        assert_false(hash_equal(&found, &expected));
        --*parts[i];
    }
    discard(&instance);
}

/* Every byte of a proof counts, and so does its length. */
static void rejects_every_other_byte(void **state)
{
    (void)state;
    for (unsigned maker = 0; maker < maker_count; maker++) {
        struct instance instance = makers[maker](&field31_babybear, 4);
        struct bytes_writer written = prove(&instance);
        const size_t bytes = written.bytes;
        uint8_t *proof = workload_zeroed(bytes + 4);
        uint64_t random = 1;

        memcpy(proof, written.data, bytes);
        for (size_t i = 0; i < bytes; i++) {
            const uint8_t bit = (uint8_t)(1U << workload_random(&random) % 8);

            proof[i] ^= bit;
            assert_false(verify(&instance, proof, bytes));
            proof[i] ^= bit;
        }
        for (size_t more = 1; more <= 4; more++)
            assert_false(verify(&instance, proof, bytes + more));
        assert_true(verify(&instance, proof, bytes));
        free(proof);
        free(written.data);
        discard(&instance);
    }
}

/* Each in a block of exactly its size, so that a sanitizer sees reads past the end. */
static void rejects_what_was_cut(void **state)
{
    struct instance instance = machine_instance(&field31_koalabear, 4);
    struct bytes_writer proof = prove(&instance);

    (void)state;
    for (size_t kept = 0; kept < proof.bytes; kept += 1 + kept / 64) {
        uint8_t *cut = workload_alloc(kept == 0 ? 1 : kept);

        memcpy(cut, proof.data, kept);
        assert_false(verify(&instance, cut, kept));
        free(cut);
    }
    free(proof.data);
    discard(&instance);
}

/* p more than an element is the same number and another proof. */
static void rejects_numbers_that_are_not_below_p(void **state)
{
    struct instance instance = fibonacci_instance(&field31_babybear, 4);
    struct bytes_writer proof = prove(&instance);

    (void)state;
    for (size_t i = 0; i + 4 <= proof.bytes; i += 4) {
        uint8_t kept[4];
        uint64_t number = field31_babybear.modulus;

        memcpy(kept, proof.data + i, 4);
        for (unsigned k = 0; k < 4; k++)
            number += (uint64_t)kept[k] << 8 * k;
        if (number > UINT32_MAX)
            continue;
        for (unsigned k = 0; k < 4; k++)
            proof.data[i + k] = (uint8_t)(number >> 8 * k);
        assert_false(verify(&instance, proof.data, proof.bytes));
        memcpy(proof.data + i, kept, 4);
    }
    assert_true(verify(&instance, proof.data, proof.bytes));
    free(proof.data);
    discard(&instance);
}

static void proof_does_not_depend_on_threads(void **state)
{
    struct instance instance = rounds_instance(&field31_babybear, log_rows_most);
    struct bytes_writer expected = prove(&instance);

    (void)state;
    for (int threads = 2; threads <= 4; threads++) {
        struct bytes_writer found;

        omp_set_num_threads(threads);
        found = prove(&instance);
        assert_int_equal(found.bytes, expected.bytes);
        assert_memory_equal(found.data, expected.data, expected.bytes);
        free(found.data);
    }
    omp_set_num_threads(1);
    free(expected.data);
    discard(&instance);
}

/* Constraints mean the same on rows and at a point: all values of the program, and the trace's satisfy it. */
static void constraints_mean_the_same_everywhere(void **state)
{
    enum { count = 3 };

    (void)state;
    for (unsigned maker = 0; maker < maker_count; maker++) {
        struct instance instance = makers[maker](&field31_koalabear, 3);
        const size_t columns = instance.air->columns, values = air_values(instance.air);
        uint32_t *rows = workload_alloc(values * count * sizeof *rows);
        struct extension *point = workload_alloc(values * sizeof *point);

        for (size_t i = 0; i < count; i++)
            for (size_t v = 0; v < 2 * columns; v++)
                rows[v * count + i] = instance.trace[i * columns + v];
        air_run_rows(instance.air, rows, count);
        for (size_t i = 0; i < count; i++) {
            for (size_t v = 0; v < 2 * columns; v++)
                point[v] = extension_from(instance.trace[i * columns + v]);
            air_run_point(instance.air, point);
            for (size_t v = 0; v < values; v++)
                assert_true(extension_equal(point[v], extension_from(rows[v * count + i])));
            for (size_t k = 0; k < instance.air->assertions; k++)
                assert_int_equal(rows[instance.air->asserted[k] * count + i], 0);
        }
        free(point);
        free(rows);
        discard(&instance);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_right_traces),
        cmocka_unit_test(rejects_wrong_traces),
        cmocka_unit_test(rejects_inputs_that_are_not_the_traces),
        cmocka_unit_test(rejects_other_inputs_and_sizes),
        cmocka_unit_test(challenges_depend_on_the_statement),
        cmocka_unit_test(rejects_every_other_byte),
        cmocka_unit_test(rejects_what_was_cut),
        cmocka_unit_test(rejects_numbers_that_are_not_below_p),
        cmocka_unit_test(proof_does_not_depend_on_threads),
        cmocka_unit_test(constraints_mean_the_same_everywhere),
    };

    omp_set_num_threads(1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
