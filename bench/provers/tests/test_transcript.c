/*
 * test_transcript.c - challenges depend on everything absorbed before, and a proof's bytes can be
 * read in only one way.
 */
#include "bytes.h"
#include "transcript.h"
#include "workload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct field31 *const field = &field31_babybear;

static struct transcript transcript_after(const char *name, const char *first, const char *second)
{
    struct transcript transcript;

    transcript_start(&transcript, name);
    transcript_absorb(&transcript, first, strlen(first));
    transcript_absorb(&transcript, second, strlen(second));
    return transcript;
}

static void challenges_depend_on_everything(void **state)
{
    struct transcript all[] = {
        transcript_after("a", "bc", "d"), transcript_after("a", "b", "cd"),
        transcript_after("a", "bcd", ""), transcript_after("ab", "c", "d"),
        transcript_after("a", "bc", "e"), transcript_after("a", "", "bcd"),
    };
    enum { count = sizeof all / sizeof all[0] };
    struct extension challenges[count];

    (void)state;
    for (unsigned i = 0; i < count; i++)
        challenges[i] = transcript_challenge(&all[i], field);
    for (unsigned i = 0; i < count; i++)
        for (unsigned j = 0; j < i; j++)
            assert_false(extension_equal(challenges[i], challenges[j]));
}

static void challenges_are_elements_and_never_the_same(void **state)
{
    struct transcript transcript = transcript_after("a", "b", "c");
    struct extension last = extension_from(0);

    (void)state;
    for (unsigned i = 0; i < 2000; i++) {
        const struct extension challenge = transcript_challenge(&transcript, field);

        for (unsigned c = 0; c < EXTENSION_DEGREE; c++)
            assert_true(challenge.c[c] < field->modulus);
        assert_false(extension_equal(challenge, last));
        last = challenge;
        assert_true(transcript_element(&transcript, field) < field->modulus);
    }
}

static void indices_reach_all_places(void **state)
{
    struct transcript transcript = transcript_after("a", "b", "c");
    unsigned seen[16] = {0};

    (void)state;
    for (unsigned i = 0; i < 1600; i++)
        seen[transcript_index(&transcript, 4)]++;
    for (unsigned i = 0; i < 16; i++)
        assert_in_range(seen[i], 50, 150);
    assert_int_equal(transcript_index(&transcript, 0), 0);
}

/* The nonce is accepted, and almost no other one is; the nonce changes later challenges. */
static void work_takes_its_nonce(void **state)
{
    const struct transcript before = transcript_after("a", "b", "c");
    struct transcript with_nonce = before;
    const uint64_t nonce = transcript_grind(&before, 8);
    unsigned others = 0;

    (void)state;
    assert_true(transcript_work(&with_nonce, nonce, 8));
    for (uint64_t other = 0; other < 1024; other++) {
        struct transcript transcript = before;

        others += other != nonce && transcript_work(&transcript, other, 8);
        if (other != nonce)
            assert_false(hash_equal(&transcript.state, &with_nonce.state));
    }
    assert_in_range(others, 0, 30);
}

static void what_is_written_is_read(void **state)
{
    const struct extension value = {{1, 2, 3, field->modulus - 1}};
    const struct hash hash = hash_of("abc", 3);
    uint32_t elements[1000], found[1000];
    struct bytes_writer writer = {0};
    struct bytes_reader reader;
    struct extension found_value;
    struct hash found_hash;

    (void)state;
    for (uint32_t i = 0; i < 1000; i++)
        elements[i] = i * 2000003;
    bytes_put_number(&writer, 0x0123456789abcdef);
    bytes_put_elements(&writer, elements, 1000);
    bytes_put_extensions(&writer, &value, 1);
    bytes_put_hashes(&writer, &hash, 1);
    assert_int_equal(writer.bytes, 8 + 4000 + 16 + 32);
    reader = (struct bytes_reader){.data = writer.data, .bytes = writer.bytes};
    assert_true(bytes_get_number(&reader) == 0x0123456789abcdef);
    bytes_get_elements(&reader, field, found, 1000);
    bytes_get_extensions(&reader, field, &found_value, 1);
    assert_false(bytes_read_all(&reader));
    bytes_get_hashes(&reader, &found_hash, 1);
    assert_true(bytes_read_all(&reader));
    assert_memory_equal(elements, found, sizeof found);
    assert_true(extension_equal(value, found_value) && hash_equal(&hash, &found_hash));
    free(writer.data);
}

/* p, which would be 0 once more, is not read; nor is anything after it. */
static void rejects_elements_that_are_not_below_p(void **state)
{
    const uint32_t elements[] = {field->modulus - 1, field->modulus, 5};
    struct bytes_writer writer = {0};
    struct bytes_reader reader;
    uint32_t found[3];

    (void)state;
    bytes_put_elements(&writer, elements, 3);
    reader = (struct bytes_reader){.data = writer.data, .bytes = writer.bytes};
    bytes_get_elements(&reader, field, found, 3);
    assert_true(reader.failed && !bytes_read_all(&reader));
    assert_int_equal(found[0], field->modulus - 1);
    assert_int_equal(found[1] | found[2], 0);
    free(writer.data);
}

/* Each block has exactly the size of its contents, so that a sanitizer sees reads past the end. */
static void never_reads_outside(void **state)
{
    (void)state;
    for (size_t bytes = 1; bytes < 40; bytes++) {
        uint8_t *data = workload_zeroed(bytes);
        struct bytes_reader reader = {.data = data, .bytes = bytes};
        struct hash hash;

        bytes_get_hashes(&reader, &hash, 1);
        assert_int_equal(reader.failed, bytes < HASH_BYTES);
        (void)bytes_get_number(&reader);
        assert_true(reader.failed);
        assert_false(bytes_read_all(&reader));
        free(data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(challenges_depend_on_everything),
        cmocka_unit_test(challenges_are_elements_and_never_the_same),
        cmocka_unit_test(indices_reach_all_places),
        cmocka_unit_test(work_takes_its_nonce),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(rejects_elements_that_are_not_below_p),
        cmocka_unit_test(never_reads_outside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
