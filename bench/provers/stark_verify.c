/*
 * stark_verify.c - the verifier of a STARK. It shares none of the prover's kernels.
 */
#include "stark.h"

#include <string.h>

/* What was received. */
struct verifier {
    const struct stark *stark;
    const struct field31 *field;
    unsigned without;  /* checks that are left out; 0 */
    unsigned log_size; /* of the coset */
    size_t columns;    /* of the trace */
    size_t quotient_columns;
    struct hash trace_root;
    struct hash quotient_root;
    struct extension z;
    struct extension next_z; /* z of the next row */
    struct extension this_row[AIR_COLUMNS_MOST];
    struct extension next_row[AIR_COLUMNS_MOST];
    struct extension quotient[EXTENSION_DEGREE << STARK_LOG_CHUNKS_MOST];
    struct extension challenge; /* combines the columns */
    struct fri_verifier fri;
};

static void receive_root(struct hash *root, struct transcript *transcript,
                         struct bytes_reader *proof)
{
    bytes_get_hashes(proof, root, 1);
    transcript_absorb(transcript, root, sizeof *root);
}

static void receive_values(struct verifier *verifier, struct extension *values, size_t count,
                           struct transcript *transcript, struct bytes_reader *proof)
{
    bytes_get_extensions(proof, verifier->field, values, count);
    transcript_absorb(transcript, values, count * sizeof *values);
}

/* Sum of the constraints that hold between rows, at z, over x^rows - 1 and times x - last. */
static struct extension transitions_at(const struct verifier *verifier,
                                       const struct extension *powers)
{
    const struct air *air = verifier->stark->air;
    const struct field31 *field = verifier->field;
    const struct extension one = extension_from(field->one);
    const struct extension last = extension_from(stark_point_of(verifier->stark, AIR_LAST));
    struct extension values[2 * AIR_COLUMNS_MOST + AIR_STEPS_MOST];
    struct extension sum = extension_from(0), vanishing;

    for (size_t column = 0; column < air->columns; column++) {
        values[column] = verifier->this_row[column];
        values[air->columns + column] = verifier->next_row[column];
    }
    air_run_point(air, values);
    for (size_t i = 0; i < air->assertions; i++)
        sum = extension_add(field, sum,
                            extension_multiply(field, powers[i], values[air->asserted[i]]));
    vanishing = extension_power(field, verifier->z, (uint64_t)1 << verifier->stark->log_rows);
    vanishing = extension_inverse(field, extension_subtract(field, vanishing, one));
    sum = extension_multiply(field, sum, extension_subtract(field, verifier->z, last));
    return extension_multiply(field, sum, vanishing);
}

/* Sum of the boundary constraints at z, each over x - its row's point. */
static struct extension boundaries_at(const struct verifier *verifier, const uint32_t *inputs,
                                      const struct extension *powers)
{
    const struct air *air = verifier->stark->air;
    const struct field31 *field = verifier->field;
    struct extension denominators[AIR_ROWS], sum = extension_from(0);

    for (unsigned row = 0; row < AIR_ROWS; row++) {
        const uint32_t point = stark_point_of(verifier->stark, (enum air_row)row);

        denominators[row] =
            extension_inverse(field, extension_subtract(field, verifier->z, extension_from(point)));
    }
    for (size_t i = 0; i < air->boundaries; i++) {
        const struct air_boundary *boundary = &air->boundary[i];
        struct extension term;

        if (!stark_binds(verifier->stark, boundary))
            continue;
        term = extension_subtract(field, verifier->this_row[boundary->column],
                                  extension_from(inputs[boundary->input]));

        term = extension_multiply(field, term, denominators[boundary->row]);
        sum = extension_add(field, sum, extension_multiply(field, powers[i], term));
    }
    return sum;
}

/* The quotient at z, put together from its chunks' coordinates. */
static struct extension quotient_at(const struct verifier *verifier)
{
    const struct field31 *field = verifier->field;
    const struct extension chunk_power =
        extension_power(field, verifier->z, (uint64_t)1 << verifier->stark->log_rows);
    struct extension sum = extension_from(0), power = extension_from(field->one);

    for (size_t column = 0; column < verifier->quotient_columns; column++) {
        struct extension basis = extension_from(0);

        basis.c[column % EXTENSION_DEGREE] = field->one;
        basis = extension_multiply(field, basis, power);
        sum =
            extension_add(field, sum, extension_multiply(field, basis, verifier->quotient[column]));
        if (column % EXTENSION_DEGREE == EXTENSION_DEGREE - 1)
            power = extension_multiply(field, power, chunk_power);
    }
    return sum;
}

static struct extension gap_of(const struct verifier *verifier, const uint32_t *inputs,
                               struct extension challenge)
{
    const struct air *air = verifier->stark->air;
    struct extension powers[AIR_ASSERTIONS_MOST + AIR_BOUNDARIES_MOST], sum;

    extension_powers(verifier->field, challenge, powers, air->assertions + air->boundaries);
    sum = extension_add(verifier->field, transitions_at(verifier, powers),
                        boundaries_at(verifier, inputs, powers + air->assertions));
    return extension_subtract(verifier->field, sum, quotient_at(verifier));
}

static struct verifier verifier_of(const struct stark *stark)
{
    return (struct verifier){
        .stark = stark,
        .field = stark->air->field,
        .without = stark->fri.left_out,
        .log_size = stark->log_rows + stark->fri.log_blowup,
        .columns = stark->air->columns,
        .quotient_columns = stark_quotient_columns(stark),
    };
}

struct extension stark_gap(const struct stark *stark, const uint32_t *inputs,
                           struct extension alpha, struct extension z,
                           const struct extension *this_row, const struct extension *next_row,
                           const struct extension *quotient)
{
    struct verifier verifier = verifier_of(stark);

    verifier.z = z;
    memcpy(verifier.this_row, this_row, verifier.columns * sizeof *this_row);
    memcpy(verifier.next_row, next_row, verifier.columns * sizeof *next_row);
    memcpy(verifier.quotient, quotient, verifier.quotient_columns * sizeof *quotient);
    return gap_of(&verifier, inputs, alpha);
}

static bool constraints_hold(const struct verifier *verifier, const uint32_t *inputs,
                             struct extension challenge)
{
    const struct extension none = extension_from(0);

    return extension_equal(gap_of(verifier, inputs, challenge), none) ||
           left_out(verifier->without, CHECK_CONSTRAINTS);
}

/* Reads everything up to the queries; checks the constraints at z. */
static bool receive(struct verifier *verifier, const uint32_t *inputs,
                    struct transcript *transcript, struct bytes_reader *proof)
{
    const struct stark *stark = verifier->stark;
    const struct field31 *field = verifier->field;
    const uint32_t root = field31_root(field, stark->log_rows);
    struct extension challenge;

    stark_absorb_statement(stark, inputs, transcript);
    receive_root(&verifier->trace_root, transcript, proof);
    challenge = transcript_challenge(transcript, field);
    receive_root(&verifier->quotient_root, transcript, proof);
    verifier->z = transcript_challenge(transcript, field);
    verifier->next_z = extension_scale(field, verifier->z, root);
    receive_values(verifier, verifier->this_row, verifier->columns, transcript, proof);
    receive_values(verifier, verifier->next_row, verifier->columns, transcript, proof);
    bytes_get_extensions(proof, field, verifier->quotient, verifier->quotient_columns);
    if (!left_out(verifier->without, CHECK_TRANSCRIPT))
        transcript_absorb(transcript, verifier->quotient,
                          verifier->quotient_columns * sizeof *verifier->quotient);
    if (proof->failed || extension_is_base(verifier->z) ||
        !constraints_hold(verifier, inputs, challenge))
        return false;
    verifier->challenge = transcript_challenge(transcript, field);
    return fri_receive(&verifier->fri, &stark->fri, field, verifier->log_size, transcript, proof);
}

/* Reads a row and its path. Is it the one at `index` under the root? */
static bool receive_row(const struct verifier *verifier, const struct hash *root, size_t index,
                        uint32_t *row, size_t columns, struct bytes_reader *proof)
{
    struct hash path[MERKLE_HEIGHT_MOST];

    bytes_get_elements(proof, verifier->field, row, columns);
    bytes_get_hashes(proof, path, verifier->log_size);
    return !proof->failed &&
           (merkle_verify(root, verifier->log_size, index, row, columns * sizeof *row, path) ||
            left_out(verifier->without, CHECK_MERKLE_PATH));
}

/* Adds power * (row[i] - values[i]) to the sum; the power grows. */
static struct extension add_differences(const struct verifier *verifier, const uint32_t *row,
                                        const struct extension *values, size_t count,
                                        struct extension *power)
{
    const struct field31 *field = verifier->field;
    struct extension sum = extension_from(0);

    for (size_t i = 0; i < count; i++) {
        const struct extension difference =
            extension_subtract(field, extension_from(row[i]), values[i]);

        sum = extension_add(field, sum, extension_multiply(field, difference, *power));
        *power = extension_multiply(field, *power, verifier->challenge);
    }
    return sum;
}

/* The letter of FRI's word at x that follows from the rows there. */
static struct extension letter_of(const struct verifier *verifier, uint32_t x, const uint32_t *row,
                                  const uint32_t *quotient_row)
{
    const struct field31 *field = verifier->field;
    const struct extension at_x = extension_from(x);
    const struct extension denominator =
        extension_inverse(field, extension_subtract(field, at_x, verifier->z));
    const struct extension next_denominator =
        extension_inverse(field, extension_subtract(field, at_x, verifier->next_z));
    struct extension power = extension_from(field->one);
    const struct extension this_sum =
        add_differences(verifier, row, verifier->this_row, verifier->columns, &power);
    const struct extension next_sum =
        add_differences(verifier, row, verifier->next_row, verifier->columns, &power);
    const struct extension quotient_sum = add_differences(
        verifier, quotient_row, verifier->quotient, verifier->quotient_columns, &power);

    return extension_add(
        field, extension_multiply(field, extension_add(field, this_sum, quotient_sum), denominator),
        extension_multiply(field, next_sum, next_denominator));
}

static bool check_query(const struct verifier *verifier, size_t index, struct bytes_reader *proof)
{
    const struct field31 *field = verifier->field;
    const size_t exponent = ntt_reverse(index, verifier->log_size);
    const uint32_t root = field31_power(field, field31_root(field, verifier->log_size), exponent);
    const uint32_t x = field31_multiply(field, root, stark_shift(verifier->stark));
    uint32_t row[AIR_COLUMNS_MOST], quotient_row[EXTENSION_DEGREE << STARK_LOG_CHUNKS_MOST];

    return receive_row(verifier, &verifier->trace_root, index, row, verifier->columns, proof) &&
           receive_row(verifier, &verifier->quotient_root, index, quotient_row,
                       verifier->quotient_columns, proof) &&
           fri_check(&verifier->fri, index, letter_of(verifier, x, row, quotient_row), proof);
}

bool stark_verify(const struct stark *stark, const uint32_t *inputs, struct transcript *transcript,
                  struct bytes_reader *proof)
{
    struct verifier verifier = verifier_of(stark);

    if (!receive(&verifier, inputs, transcript, proof))
        return false;
    for (unsigned query = 0; query < stark->fri.queries; query++)
        if (!check_query(&verifier, fri_next(&stark->fri, verifier.log_size, transcript, proof),
                         proof))
            return false;
    return true;
}
