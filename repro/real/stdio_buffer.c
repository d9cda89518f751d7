/*
 * stdio_buffer - a stream's buffer is exactly as large as the usual threshold.
 *
 * needs: nothing
 *
 * The first fprintf to a stream allocates its buffer: st_blksize bytes, which is 4096 for a file. Made
 * inside a phase, it comes from the arena, and the stream keeps it. Text that is printed but not
 * yet written out when the next phase begins is overwritten there, and then written to the file.
 *
 * A line is printed in two halves, one in each of two phases, and flushed after the second.
 */
#include "repro.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { half_bytes = 32, line_bytes = 2 * half_bytes };

/* Line number: 63 characters and a newline. */
static void make_line(char *line, unsigned number)
{
    memset(line, 'a' + (int)(number % 26), line_bytes - 1);
    line[line_bytes - 1] = '\n';
    line[line_bytes] = '\0';
}

/* An unnamed file; opened before any phase, so that only the buffer is allocated in one. */
static FILE *open_file(void)
{
    FILE *file = tmpfile();

    if (file == NULL)
        abort();
    return file;
}

/* Compares what has arrived in the file, by its descriptor, bypassing the stream. */
static void check_file(struct repro_run *run, FILE *file, unsigned lines)
{
    char line[line_bytes + 1];
    char got[line_bytes];

    for (unsigned number = 0; number < lines; number++) {
        make_line(line, number);
        if (pread(fileno(file), got, line_bytes, (off_t)number * line_bytes) != line_bytes)
            repro_wrong(run, "the file is short");
        else if (memcmp(got, line, line_bytes) != 0)
            repro_wrong(run, "a line of the file differs from what was printed");
    }
}

static void body(struct repro_run *run)
{
    FILE *file = open_file();
    char line[line_bytes + 1] = "";

    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        if (phase > 0)
            fprintf(file, "%s", line + half_bytes);
        if (fflush(file) != 0)
            repro_wrong(run, "the stream reports an error");
        check_file(run, file, phase);
        repro_check(run);
        make_line(line, phase);
        fprintf(file, "%.*s", half_bytes, line);
        repro_end(run);
    }
    fclose(file);
}

static const struct repro_law law = {
    .formula = "4096 + 1",
    .source = "st_blksize of the file, or of the pipe (_IO_file_doallocate, glibc 2.36)",
    .at = (const char *const[]){"", NULL},
};

static const struct repro_finding findings[] = {
    {"Z", "c_library",
     "glibc's stdio buffer is 4096 bytes, and 4096 is not below 4096: the first fprintf of a program, "
     "made inside a phase, puts its buffer into recyclable memory under the seed's default; the file that is written is wrong",
     "critical", "fixed by routing from MIN_BYTES 4097 on (glibc 2.36)", REPRO_SEED, 0},
    {0},
};

const struct repro repro = {
    .id = "R23",
    .slug = "stdio_buffer",
    .class = "C library",
    .title = "a stream's buffer is exactly as large as the usual threshold",
    .seed = "-",
    .severity = "critical",
    .claim = "4096 bytes",
    .explain =
        "A stdio stream allocates its buffer when it is first written to: st_blksize bytes, which is 4096\n"
        "for a file and a pipe on Linux. The usual threshold, MIN_BYTES 4096, sends blocks of 4096 bytes\n"
        "and more to the arena: 4096 is not below 4096. So the first fprintf of a program, if it is made in\n"
        "a phase, puts the buffer of its log file there.\n"
        "\n"
        "Here the first half of a line is printed in one phase, and the second in the next, which then\n"
        "flushes. In between, the next phase's first allocation lands on the buffer. The file gets that\n"
        "phase's data in place of the line's first half: an array of field elements in a log, or a line of a\n"
        "proof that is not the one that was computed. No error is reported by anybody.\n"
        "\n"
        "4097 is the threshold that saves it. No model is involved: this is the C library that the\n"
        "program runs on.\n",
    .body = body,
    .expect = {[REPRO_NONE] = REPRO_CORRUPT,
               [REPRO_FLUSH] = REPRO_CORRUPT,
               [REPRO_ROUTE] = REPRO_CORRUPT,
               [REPRO_SEED] = REPRO_CORRUPT,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
    .findings = findings,
    .law = &law,
};
