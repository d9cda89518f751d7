/*
 * sharded_map - a concurrent map made in one phase never takes another entry in the next.
 *
 * A concurrent map has shards, four for each processor, each with a lock. All shards are in one
 * block, which is allocated with the map. In the next phase the locks' words are somebody's data,
 * which looks as if each were held; a thread that waits for one waits for ever.
 */
#include "models/sharded_map.h"
#include "models/crates.h"
#include "repro.h"

#include <stdlib.h>

struct memo {
    struct repro_run *run;
    struct sharded_map map;
    size_t keys; /* about one in each shard, so that no table is larger than the shards */
};

static void make(struct memo *memo)
{
    size_t shards = sharded_map_default_shards(repro_option(memo->run, "processors"));

    memo->keys = shards;
    if (sharded_map_init(&memo->map, shards) != 0)
        abort();
}

/* Uses the map in a phase: stores each result, and looks it up. */
static void use(struct memo *memo, unsigned phase)
{
    for (uint64_t key = 0; key < memo->keys; key++)
        if (sharded_map_insert(&memo->map, key, key + phase) != 0) /* returns, or does not */
            abort();
    for (uint64_t key = 0; key < memo->keys; key++) {
        uint64_t value;

        if (!sharded_map_get(&memo->map, key, &value) || value != key + phase) {
            repro_wrong(memo->run, "an entry that was just inserted is not found");
            return;
        }
    }
}

static void body(struct repro_run *run)
{
    struct memo memo = {.run = run};

    crates_choose((enum crates)repro_option(run, "crates"));
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        if (phase == 0)
            make(&memo);
        use(&memo, phase);
        repro_end(run);
    }
    sharded_map_deinit(&memo.map);
}

static const struct repro_option options[] = {
    {"processors", "of the machine that the map is made on", 8, 1, 1024, NULL, .counts = "threads"},
    {"crates", "dashmap 5.4.0, or 6", CRATES_2026, 0, 0, crates_names},
    {0},
};

/* none, flush, route, seed, pinned, system */
static const struct repro_variant variants[] = {
    {"--processors 4",
     {REPRO_HANG, REPRO_HANG, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {"--processors 9", {REPRO_HANG, REPRO_HANG, REPRO_HANG, REPRO_HANG, REPRO_CLEAN, REPRO_CLEAN}},
    {"--min-bytes 4097",
     {REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {"--crates debian12",
     {REPRO_HANG, REPRO_HANG, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {"--crates debian12 --processors 32",
     {REPRO_HANG, REPRO_HANG, REPRO_HANG, REPRO_HANG, REPRO_CLEAN, REPRO_CLEAN}},
    {0},
};

static const struct repro_finding findings[] = {
    {"Z25", "dep_cache",
     "A concurrent map's shards are one block, 128 bytes x 4 x processors, a power of two: "
     "from 5 processors on the seed's 4096 sends it to the arena, and in the next phase an insert never returns",
     "critical",
     "by law 128 x pow2_at_least(4 x processors) + 1 (dashmap 6.0; 56 in place of 128 in 5.4); by making the map before the first phase",
     REPRO_SEED, REPRO_HANG},
    {0},
};

static const char *const values[] = {"--processors 1",   "--processors 2",
                                     "--processors 4",   "--processors 5",
                                     "--processors 8",   "--processors 9",
                                     "--processors 16",  "--processors 17",
                                     "--processors 31",  "--processors 32",
                                     "--processors 33",  "--processors 64",
                                     "--processors 128", NULL};

static const struct repro_law law_debian12 = {
    .formula = "56 * pow2_at_least(4 * processors) + 1",
    .source =
        "dashmap 5.4.0: shards, a boxed slice of RwLock<HashMap>, one for each of default_shard_amount",
    .at = values,
    .arguments = "--crates debian12",
};

static const struct repro_law law = {
    .formula = "128 * pow2_at_least(4 * processors) + 1",
    .source =
        "dashmap 6: shards, a boxed slice of CachePadded<RwLock<HashMap>>, one for each of default_shard_amount",
    .at = values,
    .next = &law_debian12,
};

const struct repro repro = {
    .id = "R40",
    .slug = "sharded_map",
    .class = "retained table",
    .title = "a concurrent map made in one phase never takes another entry in the next",
    .seed = "-",
    .severity = "critical",
    .explain =
        "A concurrent map (dashmap) is a number of ordinary tables, each behind a lock: four for each processor,\n"
        "rounded up to a power of two. A lock and its table are 128 bytes, so that two of them do not share a\n"
        "cache line, and all are one block, made with the map: 4096 bytes on a machine with 8 processors, 16 KiB\n"
        "on one with 32. Provers use such maps for what several threads want to find again.\n"
        "\n"
        "After a boundary the block is the next phase's. Each lock's word is a word of its data: neither free nor\n"
        "held by a count of readers, so it is held by a writer, and who wants to insert waits for one that does\n"
        "not exist. Nothing is reported.\n"
        "\n"
        "The bound depends on the machine: the usual 4096 protects the map on a laptop with 4 processors, and\n"
        "not on the server. The block of 4096 bytes, for 5 to 8, is not below 4096 either.\n"
        "\n"
        "--crates debian12: dashmap 5.4.0, which does not pad, has 56 bytes a shard. The default is what a\n"
        "build of today gets.\n",
    .body = body,
    .options = options,
    .variants = variants,
    .findings = findings,
    .law = &law,
    .expect = {[REPRO_NONE] = REPRO_HANG,
               [REPRO_FLUSH] = REPRO_HANG,
               [REPRO_ROUTE] = REPRO_HANG,
               [REPRO_SEED] = REPRO_HANG,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
};
