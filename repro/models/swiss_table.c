/*
 * swiss_table.c - hashbrown's table: see swiss_table.h for what it is faithful to.
 *
 * Invariant: at least one control byte is EMPTY, so every probe ends. Nothing checks it, and an
 * overwritten table breaks it.
 *
 * Entry i is at control - (i + 1) * entry bytes. The first 16 control bytes are repeated after the
 * last one, so that a group may start at any bucket; in a table of fewer than 16 buckets, the bytes
 * between the buckets' own and their repetition stay EMPTY.
 */
#include "swiss_table.h"

#include "watched.h"
#include "zkalloc.h"

#include <errno.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { GROUP = SWISS_TABLE_GROUP };

_Static_assert(sizeof(struct swiss_table) == 32, "as RawTable is on 64-bit");
_Static_assert(SWISS_TABLE_EMPTY == 0xFF && SWISS_TABLE_DELETED == 0x80,
               "as hashbrown's EMPTY and DELETED (control/tag.rs; raw/mod.rs before 0.15)");

static struct {
    bool portable;
} groups;

/* The control bytes of a table without a block; never written, since growth_left is 0. */
static const uint8_t empty_group[GROUP] = {
    SWISS_TABLE_EMPTY, SWISS_TABLE_EMPTY, SWISS_TABLE_EMPTY, SWISS_TABLE_EMPTY,
    SWISS_TABLE_EMPTY, SWISS_TABLE_EMPTY, SWISS_TABLE_EMPTY, SWISS_TABLE_EMPTY,
    SWISS_TABLE_EMPTY, SWISS_TABLE_EMPTY, SWISS_TABLE_EMPTY, SWISS_TABLE_EMPTY,
    SWISS_TABLE_EMPTY, SWISS_TABLE_EMPTY, SWISS_TABLE_EMPTY, SWISS_TABLE_EMPTY,
};

/* ---- Groups: sixteen control bytes, and one bit for each that matches ---- */

static uint16_t portable_match(const uint8_t *group, uint8_t byte)
{
    unsigned matches = 0;

    for (unsigned i = 0; i < GROUP; i++)
        matches |= (unsigned)(group[i] == byte) << i;
    return (uint16_t)matches;
}

static uint16_t portable_match_special(const uint8_t *group)
{
    unsigned matches = 0;

    for (unsigned i = 0; i < GROUP; i++)
        matches |= (unsigned)(group[i] >> 7) << i;
    return (uint16_t)matches;
}

void swiss_table_use_portable_groups(bool portable)
{
    groups.portable = portable;
}

/* Bytes equal to byte. */
static inline uint16_t match(const uint8_t *group, uint8_t byte)
{
#ifdef __SSE2__
    if (!groups.portable) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)group);

        return (uint16_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8((char)byte)));
    }
#endif
    return portable_match(group, byte);
}

/* Bytes with the top bit set: EMPTY, DELETED, and any filler from 0x80 on. */
static inline uint16_t match_special(const uint8_t *group)
{
#ifdef __SSE2__
    if (!groups.portable)
        return (uint16_t)_mm_movemask_epi8(_mm_loadu_si128((const __m128i *)(const void *)group));
#endif
    return portable_match_special(group);
}

static inline uint16_t match_full(const uint8_t *group)
{
    return (uint16_t)~match_special(group);
}

static bool has_empty(const uint8_t *group)
{
    return match(group, SWISS_TABLE_EMPTY) != 0;
}

static size_t lowest(uint16_t matches)
{
    return (size_t)__builtin_ctz(matches);
}

/* The number of bytes before the first that matches, and after the last; all 16 when none does. */
static size_t leading(uint16_t matches)
{
    return matches == 0 ? GROUP : lowest(matches);
}

static size_t trailing(uint16_t matches)
{
    return matches == 0 ? GROUP : (size_t)__builtin_clz(matches) - (32 - GROUP);
}

/* ---- Hash ---- */

uint64_t swiss_table_hash(uint64_t key)
{
    key += 0x9E3779B97F4A7C15u;
    key = (key ^ (key >> 30)) * 0xBF58476D1CE4E5B9u;
    key = (key ^ (key >> 27)) * 0x94D049BB133111EBu;
    return key ^ (key >> 31);
}

/* The control byte of a full bucket. */
static uint8_t tag_of(uint64_t hash)
{
    return (uint8_t)(hash >> 57);
}

/* ---- Sizes ---- */

/* Buckets for at least capacity entries; 0 when there is no such number. */
static size_t buckets_for(size_t capacity)
{
    size_t adjusted;

    if (capacity < 4)
        return 4;
    if (capacity < 8)
        return 8;
    if (capacity < 15)
        return 16;
    if (__builtin_mul_overflow(capacity, 8, &adjusted) || adjusted / 7 > (size_t)PTRDIFF_MAX / 2)
        return 0;
    return (size_t)1 << (64 - __builtin_clzll(adjusted / 7 - 1));
}

/* How many entries the buckets may hold: 7/8 of them, except in the smallest tables. */
static size_t full_capacity(size_t bucket_mask)
{
    return bucket_mask < 8 ? bucket_mask : (bucket_mask + 1) / 8 * 7;
}

/* Where the control bytes start in the block. */
static size_t control_offset(size_t entry_bytes, size_t buckets)
{
    return (entry_bytes * buckets + GROUP - 1) & ~(size_t)(GROUP - 1);
}

static size_t block_bytes(size_t entry_bytes, size_t buckets)
{
    return control_offset(entry_bytes, buckets) + buckets + GROUP;
}

size_t swiss_table_sized_block_bytes_for(size_t value_bytes, size_t capacity)
{
    return capacity == 0 ? 0
                         : block_bytes(SWISS_TABLE_KEY_BYTES + value_bytes, buckets_for(capacity));
}

size_t swiss_table_block_bytes(const struct swiss_table *table, size_t value_bytes)
{
    if (table->bucket_mask == 0)
        return 0;
    return block_bytes(SWISS_TABLE_KEY_BYTES + value_bytes, table->bucket_mask + 1);
}

size_t swiss_table_length(const struct swiss_table *table)
{
    return table->items;
}

size_t swiss_table_capacity(const struct swiss_table *table)
{
    return table->items + table->growth_left;
}

/* ---- The block ---- */

void swiss_table_init(struct swiss_table *table)
{
    *table = (struct swiss_table){.control = (uint8_t *)(uintptr_t)empty_group};
}

static void empty_all(struct swiss_table *table)
{
    memset(table->control, SWISS_TABLE_EMPTY, table->bucket_mask + 1 + GROUP);
    table->items = 0;
    table->growth_left = full_capacity(table->bucket_mask);
}

static int allocate(struct swiss_table *table, size_t entry_bytes, size_t buckets)
{
    size_t bytes;
    uint8_t *block;

    if (buckets == 0 || __builtin_mul_overflow(entry_bytes + 1, buckets, &bytes) ||
        bytes > PTRDIFF_MAX - GROUP - GROUP) {
        errno = ENOMEM;
        return -1;
    }
    block = zk_malloc(block_bytes(entry_bytes, buckets));
    if (block == NULL)
        return -1;
    table->control = block + control_offset(entry_bytes, buckets);
    table->bucket_mask = buckets - 1;
    empty_all(table);
    return 0;
}

int swiss_table_sized_init_with_capacity(struct swiss_table *table, size_t value_bytes,
                                         size_t capacity)
{
    swiss_table_init(table);
    if (capacity == 0)
        return 0;
    return allocate(table, SWISS_TABLE_KEY_BYTES + value_bytes, buckets_for(capacity));
}

static void free_block(const struct swiss_table *table, size_t entry_bytes)
{
    size_t buckets = table->bucket_mask + 1;

    if (table->bucket_mask != 0)
        zk_free_sized(table->control - control_offset(entry_bytes, buckets),
                      block_bytes(entry_bytes, buckets));
}

void swiss_table_sized_deinit(struct swiss_table *table, size_t value_bytes)
{
    free_block(table, SWISS_TABLE_KEY_BYTES + value_bytes);
    swiss_table_init(table);
}

void swiss_table_clear(struct swiss_table *table)
{
    if (table->items != 0)
        empty_all(table);
}

static unsigned char *entry_at(const struct swiss_table *table, size_t entry_bytes, size_t index)
{
    return (unsigned char *)table->control - (index + 1) * entry_bytes;
}

static uint64_t key_of(const unsigned char *entry)
{
    uint64_t key;

    memcpy(&key, entry, sizeof key);
    return key;
}

/* Sets the control byte of a bucket, and its repetition. */
static void set_control(struct swiss_table *table, size_t index, uint8_t byte)
{
    table->control[((index - GROUP) & table->bucket_mask) + GROUP] = byte;
    table->control[index] = byte;
}

/* ---- Probing ---- */

/* Visits every group once, if they are a power of two. */
struct probe {
    size_t position;
    size_t stride; /* bytes visited after the first group */
};

static struct probe probe_start(const struct swiss_table *table, uint64_t hash)
{
    return (struct probe){.position = (size_t)hash & table->bucket_mask};
}

/* After all groups have been visited, the same ones follow again, and nobody else writes to a table
 * that is in use: the probe cannot end. Neither can the real one's, which does not notice. */
static void probe_next(struct probe *probe, size_t bucket_mask)
{
    size_t buckets = bucket_mask + 1;

    if ((buckets & bucket_mask) == 0 && probe->stride >= buckets)
        model_endless("a probe has visited every group of its table");
    probe->stride += GROUP;
    probe->position = (probe->position + probe->stride) & bucket_mask;
}

/* Finds a bucket of the group at probe that holds key, and puts it into *index. */
static bool find_in_group(const struct swiss_table *table, size_t entry_bytes, struct probe probe,
                          uint64_t key, uint64_t hash, size_t *index)
{
    uint16_t matches = match(table->control + probe.position, tag_of(hash));

    for (; matches != 0; matches &= (uint16_t)(matches - 1)) {
        *index = (probe.position + lowest(matches)) & table->bucket_mask;
        if (key_of(entry_at(table, entry_bytes, *index)) == key)
            return true;
    }
    return false;
}

static bool find(const struct swiss_table *table, size_t entry_bytes, uint64_t key, size_t *index)
{
    uint64_t hash = swiss_table_hash(key);
    struct probe probe = probe_start(table, hash);

    for (;;) {
        if (find_in_group(table, entry_bytes, probe, key, hash, index))
            return true;
        if (has_empty(table->control + probe.position))
            return false;
        probe_next(&probe, table->bucket_mask);
    }
}

/* In a table smaller than a group, the free byte that was found may be past the buckets' own, and
 * the bucket that index was reduced to may be full: then the first group has a free one. */
static size_t correct_free(const struct swiss_table *table, size_t index)
{
    if (table->control[index] & 0x80)
        return index;
    return leading(match_special(table->control));
}

/* The first bucket that is free for hash. */
static size_t find_free(const struct swiss_table *table, uint64_t hash)
{
    struct probe probe = probe_start(table, hash);

    for (;;) {
        uint16_t special = match_special(table->control + probe.position);

        if (special != 0)
            return correct_free(table, (probe.position + lowest(special)) & table->bucket_mask);
        probe_next(&probe, table->bucket_mask);
    }
}

/* Finds the bucket of key (true), or a free one for it (false). */
static bool find_or_free(const struct swiss_table *table, size_t entry_bytes, uint64_t key,
                         uint64_t hash, size_t *index)
{
    struct probe probe = probe_start(table, hash);
    bool have_free = false;
    size_t free_index = 0;

    for (;;) {
        const uint8_t *group = table->control + probe.position;
        uint16_t special;

        if (find_in_group(table, entry_bytes, probe, key, hash, index))
            return true;
        special = match_special(group);
        if (!have_free && special != 0) {
            have_free = true;
            free_index = (probe.position + lowest(special)) & table->bucket_mask;
        }
        if (have_free && has_empty(group)) {
            *index = correct_free(table, free_index);
            return false;
        }
        probe_next(&probe, table->bucket_mask);
    }
}

/* ---- Growth ---- */

static int resize(struct swiss_table *table, size_t entry_bytes, size_t capacity)
{
    struct swiss_table larger;
    struct swiss_table_iterator iterator;
    const void *value;
    uint64_t key;

    if (allocate(&larger, entry_bytes, buckets_for(capacity)) != 0)
        return -1;
    swiss_table_iterate(table, &iterator);
    while (swiss_table_sized_next(&iterator, entry_bytes - SWISS_TABLE_KEY_BYTES, &key, &value)) {
        uint64_t hash = swiss_table_hash(key);
        size_t index = find_free(&larger, hash);

        set_control(&larger, index, tag_of(hash));
        memcpy(entry_at(&larger, entry_bytes, index),
               (const unsigned char *)value - SWISS_TABLE_KEY_BYTES, entry_bytes);
    }
    larger.items = table->items;
    larger.growth_left -= table->items;
    free_block(table, entry_bytes);
    *table = larger;
    return 0;
}

/* Full becomes DELETED, which here means "still to be placed"; everything else becomes EMPTY. The
 * table has at least a group's buckets: in a smaller one, no removal leaves DELETED. */
static void prepare_rehash(struct swiss_table *table)
{
    size_t buckets = table->bucket_mask + 1;

    for (size_t i = 0; i < buckets; i++)
        table->control[i] = table->control[i] & 0x80 ? SWISS_TABLE_EMPTY : SWISS_TABLE_DELETED;
    memcpy(table->control + buckets, table->control, GROUP);
}

/* Does a probe for hash reach both buckets in the same step? */
static bool same_step(const struct swiss_table *table, uint64_t hash, size_t a, size_t b)
{
    size_t start = (size_t)hash & table->bucket_mask;

    return ((a - start) & table->bucket_mask) / GROUP == ((b - start) & table->bucket_mask) / GROUP;
}

static void swap_entries(unsigned char *a, unsigned char *b, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        unsigned char byte = a[i];

        a[i] = b[i];
        b[i] = byte;
    }
}

/* Places the entry of bucket index, and each entry that it displaces. */
static void rehash_bucket(struct swiss_table *table, size_t entry_bytes, size_t index)
{
    unsigned char *entry = entry_at(table, entry_bytes, index);

    for (;;) {
        uint64_t hash = swiss_table_hash(key_of(entry));
        size_t to = find_free(table, hash);
        uint8_t before = table->control[to];

        if (same_step(table, hash, index, to)) {
            set_control(table, index, tag_of(hash));
            return;
        }
        set_control(table, to, tag_of(hash));
        if (before == SWISS_TABLE_EMPTY) {
            set_control(table, index, SWISS_TABLE_EMPTY);
            memcpy(entry_at(table, entry_bytes, to), entry, entry_bytes);
            return;
        }
        swap_entries(entry_at(table, entry_bytes, to), entry, entry_bytes);
    }
}

static void rehash_in_place(struct swiss_table *table, size_t entry_bytes)
{
    prepare_rehash(table);
    for (size_t i = 0; i <= table->bucket_mask; i++)
        if (table->control[i] == SWISS_TABLE_DELETED)
            rehash_bucket(table, entry_bytes, i);
    table->growth_left = full_capacity(table->bucket_mask) - table->items;
}

/* Makes room for one more entry. If half of the table would do, the deleted entries are cleared out
 * in place; else it grows. */
static int reserve_one(struct swiss_table *table, size_t entry_bytes)
{
    size_t full = full_capacity(table->bucket_mask);
    size_t needed = table->items + 1;

    if (table->growth_left != 0)
        return 0;
    if (needed <= full / 2) {
        rehash_in_place(table, entry_bytes);
        return 0;
    }
    return resize(table, entry_bytes, needed > full + 1 ? needed : full + 1);
}

/* ---- Entries ---- */

void *swiss_table_sized_get(const struct swiss_table *table, size_t value_bytes, uint64_t key)
{
    size_t entry_bytes = SWISS_TABLE_KEY_BYTES + value_bytes;
    size_t index;

    if (table->items == 0 || !find(table, entry_bytes, key, &index))
        return NULL;
    return entry_at(table, entry_bytes, index) + SWISS_TABLE_KEY_BYTES;
}

int swiss_table_sized_insert(struct swiss_table *table, size_t value_bytes, uint64_t key,
                             const void *value)
{
    size_t entry_bytes = SWISS_TABLE_KEY_BYTES + value_bytes;
    uint64_t hash = swiss_table_hash(key);
    unsigned char *entry;
    size_t index;

    if (reserve_one(table, entry_bytes) != 0)
        return -1;
    if (!find_or_free(table, entry_bytes, key, hash, &index)) {
        /* EMPTY has that bit set, DELETED does not. */
        table->growth_left -= table->control[index] & 1;
        table->items++;
        set_control(table, index, tag_of(hash));
    }
    entry = entry_at(table, entry_bytes, index);
    memcpy(entry, &key, sizeof key);
    memcpy(entry + SWISS_TABLE_KEY_BYTES, value, value_bytes);
    return 0;
}

/* A probe can have passed this bucket only in a group without an EMPTY byte. So if the run of bytes
 * in use around the bucket is shorter than a group, it becomes EMPTY; else DELETED. */
static void erase(struct swiss_table *table, size_t index)
{
    size_t before = (index - GROUP) & table->bucket_mask;
    uint16_t empty_before = match(table->control + before, SWISS_TABLE_EMPTY);
    uint16_t empty_after = match(table->control + index, SWISS_TABLE_EMPTY);

    if (trailing(empty_before) + leading(empty_after) >= GROUP) {
        set_control(table, index, SWISS_TABLE_DELETED);
    } else {
        set_control(table, index, SWISS_TABLE_EMPTY);
        table->growth_left++;
    }
    table->items--;
}

bool swiss_table_sized_remove(struct swiss_table *table, size_t value_bytes, uint64_t key,
                              void *value)
{
    size_t entry_bytes = SWISS_TABLE_KEY_BYTES + value_bytes;
    size_t index;

    if (!find(table, entry_bytes, key, &index))
        return false;
    erase(table, index);
    if (value != NULL)
        memcpy(value, entry_at(table, entry_bytes, index) + SWISS_TABLE_KEY_BYTES, value_bytes);
    return true;
}

void swiss_table_iterate(const struct swiss_table *table, struct swiss_table_iterator *iterator)
{
    *iterator = (struct swiss_table_iterator){
        .control = table->control + GROUP,
        .data = table->control,
        .matches = match_full(table->control),
        .remaining = table->items,
    };
}

bool swiss_table_sized_next(struct swiss_table_iterator *iterator, size_t value_bytes,
                            uint64_t *key, const void **value)
{
    size_t entry_bytes = SWISS_TABLE_KEY_BYTES + value_bytes;
    const unsigned char *entry;

    if (iterator->remaining == 0)
        return false;
    while (iterator->matches == 0) {
        iterator->matches = match_full(iterator->control);
        iterator->control += GROUP;
        iterator->data -= GROUP * entry_bytes;
    }
    entry = iterator->data - (lowest(iterator->matches) + 1) * entry_bytes;
    iterator->matches &= (uint16_t)(iterator->matches - 1);
    iterator->remaining--;
    *key = key_of(entry);
    *value = entry + SWISS_TABLE_KEY_BYTES;
    return true;
}

/* ---- u64 to u64 ---- */

enum { U64_BYTES = sizeof(uint64_t) };

int swiss_table_init_with_capacity(struct swiss_table *table, size_t capacity)
{
    return swiss_table_sized_init_with_capacity(table, U64_BYTES, capacity);
}

bool swiss_table_get(const struct swiss_table *table, uint64_t key, uint64_t *value)
{
    const void *found = swiss_table_sized_get(table, U64_BYTES, key);

    if (found == NULL)
        return false;
    if (value != NULL)
        memcpy(value, found, sizeof *value);
    return true;
}

int swiss_table_insert(struct swiss_table *table, uint64_t key, uint64_t value)
{
    return swiss_table_sized_insert(table, U64_BYTES, key, &value);
}

bool swiss_table_remove(struct swiss_table *table, uint64_t key, uint64_t *value)
{
    return swiss_table_sized_remove(table, U64_BYTES, key, value);
}

bool swiss_table_next(struct swiss_table_iterator *iterator, uint64_t *key, uint64_t *value)
{
    const void *found;
    uint64_t found_key;

    if (!swiss_table_sized_next(iterator, U64_BYTES, &found_key, &found))
        return false;
    if (key != NULL)
        *key = found_key;
    if (value != NULL)
        memcpy(value, found, sizeof *value);
    return true;
}

void swiss_table_deinit(struct swiss_table *table)
{
    swiss_table_sized_deinit(table, U64_BYTES);
}

size_t swiss_table_block_bytes_for(size_t capacity)
{
    return swiss_table_sized_block_bytes_for(U64_BYTES, capacity);
}
