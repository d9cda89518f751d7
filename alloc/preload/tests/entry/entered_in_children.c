/*
 * entered_in_children.c - children are counted separately: a fork continues from its parent's count, and an exec
 * starts anew. A child that is another program, without the function, runs undisturbed.
 */
#include "entered.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

ENTERED int the_round(int x);

int the_round(int x)
{
    return x + 1;
}

static void enter(int times)
{
    for (int i = 0; i < times; i++)
        NEED(the_round(i) == i + 1);
}

static void run(const char *program, const char *argument)
{
    pid_t child = fork();

    if (child == 0) {
        execl(program, program, argument, "exit 0", (char *)NULL);
        _exit(99);
    }
    child_succeeds(child);
}

int main(int argc, char **argv)
{
    pid_t child;

    (void)argv;
    deadline(50);
    if (argc > 1) { /* after the exec */
        enter(2);
        expect_phases(2);
        return 0;
    }
    enter(3);
    child = fork();
    if (child == 0) {
        enter(4);
        expect_phases(7);
        _exit(0);
    }
    child_succeeds(child);
    run("/proc/self/exe", "executed");
    run("/bin/sh", "-c");
    enter(1);
    expect_phases(4);
    return 0;
}
