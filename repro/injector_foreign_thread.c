/*
 * injector_foreign_thread - injector_block, with the pushes made on another thread.
 *
 * The injector's blocks are allocated by the thread that pushes, out of its own slab. So when a
 * spawned thread does the pushing, the main thread's data never suffers: it is the spawned thread's
 * next phase that gets 17 bytes of job. A canary on the main thread sees nothing and proves
 * nothing.
 */
#include "injector_joins.h"

static void join_once(void *pool)
{
    injector_pool_join(pool);
}

static void join_first(void *pool)
{
    for (int i = 0; i < first_joins; i++)
        injector_pool_join(pool);
}

static void join_rest(void *pool)
{
    for (int i = 1; i < joins; i++)
        injector_pool_join(pool);
}

static void drain(void *pool)
{
    for (int i = 0; i < flush_joins; i++)
        injector_pool_join(pool);
}

static void body(struct repro_run *run)
{
    static struct injector_pool pool;
    struct repro_thread *pusher = repro_spawn(run);

    injector_pool_start(&pool, repro_threads(run));
    repro_on_flush(run, drain, &pool);
    repro_on(pusher, join_first, &pool);
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        void *scratch;

        if (!repro_begin(run))
            break;
        scratch = zk_malloc(32 << 10); /* so that the main thread's slab is in use, too */
        repro_on(pusher, join_once, &pool);
        repro_check(run);
        repro_on(pusher, join_rest, &pool);
        zk_free(scratch);
        repro_end(run);
    }
    injector_pool_stop(&pool);
    repro_join(run, pusher);
}

static const struct repro_law law = {
    .formula = "8 + 63 * 24 + 1",
    .source =
        "a pointer and 63 slots: a job of 16 bytes and its state of 8 (Block, crossbeam-deque 0.8.1 to 0.8.7)",
    .at = (const char *const[]){"", NULL},
};

static const struct repro_finding findings[] = {
    {"F1a", "rayon_injector",
     "10 of 10 cycles corrupted, one 17-byte run each; "
     "pushes made on another thread damage that thread's slab and leave the main thread's data clean",
     "critical",
     "fixed by routing from MIN_BYTES 1521 on (crossbeam-deque 0.8.1 to 0.8.7); by draining the queue at each end"},
    {0},
};

const struct repro repro = {
    .id = "R5",
    .slug = "injector_foreign_thread",
    .class = "job queue block",
    .title = "the damage is done in the slab of the thread that pushes",
    .seed = "F1a",
    .severity = "critical",
    .claim = "512",
    .explain =
        "injector_block shows a job queue that pushes into the block it kept from the phase before. A block\n"
        "comes from the slab of the thread that made the push before it, so it is that thread's data that\n"
        "is damaged, wherever the queue belongs to.\n"
        "\n"
        "Here a spawned thread makes all the joins. The main thread allocates in every phase as well, and\n"
        "its filler is never touched; the spawned thread's filler has one run of 17 bytes in every cycle.\n"
        "Whoever looks for damage on the main thread alone, finds none and concludes the wrong thing.\n"
        "\n"
        "With --filler off the outcome is latent: the block is retained, the push goes into recycled\n"
        "memory, and nobody happens to have allocated there.\n",
    .body = body,
    .damage = injector_damage,
    .expect = {[REPRO_NONE] = REPRO_CORRUPT,
               [REPRO_FLUSH] = REPRO_CLEAN,
               [REPRO_ROUTE] = REPRO_CLEAN,
               [REPRO_SEED] = REPRO_CLEAN,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
    .variants = (const struct repro_variant[]){{"--filler off",
                                                {[REPRO_NONE] = REPRO_LATENT,
                                                 [REPRO_FLUSH] = REPRO_CLEAN,
                                                 [REPRO_ROUTE] = REPRO_CLEAN,
                                                 [REPRO_SEED] = REPRO_CLEAN,
                                                 [REPRO_PINNED] = REPRO_CLEAN,
                                                 [REPRO_SYSTEM] = REPRO_CLEAN}},
                                               {0}},
    .findings = findings,
    .law = &law,
};
