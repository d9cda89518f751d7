/*
 * memoised_twiddles - a transform's table of roots, made in one phase, is wrong in the next.
 *
 * A prover's Fourier transform keeps its roots of unity: the first transform of a size makes the
 * table, and all later ones read it. That first one is in the first proof, so the table is in a
 * slab. In the second proof its roots are somebody's data. Nothing fails, but every transform is
 * wrong.
 */
#include "models/memoised_dft.h"
#include "models/power_of_two.h"
#include "repro.h"

#include <stdlib.h>

enum { height_most = 65536, checked_values = 8 };

struct transform {
    struct repro_run *run;
    struct memoised_dft dft;
    size_t height;
    uint64_t values[height_most]; /* the proof's values; in static memory, as the reference */
};

static uint64_t coefficient(const struct transform *transform, size_t i, unsigned phase)
{
    return (i + phase + 1) % dft_order(transform->dft.field);
}

/* The polynomial at x, by its definition. */
static uint64_t evaluate(const struct transform *transform, uint64_t x, unsigned phase)
{
    uint64_t order = dft_order(transform->dft.field);
    uint64_t sum = 0;

    for (size_t i = transform->height; i-- > 0;)
        sum =
            (dft_multiply(transform->dft.field, sum, x) + coefficient(transform, i, phase)) % order;
    return sum;
}

/* Compares some of the values with the definition. A verifier that uses the same table would notice
 * nothing. */
static bool right(const struct transform *transform, unsigned phase)
{
    enum dft_field field = transform->dft.field;
    uint64_t root = dft_root(field, transform->height);

    for (size_t i = 1; i < checked_values && i < transform->height; i++)
        if (transform->values[dft_reversed(i, transform->height)] !=
            evaluate(transform, dft_power(field, root, i), phase))
            return false;
    return true;
}

static void prove(struct transform *transform, unsigned phase)
{
    for (size_t i = 0; i < transform->height; i++)
        transform->values[i] = coefficient(transform, i, phase);
    if (memoised_dft_forward(&transform->dft, transform->values, transform->height) != 0)
        abort();
    if (!right(transform, phase))
        repro_wrong(transform->run, "the transform is wrong: %zu of its %zu roots are right",
                    memoised_dft_right_roots(&transform->dft, transform->height),
                    transform->height / 2);
}

static void body(struct repro_run *run)
{
    static struct transform transform;

    /* Made before any proof, as the configuration of a proof system is; its table is empty. */
    transform.run = run;
    transform.height = power_of_two_at_least(repro_option(run, "height"));
    if (memoised_dft_init(&transform.dft, (enum dft_field)repro_option(run, "field")) != 0)
        abort();
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        prove(&transform, phase);
        repro_end(run);
    }
    memoised_dft_deinit(&transform.dft);
}

static const char *const fields[] = {"babybear", "goldilocks", NULL};

static const struct repro_option options[] = {
    {"height", "rows of what is transformed, padded to a power of two", 2048, 512, height_most,
     NULL},
    {"field", "of 4 or 8 bytes an element", DFT_BABYBEAR, 0, 0, fields},
    {0},
};

/* none, flush, route, seed, pinned, system */
static const struct repro_variant variants[] = {
    {"--height 1024",
     {REPRO_CRASH, REPRO_CRASH, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {"--height 1025",
     {REPRO_CRASH, REPRO_CRASH, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CLEAN, REPRO_CLEAN}},
    {"--field goldilocks --height 1024",
     {REPRO_CRASH, REPRO_CRASH, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CLEAN, REPRO_CLEAN}},
    {"--height 8192 --min-bytes 8193",
     {REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CLEAN, REPRO_CLEAN}},
    {"--min-bytes 4097",
     {REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {0},
};

static const struct repro_finding findings[] = {
    {"Z23", "dep_cache",
     "A transform's memoised table of roots, half of the height x element, is made in the first proof: "
     "from height 2048 of 4-byte elements on the seed's 4096 sends it to the arena, "
     "none of its roots is right in the second proof, and nothing reports it",
     "critical",
     "by law height x element / 2 + 1, the height a power of two (Plonky3's RecursiveDft); "
     "by one transform of the largest height before the first phase",
     REPRO_SEED, REPRO_CORRUPT},
    {0},
};

static const struct repro_law law = {
    .formula = "(4 + 4 * field) * pow2_at_least(height) / 2 + 1",
    .source =
        "Plonky3, RecursiveDft.twiddles: "
        "the first of its vectors has half as many roots as there are rows, of 4 bytes (BabyBear) or 8 (Goldilocks)",
    .at =
        (const char *const[]){"--height 512", "--height 1024", "--height 1025", "--height 2048",
                              "--height 2049", "--height 4096", "--height 4097", "--height 65536",
                              "--field goldilocks --height 512", "--field goldilocks --height 1024",
                              "--field goldilocks --height 2048", NULL},
};

const struct repro repro = {
    .id = "R38",
    .slug = "memoised_twiddles",
    .class = "retained table",
    .title = "a transform's table of roots, made in one phase, is wrong in the next",
    .seed = "-",
    .severity = "critical",
    .explain =
        "A prover evaluates polynomials at all powers of a root of unity, by a fast Fourier transform. The\n"
        "powers are the same in every proof, so implementations keep them: the first transform of a size makes\n"
        "the table, n / 2 roots, n / 4, ... in a block each, behind a lock, and all later ones, of every thread,\n"
        "read it. That first transform is in the middle of the first proof.\n"
        "\n"
        "After a boundary the largest of these blocks is the next phase's data. The second proof's transforms\n"
        "multiply by it, and come to values that are the evaluations of nothing. No error, no crash, no hang;\n"
        "the table is never made again, so that every later proof is wrong as well. If there is a verifier, it\n"
        "rejects them, and says nothing of why: the prover's code and input are what they were.\n"
        "\n"
        "The bound is a law: half of the height x element, and 1. 4096 bytes for 2048 rows of 4 bytes, which\n"
        "is a toy proof, and 4 MiB for 2^21 rows: no MIN_BYTES that leaves an arena of use keeps that out.\n"
        "--height 1024 is safe under the usual 4096; --field goldilocks has elements of 8 bytes.\n"
        "\n"
        "One transform of the largest height before the first phase closes it.\n",
    .body = body,
    .options = options,
    .variants = variants,
    .findings = findings,
    .law = &law,
    .expect = {[REPRO_NONE] = REPRO_CRASH,
               [REPRO_FLUSH] = REPRO_CRASH,
               [REPRO_ROUTE] = REPRO_CORRUPT,
               [REPRO_SEED] = REPRO_CORRUPT,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
};
