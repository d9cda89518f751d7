/*
 * glib_hash_table - a hash table made before any phase grows into the arena.
 *
 * needs: glib-2.0
 *
 * A GHashTable is three arrays: hashes, keys and values. They start with 8 slots and grow by realloc.
 * The program's cache is made at its start, outside of any phase, and filled inside one: if realloc
 * may migrate, its arrays move into the arena. They stay there while the table has entries (--use
 * kept), and also when it is emptied (--use emptied), which only shrinks them in place.
 *
 * The next phase's data are zeros: a column that has just been cleared. A hash of 0 is an empty slot.
 */
#include "repro.h"

#if !defined ZK_MISSING && __has_include(<glib.h>)
#include <glib.h>
#include <stdint.h>

enum { few = 5 };
enum { use_kept, use_emptied };

/* Keys that need 64 bits, so that the array of keys has pointers. */
static gpointer key_of(unsigned number)
{
    return GSIZE_TO_POINTER((gsize)1 << 40 | number);
}

static gpointer value_of(unsigned number)
{
    return GUINT_TO_POINTER(number + 1);
}

static void insert(GHashTable *table, unsigned count)
{
    for (unsigned number = 0; number < count; number++)
        g_hash_table_insert(table, key_of(number), value_of(number));
}

static void look_up(struct repro_run *run, GHashTable *table, unsigned count)
{
    for (unsigned number = 0; number < count; number++) {
        gpointer value = g_hash_table_lookup(table, key_of(number));

        if (value == NULL)
            repro_wrong(run, "an entry is not found");
        else if (value != value_of(number))
            repro_wrong(run, "an entry has a wrong value");
    }
    if (g_hash_table_size(table) != count)
        repro_wrong(run, "the table counts more entries than were put there");
}

/* Uses a table that was emptied in the phase before. */
static void use_again(struct repro_run *run, GHashTable *table, unsigned count)
{
    insert(table, count);
    repro_check(run);
    repro_refill(run); /* the memory's new owner goes on writing its data */
    look_up(run, table, count);
    g_hash_table_remove_all(table);
}

static void body(struct repro_run *run)
{
    GHashTable *table = g_hash_table_new(g_direct_hash, NULL);
    bool kept = repro_option(run, "use") == use_kept;
    unsigned entries = (unsigned)repro_option(run, "entries");

    repro_fill_with(run, 0);
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        if (!kept)
            use_again(run, table, phase == 0 ? entries : few);
        else if (phase == 0)
            insert(table, entries);
        else
            look_up(run, table, entries);
        repro_end(run);
    }
    g_hash_table_destroy(table);
}

#else

static void body(struct repro_run *run)
{
    repro_skip(run, "GLib is not installed");
}

#endif

static const char *const uses[] = {"kept", "emptied", NULL};

static const struct repro_option options[] = {
    {"use", "look entries up in later phases, or empty the table in each", 0, 0, 1, uses},
    {"entries", "entries of the table, in the first phase", 3000, 1, 1000000, NULL},
    {0},
};

static const struct repro_variant variants[] = {
    {"--use emptied",
     {REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {0},
};

static const struct repro_law law = {
    .formula = "8 * pow2_above(max(7, entries + entries / 16)) + 1",
    .source =
        "the array of keys: a pointer for each of a power of two that is filled to 16/17 (GHashTable, GLib 2.74)",
    .at = (const char *const[]){"--entries 30", "--entries 31", "--entries 60", "--entries 61",
                                "--entries 240", "--entries 241", "--entries 481", "--entries 482",
                                "--entries 963", "--entries 964", "--entries 3000",
                                "--entries 3855", "--entries 3856", NULL},
};

static const struct repro_finding findings[] = {
    {"Z17", "c_library",
     "A GHashTable grows by realloc from 8 slots on: "
     "where realloc may migrate, a table that was made before any phase moves into the arena, "
     "and in the next phase none of its entries is found; where realloc is sticky it stays out",
     "high", "fixed by realloc=sticky, the default", REPRO_ROUTE, 0},
    {0},
};

const struct repro repro = {
    .id = "R34",
    .slug = "glib_hash_table",
    .class = "GLib",
    .title = "a hash table made before any phase grows into the arena",
    .seed = "-",
    .severity = "high",
    .explain =
        "A GHashTable is three arrays, of hashes, of keys and of values, which start with 8\n"
        "slots and double by realloc. The table here is a cache that a program makes at its\n"
        "start, before any phase, as it is told to do. Then 3000 entries are inserted inside a\n"
        "phase, and realloc, where it may migrate (profiles none, flush, route), moves the\n"
        "arrays into the arena one after the other, unnoticed.\n"
        "\n"
        "In the next phase they are somebody's data. A hash of 0 is an empty slot: where the\n"
        "data are zeros, as a column is that has just been cleared, none of the 3000 entries is\n"
        "found, while the table goes on counting them. A cache computes everything again; a\n"
        "table of what has been proved has forgotten it. Where there is no zero among the data,\n"
        "there is no empty slot, and the lookup never ends.\n"
        "\n"
        "--use emptied empties the table at the end of each phase: g_hash_table_remove_all\n"
        "shrinks the arrays to 8 slots again, but in place: they stay where they are, in the\n"
        "arena. The next phase's entries are written into somebody's data, and are gone when\n"
        "that is written again.\n"
        "\n"
        "Sticky realloc (profile seed) is the cure: what started outside of the arena, here\n"
        "because 64 bytes are below the threshold, stays outside. By size alone 32769 is the\n"
        "threshold for 3000 entries, and twice as much for twice as many.\n",
    .body = body,
    .options = options,
    .variants = variants,
    .findings = findings,
    .law = &law,
    .expect = {[REPRO_NONE] = REPRO_CORRUPT,
               [REPRO_FLUSH] = REPRO_CORRUPT,
               [REPRO_ROUTE] = REPRO_CORRUPT,
               [REPRO_SEED] = REPRO_CLEAN,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
};
