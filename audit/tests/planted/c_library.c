// Blocks that the C library and a program's own wrapper allocate are attributed to the line that
// called them.
#include "planted.h"

#include "inlined.h"
#include <search.h>
#include <stdio.h>

volatile long sink;

static struct {
    char *copy;
    char *text;
    char *line;
    size_t line_room;
    long *table;
    char *grown;
    char *ring;
    FILE *log;
    struct hsearch_data names;
} kept;

/* Would be blamed for all blocks, if its caller were not. */
static __attribute__((noinline)) void *xmalloc(size_t bytes)
{
    void *p = malloc(bytes);

    if (p == NULL)
        abort();
    return p;
}

static __attribute__((noinline)) void make_strings(void)
{
    char *long_one = malloc(6001);

    memset(long_one, 'a', 6000);
    long_one[6000] = '\0';
    kept.copy = strdup(long_one);                              // PLANT:copy 6001 make_strings
    if (asprintf(&kept.text, "%s.%s", long_one, long_one) < 0) // PLANT:text 12002 make_strings
        abort();
    FILE *in = fmemopen(long_one, 6000, "r");
    if (getline(&kept.line, &kept.line_room, in) < 0) // PLANT:line ~ make_strings
        abort();
    fclose(in);
    free(long_one);
}

static __attribute__((noinline)) void make_tables(void)
{
    kept.table = xmalloc(3000 * sizeof *kept.table); // PLANT:table 24000 make_tables
    for (int i = 0; i < 3000; i++)
        kept.table[i] = i * 7919L % 3000;
    hcreate_r(400, &kept.names); // PLANT:names ~ make_tables
    for (size_t bytes = 70; bytes <= 9000; bytes *= 2)
        kept.grown = realloc(kept.grown, bytes); // PLANT:grown 8960 make_tables
    memset(kept.grown, 2, 8960);
}

static __attribute__((noinline)) void make_files(void)
{
    kept.log = fopen("/dev/null", "w");
    fprintf(kept.log, "one\n"); // PLANT:log ~ make_files
    kept.ring = ring_make(30000);
}

static __attribute__((noinline)) long use(void)
{
    ENTRY key = {.key = (char *)"k"}; // cppcheck-suppress legacyUninitvar ; it is not
    ENTRY *found;
    long all = 0;

    all += (long)strlen(kept.copy);                   // STALE:copy
    all += ((volatile char *)kept.text)[77];          // STALE:text
    all += ((volatile char *)kept.line)[5];           // STALE:line
    all += ((volatile long *)kept.table)[11];         // STALE:table
    all += hsearch_r(key, FIND, &found, &kept.names); // STALE:names
    ((volatile char *)kept.grown)[3] = 5;             // STALE:grown
    all += ring_first(kept.ring);
    fprintf(kept.log, "two\n"); // STALE:log
    return all;
}

int main(void)
{
    for (int phase = 0; phase < 3; phase++) {
        begin();
        if (phase == 0) {
            make_strings();
            make_tables();
            make_files();
        } else {
            sink = use();
        }
        end();
    }
    return 0;
}
