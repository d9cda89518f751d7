/*
 * stdout_buffer - text that is printed but not yet written out is in a block of the first phase.
 *
 * needs: nothing
 *
 * The first printf of a program allocates stdout's buffer: 4096 bytes if it is a file or a pipe.
 * Made inside a phase, it comes from the arena, and stdout keeps it to the end of the process.
 *
 * Each proof prints a line in two parts: "proof N: " in one phase, and the verdict in the next, which
 * then flushes. In between, the next phase's first allocation lands on the buffer. What arrives at
 * the other end is read and compared.
 */
#include "repro.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { line_bytes = 27 }; /* "proof N: verified" and a newline */

enum { to_file, to_pipe };

/* The redirection of fd 1 while the body runs. */
struct redirection {
    int before; /* fd 1 as it was */
    int from;   /* reads what was written to fd 1 */
};

static int must(int result)
{
    if (result < 0)
        abort();
    return result;
}

/* Opens a temporary file twice and unlinks it: each descriptor has its own position. */
static void make_file(int ends[2])
{
    char path[] = "/tmp/stdout_buffer.XXXXXX";

    ends[1] = must(mkstemp(path));
    ends[0] = must(open(path, O_RDONLY | O_CLOEXEC));
    must(unlink(path));
}

/* As "program > file" or "program | reader" would; before the first phase. */
static struct redirection redirect(unsigned long to)
{
    struct redirection result = {.before = must(dup(STDOUT_FILENO))};
    int ends[2];

    if (to == to_file)
        make_file(ends);
    else
        must(pipe2(ends, O_CLOEXEC | O_NONBLOCK)); /* so that no reader waits for lost text */
    must(dup2(ends[1], STDOUT_FILENO));
    must(close(ends[1]));
    result.from = ends[0];
    return result;
}

static void restore(struct redirection redirection)
{
    must(dup2(redirection.before, STDOUT_FILENO));
    must(close(redirection.before));
    must(close(redirection.from));
}

static void check_line(struct repro_run *run, int from, unsigned number)
{
    char line[line_bytes + 1];
    char got[line_bytes];

    snprintf(line, sizeof line, "proof %010u: verified\n", number);
    if (read(from, got, line_bytes) != line_bytes)
        repro_wrong(run, "a line is missing from what was printed");
    else if (memcmp(got, line, line_bytes) != 0)
        repro_wrong(run, "a line arrives with other text than was printed");
}

static void body(struct repro_run *run)
{
    struct redirection redirection = redirect(repro_option(run, "to"));

    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            break;
        if (phase > 0) {
            printf("verified\n");
            if (fflush(stdout) != 0)
                repro_wrong(run, "stdout reports an error");
            check_line(run, redirection.from, phase - 1);
        }
        repro_check(run);
        printf("proof %010u: ", phase);
        repro_end(run);
    }
    fflush(stdout);
    restore(redirection);
}

static const char *const targets[] = {"file", "pipe", NULL};

static const struct repro_option options[] = {
    {"to", "what stdout is", to_file, to_file, to_pipe, targets},
    {0},
};

static const struct repro_variant variants[] = {
    {"--to pipe",
     {REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CLEAN, REPRO_CLEAN}},
    {0},
};

static const struct repro_law law = {
    .formula = "4096 + 1",
    .source = "st_blksize of the file, or of the pipe (_IO_file_doallocate, glibc 2.36)",
    .at = (const char *const[]){"", NULL},
};

static const struct repro_finding findings[] = {
    {"Z8", "c_library",
     "stdout's buffer is 4096 bytes where it is a file or a pipe: "
     "a program that works on a terminal (1024 bytes) prints wrong lines as soon as its output is redirected",
     "critical", "fixed by routing from MIN_BYTES 4097 on (glibc 2.36)", REPRO_SEED, 0},
    {0},
};

const struct repro repro = {
    .id = "R25",
    .slug = "stdout_buffer",
    .class = "C library",
    .title = "stdout's buffer is made by the first printf and kept for ever",
    .seed = "-",
    .severity = "critical",
    .claim = "4096 bytes",
    .explain =
        "stdout allocates its buffer at the first printf of a process. On a terminal that\n"
        "is 1024 bytes, which the usual threshold of 4096 keeps out of the arena, and every\n"
        "newline writes it out. In a file or a pipe it is 4096 bytes, and 4096 is not below\n"
        "4096; and it is written out when it is full.\n"
        "\n"
        "So the program that was tried by hand prints what it should, and the same program\n"
        "under \"> log\" or \"| tee log\" does not: if its first printf runs inside a phase,\n"
        "the buffer lies in the arena. stdout keeps it until the process ends.\n"
        "\n"
        "Here a line has two parts. \"proof N: \" is printed when a proof has been made, and\n"
        "its verdict in the next phase, after that phase's first allocation has landed on the\n"
        "buffer. The flush then writes data of the new phase where \"proof N: \" should be. No\n"
        "call reports an error, and the exit status is 0.\n"
        "\n"
        "4097 is the threshold that saves it; or setvbuf(stdout, ...) with a buffer of one's\n"
        "own, or one printf and a flush before the first phase. stdio_buffer shows the same of\n"
        "a stream that the program itself has opened. --to pipe: stdout is a pipe.\n",
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
