/*
 * loader_scope - a library that is loaded late allocates what it needs in the phase that loads it.
 *
 * needs: nothing
 *
 * dlopen of the first library that needs libstdc++ allocates the loader's records of the loaded
 * objects, and runs libstdc++'s constructors. One of them allocates 72704 bytes: the emergency
 * pool, which holds exceptions when there is no other memory for them. All of it is kept until the
 * process ends.
 *
 * The next phase's first allocation lands on it. Each later phase looks a function up in the library,
 * runs out of memory, and asks libstdc++ for more with the function that returns NULL instead of
 * throwing: internally it throws and catches std::bad_alloc, which comes from the pool.
 */
#include "repro.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>

enum {
    slab_mib = 1, /* small, so that a phase can use all of it */
    largest_hoarded = 256 << 10,
    stack_bytes = 1 << 20, /* for libstdc++'s unwinder, and for the trap's handler */
};

typedef void *new_function(size_t size, const void *nothrow);

static const size_t too_much = PTRDIFF_MAX; /* for the arena as well as for the C library */
static const char nothrow;                  /* its address is passed, as in C++ */

/* The blocks that were taken to use up all memory: a list linked by their first words. */
struct hoard {
    struct hoard *next;
};

/* operator new(size_t, std::nothrow_t const &), looked up through the loader's records; NULL if it
 * is not there. */
static new_function *find_new(void *library)
{
    union {
        void *object;
        new_function *function;
    } found = {.object = dlsym(library, "_ZnwmRKSt9nothrow_t")};

    return found.function;
}

/* Gives the process no more address space. The stack that it has stays. */
static void limit_memory(rlim_t bytes)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_AS, &limit) != 0)
        abort();
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    if (setrlimit(RLIMIT_AS, &limit) != 0)
        abort();
}

__attribute__((noinline)) static void use_stack(void)
{
    volatile char stack[stack_bytes];

    for (size_t i = 0; i < sizeof stack; i += 1024)
        stack[i] = 0;
}

/* Takes everything that malloc has left, down to the last few bytes. */
static struct hoard *take_all(void)
{
    struct hoard *all = NULL;

    for (size_t size = largest_hoarded; size >= sizeof *all; size /= 2) {
        struct hoard *taken;

        while ((taken = malloc(size)) != NULL) {
            taken->next = all;
            all = taken;
        }
    }
    return all;
}

static void give_back(struct hoard *all)
{
    while (all != NULL) {
        struct hoard *next = all->next;

        free(all);
        all = next;
    }
}

/* The first exception of a thread allocates its record of exceptions in flight; that must not
 * happen when memory is used up. */
static void warm_up(new_function *new)
{
    free(new (too_much, &nothrow));
}

/* Asks for memory when none is left. */
static void check_new(struct repro_run *run, new_function *new)
{
    struct rlimit before;
    struct hoard *all;
    void *got;

    use_stack();
    if (getrlimit(RLIMIT_AS, &before) != 0)
        abort();
    limit_memory(1);
    all = take_all();
    got = new (too_much, &nothrow);
    limit_memory(before.rlim_cur);
    give_back(all);
    if (got != NULL)
        repro_wrong(run, "operator new returns memory where there is none");
    free(got);
}

static void body(struct repro_run *run)
{
    void *library = NULL;

    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        new_function *new;

        if (!repro_begin(run))
            return;
        if (phase == 0)
            library = dlopen("libstdc++.so.6", RTLD_NOW);
        if (library == NULL)
            repro_skip(run, "libstdc++.so.6 is not installed");
        new = find_new(library);
        if (new == NULL)
            repro_wrong(run, "the loader does not find a function that it found before");
        else if (phase == 0)
            warm_up(new);
        else
            check_new(run, new);
        repro_check(run);
        repro_end(run);
    }
}

static const struct repro_finding findings[] = {
    {"Z13", "c_library",
     "dlopen inside a phase puts the loader's records and libstdc++'s emergency exception pool (72704 bytes) into recyclable memory: "
     "when memory runs out in a later phase, the exception is made in another block",
     "critical",
     "fixed by routing from MIN_BYTES 72705 on (libstdc++ of GCC 12); or by loading before the first phase",
     REPRO_SEED, 0},
    {0},
};

const struct repro repro = {
    .id = "R30",
    .slug = "loader_scope",
    .class = "C library",
    .title = "a library that is loaded in a phase is lost in the next",
    .seed = "-",
    .severity = "critical",
    .explain =
        "dlopen keeps records of what it loads (a map of 1239 bytes for each library, its list of\n"
        "where to search, the versions that it has), and runs the library's constructors, which\n"
        "allocate what the library keeps. The first library that needs libstdc++ brings a block\n"
        "of 72704 bytes: the pool from which exceptions are made when malloc has nothing left.\n"
        "\n"
        "Here the first phase loads it, as a plug-in would be. Under profile none the second phase\n"
        "overwrites the loader's map, and the next dlsym, dlopen or throw crashes.\n"
        "\n"
        "Under a threshold of 4096 only the pool lies in the arena, and for as long as there is\n"
        "memory nothing shows. So each later phase takes all that there is, and then calls\n"
        "operator new(size, std::nothrow). It throws std::bad_alloc inside and catches it: the\n"
        "pool is there for nothing but this. Its list of free parts is filler by now. libstdc++\n"
        "takes the filler for a free part of enough bytes and makes the exception in it, 136 bytes\n"
        "and a header, in the middle of the new phase's data. The program then handles the lack\n"
        "of memory as it was written to, with wrong data.\n"
        "\n"
        "Where that data is zeros, the pool seems to be empty, and the program is ended by\n"
        "std::terminate instead.\n"
        "\n"
        "72705 is the threshold that saves it; or loading before the first phase, as it is for\n"
        "every program that is linked with libstdc++.\n",
    .body = body,
    .slab_bytes = (size_t)slab_mib << 20,
    .findings = findings,
    .expect = {[REPRO_NONE] = REPRO_CRASH,
               [REPRO_FLUSH] = REPRO_CRASH,
               [REPRO_ROUTE] = REPRO_CORRUPT,
               [REPRO_SEED] = REPRO_CORRUPT,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
};
