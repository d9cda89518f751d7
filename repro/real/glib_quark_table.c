/*
 * glib_quark_table - GLib's table of names, once grown in a phase, serves the whole process.
 *
 * needs: glib-2.0
 *
 * A quark is a number for a string: the domain of every GError, the name of every signal and type is
 * one. Number to string is an array of pointers, string to number a hash table, and the strings
 * themselves are in chunks of 4088 bytes. All three grow when somebody interns a string, and are
 * never freed. What grows inside a phase is in the arena.
 *
 * The next phase's data are zeros: a column that has just been cleared. A quark has no name then, and
 * a name has no quark. A name that is interned next (--intern) is written into somebody's data.
 */
#include "repro.h"

#if !defined ZK_MISSING && __has_include(<glib.h>)
#include <glib.h>
#include <stdio.h>
#include <string.h>

enum { names = 3000, name_room = 32 };

static void make_name(char *name, unsigned number)
{
    snprintf(name, name_room, "a-name-of-%u", number);
}

static void check_names(struct repro_run *run, const GQuark *quarks)
{
    for (unsigned number = 0; number < names; number++) {
        const char *found = g_quark_to_string(quarks[number]);
        char name[name_room];

        make_name(name, number);
        if (found == NULL)
            repro_wrong(run, "a quark has no name any more");
        else if (strcmp(found, name) != 0)
            repro_wrong(run, "a quark has a wrong name");
        else if (g_quark_try_string(name) != quarks[number])
            repro_wrong(run, "a name has a wrong quark");
    }
}

static void body(struct repro_run *run)
{
    static GQuark quarks[names];
    char name[name_room];
    unsigned next = names;

    repro_fill_with(run, 0);
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        for (unsigned number = 0; phase == 0 && number < names; number++) {
            make_name(name, number);
            quarks[number] = g_quark_from_string(name);
        }
        check_names(run, quarks);
        for (unsigned long more = repro_option(run, "intern"); more > 0; more--) {
            make_name(name, next++);
            g_quark_from_string(name);
        }
        repro_end(run);
    }
}

#else

static void body(struct repro_run *run)
{
    repro_skip(run, "GLib is not installed");
}

#endif

/* The damaged bytes are not declared, since pointers differ from run to run. */
static const struct repro_option options[] = {
    {"intern", "names interned in each later phase", 0, 0, 1000, NULL},
    {0},
};

static const struct repro_variant variants[] = {
    {"--intern 1",
     {REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CLEAN, REPRO_CLEAN}},
    {0},
};

static const struct repro_finding findings[] = {
    {"Z15", "c_library",
     "GLib's table of quarks is grown by whoever interns a name, for the whole process: "
     "after 3000 names inside a phase the quarks of the process have no names in the next one, under the seed's default too",
     "critical", "fixed by routing from MIN_BYTES 32769 on (GLib 2.74); more names need more",
     REPRO_SEED, 0},
    {0},
};

const struct repro repro = {
    .id = "R32",
    .slug = "glib_quark_table",
    .class = "GLib",
    .title = "the table of interned names is grown in a phase, and serves the whole process",
    .seed = "-",
    .severity = "critical",
    .explain =
        "GLib numbers strings: g_quark_from_string gives each a number, a quark, once and for\n"
        "the whole process. Error domains, signals, types and properties are all quarks;\n"
        "comparing two of them is comparing two numbers. The table behind this belongs to\n"
        "nobody and is never freed: an array of pointers for number to string, a hash table for\n"
        "string to number, and chunks of 4088 bytes for the strings. It grows whenever somebody\n"
        "interns a string, which is whenever a library is first used.\n"
        "\n"
        "Grown inside a phase, it lies in the arena. 3000 names make the array 32768 bytes, and\n"
        "the hash table's keys as many. In the next phase both are somebody's data. Where these\n"
        "are zeros, as a column is that has just been cleared, no crash tells of it: a quark\n"
        "has no name, and a name that is interned again gets a second number, so that an\n"
        "error's domain does not compare equal to itself. Other data are followed as pointers.\n"
        "\n"
        "--intern N interns N more names in each later phase: they are written into that\n"
        "phase's data. Since the hash table grows by realloc from what GLib made at its start,\n"
        "outside of phases, profile seed (realloc=sticky) has only the array of names in the\n"
        "arena; that is enough. 32769 is the threshold that saves 3000 names. The array doubles\n"
        "with the names: no threshold saves a process that goes on interning.\n",
    .body = body,
    .options = options,
    .variants = variants,
    .findings = findings,
    .expect = {[REPRO_NONE] = REPRO_CORRUPT,
               [REPRO_FLUSH] = REPRO_CORRUPT,
               [REPRO_ROUTE] = REPRO_CORRUPT,
               [REPRO_SEED] = REPRO_CORRUPT,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
};
