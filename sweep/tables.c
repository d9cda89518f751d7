/*
 * tables.c - tables as text: sorted by their fields; text that is read back is checked to be such a
 * table.
 */
#include "sweep.h"

#include "tables.h"

#include <stdlib.h>
#include <string.h>

const char *const tables_names[] = {"sweep.tsv", "thresholds.tsv", "matrix.tsv",
                                    "laws.tsv",  SHARD_NAME,       NULL};

static const char *const headers[TABLES] = {
    ("repro\tprofile\tmin_bytes\toutcome\tcycles\tcorrupt_cycles\tfirst_offset\t"
     "corrupt_bytes\tretained_count\tretained_max\tdetail"),
    "repro\tobserved_min\ttouched_min\tguaranteed_min\tseed_claim\tverdict",
    "repro\tnone\tflush\troute\tseed\tpinned\tsystem",
    "repro\tlaw\tvalues\tbounds\tfirst_512\tfirst_1024\tfirst_4096\tfirst_8192\targuments\tsource",
};

struct table table_new(enum table_kind kind)
{
    return (struct table){.name = tables_names[kind], .header = headers[kind]};
}

void table_free(struct table *table)
{
    for (size_t i = 0; i < table->count; i++)
        free(table->rows[i]);
    free(table->rows);
}

void table_add(struct table *table, char *row)
{
    table->rows = need(reallocarray(table->rows, table->count + 1, sizeof *table->rows));
    table->rows[table->count++] = need(row);
}

/* Compares field by field; numbers as numbers. */
static int by_fields(const void *a, const void *b)
{
    const char *left = *(char *const *)a;
    const char *right = *(char *const *)b;

    for (;;) {
        size_t left_length = strcspn(left, "\t");
        size_t right_length = strcspn(right, "\t");
        size_t shorter = left_length < right_length ? left_length : right_length;
        int order;

        if (strspn(left, "0123456789") == left_length &&
            strspn(right, "0123456789") == right_length && left_length != right_length)
            return left_length < right_length ? -1 : 1;
        order = memcmp(left, right, shorter);
        if (order != 0)
            return order;
        if (left_length != right_length)
            return left_length < right_length ? -1 : 1;
        if (left[left_length] == '\0' || right[right_length] == '\0')
            return (left[left_length] != '\0') - (right[right_length] != '\0');
        left += left_length + 1;
        right += right_length + 1;
    }
}

char *table_text(struct table *table, size_t *bytes)
{
    char *text = NULL;
    FILE *to = need(open_memstream(&text, bytes));

    if (table->count > 0)
        qsort(table->rows, table->count, sizeof *table->rows, by_fields);
    fprintf(to, "%s\n", table->header);
    for (size_t i = 0; i < table->count; i++)
        if (i == 0 || strcmp(table->rows[i], table->rows[i - 1]) != 0)
            fprintf(to, "%s\n", table->rows[i]);
    if (fclose(to) != 0)
        need(NULL);
    return need(text);
}

static size_t count_fields(const char *line)
{
    size_t count = 1;

    for (; *line != '\0'; line++)
        count += *line == '\t';
    return count;
}

bool table_take(struct table *table, char *text, char *why, size_t room)
{
    size_t columns = count_fields(table->header);
    size_t length = strlen(text);
    size_t number = 1;
    char *line;

    if (length == 0 || text[length - 1] != '\n') {
        snprintf(why, room, length == 0 ? "empty" : "cut short in its last line");
        return false;
    }
    text[length - 1] = '\0';
    line = strsep(&text, "\n");
    if (strcmp(line, table->header) != 0) {
        snprintf(why, room, "another version's header");
        return false;
    }
    while ((line = strsep(&text, "\n")) != NULL) {
        number++;
        if (count_fields(line) != columns) {
            snprintf(why, room, "line %zu has %zu fields, want %zu", number, count_fields(line),
                     columns);
            return false;
        }
        table_add(table, need(strdup(line)));
    }
    return true;
}
