/*
 * record.c - the recorded blocks by address, in a table with open addressing. An address that is
 * handed out again reuses its old entry.
 */
#include "record.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct entry {
    const void *p;       /* NULL: empty */
    struct recorded who; /* index `gone`: freed */
};

static const uint32_t gone = UINT32_MAX;

void *__libc_calloc(size_t count, size_t size);
void __libc_free(void *p);

struct record record_of[record_threads];

static struct {
    pthread_mutex_t lock; /* guards the table and record_of */
    struct entry *entries;
    size_t room; /* a power of two */
    size_t used;
} table = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct entry *place_of(struct entry *entries, size_t room, const void *p)
{
    size_t i = (size_t)(((uintptr_t)p >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 20) & (room - 1);

    while (entries[i].p != NULL && entries[i].p != p)
        i = (i + 1) & (room - 1);
    return &entries[i];
}

static void grow_table(void)
{
    size_t room = table.room == 0 ? 1 << 16 : table.room * 2;
    struct entry *entries = __libc_calloc(room, sizeof *entries);

    if (entries == NULL) {
        fputs("bench_static: no memory for the record\n", stderr);
        abort();
    }
    for (size_t i = 0; i < table.room; i++)
        if (table.entries[i].p != NULL)
            *place_of(entries, room, table.entries[i].p) = table.entries[i];
    __libc_free(table.entries);
    table.entries = entries;
    table.room = room;
}

static void enter(const void *p, struct recorded who)
{
    struct entry *entry;

    if (table.used * 2 >= table.room)
        grow_table();
    entry = place_of(table.entries, table.room, p);
    table.used += entry->p == NULL;
    *entry = (struct entry){p, who};
}

/* The live block at p, or NULL. */
static struct entry *find(const void *p)
{
    struct entry *entry;

    if (table.room == 0 || p == NULL)
        return NULL;
    entry = place_of(table.entries, table.room, p);
    return entry->p != NULL && entry->who.index != gone ? entry : NULL;
}

void record_malloc(uint32_t thread, const void *p, size_t size, size_t align)
{
    struct record *record = &record_of[thread];

    pthread_mutex_lock(&table.lock);
    record->allocations =
        plan_grow(record->allocations, &record->room, record->count, sizeof *record->allocations);
    enter(p, (struct recorded){thread, (uint32_t)record->count});
    record->allocations[record->count++] = (struct allocation){
        .size = size, .need = size, .align = align, .born = record->clock++, .died = PLAN_NEVER};
    pthread_mutex_unlock(&table.lock);
}

/* If another thread frees a block, the moment in its owner's time is not known: it is taken to live
 * to the end. */
void record_free(uint32_t thread, const void *p)
{
    struct entry *entry;

    pthread_mutex_lock(&table.lock);
    entry = find(p);
    if (entry != NULL) {
        if (entry->who.thread == thread)
            record_of[thread].allocations[entry->who.index].died = record_of[thread].clock++;
        entry->who.index = gone;
    }
    pthread_mutex_unlock(&table.lock);
}

bool record_take(const void *p, struct recorded *who)
{
    struct entry *entry;

    pthread_mutex_lock(&table.lock);
    entry = find(p);
    if (entry != NULL) {
        *who = entry->who;
        entry->who.index = gone;
    }
    pthread_mutex_unlock(&table.lock);
    return entry != NULL;
}

void record_return(const void *p, size_t size, struct recorded who)
{
    struct allocation *allocation;

    pthread_mutex_lock(&table.lock);
    enter(p, who);
    allocation = &record_of[who.thread].allocations[who.index];
    if (allocation->need < size)
        allocation->need = size;
    pthread_mutex_unlock(&table.lock);
}

void record_position(uint32_t position)
{
    for (size_t i = 0; i < record_threads; i++)
        record_of[i].first[position] = record_of[i].count;
}

static int by_value(const void *a, const void *b)
{
    const size_t *left = a;
    const size_t *right = b;

    return (*left > *right) - (*left < *right);
}

void record_write_sizes(const char *path)
{
    FILE *out = fopen(path, "w");
    size_t *sizes = NULL;
    size_t room = 0;
    size_t count = 0;
    size_t end;

    if (out == NULL) {
        perror(path);
        return;
    }
    for (size_t thread = 0; thread < record_threads; thread++)
        for (size_t i = 0; i < record_of[thread].count; i++) {
            sizes = plan_grow(sizes, &room, count, sizeof *sizes);
            sizes[count++] = record_of[thread].allocations[i].size;
        }
    if (count > 1)
        qsort(sizes, count, sizeof *sizes, by_value);
    for (size_t start = 0; start < count; start = end) {
        for (end = start + 1; end < count && sizes[end] == sizes[start];)
            end++;
        fprintf(out, "%zu\t%zu\n", sizes[start], end - start);
    }
    if (fclose(out) != 0)
        perror(path);
    __libc_free(sizes);
}

void record_close(void)
{
    __libc_free(table.entries);
    table.entries = NULL;
    table.room = 0;
    table.used = 0;
}
