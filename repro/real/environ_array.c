/*
 * environ_array - the environment is an array, which setenv reallocates as it grows.
 *
 * needs: nothing
 *
 * setenv of a new name reallocates the array environ, and keeps it. 2000 of them, on top of the 37
 * variables of a usual session, make it 16304 bytes; the values and the nodes of the tree in which
 * glibc looks them up are small blocks. All of it is made in the first phase.
 *
 * The next phase's first allocation lands on the array. A phase that begins by making a table of
 * zeros (as calloc does) ends the environment at its first entry: getenv finds nothing, and does not
 * complain. Every phase looks every variable up.
 */
#include "repro.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { inherited = 37, name_room = 24 };

/* Makes the inherited environment the same in every run, since the array's size depends on it. */
static void inherit(char **variables, char names[][name_room])
{
    for (int i = 0; i < inherited; i++) {
        snprintf(names[i], name_room, "SESSION_%02d=%02d", i, i);
        variables[i] = names[i];
    }
    variables[inherited] = NULL;
    environ = variables;
}

static void make_name(char *name, int number)
{
    snprintf(name, name_room, "SETTING_%04d", number);
}

static void set_all(int made)
{
    char name[name_room];
    char value[name_room];

    for (int i = 0; i < made; i++) {
        make_name(name, i);
        snprintf(value, sizeof value, "%d", i);
        if (setenv(name, value, 1) != 0)
            abort();
    }
}

static void check_all(struct repro_run *run, int made)
{
    char name[name_room];
    int lost = 0;

    for (int i = 0; i < made; i++) {
        const char *value;

        make_name(name, i);
        value = getenv(name);
        if (value == NULL)
            lost++;
        else if (atoi(value) != i)
            repro_wrong(run, "getenv does not return the value that setenv was given");
    }
    if (lost > 0)
        repro_wrong(run, "getenv does not find %d of %d variables that were set", lost, made);
}

static void body(struct repro_run *run)
{
    static char names[inherited][name_room];
    static char *variables[inherited + 1];
    char **before = environ;
    int made = (int)repro_option(run, "variables") - inherited;

    inherit(variables, names);
    repro_fill_with(run, 0);
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            break;
        if (phase == 0)
            set_all(made);
        check_all(run, made);
        repro_check(run);
        repro_end(run);
    }
    environ = before;
}

static const struct repro_option options[] = {
    {"variables", "variables of the environment, 37 of them inherited", 2037, 38, 100000, NULL},
    {0},
};

static const struct repro_law law = {
    .formula = "8 * variables + 9",
    .source = "a pointer for each variable, and one that ends the array (__environ, glibc 2.36)",
    .at = (const char *const[]){"--variables 38", "--variables 62", "--variables 63",
                                "--variables 126", "--variables 127", "--variables 510",
                                "--variables 511", "--variables 512", "--variables 1022",
                                "--variables 1023", "--variables 2037", NULL},
};

static const struct repro_finding findings[] = {
    {"Z10", "c_library",
     "setenv reallocates the array environ and keeps it: "
     "8 bytes for each variable, so from 511 variables on it is beyond the usual threshold; in the next phase getenv finds nothing",
     "high",
     "fixed by sticky realloc, or by routing from MIN_BYTES 8 x variables + 9 on (glibc 2.36): 4097 for 511, 16305 for 2037",
     REPRO_ROUTE, 0},
    {0},
};

const struct repro repro = {
    .id = "R27",
    .slug = "environ_array",
    .class = "C library",
    .title = "the environment is an array that setenv reallocates and keeps",
    .seed = "-",
    .severity = "high",
    .explain =
        "The environment of a process is an array of pointers. The one that a process is born\n"
        "with is on its stack; the first setenv of a new name copies it to a block from malloc,\n"
        "and every further new name reallocates that block: 8 bytes for each variable, and 8 for\n"
        "the end. The values, and the nodes of the tree in which glibc looks for a value that it\n"
        "has already, are small blocks. All are kept until the process ends.\n"
        "\n"
        "Here the first phase sets 2000 variables, as a program does that passes its settings on\n"
        "to helpers, and the array has 16304 bytes. The second phase begins with a table of\n"
        "zeros, and that lands on it. The environment now ends before its first entry. Every\n"
        "getenv returns NULL, and the program goes on with its defaults: other settings, other\n"
        "results, and no error.\n"
        "\n"
        "With other data than zeros getenv follows what lies there as a pointer, and the program\n"
        "crashes, if it is lucky.\n"
        "\n"
        "A threshold of 16305 saves it. So do sticky blocks: the array began small, so it began\n"
        "as a system block, and what the seed ships leaves it one. Under route it moves into the\n"
        "arena when it exceeds 4096 bytes, at 511 variables.\n",
    .body = body,
    .options = options,
    .findings = findings,
    .law = &law,
    .expect = {[REPRO_NONE] = REPRO_CORRUPT,
               [REPRO_FLUSH] = REPRO_CORRUPT,
               [REPRO_ROUTE] = REPRO_CORRUPT,
               [REPRO_SEED] = REPRO_CLEAN,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
};
