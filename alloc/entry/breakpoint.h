/*
 * breakpoint.h - sets breakpoint instructions in this process's own text, and handles the traps. A breakpoint stays
 * once it is set, so no thread that gets there is missed, and none executes half an instruction.
 */
#ifndef ZK_BREAKPOINT_H
#define ZK_BREAKPOINT_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* Called in a signal handler, with signals blocked, before the instruction is executed. */
typedef void zk_reached(void *arg);

/* Where to set a breakpoint, and what the file says about the place. */
struct zk_place {
    uintptr_t address;
    int protection;      /* PROT_ bits of the text */
    uintptr_t low, high; /* bounds of the object that it lies in */
};

/* Sets a breakpoint. Returns NULL, or the reason why that is not possible. One thread at a time. */
const char *zk_breakpoint_set(const struct zk_place *place, zk_reached *reached, void *arg);

/* Is there a breakpoint of ours at address? */
bool zk_breakpoint_is_set(uintptr_t address);

/* The object between low and high has been unloaded: forgets its breakpoints, since other code may
 * lie there now. */
void zk_breakpoints_forget(uintptr_t low, uintptr_t high);

/* Called by the handler of SIGTRAP. False if the trap is not ours; then the thread's state is
 * unchanged. */
bool zk_breakpoint_hit(const siginfo_t *info, void *context);

#endif
