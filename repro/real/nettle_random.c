/*
 * nettle_random - a generator of the nettle library, made in one phase, gives numbers in the next
 * phase that can be computed.
 *
 * needs: nettle
 *
 * nettle's Yarrow-256 (after Kelsey, Schneier and Ferguson) is a struct of 496 bytes that the
 * program allocates: two pools for input that comes later, a flag for "seeded", 15 round keys of
 * AES-256, and a counter. The parts that it draws from contain no pointer, and almost any data set
 * the flag. A program makes one for each thread, at the first use, and keeps it.
 */
#include "repro.h"

#if !defined ZK_MISSING && __has_include(<nettle/yarrow.h>)
#include <nettle/yarrow.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

_Static_assert(sizeof(struct yarrow256_ctx) == 496, "the law below counts on this size");

enum { drawn_bytes = 32 };

static struct yarrow256_ctx *generator;

/* Draws random bytes for the program. */
static void draw(unsigned char *bytes)
{
    if (generator == NULL) {
        uint8_t seed[YARROW256_SEED_FILE_SIZE];

        generator = malloc(sizeof *generator);
        if (generator == NULL || getrandom(seed, sizeof seed, 0) != (ssize_t)sizeof seed)
            abort();
        yarrow256_init(generator, 0, NULL);
        yarrow256_seed(generator, sizeof seed, seed);
    }
    yarrow256_random(generator, drawn_bytes, bytes);
}

/* What an attacker can do who only knows what the phase's data look like. */
static void foretell(struct repro_run *run, const unsigned char *drawn)
{
    struct yarrow256_ctx overwritten;
    unsigned char foretold[drawn_bytes];

    memset(&overwritten, (int)(REPRO_FILLER & 0xFF), sizeof overwritten);
    yarrow256_random(&overwritten, sizeof foretold, foretold);
    if (memcmp(drawn, foretold, sizeof foretold) == 0)
        repro_wrong(run, "%d random bytes were computed from the phase's data", drawn_bytes);
}

static void body(struct repro_run *run)
{
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        unsigned char drawn[drawn_bytes];

        if (!repro_begin(run))
            return;
        draw(drawn);
        foretell(run, drawn);
        repro_end(run);
    }
    free(generator);
}

#else

static void body(struct repro_run *run)
{
    repro_skip(run, "nettle is not installed, or has no yarrow.h");
}

#endif

static const struct repro_finding findings[] = {
    {"Z36", "secrecy",
     "nettle's generator (Yarrow-256) is 496 bytes, kept by whoever draws from it: "
     "below MIN_BYTES 497 what it gives in a later phase is computed from that phase's data; nothing fails",
     "critical", "fixed by routing from MIN_BYTES 497 on (nettle 3.8)", REPRO_NONE, REPRO_CORRUPT},
    {0},
};

static const struct repro_law law = {
    .formula = "2 * 112 + 4 + 15 * 16 + 16 + 4 + 8 + 1",
    .source =
        "struct yarrow256_ctx of nettle 3.8: "
        "two SHA-256 contexts, a flag, 15 round keys of 16 bytes, a counter, the number of sources and a pointer to them",
    .at = (const char *const[]){"", NULL},
};

static const struct repro_variant variants[] = {
    {"--min-bytes 496",
     {REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CLEAN, REPRO_CLEAN}},
    {0},
};

const struct repro repro = {
    .id = "R50",
    .slug = "nettle_random",
    .class = "random generator",
    .title =
        "a real library's generator, made in one phase, gives what can be computed in the next",
    .seed = "-",
    .severity = "critical",
    .explain =
        "nettle is the library under GnuTLS and many others. Its generator, Yarrow-256, is a struct of 496 bytes:\n"
        "two pools for what is fed to it later, a flag that it is seeded, 15 round keys of AES-256, and a\n"
        "counter. A program allocates one, seeds it from the system, and draws from it for as long as it runs.\n"
        "\n"
        "Made inside a phase it lies in the arena. After a boundary its round keys are the next phase's data.\n"
        "There is no pointer in what it draws by that could be wrong, and any data say that it is seeded: it\n"
        "encrypts a counter made of data under keys made of data, and hands out the result. Here 32 bytes are\n"
        "drawn in each phase; who fills a struct with the same data and draws from it gets the same 32 bytes.\n"
        "\n"
        "No model is involved: this is the library that the program runs on. 497 is the threshold that\n"
        "saves it.\n",
    .body = body,
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
