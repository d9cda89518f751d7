/*
 * tally.c - a hash table of rows, in memory of its own.
 */
#include "tally.h"
#include "epoch.h"
#include "lock.h"
#include "os.h"

static struct {
    struct zk_lock lock;       /* guards all of this */
    uint32_t epoch;            /* the process whose findings these are */
    struct zk_tally_row *rows; /* open addressing; a free one has count 0 and kind free_kind */
    size_t room;
    size_t count;
    uint32_t phase;  /* of the last zk_tally_begin */
    uint32_t stride; /* begins between two entries of a course; a power of two */
    uint64_t lost;
} tally = {.stride = 1};

enum { free_kind = 0xFF };

/* In the child of a fork: drops what the parent has found. If another thread was changing the table, its
 * memory leaks. */
static void forget(bool broken)
{
    if (!broken)
        zk_os_unmap(tally.rows, tally.room * sizeof *tally.rows);
    tally.rows = NULL;
    tally.room = tally.count = 0;
    tally.lost = 0;
}

void zk_tally_lock(void)
{
    bool broken = zk_lock(&tally.lock);
    uint32_t epoch = zk_epoch();

    if (tally.epoch != epoch && tally.epoch != 0)
        forget(broken);
    tally.epoch = epoch;
}

void zk_tally_unlock(void)
{
    zk_unlock(&tally.lock);
}

static size_t hash_key(const struct zk_tally_key *key)
{
    uint64_t hash = (key->size ^ key->asked << 32 ^ key->asked >> 32) * 0x9E3779B97F4A7C15u;

    hash =
        (hash ^ hash >> 32 ^ ((uint64_t)key->site << 32 | key->access_site)) * 0x9E3779B97F4A7C15u;
    hash = (hash ^ hash >> 32 ^
            ((uint64_t)key->thread << 16 | (unsigned)key->kind << 8 | key->access)) *
           0x9E3779B97F4A7C15u;
    return (size_t)(hash >> 20);
}

static bool same_key(const struct zk_tally_key *a, const struct zk_tally_key *b)
{
    return a->size == b->size && a->asked == b->asked && a->site == b->site &&
           a->access_site == b->access_site && a->thread == b->thread && a->kind == b->kind &&
           a->access == b->access;
}

static struct zk_tally_row *slot_of(struct zk_tally_row *rows, size_t room,
                                    const struct zk_tally_key *key)
{
    size_t at = hash_key(key) & (room - 1);

    while (rows[at].key.kind != free_kind && !same_key(&rows[at].key, key))
        at = (at + 1) & (room - 1);
    return &rows[at];
}

static struct zk_tally_row *new_rows(size_t room)
{
    struct zk_tally_row *rows = zk_os_map(room * sizeof *rows);

    for (size_t i = 0; rows != NULL && i < room; i++)
        rows[i].key.kind = free_kind;
    return rows;
}

/* Keeps the table at most three quarters full. */
static bool grow(void)
{
    size_t room = tally.room == 0 ? 256 : 2 * tally.room;
    struct zk_tally_row *rows;

    if (tally.count < tally.room / 4 * 3)
        return true;
    rows = new_rows(room);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < tally.room; i++)
        if (tally.rows[i].key.kind != free_kind)
            *slot_of(rows, room, &tally.rows[i].key) = tally.rows[i];
    zk_os_unmap(tally.rows, tally.room * sizeof *rows);
    tally.rows = rows;
    tally.room = room;
    return true;
}

struct zk_tally_row *zk_tally_row(const struct zk_tally_key *key)
{
    struct zk_tally_row *row;

    if (!grow()) {
        tally.lost++;
        return NULL;
    }
    row = slot_of(tally.rows, tally.room, key);
    if (row->key.kind == free_kind) {
        *row = (struct zk_tally_row){.key = *key};
        tally.count++;
    }
    return row;
}

/* Keeps every second begin of each course. */
static void halve_courses(void)
{
    for (size_t i = 0; i < tally.room; i++) {
        uint32_t *course = tally.rows[i].course;

        if (tally.rows[i].key.kind == free_kind)
            continue;
        for (size_t at = 0; at < ZK_COURSE; at++)
            course[at] = 2 * at < ZK_COURSE ? course[2 * at] : 0;
    }
}

void zk_tally_begin(uint32_t phase)
{
    while (phase / tally.stride >= ZK_COURSE) {
        halve_courses();
        tally.stride = 2 * tally.stride;
    }
    tally.phase = phase;
}

void zk_tally_live(struct zk_tally_row *row)
{
    if (tally.phase % tally.stride == 0)
        row->course[tally.phase / tally.stride]++;
}

/* By kind, then largest first; rows that will be merged come together. */
static bool comes_before(const struct zk_tally_row *a, const struct zk_tally_row *b)
{
    if (a->key.kind != b->key.kind)
        return a->key.kind < b->key.kind;
    if (a->key.size != b->key.size)
        return a->key.size > b->key.size;
    if (a->key.asked != b->key.asked)
        return a->key.asked > b->key.asked;
    if (a->key.site != b->key.site)
        return a->key.site < b->key.site;
    if (a->key.access_site != b->key.access_site)
        return a->key.access_site < b->key.access_site;
    if (a->key.access != b->key.access)
        return a->key.access < b->key.access;
    return a->key.thread < b->key.thread;
}

static void sift_down(struct zk_tally_row **heap, size_t from, size_t count)
{
    for (;;) {
        size_t largest = from;

        for (size_t child = 2 * from + 1; child <= 2 * from + 2 && child < count; child++)
            if (comes_before(heap[largest], heap[child]))
                largest = child;
        if (largest == from)
            return;
        struct zk_tally_row *row = heap[from];

        heap[from] = heap[largest];
        heap[largest] = row;
        from = largest;
    }
}

/* Heapsort: qsort may allocate, and this may be the handler of a fatal signal. */
static void sort(struct zk_tally_row **rows, size_t count)
{
    for (size_t i = count / 2; i-- > 0;)
        sift_down(rows, i, count);
    for (size_t end = count; end-- > 1;) {
        struct zk_tally_row *last = rows[0];

        rows[0] = rows[end];
        rows[end] = last;
        sift_down(rows, 0, end);
    }
}

static bool merges(const struct zk_tally_row *row, const struct zk_tally_row *next)
{
    struct zk_tally_key key = next->key;

    key.thread = row->key.thread;
    return same_key(&row->key, &key);
}

static void merge(struct zk_tally_row *into, const struct zk_tally_row *from)
{
    into->threads++;
    into->count += from->count;
    into->first += from->first;
    for (size_t i = 0; i < ZK_COURSE; i++)
        into->course[i] += from->course[i];
    if (into->key.kind == ZK_TALLY_RETAINED) {
        if (from->phase_first < into->phase_first)
            into->phase_first = from->phase_first;
        if (from->phase_last > into->phase_last)
            into->phase_last = from->phase_last;
    } else if (from->phase_last < into->phase_last) { /* all of the earliest finding */
        into->phase_first = from->phase_first;
        into->phase_last = from->phase_last;
        into->offset = from->offset;
    }
}

/* Merges sorted rows into merged; returns how many there are. */
static size_t merge_all(struct zk_tally_row *merged, struct zk_tally_row *const *sorted,
                        size_t count)
{
    size_t used = 0;

    for (size_t i = 0; i < count; i++) {
        if (used > 0 && merges(&merged[used - 1], sorted[i])) {
            merge(&merged[used - 1], sorted[i]);
        } else {
            merged[used] = *sorted[i];
            merged[used].stride = tally.stride;
            merged[used++].threads = 1;
        }
    }
    return used;
}

/* A copy of the merged rows in order, for the caller to unmap; NULL if there is no memory. */
static struct zk_tally_row *copy_rows(size_t *count, size_t *bytes)
{
    size_t pointer_bytes = (tally.count + 1) * sizeof(struct zk_tally_row *);
    struct zk_tally_row **sorted = zk_os_map(pointer_bytes);
    struct zk_tally_row *merged = NULL;

    *count = 0;
    *bytes = (tally.count + 1) * sizeof *merged;
    if (sorted != NULL)
        merged = zk_os_map(*bytes);
    if (merged == NULL) {
        tally.lost += tally.count;
    } else {
        for (size_t i = 0; i < tally.room; i++)
            if (tally.rows[i].key.kind != free_kind && tally.rows[i].count > 0)
                sorted[(*count)++] = &tally.rows[i];
        sort(sorted, *count);
        *count = merge_all(merged, sorted, *count);
    }
    zk_os_unmap(sorted, pointer_bytes);
    return merged;
}

void zk_tally_each(void (*visit)(void *arg, const struct zk_tally_row *row), void *arg)
{
    struct zk_tally_row *rows;
    size_t count;
    size_t bytes;

    zk_tally_lock();
    rows = copy_rows(&count, &bytes);
    zk_tally_unlock();
    for (size_t i = 0; rows != NULL && i < count; i++)
        visit(arg, &rows[i]);
    zk_os_unmap(rows, bytes);
}

uint64_t zk_tally_lost(void)
{
    uint64_t lost;

    zk_tally_lock();
    lost = tally.lost;
    zk_tally_unlock();
    return lost;
}

void zk_tally_lose(void)
{
    zk_tally_lock();
    tally.lost++;
    zk_tally_unlock();
}
