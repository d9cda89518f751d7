/*
 * pooled_hash_table - a map that is cleared and reused keeps its buffer across the boundary.
 *
 * A library pools a hash table: when its user is done, the table is cleared, which empties it and
 * keeps its buffer, so that the next user need not allocate. The buffer was made in an earlier
 * phase. The next user's entry goes into recycled memory; then the memory's new owner writes its
 * own data, and the entry that was just inserted cannot be found.
 */
#include "models/swiss_table.h"
#include "repro.h"

#include <stdlib.h>

enum { entries = 10 };

static void insert(struct swiss_table *table, unsigned phase)
{
    for (uint64_t key = 0; key < entries; key++)
        if (swiss_table_insert(table, key, key + phase) != 0)
            abort();
}

static void look_up(struct repro_run *run, const struct swiss_table *table, unsigned phase)
{
    for (uint64_t key = 0; key < entries; key++) {
        uint64_t value;

        if (!swiss_table_get(table, key, &value)) {
            repro_wrong(run, "an entry that was just inserted is not found");
            return;
        }
        if (value != key + phase) {
            repro_wrong(run, "an entry that was just inserted has a wrong value");
            return;
        }
    }
}

static void body(struct repro_run *run)
{
    unsigned long capacity = repro_option(run, "capacity");

    for (unsigned cycle = 0; cycle < repro_cycles(run); cycle++) {
        struct swiss_table pooled;

        repro_cycle(run);
        if (!repro_begin(run))
            return;
        if (swiss_table_init_with_capacity(&pooled, capacity) != 0)
            abort();
        insert(&pooled, 1);
        look_up(run, &pooled, 1);
        swiss_table_clear(&pooled); /* back to the pool: empty, and with its buffer */
        repro_end(run);

        if (!repro_begin(run))
            return;
        insert(&pooled, 2);
        repro_check(run);
        repro_refill(run); /* the memory's new owner goes on writing its data */
        look_up(run, &pooled, 2);
        swiss_table_deinit(&pooled);
        repro_end(run);
    }
}

static const struct repro_option options[] = {
    {"capacity", "entries that the table was made for", 100, 15, 1000000, NULL},
    {0},
};

static const struct repro_law law = {
    .formula = "17 * pow2_at_least(8 * capacity / 7) + 16 + 1",
    .source =
        "a bucket of 16 bytes and a control byte for each of a power of two that is filled to 7/8, "
        "and a group of 16 control bytes more (hashbrown, std of Rust 1.95)",
    .at = (const char *const[]){"--capacity 15", "--capacity 28", "--capacity 29", "--capacity 56",
                                "--capacity 57", "--capacity 100", "--capacity 112",
                                "--capacity 113", "--capacity 1000", NULL},
};

static const struct repro_finding findings[] = {
    {"F4", "dep_cache",
     "Root cause: clearing a pooled map empties it and keeps its buffer; the buffer was made in an earlier phase",
     "critical",
     "fixed by routing from MIN_BYTES 2193 on for this table (hashbrown 0.12 to 0.17); what a larger one needs is a law"},
    {"F2", "dep_cache",
     "Draining the queue does not save the first prover: there is a second class", "critical",
     "fixed by routing; not by draining queues (profile flush)"},
    {"F5", "phase_api", "Routing small blocks to the system allocator removes both classes", "info",
     "from MIN_BYTES 2193 on (hashbrown 0.12 to 0.17), which covers the injector's blocks and this table; not larger pooled structures",
     REPRO_ROUTE, REPRO_CLEAN},
    {0},
};

const struct repro repro = {
    .id = "R17",
    .slug = "pooled_hash_table",
    .class = "pooled capacity",
    .title = "a map that is cleared and reused keeps its buffer across the boundary",
    .seed = "F2, F4",
    .severity = "critical",
    .claim = "512",
    .explain =
        "Libraries pool what is costly to make. A logging library, for instance, keeps a map in every slot\n"
        "of its registry: when a span closes, the map is cleared, and the next span in that slot finds a\n"
        "map that is empty and has its buffer already. Clearing is documented to keep the buffer. Nothing\n"
        "in the program looks as if it were kept: the span is closed, the map is empty.\n"
        "\n"
        "The buffer was allocated in the phase of its first user. When the next one comes a phase later,\n"
        "it inserts into recycled memory: its entry lands in somebody's data. And when that somebody goes\n"
        "on writing, the entry is gone: looked up a moment after it was inserted, it is not found. In the\n"
        "seed's first prover that is a failed assertion, then a poisoned lock, then the end.\n"
        "\n"
        "No queue is involved, so draining queues (profile flush) does not help. The table here is 2192\n"
        "bytes, and routing helps from 2193 on. The new owner's data are all ones (0xFF), which an empty\n"
        "table's control bytes are as well; with most other data the insert itself never returns.\n",
    .body = body,
    .filler = 0xFFFFFFFFFFFFFFFFu,
    .expect = {[REPRO_NONE] = REPRO_CORRUPT,
               [REPRO_FLUSH] = REPRO_CORRUPT,
               [REPRO_ROUTE] = REPRO_CLEAN,
               [REPRO_SEED] = REPRO_CLEAN,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
    .options = options,
    .findings = findings,
    .law = &law,
};
