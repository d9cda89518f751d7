/*
 * zlib_stream - a compressor that is created in one phase and used on in the next.
 *
 * needs: zlib
 *
 * deflateInit at level 6 allocates five blocks: the state, of 5952 bytes, and 65536 bytes each for
 * the window, two hash tables and pending output. The stream keeps them until deflateEnd. The first
 * half of the text is compressed in the phase that created it, the second half in the next, and the
 * output is inflated and compared.
 *
 * The next phase's data are zeros: a column that has just been cleared. Other data make zlib look
 * up the code of an impossible distance, past the end of its tables.
 */
#include "repro.h"

#if !defined ZK_MISSING && __has_include(<zlib.h>)
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { half_bytes = 8000, text_bytes = 2 * half_bytes, output_bytes = 2 * text_bytes };

struct job {
    z_stream stream;
    unsigned char text[text_bytes];
    unsigned char output[output_bytes];
};

/* Words and numbers as in a log: level 6 finds repetitions, and some literals are left. */
static void make_text(unsigned char *text, unsigned number)
{
    uint32_t seed = number * 2654435761u + 1;

    for (size_t i = 0; i < text_bytes; i++) {
        seed = seed * 1664525u + 1013904223u;
        text[i] = i % 16 < 8 ? (unsigned char)"gate at "[i % 8]
                             : (unsigned char)('0' + (seed >> 24) % 10);
    }
}

static void compress_first_half(struct job *job, unsigned number)
{
    make_text(job->text, number);
    job->stream = (z_stream){0};
    if (deflateInit(&job->stream, 6) != Z_OK)
        abort();
    job->stream.next_in = job->text;
    job->stream.avail_in = half_bytes;
    job->stream.next_out = job->output;
    job->stream.avail_out = output_bytes;
    if (deflate(&job->stream, Z_NO_FLUSH) != Z_OK)
        abort();
}

static void inflate_and_compare(struct repro_run *run, const struct job *job)
{
    static unsigned char text[text_bytes];
    uLongf bytes = text_bytes;
    int status = uncompress(text, &bytes, job->output, output_bytes - job->stream.avail_out);

    if (status != Z_OK || bytes != text_bytes || memcmp(text, job->text, text_bytes) != 0)
        repro_wrong(run, "what was compressed does not decompress to what it was");
}

static void compress_second_half(struct repro_run *run, struct job *job)
{
    int status;

    job->stream.avail_in += half_bytes;
    status = deflate(&job->stream, Z_FINISH);
    if (status == Z_STREAM_END)
        inflate_and_compare(run, job);
    else
        repro_wrong(run, "deflate fails: %s", zError(status));
    deflateEnd(&job->stream);
}

static void body(struct repro_run *run)
{
    static struct job job;

    repro_fill_with(run, 0);
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        if (phase > 0)
            compress_second_half(run, &job);
        repro_check(run);
        compress_first_half(&job, phase);
        repro_end(run);
    }
    deflateEnd(&job.stream);
}

#else

static void body(struct repro_run *run)
{
    repro_skip(run, "zlib is not installed");
}

#endif

static const struct repro_finding findings[] = {
    {"Z20", "c_library",
     "zlib's compressor keeps blocks of 5952 and 65536 bytes between calls: "
     "made in one phase, it fails in the next, or compresses what nobody gave it",
     "critical", "fixed by routing from MIN_BYTES 65537 on (zlib 1.2.13)", REPRO_SEED, 0},
    {0},
};

/* With the state outside of the arena, zlib notices nothing. */
static const struct repro_variant variants[] = {
    {"--min-bytes 8K",
     {REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CLEAN, REPRO_CLEAN}},
    {"--min-bytes 65537",
     {REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {0},
};

const struct repro repro = {
    .id = "R37",
    .slug = "zlib_stream",
    .class = "C library",
    .title = "a compressor that is made in one phase and goes on in the next",
    .seed = "-",
    .severity = "critical",
    .explain =
        "A compressor is made to be kept: deflateInit allocates it, deflate is called as data\n"
        "come in, and the last call may be long after the first. At level 6 it has a state of\n"
        "5952 bytes and four blocks of 65536: the window of what was last seen, two hash tables\n"
        "into it, and the symbols that wait to be coded. All five are above the usual\n"
        "threshold.\n"
        "\n"
        "Here a stream is made and given the first half of a text in one phase, and the second\n"
        "half in the next. In between all five blocks become filler. With the state among them\n"
        "(every MIN_BYTES up to 5952, and so profile seed) zlib finds that the state does not\n"
        "belong to this stream, and says \"stream error\": the log file ends there.\n"
        "\n"
        "With the threshold between the two sizes (--min-bytes 8K) the state is safe and zlib\n"
        "notices nothing. It codes the symbols that it finds, with the code lengths of those\n"
        "that it was given. deflate reports success, the file has a header and a checksum of\n"
        "the true text, and what comes out when it is inflated is an error or another text:\n"
        "found out by who reads the file. And the next phase's data are overwritten, by what\n"
        "zlib writes into its window and tables.\n"
        "\n"
        "65537 is the threshold that saves it.\n",
    .body = body,
    .variants = variants,
    .findings = findings,
    .expect = {[REPRO_NONE] = REPRO_CORRUPT,
               [REPRO_FLUSH] = REPRO_CORRUPT,
               [REPRO_ROUTE] = REPRO_CORRUPT,
               [REPRO_SEED] = REPRO_CORRUPT,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
};
