/*
 * random_state - a random generator's state, made in one phase, is overwritten with the next one's
 * data: its numbers can be computed.
 *
 * Each thread's generator is made at its first use, and kept for life. If a phase was active then,
 * its state is in a slab. After a boundary its key is somebody's data, and it goes on to return
 * numbers: nothing fails, and whoever knows the data knows the numbers.
 */
#include "models/crates.h"
#include "models/thread_random.h"
#include "repro.h"

enum { numbers_drawn = 4 };

/* What an attacker can do who only knows what the phase's data look like. */
static void foretell(struct repro_run *run, const uint64_t *drawn)
{
    uint64_t foretold[numbers_drawn];

    if (thread_random_foretell(repro.filler, foretold, numbers_drawn) < numbers_drawn)
        return;
    for (unsigned i = 0; i < numbers_drawn; i++)
        if (drawn[i] != foretold[i])
            return;
    repro_wrong(run, "%d random numbers of %d were computed from the phase's data", numbers_drawn,
                numbers_drawn);
}

static void body(struct repro_run *run)
{
    crates_choose((enum crates)repro_option(run, "crates"));
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        uint64_t drawn[numbers_drawn];

        if (!repro_begin(run))
            return;
        for (unsigned i = 0; i < numbers_drawn; i++)
            drawn[i] = thread_random();
        foretell(run, drawn);
        repro_end(run);
    }
    thread_random_end();
}

static const struct repro_option options[] = {
    CRATES_OPTION,
    {0},
};

/* none, flush, route, seed, pinned, system */
static const struct repro_variant variants[] = {
    {"--crates 2026",
     {REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {"--min-bytes 368",
     {REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CLEAN, REPRO_CLEAN}},
    {"--min-bytes 369",
     {REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {0},
};

static const struct repro_finding findings[] = {
    {"Z33", "secrecy",
     "A thread's random generator is a block of 368 bytes, made at its first use: "
     "below MIN_BYTES 369 its key becomes a later phase's data, and all that it gives is computed from them; nothing fails",
     "critical",
     "fixed by routing from MIN_BYTES 369 on (rand 0.8.5; 353 with 0.9.5); by a first random number on each thread before the first phase",
     REPRO_NONE, REPRO_CORRUPT},
    {0},
};

static const struct repro_law law_2026 = {
    .formula = "16 + 256 + 8 + 8 + 48 + 16 + 1",
    .source =
        "rand 0.9.5: reference counts, buffer, index, alignment to 16, ChaCha12's state, bytes until a new key",
    .at = (const char *const[]){"--crates 2026", NULL},
    .arguments = "--crates 2026",
};

static const struct repro_law law = {
    .formula = "16 + 256 + 8 + 8 + 48 + 16 + 8 + 8 + 1",
    .source = "rand 0.8.5: reference counts, buffer, index, alignment to 16, "
              "ChaCha12's state, bytes until a new key, fork counter, alignment to 16",
    .at = (const char *const[]){"", NULL},
    .next = &law_2026,
};

const struct repro repro = {
    .id = "R46",
    .slug = "random_state",
    .class = "random generator",
    .title = "a random generator's state, made in one phase, is the next one's data",
    .seed = "-",
    .severity = "critical",
    .explain =
        "A random generator has a key, a counter and a buffer. Making one costs a call to the system,\n"
        "so libraries make one for each thread, when the thread first asks for a number, and keep it\n"
        "until the thread ends. In a prover that is in the middle of the first proof: the first blinding\n"
        "value, the first nonce. The block is small, 368 bytes in Rust's rand, and lies in the arena\n"
        "wherever MIN_BYTES is 368 or less.\n"
        "\n"
        "After a boundary the generator's bytes are the next phase's data. It does not notice: its\n"
        "buffer's index is past the end, so it computes the next 256 bytes, with a key that is a part\n"
        "of a polynomial. The numbers look as random as ever. Whoever knows that polynomial, or can\n"
        "guess it, or sees it in the proof, computes them: here that is done, and all of them are right.\n"
        "nonce_reuse and blinding_reuse show what follows.\n"
        "\n"
        "The data here are elements of a field of 31 bits, so that each word is positive. Where the count\n"
        "of bytes until a new key happens to be negative, the generator takes a new key from the\n"
        "system, and heals: luck. It writes its index, counter and buffer into the data all the same.\n"
        "\n"
        "MIN_BYTES 369 closes it, and so does one random number on each thread before the first phase.\n"
        "Under pinned recycling the state is kept, since it was not freed.\n",
    .body = body,
    .filler = 0x2A2A2A2A2A2A2A2Au,
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
