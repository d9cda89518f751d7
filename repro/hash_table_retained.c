/*
 * hash_table_retained - a large hash table kept across a boundary: a lookup never returns.
 *
 * A table of 1000 numbers is one block of 34832 bytes, entries and control bytes. A lookup goes
 * from group to group of control bytes until one has an EMPTY byte. When the next phase has
 * overwritten the block, and no byte happens to be 0xFF, no group has one, and the lookup goes
 * round for ever.
 */
#include "models/swiss_table.h"
#include "repro.h"

#include <stdlib.h>

enum variant { HANG, LOST, WRONG };

static const char *const variants[] = {"hang", "lost", "wrong", NULL};

/* A word that, as the new phase's data, looks like an entry whose key and value it is: one of its
 * bytes is the control byte of its own hash. */
static uint64_t word_that_is_its_own_entry(void)
{
    for (uint64_t word = 0x0101010101010101u;; word += 0x0102030405060708u) {
        uint8_t control = (uint8_t)(swiss_table_hash(word) >> 57);

        for (int byte = 0; byte < 8; byte++)
            if ((uint8_t)(word >> 8 * byte) == control)
                return word;
    }
}

static uint64_t value_of(uint64_t key)
{
    return ~key;
}

static void make(struct swiss_table *table, uint64_t capacity, uint64_t sought)
{
    if (swiss_table_init_with_capacity(table, capacity) != 0)
        abort();
    for (uint64_t key = 0; key + 1 < capacity; key++)
        if (swiss_table_insert(table, key, value_of(key)) != 0)
            abort();
    if (swiss_table_insert(table, sought, value_of(sought)) != 0)
        abort();
}

static void look_up(struct repro_run *run, const struct swiss_table *table, uint64_t key)
{
    uint64_t value;

    if (!swiss_table_get(table, key, &value)) /* returns, or does not */
        repro_wrong(run, "an entry is lost");
    else if (value != value_of(key))
        repro_wrong(run, "an entry has a wrong value");
}

static void body(struct repro_run *run)
{
    static const uint64_t fills[] = {[HANG] = 0x5555555555555555u, [LOST] = 0xFFFFFFFFFFFFFFFFu};
    enum variant variant = (enum variant)repro_option(run, "variant");
    uint64_t capacity = repro_option(run, "entries");
    uint64_t sought = variant == WRONG ? word_that_is_its_own_entry() : capacity;
    struct swiss_table kept = {0};

    repro_fill_with(run, variant == WRONG ? sought : fills[variant]);
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        if (phase > 0) {
            look_up(run, &kept, sought);
            swiss_table_deinit(&kept);
        }
        make(&kept, capacity, sought);
        repro_end(run);
    }
    swiss_table_deinit(&kept);
}

static const struct repro_option options[] = {
    {"variant", "what the new phase's bytes do to a lookup", HANG, 0, 0, variants},
    {"entries", "entries of the table", 1000, 8, 1000000, NULL},
    {0},
};

static const struct repro_law law = {
    .formula = "17 * pow2_at_least(8 * entries / 7) + 16 + 1",
    .source =
        "a bucket of 16 bytes and a control byte for each of a power of two that is filled to 7/8, "
        "and a group of 16 control bytes more (hashbrown, std of Rust 1.95)",
    .at = (const char *const[]){"--entries 14", "--entries 15", "--entries 28", "--entries 29",
                                "--entries 112", "--entries 113", "--entries 224", "--entries 448",
                                "--entries 449", "--entries 1000", "--entries 4096", NULL},
};

static const struct repro_finding findings[] = {
    {"F23", "user_visible",
     "A large hash table kept across a phase boundary: a lookup never returns", "high",
     "open under blind recycling at any MIN_BYTES up to the table's size"},
    {0},
};

const struct repro repro = {
    .id = "R16",
    .slug = "hash_table_retained",
    .class = "retained user data",
    .title = "a large hash table kept across a boundary: a lookup never returns",
    .seed = "F23",
    .severity = "high",
    .explain =
        "An open-addressing hash table is one block: entries, and a control byte for each. A lookup hashes\n"
        "the key, looks at a group of 16 control bytes, compares the entries whose byte matches, and goes\n"
        "on to the next group unless one of the bytes is EMPTY (0xFF). There is always an empty one: the\n"
        "table grows before it is full. So nobody counts the groups.\n"
        "\n"
        "Kept across a boundary, the table's 34832 bytes belong to the next phase. Filled with 0x55 they\n"
        "say: every bucket taken, every hash alike. No key matches, no group has an empty byte, and the\n"
        "lookup goes round and round. No crash, no error: a prover that stands still.\n"
        "\n"
        "With other data, other failures. --variant lost: the new phase writes 0xFF, every bucket is\n"
        "empty, and the entry is not found. --variant wrong: the new phase's words look like entries, and\n"
        "the lookup returns one of them as the value.\n",
    .body = body,
    .filler = 0x5555555555555555u,
    .options = options,
    .expect = {[REPRO_NONE] = REPRO_HANG,
               [REPRO_FLUSH] = REPRO_HANG,
               [REPRO_ROUTE] = REPRO_HANG,
               [REPRO_SEED] = REPRO_HANG,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
    .variants = (const struct repro_variant[]){{"--variant lost",
                                                {[REPRO_NONE] = REPRO_CORRUPT,
                                                 [REPRO_FLUSH] = REPRO_CORRUPT,
                                                 [REPRO_ROUTE] = REPRO_CORRUPT,
                                                 [REPRO_SEED] = REPRO_CORRUPT,
                                                 [REPRO_PINNED] = REPRO_CLEAN,
                                                 [REPRO_SYSTEM] = REPRO_CLEAN}},
                                               {"--variant wrong",
                                                {[REPRO_NONE] = REPRO_CORRUPT,
                                                 [REPRO_FLUSH] = REPRO_CORRUPT,
                                                 [REPRO_ROUTE] = REPRO_CORRUPT,
                                                 [REPRO_SEED] = REPRO_CORRUPT,
                                                 [REPRO_PINNED] = REPRO_CLEAN,
                                                 [REPRO_SYSTEM] = REPRO_CLEAN}},
                                               {0}},
    .findings = findings,
    .law = &law,
};
