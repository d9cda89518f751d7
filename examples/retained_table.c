/*
 * retained_table - the smallest program that keeps a block across a phase, for zk-audit to find.
 *
 * A table is made in one phase and read in the next. Under the default settings nothing is wrong
 * with that: pinned recycling keeps every live block where it is. Under blind recycling
 * (ZK_ALLOC_RECYCLE=blind) the table's bytes are handed out again when the second phase begins, and
 * the sum is wrong. `zk-audit -- build/examples/retained_table` says UNSAFE, names the two lines
 * marked below, and the MIN_BYTES that would keep the table out of the arena: 16401, one more than
 * its size. With --fixed the table is made before the phase, and the answer is SAFE.
 */
#include "zkalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { table_entries = 2050, column_bytes = 1 << 20, columns = 8 };

struct table {
    size_t count;
    unsigned long *entries;
};

static void table_make(struct table *table)
{
    table->count = table_entries;
    table->entries = zk_malloc(table_entries * sizeof *table->entries); /* allocated here */
    if (table->entries == NULL)
        abort();
    for (size_t i = 0; i < table->count; i++)
        table->entries[i] = i;
}

static unsigned long table_sum(const struct table *table)
{
    unsigned long sum = 0;

    for (size_t i = 0; i < table->count; i++)
        sum += table->entries[i]; /* used here, one phase later */
    return sum;
}

/* What an arena is for: a large, short-lived block that is freed before the phase ends. */
static void prove(void)
{
    for (int i = 0; i < columns; i++) {
        void *column = zk_malloc(column_bytes);

        if (column == NULL)
            abort();
        memset(column, i, column_bytes);
        zk_free(column);
    }
}

int main(int argc, char **argv)
{
    bool fixed = argc > 1 && strcmp(argv[1], "--fixed") == 0;
    struct table table;

    if (fixed)
        table_make(&table);

    zk_begin_phase();
    if (!fixed)
        table_make(&table);
    prove();
    zk_end_phase();

    zk_begin_phase();
    prove();
    printf("the sum is %lu, and should be %lu\n", table_sum(&table),
           (unsigned long)table_entries * (table_entries - 1) / 2);
    zk_end_phase();

    zk_free(table.entries);
    return 0;
}
