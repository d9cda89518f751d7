/*
 * realloc_migration - a system block that grows inside a phase moves into the arena unnoticed.
 *
 * A careful program makes its long-lived list before the first phase, so that it comes from the C
 * library. Inside a phase the list grows. Under realloc=migrate the new block is routed as if it
 * were a new allocation, and from then on the long-lived list is in the slab.
 */
#include "repro.h"

#include <stdlib.h>
#include <string.h>

enum { content = 0x44, bytes_at_first = 8 << 10, bytes_more = 8 << 10 };

struct list {
    unsigned char *bytes;
    size_t size;
};

static void make(struct list *list)
{
    list->size = bytes_at_first;
    list->bytes = zk_malloc(list->size);
    if (list->bytes == NULL)
        abort();
    memset(list->bytes, content, list->size);
}

static void grow(struct list *list)
{
    size_t size = list->size + bytes_more;

    list->bytes = zk_realloc_sized(list->bytes, list->size, 1, size);
    if (list->bytes == NULL)
        abort();
    memset(list->bytes + list->size, content, bytes_more);
    list->size = size;
}

static void body(struct repro_run *run)
{
    struct list list;

    for (unsigned cycle = 0; cycle < repro_cycles(run); cycle++) {
        repro_cycle(run);
        make(&list); /* before any phase of this cycle: from system */
        if (!repro_begin(run))
            return;
        grow(&list);
        repro_end(run);
        if (!repro_begin(run))
            return;
        repro_check_bytes(run, "the list differs", list.bytes, content, list.size);
        repro_end(run);
        zk_free(list.bytes);
    }
}

static const struct repro_finding findings[] = {
    {"F27", "realloc", "A system block that grows inside a phase moves into the arena unnoticed",
     "high", "fixed by realloc=sticky, the default"},
    {0},
};

/* Once grown, the list is in the arena, and all of it is filler in the next phase. */
static size_t damage(const struct repro_run *run, unsigned cycle, struct repro_damage *runs)
{
    (void)run, (void)cycle;
    runs[0] = (struct repro_damage){
        .bytes = bytes_at_first + bytes_more, .known = 1, .last = {REPRO_FILLER & 0xFF}};
    return 1;
}

const struct repro repro = {
    .id = "R10",
    .slug = "realloc_migration",
    .class = "realloc",
    .title = "a system block that grows inside a phase moves into the arena",
    .seed = "F27",
    .severity = "high",
    .explain =
        "The rule for living with a phase arena is: make what must last before the first phase. Such\n"
        "blocks come from the C library, and no begin touches them.\n"
        "\n"
        "realloc breaks the rule behind the program's back. Growing is a new allocation, a copy and a\n"
        "free; when it happens inside a phase and the new block is routed like any other\n"
        "(realloc=migrate), it comes from the slab. The list that was made with so much care is now an\n"
        "arena block, and the next begin hands its bytes out. It takes a list that grows: the program may\n"
        "run for hours before it does.\n"
        "\n"
        "Under realloc=sticky a block that came from the C library stays there however it grows; on Linux\n"
        "the C library can often grow a large one without copying, too.\n"
        "\n"
        "Checked: all bytes of the list, in the phase after the one in which it grew from 8 to 16 KiB.\n",
    .body = body,
    .damage = damage,
    .expect = {[REPRO_NONE] = REPRO_CORRUPT,
               [REPRO_FLUSH] = REPRO_CORRUPT,
               [REPRO_ROUTE] = REPRO_CORRUPT,
               [REPRO_SEED] = REPRO_CLEAN,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
    .variants = (const struct repro_variant[]){{"--switch realloc=sticky",
                                                {[REPRO_NONE] = REPRO_CLEAN,
                                                 [REPRO_FLUSH] = REPRO_CLEAN,
                                                 [REPRO_ROUTE] = REPRO_CLEAN,
                                                 [REPRO_SEED] = REPRO_CLEAN,
                                                 [REPRO_PINNED] = REPRO_CLEAN,
                                                 [REPRO_SYSTEM] = REPRO_CLEAN}},
                                               {0}},
    .findings = findings,
};
