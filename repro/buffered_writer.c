/*
 * buffered_writer - the buffers of a writer and a reader, made in one phase, are overwritten with
 * the next one's data.
 *
 * A program that opens its log and its input in its first phase makes both buffers there, of 8192
 * bytes each. In the next phase the reader returns what is in its buffer by then as if it came from
 * the file; the writer puts its lines over the phase's data; and when its buffer is written out,
 * the file gets that phase's data.
 */
#include "models/buffered_file.h"
#include "repro.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { line_bytes = 64, lines = 20 }; /* each phase reads and writes so many */

struct program {
    struct repro_run *run;
    int input;
    int output;
    struct buffered_reader reader;
    struct buffered_writer writer;
};

/* Line number: 63 characters and a newline. */
static void make_line(unsigned char *line, unsigned number)
{
    memset(line, 'a' + (int)(number % 26), line_bytes - 1);
    line[line_bytes - 1] = '\n';
}

/* An unnamed file. */
static int open_file(const char *name)
{
    int file = memfd_create(name, MFD_CLOEXEC);

    if (file < 0)
        abort();
    return file;
}

/* Opens the files before any phase, and puts something to read into them. */
static void open_files(struct program *program)
{
    unsigned char line[line_bytes];

    program->input = open_file("input");
    program->output = open_file("output");
    for (unsigned i = 0; i < (repro_cycles(program->run) + 1) * lines; i++) {
        make_line(line, i);
        if (write(program->input, line, line_bytes) != line_bytes)
            abort();
    }
    if (lseek(program->input, 0, SEEK_SET) != 0)
        abort();
}

static void make_buffers(struct program *program)
{
    size_t capacity = repro_option(program->run, "capacity");

    if (buffered_reader_init(&program->reader, program->input, capacity) != 0 ||
        buffered_writer_init(&program->writer, program->output, capacity) != 0)
        abort();
}

/* Copies lines from one file to the other. */
static void copy_lines(struct program *program, unsigned phase)
{
    unsigned char line[line_bytes];
    unsigned char got[line_bytes] = {0};

    for (unsigned i = phase * lines; i < (phase + 1) * lines; i++) {
        make_line(line, i);
        if (buffered_reader_read(&program->reader, got, line_bytes) != line_bytes ||
            memcmp(got, line, line_bytes) != 0)
            repro_wrong(program->run, "what is read differs from the file");
        if (buffered_writer_write(&program->writer, line, line_bytes) != 0)
            repro_wrong(program->run, "the writer reports an error");
    }
}

static void check_output(struct program *program)
{
    unsigned char line[line_bytes];
    unsigned char got[line_bytes];

    for (unsigned i = 0; i < (repro_cycles(program->run) + 1) * lines; i++) {
        make_line(line, i);
        if (pread(program->output, got, line_bytes, (off_t)i * line_bytes) != line_bytes ||
            memcmp(got, line, line_bytes) != 0)
            repro_wrong(program->run, "the file differs from what was written");
    }
}

static void body(struct repro_run *run)
{
    struct program program = {.run = run};

    open_files(&program);
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        if (phase == 0)
            make_buffers(&program);
        copy_lines(&program, phase);
        repro_end(run);
    }
    buffered_writer_deinit(&program.writer);
    buffered_reader_deinit(&program.reader);
    check_output(&program);
    close(program.input);
    close(program.output);
}

static const struct repro_option options[] = {
    {"capacity", "bytes of each buffer", BUFFERED_FILE_BYTES, 128, 1 << 20, NULL},
    {0},
};

/* none, flush, route, seed, pinned, system */
static const struct repro_variant variants[] = {
    {"--capacity 4095",
     {REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {"--capacity 4096",
     {REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CLEAN, REPRO_CLEAN}},
    {"--min-bytes 8192",
     {REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CLEAN, REPRO_CLEAN}},
    {"--min-bytes 8193",
     {REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {0},
};

static const struct repro_finding findings[] = {
    {"Z24", "dep_cache",
     "A buffered writer's and a buffered reader's block is 8192 bytes: "
     "made in a phase under the seed's 4096, what is read and what is written is another phase's data, in both directions",
     "critical",
     "fixed by routing from MIN_BYTES 8193 on (std of Rust 1.95), by law the capacity and 1; by opening the files before the first phase",
     REPRO_SEED, REPRO_CORRUPT},
    {0},
};

static const struct repro_law law = {
    .formula = "capacity + 1",
    .source =
        "std of Rust 1.95: BufWriter.buf and BufReader.buf, DEFAULT_BUF_SIZE or what with_capacity says",
    .at = (const char *const[]){"", "--capacity 128", "--capacity 4095", "--capacity 4096",
                                "--capacity 4097", "--capacity 65536", NULL},
};

const struct repro repro = {
    .id = "R39",
    .slug = "buffered_writer",
    .class = "library buffer",
    .title = "a writer's and a reader's buffer, made in one phase, are the next one's data",
    .seed = "-",
    .severity = "critical",
    .explain =
        "Rust's BufWriter and BufReader allocate one block of 8192 bytes when they are made, and keep it until\n"
        "they are dropped. A program that opens its log, or its input, when it comes to it, in its first proof,\n"
        "makes them in a phase; std's own stdin has one as well.\n"
        "\n"
        "In the next phase the same memory is the proof's. The reader believes that it has read ahead, and\n"
        "hands out field elements as the input's next lines. The writer copies its lines on top of the proof's\n"
        "data, which is how other structures come to harm; and when its block is full, or at the end, what is\n"
        "in it is written out: the file has the proof's data where the lines were. Nobody reports an error.\n"
        "\n"
        "8193 is the threshold that saves it, twice the usual one. with_capacity makes smaller or larger ones\n"
        "(--capacity): the law is the capacity, and 1. C's stdio, with 4096, is stdio_buffer.\n",
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
