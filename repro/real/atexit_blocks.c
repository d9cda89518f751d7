/*
 * atexit_blocks - the C library keeps exit handlers in blocks of 32.
 *
 * needs: nothing
 *
 * atexit has room for 32 handlers from the start; after that it allocates blocks of 1040 bytes, each
 * with 32 handlers and a pointer to the block before it. 600 handlers are registered in the first
 * phase, and one more in each later one, as a library does that is loaded late.
 *
 * The next phase's first allocation lands on the blocks. If that is zeros (a fresh table), the
 * newest block has no handlers and no block before it: exit() runs none, not even those that were
 * never in the arena. In every later phase a forked child calls exit(), and its handlers count.
 */
#include "repro.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { registered_first = 600 };

static _Atomic unsigned *ran; /* shared with the children */
static pid_t owner;           /* runs no handler: with --no-fork it exits too */

static void count(void)
{
    if (getpid() != owner)
        atomic_fetch_add(ran, 1);
}

/* Registered before all others, so it runs after them. Handlers registered before it belong to the
 * harness and the allocator: they would make a report for a process that is only a copy. */
static void last(void)
{
    if (getpid() != owner)
        _exit(0);
}

static void must(bool done)
{
    if (!done)
        abort();
}

static void prepare(void)
{
    owner = getpid();
    ran = mmap(NULL, sizeof *ran, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(ran != MAP_FAILED);
    must(atexit(last) == 0);
}

static void check_exit(struct repro_run *run, unsigned registered)
{
    pid_t child;
    int status = 0;

    atomic_store(ran, 0);
    child = fork();
    if (child == 0)
        exit(0);
    must(child > 0 && waitpid(child, &status, 0) == child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        repro_wrong(run, "exit(0) does not end the process with status 0");
    else if (atomic_load(ran) != registered)
        repro_wrong(run, "exit runs %s of the handlers that were registered",
                    atomic_load(ran) == 0 ? "none" : "some");
}

static void body(struct repro_run *run)
{
    unsigned registered = 0;

    prepare();
    repro_fill_with(run, 0);
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        unsigned goal = registered_first + phase;

        if (!repro_begin(run))
            return;
        if (phase > 0)
            check_exit(run, registered);
        repro_check(run); /* the next line stores a pointer that differs from run to run */
        for (; registered < goal; registered++)
            must(atexit(count) == 0);
        repro_end(run);
    }
}

static const struct repro_law law = {
    .formula = "16 + 32 * 32 + 1",
    .source =
        "a pointer, a number, and 32 handlers of 32 bytes (struct exit_function_list, glibc 2.36)",
    .at = (const char *const[]){"", NULL},
};

static const struct repro_finding findings[] = {
    {"Z11", "c_library",
     "atexit keeps handlers in blocks of 1040 bytes: "
     "from the 33rd on, a handler that is registered in a phase is lost in the next, and all that were registered before go with it",
     "high", "fixed by routing from MIN_BYTES 1041 on (glibc 2.36)", REPRO_NONE, 0},
    {0},
};

const struct repro repro = {
    .id = "R28",
    .slug = "atexit_blocks",
    .class = "C library",
    .title = "handlers for the end of the process are kept in blocks of 32",
    .seed = "-",
    .severity = "high",
    .explain =
        "The C library keeps what is to run at exit() in a list of blocks. Each has room for 32\n"
        "handlers, a count, and a pointer to the block that was filled before it: 1040 bytes.\n"
        "The first is part of the library; the others come from malloc. atexit fills them, and so\n"
        "does every C++ object with static storage duration, and every plug-in.\n"
        "\n"
        "Here the first phase registers 600 handlers, so 18 blocks lie in the arena. The second\n"
        "phase begins with a table of zeros, which lands on them. The newest block now says that\n"
        "it holds nothing and that there is no other. exit() runs no handler at all, not even\n"
        "those in the library's own block: no temporary file is removed, no journal closed, no\n"
        "profile written. The exit status is 0.\n"
        "\n"
        "It is looked at in a forked child, which calls exit() and counts what runs. Each phase\n"
        "also registers one handler more. atexit looks for room in the newest block, and writes\n"
        "the handler there: into the table.\n"
        "\n"
        "With other data than zeros, exit() goes through as many handlers as the data says, and\n"
        "the program crashes after it has done all its work.\n"
        "\n"
        "1041 is the threshold that saves it; the usual one of 4096 is beyond that.\n",
    .body = body,
    .findings = findings,
    .law = &law,
    .expect = {[REPRO_NONE] = REPRO_CORRUPT,
               [REPRO_FLUSH] = REPRO_CORRUPT,
               [REPRO_ROUTE] = REPRO_CLEAN,
               [REPRO_SEED] = REPRO_CLEAN,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
};
