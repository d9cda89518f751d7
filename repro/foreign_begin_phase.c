/*
 * foreign_begin_phase - a begin on another thread invalidates what this thread holds.
 *
 * The generation belongs to the process, the slabs to the threads. One thread is in the middle of
 * its phase and holds a block; another thread begins a phase. The first thread's next allocation
 * finds a new generation, rewinds its own slab, and lands on the block that it is still using.
 */
#include "repro.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { content = 0xCC, later_content = 0x33 };

struct foreign_call {
    int result;
    int error;
};

static void begin(void *arg)
{
    struct foreign_call *call = arg;

    call->result = zk_begin_phase();
    call->error = errno;
}

static void end(void *arg)
{
    (void)arg;
    zk_end_phase();
}

static unsigned char *make(size_t size, unsigned char byte)
{
    unsigned char *block = zk_malloc(size);

    if (block == NULL)
        abort();
    memset(block, byte, size);
    return block;
}

/* Are both blocks from the arena, but at different addresses, although blind recycling should make
 * them the same? Then this platform places them so that nothing can be shown. Under the trap,
 * addresses are never the same. */
static bool inconclusive(const unsigned char *held, const unsigned char *later)
{
    struct zk_config config;

    zk_config(&config);
    return config.recycle == ZK_RECYCLE_BLIND && config.audit != ZK_AUDIT_TRAP && zk_owns(held) &&
           zk_owns(later) && held != later;
}

static void body(struct repro_run *run)
{
    const size_t size = repro_user_bytes(run, 64 << 10);
    struct repro_thread *other = repro_spawn(run);

    for (unsigned cycle = 0; cycle < repro_cycles(run); cycle++) {
        struct foreign_call call;
        unsigned char *held;
        unsigned char *later;

        repro_cycle(run);
        /* Without a filler, so that the held block is the first in the slab. */
        if (zk_begin_phase() != 0) {
            repro_refused(run, "begin");
            break;
        }
        held = make(size, content);
        repro_on(other, begin, &call);
        if (call.result != 0) {
            errno = call.error;
            repro_refused(run, "begin on another thread");
            zk_free(held);
            break;
        }
        repro_note_retained(run);
        later = make(size, later_content);
        if (inconclusive(held, later))
            repro_skip(run, "inconclusive: the two blocks do not alias here");
        repro_check_bytes(run, "the held block differs", held, content, size);
        zk_free(later);
        zk_free(held);
        repro_on(other, end, NULL);
        zk_end_phase();
    }
    repro_join(run, other);
}

static const struct repro_finding findings[] = {
    {"F19", "public_api", "A begin on another thread invalidates what this thread holds", "high",
     "fixed by owner=exclusive, the default"},
    {"F29", "platform",
     "Where two blocks don't alias, the cross-thread repro proves nothing: it says inconclusive, and skips",
     "low", "the repro checks that they alias before it judges; here they do"},
    {0},
};

/* none, flush, route, seed, pinned, system. Pinned keeps live blocks, however lax the contract
 * is. */
static const struct repro_variant variants[] = {
    {"--switch nesting=recycle --switch owner=any",
     {REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CLEAN, REPRO_CLEAN}},
    {0},
};

/* The later block has the size and the address of the held one. */
static size_t damage(const struct repro_run *run, unsigned cycle, struct repro_damage *runs)
{
    (void)cycle;
    runs[0] = (struct repro_damage){
        .bytes = repro_user_bytes(run, 64 << 10), .known = 1, .last = {later_content}};
    return 1;
}

const struct repro repro = {
    .id = "R7",
    .slug = "foreign_begin_phase",
    .class = "phase calls",
    .title = "a begin on another thread recycles this thread's slab",
    .seed = "F19, F29",
    .severity = "high",
    .explain =
        "A begin bumps a generation that all threads share, and each thread recycles its own slab at its\n"
        "next allocation. Nothing asks whether those other threads were done. So a begin on one thread, a\n"
        "second prover in the same process for instance, takes away the memory under the first one's feet:\n"
        "its next allocation starts at the slab's first byte again, on top of the block that it is in the\n"
        "middle of using.\n"
        "\n"
        "Here the other thread begins when it is told to, after the block was made and before the next\n"
        "one: deterministic, not a race. The block that is held is compared with what was written to it;\n"
        "if the two blocks do not alias on this platform, the run proves nothing and says so (skip).\n"
        "\n"
        "Under owner=exclusive the foreign begin fails with EPERM. No MIN_BYTES saves this one: the block\n"
        "is the program's own, of the size that the arena is there for.\n",
    .body = body,
    .damage = damage,
    .expect = {[REPRO_NONE] = REPRO_CORRUPT,
               [REPRO_FLUSH] = REPRO_CORRUPT,
               [REPRO_ROUTE] = REPRO_CORRUPT,
               [REPRO_SEED] = REPRO_REFUSED,
               [REPRO_PINNED] = REPRO_REFUSED,
               [REPRO_SYSTEM] = REPRO_CLEAN},
    .variants = variants,
    .findings = findings,
};
