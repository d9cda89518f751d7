/*
 * two_thread_phases - two provers in one process, each with its own begin and end, corrupt each
 * other.
 *
 * Taken alone, each thread does the right thing: begin, allocate, work, check, end. The steps make
 * the two overlap by half a round, so each one's begin recycles the slab that the other one is
 * using.
 */
#include "repro.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { scratch_content = 0x11 };

struct prover {
    struct repro_run *run;
    unsigned char content;
    size_t size;
    unsigned char *held;
    int error; /* of a begin that was refused */
};

static unsigned char *make(size_t size, unsigned char byte)
{
    unsigned char *block = zk_malloc(size);

    if (block == NULL)
        abort();
    memset(block, byte, size);
    return block;
}

/* First half of a round: begins, and makes the data to work on. */
static void start_round(void *arg)
{
    struct prover *prover = arg;

    prover->error = zk_begin_phase() == 0 ? 0 : errno;
    prover->held = prover->error == 0 ? make(prover->size, prover->content) : NULL;
}

/* Second half: allocates for the next step, checks the data, and ends. */
static void finish_round(void *arg)
{
    struct prover *prover = arg;
    unsigned char *scratch;

    if (prover->held == NULL)
        return;
    scratch = make(prover->size, scratch_content);
    repro_check_bytes(prover->run, "a prover's data differ", prover->held, prover->content,
                      prover->size);
    zk_free(scratch);
    zk_free(prover->held);
    prover->held = NULL;
    zk_end_phase();
}

static bool refused(struct repro_run *run, const struct prover *prover)
{
    if (prover->error == 0)
        return false;
    errno = prover->error;
    repro_refused(run, "begin of the second prover");
    return true;
}

static void body(struct repro_run *run)
{
    const size_t size = repro_user_bytes(run, 64 << 10);
    struct repro_thread *threads[2] = {repro_spawn(run), repro_spawn(run)};
    struct prover provers[2] = {{.run = run, .content = 0xC1, .size = size},
                                {.run = run, .content = 0xC2, .size = size}};

    for (unsigned cycle = 0; cycle < repro_cycles(run); cycle++) {
        bool stop;

        repro_cycle(run);
        repro_on(threads[0], start_round, &provers[0]);
        repro_on(threads[1], start_round,
                 &provers[1]); /* while the first is in the middle of its round */
        repro_note_retained(run);
        stop = refused(run, &provers[1]);
        repro_on(threads[0], finish_round, &provers[0]);
        repro_on(threads[1], finish_round, &provers[1]);
        if (stop)
            break;
    }
    repro_join(run, threads[0]);
    repro_join(run, threads[1]);
}

/* none, flush, route, seed, pinned, system. Pinned keeps live blocks, however lax the contract
 * is. */
static const struct repro_variant variants[] = {
    {"--switch nesting=recycle --switch owner=any",
     {REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CLEAN, REPRO_CLEAN}},
    {0},
};

/* The first prover's scratch memory lands on the block that it holds; nobody begins again during
 * the second's phase. */
static size_t damage(const struct repro_run *run, unsigned cycle, struct repro_damage *runs)
{
    (void)cycle;
    runs[0] = (struct repro_damage){
        .bytes = repro_user_bytes(run, 64 << 10), .known = 1, .last = {scratch_content}};
    return 1;
}

const struct repro repro = {
    .id = "R8",
    .slug = "two_thread_phases",
    .class = "phase calls",
    .title = "two provers in one process recycle each other's slabs",
    .seed = "F19",
    .severity = "high",
    .explain =
        "foreign_begin_phase shows what one begin on the wrong thread does. This is how it comes about: two\n"
        "provers run in one process, each on its own thread, each with a begin and an end that are right\n"
        "when it is alone. There is one generation for both. Each begin recycles the slab that the other\n"
        "prover is using; each end makes the other's allocations come from the C library.\n"
        "\n"
        "On a real machine it is a race that the seed's tests could only observe. Here the two are stepped:\n"
        "the second begins when the first is half-way, every time.\n"
        "\n"
        "Under owner=exclusive the second begin fails with EPERM, and the second prover knows that it runs\n"
        "without an arena. No MIN_BYTES saves this one.\n",
    .body = body,
    .damage = damage,
    .expect = {[REPRO_NONE] = REPRO_CORRUPT,
               [REPRO_FLUSH] = REPRO_CORRUPT,
               [REPRO_ROUTE] = REPRO_CORRUPT,
               [REPRO_SEED] = REPRO_REFUSED,
               [REPRO_PINNED] = REPRO_REFUSED,
               [REPRO_SYSTEM] = REPRO_CLEAN},
    .variants = variants,
};
