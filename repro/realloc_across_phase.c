/*
 * realloc_across_phase - a vector that is kept across a boundary and then grown copies the new
 * phase's bytes.
 *
 * Two byte vectors, of 8 KiB and of 16 KiB, are filled in one phase and grown in the next. Growing
 * asks the allocator to copy the old bytes, and gives their number, as Rust's and C++'s containers
 * do. The old bytes have been recycled by then: what is copied is whatever is there now.
 */
#include "repro.h"

#include <stdlib.h>
#include <string.h>

enum { vectors = 2, content = 0x33 };

struct vector {
    unsigned char *bytes;
    size_t size;
};

static void make(struct vector *vector)
{
    vector->bytes = zk_malloc(vector->size);
    if (vector->bytes == NULL)
        abort();
    memset(vector->bytes, content, vector->size);
}

/* What a push onto a full vector does. */
static void grow(struct vector *vector)
{
    vector->bytes = zk_realloc_sized(vector->bytes, vector->size, 1, 2 * vector->size);
    if (vector->bytes == NULL)
        abort();
}

static void body(struct repro_run *run)
{
    static const char *const names[vectors] = {"the vectors differ", "the 16 KiB vector differs"};
    struct vector kept[vectors] = {{.size = 8 << 10}, {.size = 16 << 10}};

    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        for (int i = 0; i < vectors && phase > 0; i++) {
            grow(&kept[i]);
            repro_check_bytes(run, names[i], kept[i].bytes, content, kept[i].size);
            zk_free(kept[i].bytes);
        }
        repro_check(run);
        for (int i = 0; i < vectors; i++)
            make(&kept[i]);
        repro_end(run);
    }
    for (int i = 0; i < vectors; i++)
        zk_free(kept[i].bytes);
}

static const struct repro_finding findings[] = {
    {"F16", "user_visible",
     "A vector kept across a phase boundary and then grown copies the new phase's bytes (8 KiB and 16 KiB)",
     "high", "open under blind recycling at any MIN_BYTES up to the vector's size"},
    {0},
};

/* If a vector was in the arena, growing it copies filler, as many bytes as it contained. */
static size_t damage(const struct repro_run *run, unsigned cycle, struct repro_damage *runs)
{
    size_t count = 0;

    (void)cycle;
    for (size_t size = 8 << 10; size <= 16 << 10; size *= 2)
        if (size >= repro_user_bytes(run, 0))
            runs[count++] =
                (struct repro_damage){.bytes = size, .known = 1, .last = {REPRO_FILLER & 0xFF}};
    return count;
}

const struct repro repro = {
    .id = "R2",
    .slug = "realloc_across_phase",
    .class = "retained user data",
    .title = "a vector grown after the boundary carries over the wrong bytes",
    .seed = "F16",
    .severity = "high",
    .explain =
        "A program fills a vector in one phase, keeps it, and pushes one more element in the next. The\n"
        "vector is full, so it grows: a new block of twice the size, the old bytes copied, the old block\n"
        "freed. But the begin in between rewound the slab that the old block lies in, and whatever the new\n"
        "phase allocated first has been written over it. The copy succeeds; the vector now holds somebody\n"
        "else's bytes, and nothing reports an error.\n"
        "\n"
        "The vectors are 8 KiB and 16 KiB: ordinary user data, larger than the usual threshold. Routing\n"
        "small blocks to the C library does not touch them. A MIN_BYTES above the larger one does (16385),\n"
        "until somebody keeps a larger vector.\n"
        "\n"
        "Checked: every byte that the vector held before it grew. The filler is not what is looked at\n"
        "here; it is what is found in the vector.\n"
        "\n"
        "Cured by: not keeping the vector; copying it out of the arena before the phase ends; pinned\n"
        "recycling.\n",
    .body = body,
    .damage = damage,
    .expect = {[REPRO_NONE] = REPRO_CORRUPT,
               [REPRO_FLUSH] = REPRO_CORRUPT,
               [REPRO_ROUTE] = REPRO_CORRUPT,
               [REPRO_SEED] = REPRO_CORRUPT,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
    .findings = findings,
};
