/*
 * glib_string - an emptied string keeps its buffer.
 *
 * needs: glib-2.0
 *
 * A GString that is truncated to 0 keeps its capacity, which is a power of two: 16384 after 15000
 * bytes. A program that has one for its report lines, and uses it first inside a phase, writes the
 * next phase's lines into somebody's data; and reads that data back, once its owner goes on writing.
 */
#include "repro.h"

#if !defined ZK_MISSING && __has_include(<glib.h>)
#include <glib.h>
#include <stdlib.h>
#include <string.h>

enum { usual = 64 }; /* bytes of a line */

/* Appends in pieces, as programs build lines. */
static void append(GString *line, unsigned bytes, char letter)
{
    for (unsigned i = 0; i < bytes; i++)
        g_string_append_c(line, letter);
}

static void check_line(struct repro_run *run, const GString *line, unsigned bytes, char letter)
{
    if (line->len != bytes)
        repro_wrong(run, "the line has a wrong length");
    else if (strspn(line->str, (char[]){letter, '\0'}) != bytes)
        repro_wrong(run, "the line that was just written reads as something else");
}

static void body(struct repro_run *run)
{
    /* GLib before 2.76 has pages of its own for small structures. This allocates the page of
     * GString structures before any phase, so that only the string's buffer is in the arena. */
    GString *first = g_string_new("");
    GString *line = NULL;

    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        unsigned bytes = phase == 0 ? (unsigned)repro_option(run, "longest") : usual;
        char letter = (char)('a' + phase % 26);

        if (!repro_begin(run))
            return;
        if (phase == 0)
            line = g_string_sized_new(repro_option(run, "reserve"));
        append(line, bytes, letter);
        repro_check(run);
        repro_refill(run); /* the memory's new owner goes on writing its data */
        check_line(run, line, bytes, letter);
        g_string_truncate(line, 0);
        repro_end(run);
    }
    g_string_free(line, TRUE);
    g_string_free(first, TRUE);
}

#else

static void body(struct repro_run *run)
{
    repro_skip(run, "GLib is not installed");
}

#endif

static const struct repro_option options[] = {
    {"reserve", "bytes reserved when the string is made", 15000, 0, 1 << 20, NULL},
    {"longest", "bytes of the longest line, which is the first", 15000, 1, 1 << 20, NULL},
    {0},
};

/* Its first 64 bytes are not in the arena, so the buffer never gets there if realloc is sticky. */
static const struct repro_variant variants[] = {
    {"--reserve 0",
     {REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {0},
};

static const struct repro_law law = {
    .formula = "pow2_above(max(64, max(reserve, longest))) + 1",
    .source = "the string and its NUL in a power of two (GString, GLib 2.74)",
    .at = (const char *const[]){"--longest 500 --reserve 0", "--longest 511 --reserve 0",
                                "--longest 512 --reserve 0", "--longest 1023 --reserve 0",
                                "--longest 1024 --reserve 0", "--longest 4095 --reserve 0",
                                "--longest 4096 --reserve 0", "--longest 8191 --reserve 0",
                                "--longest 8192 --reserve 0", "--longest 15000 --reserve 0",
                                "--reserve 20000", NULL},
};

static const struct repro_finding findings[] = {
    {"Z16", "c_library",
     "A GString that is truncated keeps its buffer, 16384 bytes after 15000: "
     "the next phase's lines are written into somebody's data, under the seed's default too",
     "high",
     "fixed by routing from MIN_BYTES 16385 on (GLib 2.74); what a longer line needs is a law",
     REPRO_SEED, 0},
    {0},
};

const struct repro repro = {
    .id = "R33",
    .slug = "glib_string",
    .class = "GLib",
    .title = "a string that was emptied keeps its buffer",
    .seed = "-",
    .severity = "high",
    .explain =
        "A GString that is truncated to 0 keeps its buffer: that is what truncating instead of\n"
        "freeing is for. The buffer is a power of two, so one line of 15000 bytes leaves 16384\n"
        "bytes behind. A program has such a string for its report lines, or for a key that it\n"
        "builds again and again, and keeps it for life.\n"
        "\n"
        "If the string was made inside a phase, the next phase's lines go into recycled memory.\n"
        "Each line that is appended damages the data of whoever was given that memory: 65 bytes\n"
        "here, the line and the zero behind it. And when the owner goes on writing, the line is\n"
        "gone, and what is printed is the owner's data. Nothing in the program looks as if it\n"
        "were kept from one phase to the next: the string is empty.\n"
        "\n"
        "16385 is the threshold that saves it; a line of 20000 bytes needs 32769. --reserve 0\n"
        "grows the string by appending, from 64 bytes on: with the usual threshold these come\n"
        "from the C library, and where realloc is sticky (profile seed) so does all that they\n"
        "grow into. It is the string that was given its size at once that lies in the arena.\n",
    .body = body,
    .options = options,
    .variants = variants,
    .findings = findings,
    .law = &law,
    .expect = {[REPRO_NONE] = REPRO_CORRUPT,
               [REPRO_FLUSH] = REPRO_CORRUPT,
               [REPRO_ROUTE] = REPRO_CORRUPT,
               [REPRO_SEED] = REPRO_CORRUPT,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
};
