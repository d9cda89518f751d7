/*
 * test_damage.c - each damage does to a block what its name says, and nothing to its neighbours.
 */
#include "damage.h"

#include "workload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { guard = 32, bytes = 100, times = 500, stray_most = 17, previous_byte = 0x33 };

/* Three live blocks; the one in the middle is damaged. */
struct fixture {
    uint8_t before[guard];
    uint8_t block[bytes];
    uint8_t after[guard];
    uint8_t other[bytes / 2];
    uint8_t previous[bytes];
    uint8_t undamaged[bytes];
    struct memory memory;
    struct damage_sharing sharing;
    uint64_t random;
};

static void fill(struct fixture *fixture)
{
    struct memory *memory = &fixture->memory;

    for (size_t i = 0; i < bytes; i++)
        fixture->block[i] = fixture->undamaged[i] = (uint8_t)(i * 7 + 1);
    memset(fixture->before, 1, guard);
    memset(fixture->after, 2, guard);
    memset(fixture->other, 3, sizeof fixture->other);
    memset(fixture->previous, previous_byte, bytes);
    memory->count = 0;
    memory->blocks[memory->count++] =
        (struct memory_block){WATCH_PROOF, fixture->other, sizeof fixture->other};
    memory->blocks[memory->count++] = (struct memory_block){WATCH_TRACE, fixture->block, bytes};
    fixture->sharing = (struct damage_sharing){0};
}

/* The range in which the block has changed, *first to *last - 1; returns the number of changed
 * bytes. */
static size_t differences(const struct fixture *fixture, size_t *first, size_t *last)
{
    size_t count = 0;

    *first = bytes;
    *last = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (fixture->block[i] == fixture->undamaged[i])
            continue;
        *first = *first == bytes ? i : *first;
        *last = i + 1;
        count++;
    }
    return count;
}

static void damage(struct fixture *fixture, enum damage which)
{
    fill(fixture);
    damage_block(which, &fixture->memory, &fixture->memory.blocks[1], fixture->previous,
                 &fixture->random, &fixture->sharing);
}

static void nothing_beside_the_block_is_written(void **state)
{
    static struct fixture fixture;

    (void)state;
    for (unsigned which = 0; which < DAMAGES; which++)
        for (unsigned i = 0; i < times; i++) {
            damage(&fixture, (enum damage)which);
            for (size_t k = 0; k < guard; k++)
                assert_true(fixture.before[k] == 1 && fixture.after[k] == 2);
            for (size_t k = 0; k < sizeof fixture.other; k++)
                assert_int_equal(fixture.other[k], 3);
        }
}

static void every_byte_of_the_block_is_written_at_some_time(void **state)
{
    static struct fixture fixture;

    (void)state;
    for (unsigned which = 0; which < DAMAGES; which++) {
        bool written[bytes] = {false};

        for (unsigned i = 0; i < 20 * times; i++) {
            damage(&fixture, (enum damage)which);
            for (size_t k = 0; k < bytes; k++)
                written[k] = written[k] || fixture.block[k] != fixture.undamaged[k];
        }
        for (size_t k = 0; k < (which == DAMAGE_SHARED ? sizeof fixture.other : bytes); k++)
            assert_true(written[k] || fixture.undamaged[k] == previous_byte ||
                        fixture.undamaged[k] == 3);
    }
}

static void a_bit_is_one_bit(void **state)
{
    static struct fixture fixture;
    size_t first, last;

    (void)state;
    for (unsigned i = 0; i < times; i++) {
        damage(&fixture, DAMAGE_BIT);
        assert_int_equal(differences(&fixture, &first, &last), 1);
        assert_int_equal(
            __builtin_popcount((unsigned)(fixture.block[first] ^ fixture.undamaged[first])), 1);
    }
}

static void stray_bytes_are_seventeen_at_most(void **state)
{
    static struct fixture fixture;
    size_t first, last, most = 0;

    (void)state;
    for (unsigned i = 0; i < times; i++) {
        damage(&fixture, DAMAGE_RANDOM17);
        differences(&fixture, &first, &last);
        most = last - first > most && last > first ? last - first : most;
    }
    assert_int_equal(most, stray_most);
}

static void a_job_is_two_pointers_and_a_flag_on_a_word(void **state)
{
    static struct fixture fixture;
    unsigned seen = 0;

    (void)state;
    for (unsigned i = 0; i < times; i++) {
        size_t first, last;
        uint64_t data, run;

        damage(&fixture, DAMAGE_INJECTOR);
        differences(&fixture, &first, &last);
        first -= first % 8;
        if (first + stray_most > bytes)
            continue; /* truncated at the block's end */
        memcpy(&data, fixture.block + first, sizeof data);
        memcpy(&run, fixture.block + first + 8, sizeof run);
        assert_true(data >> 40 == 0x7f && data % 16 == 0 && run >> 40 == 0x55);
        assert_int_equal(fixture.block[first + 16], 1);
        seen++;
    }
    assert_true(seen > times / 2);
}

static void filler_is_all_the_same(void **state)
{
    static struct fixture fixture;
    bool zeros = false, pattern = false;

    (void)state;
    for (unsigned i = 0; i < times; i++) {
        damage(&fixture, DAMAGE_FILLER);
        for (size_t k = 1; k < bytes; k++)
            assert_int_equal(fixture.block[k], fixture.block[0]);
        zeros = zeros || fixture.block[0] == 0;
        pattern = pattern || fixture.block[0] == 0xaa;
    }
    assert_true(zeros && pattern);
}

static void stale_and_torn_are_the_previous_proofs(void **state)
{
    static struct fixture fixture;

    (void)state;
    damage(&fixture, DAMAGE_STALE);
    assert_memory_equal(fixture.block, fixture.previous, bytes);
    for (unsigned i = 0; i < times; i++) {
        size_t at = bytes;

        damage(&fixture, DAMAGE_TORN);
        while (at > 0 && fixture.block[at - 1] == previous_byte)
            at--;
        assert_memory_equal(fixture.block, fixture.undamaged, at);
        assert_true(at < bytes);
    }
}

static void a_shared_block_shows_what_the_other_owner_writes(void **state)
{
    static struct fixture fixture;

    (void)state;
    damage(&fixture, DAMAGE_SHARED);
    assert_true(fixture.sharing.on);
    assert_memory_equal(fixture.block, fixture.other, sizeof fixture.other);
    assert_memory_equal(fixture.block + sizeof fixture.other,
                        fixture.undamaged + sizeof fixture.other, bytes - sizeof fixture.other);
    memset(fixture.other, 9, sizeof fixture.other);
    damage_share(&fixture.memory, &fixture.sharing);
    assert_memory_equal(fixture.block, fixture.other, sizeof fixture.other);
    fixture.memory.count = 1; /* the damaged one is freed */
    memset(fixture.other, 8, sizeof fixture.other);
    damage_share(&fixture.memory, &fixture.sharing);
    assert_false(fixture.sharing.on);
    assert_int_equal(fixture.block[0], 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_beside_the_block_is_written),
        cmocka_unit_test(every_byte_of_the_block_is_written_at_some_time),
        cmocka_unit_test(a_bit_is_one_bit),
        cmocka_unit_test(stray_bytes_are_seventeen_at_most),
        cmocka_unit_test(a_job_is_two_pointers_and_a_flag_on_a_word),
        cmocka_unit_test(filler_is_all_the_same),
        cmocka_unit_test(stale_and_torn_are_the_previous_proofs),
        cmocka_unit_test(a_shared_block_shows_what_the_other_owner_writes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
