/*
 * getline_buffer - the caller keeps the buffer that getline allocates, and the next call fills it.
 *
 * needs: nothing
 *
 * getline(&line, &capacity, file) allocates 120 bytes at its first call and more when a line needs
 * it; the caller passes the same buffer again. A program that reads one input per phase keeps it
 * across phases.
 *
 * The next phase's first allocation lands on it. The line of the phase before is filler when it is
 * used again; and the next getline writes its line into that allocation.
 */
#include "repro.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Line number of the input, without its newline. */
static void make_line(char *line, size_t length, unsigned number)
{
    memset(line, 'a' + (int)(number % 26), length);
    line[length] = '\0';
}

/* The whole input, one line for each phase. It is made before any phase, and so is the stream's own
 * buffer: only getline's buffer is allocated in a phase. */
static FILE *make_input(struct repro_run *run, char *line, size_t length)
{
    static char buffer[BUFSIZ];
    FILE *file = tmpfile();

    if (file == NULL || setvbuf(file, buffer, _IOFBF, sizeof buffer) != 0)
        abort();
    for (unsigned number = 0; number <= repro_cycles(run); number++) {
        make_line(line, length, number);
        fprintf(file, "%s\n", line);
    }
    rewind(file);
    return file;
}

static void read_line(struct repro_run *run, FILE *file, char **line, size_t *capacity,
                      size_t length)
{
    if (getline(line, capacity, file) != (ssize_t)length + 1)
        repro_wrong(run, "getline does not return the length of the line");
    else
        (*line)[length] = '\0';
}

static void body(struct repro_run *run)
{
    size_t length = repro_option(run, "length");
    char *expected = malloc(length + 1); /* before any phase */
    FILE *file;
    char *line = NULL;
    size_t capacity = 0;

    if (expected == NULL)
        abort();
    file = make_input(run, expected, length);
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        if (phase > 0) {
            make_line(expected, length, phase - 1);
            if (memcmp(line, expected, length) != 0)
                repro_wrong(run, "the line that was read differs when it is used");
        }
        read_line(run, file, &line, &capacity, length);
        repro_check(run);
        repro_end(run);
    }
    free(line);
    free(expected);
    fclose(file);
}

static const struct repro_option options[] = {
    {"length", "characters of each line", 63, 1, 1000000, NULL},
    {0},
};

/* A line that does not fit in 120 bytes makes the block grow by realloc: under MIN_BYTES 4096 it is
 * a system block, which migrates into the arena unless blocks are sticky. */
static const struct repro_variant variants[] = {
    {"--length 5000",
     {REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {0},
};

static const struct repro_law law = {
    .formula = "max(120 * min(2, 1 + (length + 1) / 120), length + 2) + 1",
    .source =
        "120 bytes at first; "
        "where the line, its newline and the NUL need more, that, or twice 120 (getdelim, glibc 2.36; lines of up to 8190 characters)",
    .at = (const char *const[]){"--length 1", "--length 63", "--length 118", "--length 119",
                                "--length 238", "--length 239", "--length 511", "--length 4094",
                                "--length 4095", "--length 5000", NULL},
};

static const struct repro_finding findings[] = {
    {"Z9", "c_library",
     "getline's buffer (120 bytes, more for long lines) belongs to the caller and is passed again: "
     "in the next phase it reads as other data, and the next line is written into another block",
     "high",
     "fixed by routing from MIN_BYTES 121 on, where lines are shorter than 119 (glibc 2.36); what longer ones need is a law",
     REPRO_NONE, 0},
    {0},
};

const struct repro repro = {
    .id = "R26",
    .slug = "getline_buffer",
    .class = "C library",
    .title = "the buffer that getline made is passed to getline again",
    .seed = "-",
    .severity = "high",
    .explain =
        "getline(&line, &capacity, file) allocates the line's buffer: 120 bytes at the first\n"
        "call, and more by realloc when a line is longer. It is meant to be passed again, so\n"
        "that a loop over a file allocates once. If a turn of the loop is a phase, or a part\n"
        "of one, the buffer of the first phase is used in all later ones.\n"
        "\n"
        "Two things go wrong, and neither is reported. The line that was read in the phase\n"
        "before, such as the name of the input, reads as data of the new phase. And the next\n"
        "getline writes its line, all of it, into the new phase's first allocation, which\n"
        "belongs to somebody else: what is in the input file lands in a witness.\n"
        "\n"
        "Here each phase first looks at the line of the phase before, and then reads the\n"
        "next. The 63 characters of a line, and two bytes for its end, are found in the filler.\n"
        "\n"
        "121 is the threshold that saves it, for lines that fit in 120 bytes. --length 5000:\n"
        "the block grows by realloc beyond that. Under route it migrates into the arena\n"
        "when it exceeds 4096; what the seed ships leaves it where it was made.\n",
    .body = body,
    .options = options,
    .variants = variants,
    .findings = findings,
    .law = &law,
    .expect = {[REPRO_NONE] = REPRO_CORRUPT,
               [REPRO_FLUSH] = REPRO_CORRUPT,
               [REPRO_ROUTE] = REPRO_CLEAN,
               [REPRO_SEED] = REPRO_CLEAN,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
};
